//! What `check_*` demand of several fields together, as far as a schema can say it.

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::place::at;

/// Which fields the kinds of store share; all others are of one kind alone.
const BRIDGE: [&str; 5] = ["cluster", "url", "authority", "prefix", "timeout_ms"];
const FIELDS: [&str; 11] = [
    "slots",
    "slot_bytes",
    "cluster",
    "url",
    "authority",
    "label",
    "address",
    "token",
    "basic_auth",
    "prefix",
    "timeout_ms",
];

pub(super) fn put(schema: &mut Value) {
    add(schema, "apps[]", "allOf", apps());
    add(schema, "store", "allOf", stores());
    add(
        schema,
        "session",
        "anyOf",
        json!([
            { "properties": { "headers": { "minItems": 1 } } },
            { "required": ["cookie"], "properties": { "cookie": { "type": "string" } } },
            { "required": ["query"], "properties": { "query": { "type": "string" } } },
        ]),
    );
    add(
        schema,
        "routes[]",
        "oneOf",
        json!([
            { "required": ["path"], "properties": { "path": { "type": "string" }, "prefix": { "type": "null" } } },
            { "required": ["prefix"], "properties": { "prefix": { "type": "string" }, "path": { "type": "null" } } },
        ]),
    );
    add(schema, "routes[]", "allOf", routes());
    let without_wafer = json!({ "not": { "required": ["compat"], "properties": { "compat": { "const": "wafer" } } } });
    let no_weapp = json!({ "properties": { "endpoints": { "properties": only_null(&["weapp_login", "weapp_user"]) } } });
    add(
        schema,
        "",
        "allOf",
        json!([{ "if": without_wafer, "then": no_weapp }]),
    );
}

fn add(schema: &mut Value, path: &str, keyword: &str, value: Value) {
    if let Some(field) = at(schema, path) {
        field.insert(keyword.to_string(), value);
    }
}

/// Each platform has ids of its own form, and what becomes of other releases is said only where some are listed.
fn apps() -> Value {
    let form = |pattern: &str| json!({ "properties": { "appid": { "pattern": pattern } } });
    let of = |platform: &str| json!({ "required": ["platform"], "properties": { "platform": { "const": platform } } });
    // The default.
    let wechat = json!({ "properties": { "platform": { "const": "wechat" } } });
    let others = json!({ "required": ["platform"], "properties": { "platform": { "enum": ["qq", "douyin", "kuaishou"] } } });
    let without_releases = json!({ "properties": { "releases": { "type": "null" } } });
    json!([
        { "if": wechat, "then": form("^wx[0-9A-Fa-f]{16}$") },
        { "if": of("qq"), "then": form("^[0-9]{1,32}$") },
        { "if": of("douyin"), "then": form("^tt[A-Za-z0-9]{1,62}$") },
        { "if": of("kuaishou"), "then": form("^ks[A-Za-z0-9]{1,62}$") },
        { "if": others, "then": { "properties": only_null(&["push"]) } },
        { "if": without_releases, "then": { "properties": only_null(&["releases_action"]) } },
    ])
}

/// Each kind has fields of its own.
fn stores() -> Value {
    let kind = |names: &[&str]| json!({ "required": ["kind"], "properties": { "kind": { "enum": names } } });
    let others = |own: &[&str]| -> Value {
        let others: Vec<&str> = FIELDS
            .into_iter()
            .filter(|name| !own.contains(name))
            .collect();
        json!({ "properties": only_null(&others) })
    };
    let with = |more: &'static str| -> Vec<&str> { BRIDGE.into_iter().chain([more]).collect() };
    let none_named = json!({ "properties": { "kind": { "type": "null" } } });
    let needing =
        |name: &str, own: &[&str]| json!({ "allOf": [others(own), { "required": [name] }] });
    let rest = needing("token", &with("token"));
    let address = needing("address", &["address", "prefix", "timeout_ms"]);
    json!([
        // The host's own one: Envoy's has slots, Spin's a label.
        { "if": none_named, "then": others(&["slots", "slot_bytes", "label"]) },
        { "if": kind(&["shared_data"]), "then": others(&["slots", "slot_bytes"]) },
        { "if": kind(&["redis_rest"]), "then": rest },
        { "if": kind(&["webdis"]), "then": others(&with("basic_auth")) },
        { "if": kind(&["spin_kv"]), "then": others(&["label"]) },
        { "if": kind(&["spin_redis"]), "then": address },
    ])
}

fn routes() -> Value {
    let outage = |names: &[&str]| json!({ "required": ["outage"], "properties": { "outage": { "enum": names } } });
    let needs = |names: &[&str]| json!({ "properties": { "session": { "enum": names } } });
    let opens =
        json!({ "required": ["open_data"], "properties": { "open_data": { "const": "body" } } });
    let where_opened = json!({ "properties": { "session": { "enum": ["required", "optional"] }, "upgrades": { "maxItems": 0 } } });
    let idle = only_null(&[
        "open_data_in",
        "open_data_as",
        "open_data_phone_code",
        "open_data_other_types",
    ]);
    let logs_in = json!({ "required": ["login"], "properties": { "login": { "type": "string" } } });
    let no_login = only_null(&["login_code", "login_errors", "login_binds"]);
    let no_upgrades = json!({ "properties": { "upgrades": { "maxItems": 0 } } });
    let reads_token =
        json!({ "required": ["session_in"], "properties": { "session_in": { "type": "string" } } });
    json!([
        { "if": outage(&["stale"]), "then": needs(&["required", "optional"]) },
        { "if": outage(&["anonymous"]), "then": needs(&["optional"]) },
        { "if": opens, "then": where_opened, "else": { "properties": idle } },
        { "if": logs_in, "then": no_upgrades, "else": { "properties": no_login } },
        { "if": reads_token, "then": no_upgrades },
    ])
}

fn only_null(names: &[&str]) -> Value {
    let nulls = names
        .iter()
        .map(|name| (name.to_string(), json!({ "type": "null" })));
    Value::Object(nulls.collect::<Map<_, _>>())
}
