//! The committed schema against the configuration's own types and against the core itself: it is current, refuses what
//! the core refuses as far as a schema can, and never refuses what the core takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use serde_json::{Value, json};
use support::higress;
use support::{core_says, document, root};
use wx_session_core::config::HostKind;
use wx_session_core::config::schema::{NUMBERS, schema};

const FILE: &str = "deploy/wx-session.schema.json";

fn written() -> String {
    format!("{:#}\n", schema())
}

fn committed() -> Value {
    let text = std::fs::read_to_string(root().join(FILE)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn takes(schema: &Value, document: &Value) -> bool {
    jsonschema::validator_for(schema)
        .unwrap()
        .is_valid(document)
}

#[test]
#[ignore = "writes deploy/wx-session.schema.json and the form in deploy/higress/spec.yaml"]
fn write() {
    std::fs::write(root().join(FILE), written()).unwrap();
    higress::write(&schema());
}

#[test]
fn the_committed_schema_is_current() {
    let remedy = "cargo test -p wx-session-check --test schema -- --ignored write";
    assert!(
        committed() == schema(),
        "{FILE} is not what the types say: run `{remedy}`"
    );
    assert!(
        higress::is_current(&schema()),
        "deploy/higress/spec.yaml has another form: run `{remedy}`"
    );
}

#[test]
fn every_field_says_what_it_means() {
    let mut silent = Vec::new();
    silent_fields(&schema(), "", &mut silent);
    // Tables: their fields speak. And what a secret is, is said where it is asked for.
    silent.retain(|path| path.contains('.') && !path.ends_with(".env") && !path.ends_with("[]"));
    assert!(
        silent.is_empty(),
        "no row of docs/configuration.md or docs/spin.md: {silent:?}"
    );
}

fn silent_fields(schema: &Value, path: &str, silent: &mut Vec<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}").trim_start_matches('.').to_owned();
        if field.get("description").is_none() && field.get("properties").is_none() {
            silent.push(path.clone());
        }
        silent_fields(field, &path, silent);
        silent_fields(&field["items"], &format!("{path}[]"), silent);
    }
}

/// In these tables a field stands for nothing without others, or only within them.
fn around(path: &str) -> Value {
    match path.split('.').next().unwrap() {
        "store" if path == "store.timeout_ms" || path == "store.prefix" => {
            json!({ "store": { "kind": "webdis" } })
        }
        "store" => json!({ "store": { "kind": "shared_data" } }),
        "push" => json!({ "push": { "answer_after_ms": 100 } }),
        "assertion" => json!({ "assertion": { "key": { "env": "LONG" } } }),
        "session" => {
            json!({ "session": { "idle_timeout_s": 1, "absolute_timeout_s": 1, "user_ttl_s": 1 } })
        }
        _ => json!({}),
    }
}

/// What else has to grow with it.
fn with(path: &str, value: u64) -> Value {
    let mut patch = around(path);
    let (table, name) = path.split_once('.').unwrap();
    let field = name
        .split('.')
        .fold(&mut patch[table], |at, name| &mut at[name]);
    *field = json!(value);
    let more: &[&str] = match name {
        "idle_timeout_s" => &["absolute_timeout_s", "user_ttl_s"],
        "absolute_timeout_s" => &["user_ttl_s"],
        "body_bytes" => {
            patch[table]["waiting_bytes"] = json!((value * 4).clamp(262_144, 1_073_741_824));
            &[]
        }
        "waiting_bytes" => {
            patch[table]["body_bytes"] = json!(1024);
            &[]
        }
        _ => &[],
    };
    for other in more {
        patch[table][*other] = json!(value.clamp(1, 63_244_800));
    }
    document(&patch)
}

/// Not numbers themselves.
const OF_LENGTHS: [&str; 3] = ["store.prefix", "admin.tokens", "wechat_api.allow"];

#[test]
fn every_least_and_greatest_number_is_the_cores_own() {
    let schema = committed();
    let of_a_field = NUMBERS
        .iter()
        .filter(|(path, ..)| path.contains('.') && !path.contains("[]"));
    for &(path, least, greatest) in of_a_field.filter(|(path, ..)| !OF_LENGTHS.contains(path)) {
        let inside = [
            Some(least),
            Some(greatest).filter(|number| *number < u64::MAX),
        ];
        for value in inside.into_iter().flatten() {
            let document = with(path, value);
            assert_eq!(
                core_says(&document, HostKind::Envoy),
                None,
                "{path}: {value}"
            );
            assert!(
                takes(&schema, &document),
                "the schema refuses {path}: {value}"
            );
        }
        let outside = [least.checked_sub(1), greatest.checked_add(1)];
        for value in outside.into_iter().flatten() {
            let document = with(path, value);
            assert!(
                core_says(&document, HostKind::Envoy).is_some(),
                "the core takes {path}: {value}"
            );
            assert!(
                !takes(&schema, &document),
                "the schema takes {path}: {value}"
            );
        }
    }
}

#[test]
fn what_the_core_refuses_for_its_shape_the_schema_refuses_too() {
    let schema = committed();
    for patch in support::bad() {
        let document = document(&patch);
        assert!(
            core_says(&document, HostKind::Envoy).is_some(),
            "the core takes {patch}"
        );
        assert!(
            core_says(&document, HostKind::Spin).is_some(),
            "on Spin the core takes {patch}"
        );
        assert!(!takes(&schema, &document), "the schema takes {patch}");
    }
}

#[test]
fn what_is_shipped_and_what_the_core_takes_the_schema_takes() {
    let schema = committed();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (patch, host) in support::good() {
        let document = document(&patch);
        assert_eq!(core_says(&document, host), None, "{patch}");
        let said: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert!(said.is_empty(), "{patch}: {said:?}");
    }
}
