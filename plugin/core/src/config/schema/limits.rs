//! What `check_*` demand of single fields, in a schema's words. A test holds each number against the core itself.

use alloc::string::ToString;

use serde_json::{Value, json};

use super::place::at;

/// The least and the greatest number of a field.
pub type Limit = (&'static str, u64, u64);

const TWO_YEARS_S: u64 = 63_244_800;

/// Every field that has a least and a greatest number.
#[rustfmt::skip]
pub const NUMBERS: [Limit; 34] = [
    ("wechat.timeout_ms", 100, 30_000),
    ("qq.timeout_ms", 100, 30_000),
    ("douyin.timeout_ms", 100, 30_000),
    ("kuaishou.timeout_ms", 100, 30_000),
    ("store.slots", 2, 4_194_304),
    ("store.slot_bytes", 3072, 65_536),
    ("store.timeout_ms", 10, 10_000),
    ("session.idle_timeout_s", 1, TWO_YEARS_S),
    ("session.absolute_timeout_s", 1, TWO_YEARS_S),
    ("session.user_ttl_s", 1, TWO_YEARS_S),
    ("session.cache_ttl_s", 0, 60),
    ("session.stale_ttl_s", 1, 86_400),
    ("session.max_per_user", 1, 16),
    ("assertion.ttl_s", 1, 3600),
    ("login.remember_s", 0, 300),
    ("login.failures_per_minute", 0, 65_535),
    ("open_data.max_age_s", 1, u64::MAX),
    ("open_data.max_failures", 1, 255),
    ("limits.body_bytes", 1024, 1_048_576),
    ("limits.body_timeout_ms", 100, 60_000),
    ("limits.waiting_requests", 16, 65_536),
    ("limits.waiting_bytes", 262_144, 1_073_741_824),
    ("push.max_age_s", 10, 3600),
    ("push.answer_after_ms", 100, 4500),
    ("push.timeout_ms", 1000, 300_000),
    ("answers.session.http_status", 200, 599),
    ("answers.other.http_status", 200, 599),
    // Lists, by their length.
    ("apps", 1, u64::MAX),
    ("admin.tokens", 1, u64::MAX),
    ("apps[].appid", 1, 64),
    ("apps[].releases", 1, u64::MAX),
    ("wechat_api.allow", 1, u64::MAX),
    ("store.prefix", 0, 64),
    ("routes[].open_data_in", 1, u64::MAX),
];

const HEADER: &str = "^[A-Za-z0-9-]+$";
/// Of clients in the field.
const CLIENT_HEADER: &str = "^[A-Za-z0-9_-]+$";
const PLAIN: &str = "^[A-Za-z0-9_-]+$";
/// Of an answer: all but `data`.
const MEMBER: &str = "^(?!data$).+$";
/// Decoded, from the root, and no second reading of it: see `path::unambiguous`.
const PATH: &str = "^/[^%?#;\\\\]*$";
const URL: &str = "^https?://[A-Za-z0-9._:\\[\\]-]+/*$";

#[rustfmt::skip]
const PATTERNS: [(&str, &str); 57] = [
    // Which host has which: see `rules`.
    ("apps[].appid", "^[A-Za-z0-9]+$"),
    ("wechat.cluster", "^.+$"),
    ("wechat.url", URL),
    ("wechat.authority", "^[!-~]+$"),
    ("wechat_api.allow[]", "^(/[A-Za-z0-9_-]+)+/?$"),
    ("qq.cluster", "^.+$"),
    ("qq.url", URL),
    ("qq.authority", "^[!-~]+$"),
    ("douyin.cluster", "^.+$"),
    ("douyin.url", URL),
    ("douyin.authority", "^[!-~]+$"),
    ("kuaishou.cluster", "^.+$"),
    ("kuaishou.url", URL),
    ("kuaishou.authority", "^[!-~]+$"),
    ("store.cluster", "^.+$"),
    ("store.url", URL),
    ("store.authority", "^[!-~]+$"),
    ("store.label", "^.+$"),
    ("store.prefix", "^[!-~]*$"),
    ("upstream.url", URL),
    ("push.cluster", "^.+$"),
    ("push.url", URL),
    ("push.authority", "^[!-~]+$"),
    ("apps[].push.path", PATH),
    ("apps[].push.to", PATH),
    ("session.headers[]", CLIENT_HEADER),
    ("session.cookie", PLAIN),
    ("session.cookie_origins[]", "^[a-z][a-z0-9+.-]*://[!-.0-9:;<=>A-Z\\[\\]_a-z~-]+$"),
    ("session.query", PLAIN),
    ("session.piggyback_header", HEADER),
    ("endpoints.login", PATH),
    ("endpoints.session", PATH),
    ("endpoints.verify", PATH),
    ("endpoints.decrypt", PATH),
    ("endpoints.register", PATH),
    ("endpoints.phone", PATH),
    ("endpoints.user", PATH),
    ("endpoints.logout", PATH),
    ("endpoints.weapp_login", PATH),
    ("endpoints.weapp_user", PATH),
    ("admin.path", "^/[^%?#;\\\\]*[^%?#;\\\\/]/*$"),
    ("routes[].path", PATH),
    ("routes[].prefix", PATH),
    ("routes[].methods[]", "^[A-Z]+$"),
    ("routes[].open_data_as", "^[-_]*[A-Za-z0-9][A-Za-z0-9_-]*$"),
    ("routes[].session_in", "^.+$"),
    ("routes[].login_code", "^.+$"),
    ("answers.ok.message_as", MEMBER),
    ("answers.ok.token_as", "^(data\\.)?.+$"),
    ("answers.session.message_as", MEMBER),
    ("answers.other.message_as", MEMBER),
    ("identity_headers.openid", HEADER),
    ("identity_headers.unionid", HEADER),
    ("identity_headers.appid", HEADER),
    ("identity_headers.source", HEADER),
    ("identity_headers.auth_status", HEADER),
    ("identity_headers.login_event", HEADER),
];

/// Where members of an answer are given.
const CONSTANTS: [&str; 3] = [
    "answers.ok.members",
    "answers.session.members",
    "answers.other.members",
];

/// Where a secret is named.
const SECRETS: [&str; 8] = [
    "apps[].secret",
    "apps[].push.token",
    "apps[].push.encoding_aes_key",
    "master_keys[]",
    "store.token",
    "store.basic_auth",
    "assertion.key",
    "admin.tokens[]",
];

pub(super) fn put(schema: &mut Value) {
    for (path, least, greatest) in NUMBERS {
        let Some(field) = at(schema, path) else {
            continue;
        };
        let of = field
            .get("type")
            .map(ToString::to_string)
            .unwrap_or_default();
        let (low, high) = if of.contains("array") {
            ("minItems", "maxItems")
        } else if of.contains("string") {
            ("minLength", "maxLength")
        } else {
            ("minimum", "maximum")
        };
        field.insert(low.to_string(), json!(least));
        field.remove(high);
        if greatest < u64::MAX {
            field.insert(high.to_string(), json!(greatest));
        }
    }
    for (path, pattern) in PATTERNS {
        if let Some(field) = at(schema, path) {
            field.insert("pattern".to_string(), json!(pattern));
        }
    }
    if let Some(header) = at(schema, "assertion.header") {
        header.insert("pattern".to_string(), json!(HEADER));
    }
    for path in CONSTANTS {
        let Some(field) = at(schema, path) else {
            continue;
        };
        field.insert(
            "additionalProperties".to_string(),
            json!({ "type": ["string", "number", "boolean"] }),
        );
        field.insert("propertyNames".to_string(), json!({ "pattern": MEMBER }));
    }
    let secret = json!({
        "type": "object",
        "properties": { "env": { "type": "string" } },
        "required": ["env"],
        "additionalProperties": false,
    });
    for path in SECRETS {
        let Some(field) = at(schema, path) else {
            continue;
        };
        field.extend(secret.as_object().cloned().unwrap_or_default());
        if path.starts_with("store.") || path.ends_with("aes_key") {
            field.insert("type".to_string(), json!(["object", "null"]));
        }
    }
    if let Some(release) = at(schema, "apps[].releases[]") {
        let words =
            json!({ "type": "string", "pattern": "^(devtools|trial|release|[1-9][0-9]*)$" });
        let number = json!({ "type": "integer", "minimum": 1 });
        release.insert("oneOf".to_string(), json!([words, number]));
    }
    // Its one word is described, which makes an alternative of it.
    if let Some(compat) = at(schema, "compat") {
        compat.clear();
        compat.insert("type".to_string(), json!(["string", "null"]));
        compat.insert("enum".to_string(), json!(["wafer", null]));
    }
    if let Some(address) = at(schema, "store.address") {
        // One with a password is a secret.
        let plain = json!({ "type": "string", "pattern": "^rediss?://[^@]*$" });
        address.insert(
            "oneOf".to_string(),
            json!([plain, secret, { "type": "null" }]),
        );
    }
}
