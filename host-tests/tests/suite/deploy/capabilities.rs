//! What the configurations let the module do: exactly what it asks for. Too much is no hardening, too little breaks it,
//! and a callback that is missing is never called, so that everybody passes.

use std::collections::BTreeSet;

use project::{configurations, filter, root};
use serde_json::Value;
use wasmparser::{ExternalKind, Parser, Payload};

use crate::rig::envoy_world::{EnvoyWorld, with_token};

const FILTER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/1/typed_config/config";
const LIST: &str = "vm_config/capability_restriction_config/allowed_capabilities";

/// What it imports, and what Envoy may call in it. `proxy_on_memory_allocate` is none of the callbacks that Envoy
/// restricts, nor are those without `on`.
fn asked_for() -> BTreeSet<String> {
    let module = std::fs::read(filter::built().unwrap()).unwrap();
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&module) {
        match payload.unwrap() {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    names.insert(import.unwrap().name.to_owned());
                }
            }
            Payload::ExportSection(exports) => {
                let exports = exports
                    .into_iter()
                    .map(Result::unwrap)
                    .filter(|export| export.kind == ExternalKind::Func);
                let callbacks = exports.filter(|export| export.name.starts_with("proxy_on_"));
                names.extend(callbacks.map(|export| export.name.to_owned()));
            }
            _ => {}
        }
    }
    names.remove("proxy_on_memory_allocate");
    names
}

fn keys(list: &Value) -> BTreeSet<String> {
    list.as_object().unwrap().keys().cloned().collect()
}

/// A block of YAML that stands as a comment.
fn commented(text: &str, name: &str) -> Value {
    let lines = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with(&format!("# {name}:")));
    let block: Vec<&str> = lines
        .map_while(|line| line.trim_start().strip_prefix("# "))
        .collect();
    serde_yaml_ng::from_str(&block.join("\n")).unwrap()
}

#[test]
fn every_configuration_allows_exactly_what_the_module_asks_for() {
    let asked_for = asked_for();
    let remedy = format!(
        "the list is now {}",
        asked_for.iter().cloned().collect::<Vec<_>>().join(": {}, ")
    );
    // Only where answers of WeChat's are looked at: elsewhere each piece of an answer would cost a crossing.
    let of_answers = String::from("proxy_on_response_body");
    let everywhere: BTreeSet<String> = asked_for
        .iter()
        .filter(|name| **name != of_answers)
        .cloned()
        .collect();
    for path in configurations().unwrap() {
        let config = testkit::envoy::Config::read(&path).unwrap();
        let list = config.document.pointer(&format!("{FILTER}/{LIST}"));
        assert_eq!(list.map(keys), Some(everywhere.clone()), "{path}: {remedy}");
    }
    let internal = testkit::envoy::Config::load().unwrap().wechat_api();
    let list = internal.filter().pointer(&format!("/{LIST}"));
    assert_eq!(list.map(keys), Some(asked_for), "{remedy}");
    let asked_for = everywhere;
    for path in [
        "deploy/istio/envoyfilter.yaml",
        "deploy/istio/envoyfilter-redis.yaml",
    ] {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let block = commented(&text, "capability_restriction_config");
        let list = &block["capability_restriction_config"]["allowed_capabilities"];
        assert_eq!(keys(list), asked_for, "{path}: {remedy}");
    }
}

/// Why the check refuses such a list: Envoy does not.
#[test]
fn a_list_without_a_callback_leaves_the_app_open() {
    let edge = EnvoyWorld::alone(|mut config| {
        let list = config
            .document
            .pointer_mut(&format!("{FILTER}/{LIST}"))
            .unwrap();
        assert!(
            list.as_object_mut()
                .unwrap()
                .remove("proxy_on_request_headers")
                .is_some()
        );
        config
    });
    assert_eq!(edge.send(&with_token("no token at all")).status, 200);
}
