//! Documents, good and bad, and what the core says of them.
#![allow(dead_code, reason = "each test has its own part of this")]

pub(crate) mod files;
pub(crate) mod higress;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wx_session_core::Config;
use wx_session_core::config::HostKind;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The shortest document, with more in it.
pub(crate) fn document(patch: &Value) -> Value {
    let mut document =
        json!({ "apps": [{ "appid": "wx0123456789abcdef", "secret": { "env": "WX_SECRET" } }] });
    for (name, value) in patch.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

pub(crate) fn core_says(document: &Value, host: HostKind) -> Option<String> {
    let secret = |name: &str| {
        Some(format!(
            "redis://unknown:unknown-unknown-unknown-unknown-{name}"
        ))
    };
    let config = Config::from_json(&document.to_string(), host, &secret);
    config.err().map(|error| error.to_string())
}

/// Refused on every host, and in a way that a schema can see.
pub(crate) fn bad() -> Vec<Value> {
    let app = |app: Value| json!({ "apps": [app] });
    let secret = || json!({ "env": "WX_SECRET" });
    let route = |route: Value| json!({ "routes": [route] });
    vec![
        json!({ "sesion": {} }),
        json!({ "apps": [] }),
        json!({ "apps": {} }),
        app(json!({ "secret": secret() })),
        app(json!({ "appid": "gh_1", "secret": secret() })),
        app(json!({ "appid": "tt01", "secret": secret() })),
        app(json!({ "platform": "douyin", "appid": "wx0123456789abcdef", "secret": secret() })),
        app(json!({ "platform": "qq", "appid": "tt01", "secret": secret() })),
        app(json!({ "platform": "kuaishou", "appid": "ks-1", "secret": secret() })),
        app(json!({ "platform": "baidu", "appid": "1", "secret": secret() })),
        json!({ "douyin": { "timeout_ms": 1 } }),
        json!({ "kuaishou": { "authority": "open kuaishou" } }),
        app(json!({ "appid": "wx0123456789abcdef" })),
        app(json!({ "appid": "wx0123456789abcdef", "secret": "0123456789abcdef0123456789abcdef" })),
        app(json!({ "appid": "wx0123456789abcdef", "secret": { "env": 1 } })),
        app(json!({ "appid": "wx0123456789abcdef", "secret": { "env": "A", "file": "b" } })),
        app(json!({ "appid": "wx0123456789abcdef", "secret": secret(), "name": "x" })),
        app(json!({ "appid": "wx0123456789abcdef", "secret": secret(), "push": {} })),
        app(
            json!({ "appid": "wx0123456789abcdef", "secret": secret(), "push": { "token": "AAAAA" } }),
        ),
        app(
            json!({ "appid": "wx0123456789abcdef", "secret": secret(), "push": { "token": secret(), "to": "push" } }),
        ),
        app(
            json!({ "platform": "qq", "appid": "1", "secret": secret(), "push": { "token": secret() } }),
        ),
        json!({ "push": { "answer_after_ms": 5000 } }),
        json!({ "master_keys": ["key"] }),
        json!({ "wechat": { "timeout_ms": "3s" } }),
        json!({ "answers": { "ok": { "http_status": 200 } } }),
        json!({ "answers": { "ok": { "members": { "data": 1 } } } }),
        json!({ "answers": { "session": { "members": { "a": [] } } } }),
        json!({ "answers": { "other": { "message_as": "data" } } }),
        json!({ "session": { "cookie": "a", "cookie_origins": ["https://a/"] } }),
        route(json!({ "path": "/a", "session": "public", "login_code": "c" })),
        route(json!({ "path": "/a", "session": "public", "login": "form" })),
        route(
            json!({ "path": "/a", "session": "public", "login": "body", "upgrades": ["websocket"] }),
        ),
        route(
            json!({ "path": "/a", "session": "required", "session_in": "t", "upgrades": ["websocket"] }),
        ),
        route(json!({ "path": "/a", "session": "required", "session_in": "" })),
        json!({ "wechat_api": {} }),
        json!({ "wechat_api": { "allow": [] } }),
        json!({ "wechat_api": { "allow": ["wxa/x"] } }),
        json!({ "wechat_api": { "allow": ["/wxa/../x"] } }),
        json!({ "wechat_api": { "allow": ["/"] } }),
        json!({ "wechat": { "cluster": "" } }),
        json!({ "wechat": { "authority": "api weixin" } }),
        json!({ "wechat": { "url": "api.weixin.qq.com" } }),
        json!({ "store": { "kind": "mysql" } }),
        json!({ "store": { "slots": 1.5 } }),
        json!({ "store": { "token": secret() } }),
        json!({ "store": { "kind": "redis_rest" } }),
        json!({ "store": { "kind": "redis_rest", "token": "t" } }),
        json!({ "store": { "kind": "redis_rest", "token": secret(), "slots": 16 } }),
        json!({ "store": { "kind": "webdis", "token": secret() } }),
        json!({ "store": { "kind": "webdis", "prefix": "with space" } }),
        json!({ "store": { "kind": "spin_kv", "slots": 16 } }),
        json!({ "store": { "kind": "spin_redis" } }),
        json!({ "store": { "kind": "spin_redis", "address": "redis://:password@host" } }),
        json!({ "upstream": { "url": "app" } }),
        json!({ "session": { "idle_timeout": 1 } }),
        json!({ "session": { "headers": [] } }),
        json!({ "session": { "headers": ["X Skey"] } }),
        json!({ "session": { "headers": "X-WX-Skey" } }),
        json!({ "session": { "cookie": "a b" } }),
        json!({ "session": { "query": "" } }),
        json!({ "session": { "piggyback": "yes" } }),
        json!({ "session": { "piggyback_header": "" } }),
        json!({ "compat": "weapp" }),
        json!({ "endpoints": { "login": "login" } }),
        json!({ "endpoints": { "login": "/a%20b" } }),
        json!({ "endpoints": { "weapp_login": "/weapp/login" } }),
        json!({ "endpoints": { "signin": "/signin" } }),
        json!({ "routes": {} }),
        route(json!({ "session": "public" })),
        route(json!({ "path": "/a" })),
        route(json!({ "path": "/a", "prefix": "/b", "session": "public" })),
        route(json!({ "path": "/a", "session": "open" })),
        route(json!({ "path": "a", "session": "public" })),
        route(json!({ "path": "/a?b", "session": "public" })),
        route(json!({ "prefix": "/a%2Fb", "session": "public" })),
        route(json!({ "path": "/a", "session": "required", "methods": ["get"] })),
        route(json!({ "path": "/a", "session": "required", "method": ["GET"] })),
        route(json!({ "path": "/a", "session": "public", "outage": "stale" })),
        route(json!({ "path": "/a", "session": "required", "outage": "anonymous" })),
        route(json!({ "path": "/a", "session": "required", "outage": "open" })),
        route(json!({ "path": "/a", "session": "public", "open_data": "body" })),
        route(json!({ "path": "/a", "session": "required", "open_data": "query" })),
        route(json!({ "path": "/a", "session": "required", "open_data_in": "detail" })),
        route(
            json!({ "path": "/a", "session": "required", "open_data": "body", "open_data_as": "--" }),
        ),
        route(
            json!({ "path": "/a", "session": "required", "open_data": "body", "open_data_in": "" }),
        ),
        route(
            json!({ "path": "/a", "session": "required", "open_data": "body", "upgrades": ["websocket"] }),
        ),
        json!({ "admin": {} }),
        json!({ "admin": { "tokens": [] } }),
        json!({ "admin": { "tokens": ["token"] } }),
        json!({ "admin": { "tokens": [secret()], "token": secret() } }),
        json!({ "admin": { "tokens": [secret()], "path": "/" } }),
        json!({ "admin": { "tokens": [secret()], "path": "wx-admin" } }),
        json!({ "cors_preflight": 1 }),
        json!({ "identity_headers": { "openid": "X_WX_OPENID" } }),
        json!({ "identity_headers": { "nickname": "X-Name" } }),
        json!({ "assertion": {} }),
        json!({ "assertion": { "key": "key" } }),
        json!({ "assertion": { "key": secret(), "header": "" } }),
        json!({ "open_data": { "max_age_s": 0 } }),
        json!({ "limits": { "body_bytes": null } }),
    ]
}

/// Taken on the host that stands beside it.
pub(crate) fn good() -> Vec<(Value, HostKind)> {
    use HostKind::{Envoy, Spin};
    let secret = || json!({ "env": "WX_SECRET" });
    vec![
        (json!({}), Envoy),
        (json!({}), Spin),
        (
            json!({ "store": { "kind": null }, "assertion": null, "compat": null }),
            Envoy,
        ),
        (
            json!({ "store": { "kind": "shared_data", "slots": 2, "slot_bytes": 3072, "token": null } }),
            Envoy,
        ),
        (
            json!({ "apps": [
                { "platform": "wechat", "appid": "wx0123456789abcdef", "secret": secret() },
                { "platform": "qq", "appid": "1108292182", "secret": secret() },
                { "platform": "douyin", "appid": "tt01", "secret": secret() },
                { "platform": "kuaishou", "appid": "ks01", "secret": secret() },
            ], "qq": { "cluster": "q" }, "douyin": { "timeout_ms": 500 } }),
            Envoy,
        ),
        (
            json!({ "admin": { "tokens": [{ "env": "NEW" }, { "env": "OLD" }], "path": "/inside/wx/" } }),
            Envoy,
        ),
        (
            json!({ "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] } }),
            Spin,
        ),
        (json!({ "store": { "slots": 2 } }), Envoy),
        (
            json!({ "apps": [{
                "appid": "wx0123456789abcdef",
                "secret": secret(),
                "push": { "token": secret(), "encoding_aes_key": null, "path": "/in", "to": "/messages" },
            }], "push": { "cluster": "backend", "max_age_s": 60 } }),
            Envoy,
        ),
        (json!({ "push": { "url": "http://127.0.0.1:8080" } }), Spin),
        (json!({ "store": { "label": "default" } }), Spin),
        (
            json!({ "store": { "kind": "redis_rest", "token": secret(), "authority": "redis.example.com" } }),
            Envoy,
        ),
        (
            json!({ "store": { "kind": "redis_rest", "token": secret(), "url": "https://redis.example.com/" } }),
            Spin,
        ),
        (
            json!({ "store": { "kind": "webdis", "cluster": "outbound|7379||webdis.wx.svc.cluster.local" } }),
            Envoy,
        ),
        (
            json!({ "store": { "kind": "spin_redis", "address": "redis://127.0.0.1:6379" } }),
            Spin,
        ),
        (
            json!({ "store": { "kind": "spin_redis", "address": secret(), "prefix": "" } }),
            Spin,
        ),
        (
            json!({ "upstream": { "url": "http://app.spin.internal" } }),
            Spin,
        ),
        (
            json!({ "session": { "headers": [], "cookie": "sid" } }),
            Envoy,
        ),
        (
            json!({ "session": { "headers": ["X-WX-Skey"], "query": null, "forward_token": true } }),
            Envoy,
        ),
        (
            json!({ "compat": "wafer", "endpoints": { "weapp_login": "/weapp/login" } }),
            Envoy,
        ),
        (
            json!({ "endpoints": { "prefix": "", "login": "/登录" } }),
            Envoy,
        ),
        (
            json!({ "routes": [
            { "path": "/healthz", "session": "public" },
            { "prefix": "/", "methods": ["GET"], "session": "optional", "outage": "anonymous" },
            { "prefix": "/catalog", "session": "required", "outage": "stale", "path": null },
            { "path": "/chat", "session": "required", "upgrades": ["websocket"] },
            { "path": "/profile", "session": "required", "open_data": "body", "open_data_in": "a b", "open_data_as": "_x" },
        ] }),
            Envoy,
        ),
        (
            json!({ "wechat_api": { "allow": ["/wxa/getwxacodeunlimit", "/cgi-bin/media/"] } }),
            Envoy,
        ),
        (
            json!({ "master_keys": [secret()], "assertion": { "key": secret(), "ttl_s": 1 } }),
            Envoy,
        ),
        (
            json!({ "open_data": { "max_age_s": null, "refuse_replay": true } }),
            Envoy,
        ),
    ]
}
