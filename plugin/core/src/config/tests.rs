//! Every impossible value is refused by the name of its field.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::{Config, ConfigError, HostKind, HostStore, StoreKind, raw};
use crate::testing::test;
use serde_json::{Value, json};

fn load(document: &Value) -> Result<Config, ConfigError> {
    load_on(HostKind::Envoy, document)
}

fn load_on(host: HostKind, document: &Value) -> Result<Config, ConfigError> {
    Config::from_json(&document.to_string(), host, &|name| match name {
        "WX_SECRET" => Some("0123456789abcdef0123456789abcdef".into()),
        "LONG" => Some("0123456789abcdef0123456789abcdef".into()),
        "TOKEN" => Some("another 32 characters, in two words".replace(' ', "_")),
        "WORDS" => Some("thirty-two characters, but in words".into()),
        "LONGER" => Some("0123456789abcdef0123456789abcdef0123456789abcdef".into()),
        "SHORT" => Some("short".into()),
        "SPACED" => Some("two words".into()),
        _ => None,
    })
}

fn document(patch: Value) -> Value {
    let mut document = json!({
        "apps": [{"appid": "wx0123456789abcdef", "secret": {"env": "WX_SECRET"}}]
    });
    for (name, value) in patch.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

pub(crate) fn secret(text: &str) -> super::Secret {
    super::Secret(text.into())
}

/// The shortest configuration.
pub(crate) fn minimal() -> Config {
    load(&document(json!({}))).unwrap()
}

/// The shortest one with these fields.
pub(crate) fn with(fields: Value) -> Config {
    load(&document(fields)).unwrap()
}

/// The shortest one for Spin, with its store.
pub(crate) fn minimal_on_spin(store: Value) -> Config {
    load_on(HostKind::Spin, &document(json!({"store": store}))).unwrap()
}

#[test]
fn one_app_is_configuration_enough() {
    let config = load(&document(json!({}))).unwrap();
    assert_eq!(config.session.idle, Duration::from_secs(7200));
    assert_eq!(config.mini_programs[0].api.target, "wechat");
}

#[test]
fn a_document_with_something_behind_it_is_refused() {
    for more in [" x", "{}", "}"] {
        let text = document(json!({})).to_string() + more;
        let error = Config::from_json(&text, HostKind::Envoy, &|_| {
            Some("0123456789abcdef0123456789abcdef".into())
        });
        let error = error.err().unwrap();
        assert_eq!(error.field, "configuration", "{more}");
        assert_eq!(error.problem, "trailing characters");
    }
}

#[rustfmt::skip]
#[test]
fn every_impossible_value_is_refused_by_the_name_of_its_field() {
    let app = |appid: &str, secret: Value| json!({"apps": [{"appid": appid, "secret": secret}]});
    let env = || json!({"env": "WX_SECRET"});
    let pushed = |push: Value| json!({"apps": [{"appid": "wx0123456789abcdef", "secret": env(), "push": push}]});
    for (patch, field, part) in [
(json!({"answers": {"ok": {"http_status": 200}}}), "answers.ok.http_status", "unknown field"),
        (json!({"answers": {"ok": {"members": {"data": 1}}}}), "answers.ok.members.data", "what the endpoint says"),
        (json!({"answers": {"ok": {"members": {"a": null}}}}), "answers.ok.members.a", "a text, a number"),
        (json!({"answers": {"ok": {"token_as": "data."}}}), "answers.ok.token_as", "must not be empty"),
        (json!({"answers": {"session": {"http_status": 204}}}), "answers.session.http_status", "with a body"),
        (json!({"answers": {"other": {"message_as": ""}}}), "answers.other.message_as", "must not be empty"),
        (json!({"session": {"cookie_origins": []}}), "session.cookie_origins", "without session.cookie"),
        (json!({"session": {"cookie": "a", "cookie_origins": ["https://a/"]}}), "session.cookie_origins[0]", "as browsers send it"),
        (json!({"session": {"cookie": "a", "cookie_attributes": "Max-Age=1"}}), "session.cookie_attributes", "Max-Age=1 is none of"),
        (json!({"session": {"cookie": "a", "cookie_attributes": "SameSite=None"}}), "session.cookie_attributes", "with Secure only"),
        (json!({"session": {"cookie": "__Host-a", "cookie_attributes": "Path=/"}}), "session.cookie_attributes", "with Secure only"),
        (json!({"session": {"headers": ["a b"]}}), "session.headers[0]", "\"_\""),
        (json!({"session": {"headers": ["x_wx_openid"]}}), "session.headers[0]", "another meaning"),
        (json!({"routes": [{"path": "/a", "session": "public", "login_code": "c"}]}), "routes[0].login_code", "without login"),
        (json!({"routes": [{"path": "/a", "session": "public", "login_binds": true}]}), "routes[0].login_binds", "without login"),
        (json!({"routes": [{"path": "/a", "session": "public", "login": "form"}]}), "routes[0].login", "unknown variant"),
        (json!({"routes": [{"path": "/a", "session": "public", "login": "body", "login_code": ""}]}), "routes[0].login_code", "of its own"),
        (json!({"routes": [{"path": "/a", "session": "public", "login": "body", "login_code": "iv"}]}), "routes[0].login_code", "of its own"),
        (json!({"routes": [{"path": "/a", "session": "public", "login": "body", "login_code": "t", "session_in": "t"}]}), "routes[0].login_code", "of its own"),
        (json!({"routes": [{"path": "/a", "session": "public", "login": "headers", "login_code": "Cookie"}]}), "routes[0].login_code", "another meaning"),
        (json!({"routes": [{"path": "/a", "session": "public", "login": "headers", "login_code": "X-WX-Skey"}]}), "routes[0].login_code", "another meaning"),
        (json!({"routes": [{"path": "/a", "session": "required", "login": "body", "upgrades": ["websocket"]}]}), "routes[0].login", "with upgrades"),
        (json!({"routes": [{"path": "/a", "session": "required", "session_in": "t", "upgrades": ["websocket"]}]}), "routes[0].session_in", "with upgrades"),
        (json!({"routes": [{"path": "/a", "session": "required", "session_in": ""}]}), "routes[0].session_in", "of its own"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data_phone_code": "c"}]}), "routes[0].open_data_phone_code", "without open_data"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "body", "open_data_phone_code": "iv"}]}), "routes[0].open_data_phone_code", "of its own"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "body", "open_data_phone_code": "openData"}]}), "routes[0].open_data_as", "clients send openData"),
        (json!({"wechat_api": {}}), "wechat_api", "missing field"),
        (json!({"wechat_api": {"allow": []}}), "wechat_api.allow", "at least one"),
        (json!({"wechat_api": {"allow": ["wxa/x"]}}), "wechat_api.allow[0]", "must be a path"),
        (json!({"wechat_api": {"allow": ["/wxa/x", "/wxa/../x"]}}), "wechat_api.allow[1]", "must be a path"),
        (json!({"wechat_api": {"allow": ["/"]}}), "wechat_api.allow[0]", "must be a path"),
        (json!({"wechat_api": {"allow": ["/sns/"]}}), "wechat_api.allow[0]", "never passed on"),
        (json!({"wechat_api": {"allow": ["/cgi-bin/Token"]}}), "wechat_api.allow[0]", "never passed on"),
        (json!({"wechat_api": {"allow": ["/wxa/x"]}, "routes": [{"path": "/a", "session": "public"}]}), "wechat_api", "of its own"),
        (json!({"wechat_api": {"allow": ["/wxa/x"]}, "apps": [{"platform": "qq", "appid": "1", "secret": env()}]}), "wechat_api", "an app of WeChat's"),
        (json!({"admin": {}}), "admin", "missing field `tokens`"),
        (json!({"admin": {"tokens": []}}), "admin.tokens", "at least one"),
        (json!({"admin": {"token": env()}}), "admin.token", "unknown field"),
        (json!({"admin": {"tokens": ["t"]}}), "admin.tokens[0]", "must not stand in"),
        (json!({"admin": {"tokens": [{"env": "NONE"}]}}), "admin.tokens[0].env", "NONE is not set"),
        (json!({"admin": {"tokens": [{"env": "TOKEN"}, {"env": "SHORT"}]}}), "admin.tokens[1].env", "at least 32"),
        (json!({"admin": {"tokens": [{"env": "WORDS"}]}}), "admin.tokens[0].env", "without spaces"),
        (json!({"admin": {"tokens": [env()]}}), "admin.tokens[0].env", "no AppSecret"),
        (json!({"admin": {"path": "/", "tokens": [{"env": "TOKEN"}]}}), "admin.path", "of its own"),
        (json!({"admin": {"path": "admin", "tokens": [{"env": "TOKEN"}]}}), "admin.path", "begin with /"),
        (json!({"admin": {"path": "/a%20b", "tokens": [{"env": "TOKEN"}]}}), "admin.path", "decoded"),
        (json!({"admin": {"path": "/wx", "tokens": [{"env": "TOKEN"}]}}), "admin.path", "the endpoint /wx/login"),
        (json!({"admin": {"path": "/WX/Logout", "tokens": [{"env": "TOKEN"}]}}), "admin.path", "the endpoint /wx/logout"),
        (json!({"admin": {"tokens": [{"env": "TOKEN"}]}, "routes": [{"prefix": "/wx-admin/x", "session": "public"}]}), "admin.path", "routes[0] would never"),
        (json!({"admin": {"tokens": [{"env": "TOKEN"}]}, "mode": "observe", "observe_paths": "tell"}), "admin", "observe_paths: tell"),
        (json!({"apps": []}), "apps", "at least one"),
        (app("gh_1", env()), "apps[0].appid", "16 hexadecimal"),
        (json!({"apps": [{"platform": "douyin", "appid": "wx0123456789abcdef", "secret": env()}]}), "apps[0].appid", "\"tt\""),
        (json!({"apps": [{"platform": "qq", "appid": "tt01", "secret": env()}]}), "apps[0].appid", "a number"),
        (json!({"apps": [{"platform": "kuaishou", "appid": "ks", "secret": env()}]}), "apps[0].appid", "\"ks\""),
        (json!({"apps": [{"platform": "wechat", "appid": "tt01", "secret": env()}]}), "apps[0].appid", "16 hexadecimal"),
        (json!({"apps": [{"platform": "baidu", "appid": "1", "secret": env()}]}), "apps[0].platform", "unknown variant"),
        (json!({"qq": {"timeout_ms": 1}}), "qq.timeout_ms", "between 100"),
        (json!({"douyin": {"cluster": ""}}), "douyin.cluster", "empty"),
        (json!({"kuaishou": {"url": "x"}}), "kuaishou.url", "is for Spin"),
        (app("wx0123456789abcdef", json!("s3cret")), "apps[0].secret", "must not stand in"),
        (app("wx0123456789abcdef", json!({"file": "x"})), "apps[0].secret", "{\"env\""),
        (app("wx0123456789abcdef", json!({"env": "NONE"})), "apps[0].secret.env", "NONE is not set"),
        (app("wx0123456789abcdef", json!({"env": "SHORT"})), "apps[0].secret.env", "at least 16"),
        (json!({"master_keys": [{"env": "SHORT"}]}), "master_keys[0].env", "at least 32"),
        (json!({"sesion": {}}), "sesion", "unknown field"),
        (json!({"": {}}), "configuration", "unknown field"),
        (json!({"_rules_": [{}]}), "_rules_", "matchRules"),
        (json!({"session": {"idle_timeout": 1}}), "session.idle_timeout", "unknown field"),
        (json!({"session": {"idle_timeout_s": "1h"}}), "session.idle_timeout_s", "invalid type"),
        (json!({"session": {"idle_timeout_s": 0}}), "session.idle_timeout_s", "between 1"),
        (json!({"session": {"absolute_timeout_s": 60}}), "session.absolute_timeout_s", "idle"),
        (json!({"session": {"cache_ttl_s": 3600}}), "session.cache_ttl_s", "at most 60"),
        (json!({"session": {"max_per_user": 0}}), "session.max_per_user", "between 1"),
        (json!({"session": {"headers": ["x y"]}}), "session.headers[0]", "letters"),
        (json!({"session": {"headers": []}}), "session.headers", "at least one"),
        (json!({"session": {"headers": ["X-WX-From-Token"]}}), "session.headers[0]", "already"),
        (json!({"session": {"headers": ["X-WX-Skey", "X-WX-Code"], "piggyback": true}}), "session.headers[1]", "already"),
        (json!({"compat": "wafer", "session": {"headers": ["X-WX-Skey", "X-WX-Id"]}}), "session.headers[1]", "already"),
        (json!({"store": {"kind": "mysql"}}), "store.kind", "unknown variant"),
        (json!({"store": {"kind": "shared_data", "slots": 1}}), "store.slots", "between 2"),
        (json!({"store": {"kind": "shared_data", "cluster": "x"}}), "store.cluster", "no field of this kind"),
        (json!({"store": {"kind": "redis_rest"}}), "store.token", "is missing"),
        (json!({"store": {"kind": "redis_rest", "token": "t"}}), "store.token", "must not stand in"),
        (json!({"store": {"kind": "redis_rest", "token": {"env": "SPACED"}}}), "store.token.env", "visible ASCII"),
        (json!({"store": {"kind": "redis_rest", "token": env(), "slots": 2}}), "store.slots", "no field of this kind"),
        (json!({"store": {"kind": "webdis", "token": env()}}), "store.token", "no field of this kind"),
        (json!({"store": {"kind": "webdis", "basic_auth": env()}}), "store.basic_auth.env", "user:password"),
        (json!({"store": {"kind": "webdis", "cluster": ""}}), "store.cluster", "empty"),
        (json!({"store": {"kind": "webdis", "authority": "a b"}}), "store.authority", "host name"),
        (json!({"store": {"kind": "webdis", "prefix": "a b"}}), "store.prefix", "visible ASCII"),
        (json!({"store": {"kind": "webdis", "timeout_ms": 1}}), "store.timeout_ms", "between 10"),
        (json!({"session": {"stale_ttl_s": 0}}), "session.stale_ttl_s", "between 1"),
        (json!({"routes": [{"path": "/a", "session": "required", "outage": "anonymous"}]}), "routes[0].outage", "optional routes only"),
        (json!({"routes": [{"path": "/a", "session": "public", "outage": "stale"}]}), "routes[0].outage", "no use"),
        (json!({"routes": [{"path": "/a", "session": "required", "outage": "open"}]}), "routes[0].outage", "unknown variant"),
        (json!({"routes": [{"path": "/a", "session": "public", "open_data": "body"}]}), "routes[0].open_data", "public"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "query"}]}), "routes[0].open_data", "unknown variant"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "body", "upgrades": ["websocket"]}]}), "routes[0].open_data", "upgrades"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data_as": "x"}]}), "routes[0].open_data_as", "no use"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "body", "open_data_in": ""}]}), "routes[0].open_data_in", "empty"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "body", "open_data_as": "a\"b"}]}), "routes[0].open_data_as", "letters"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "body", "open_data_as": "-"}]}), "routes[0].open_data_as", "letters"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "body", "open_data_as": "raw_data"}]}), "routes[0].open_data_as", "clients send rawData"),
        (json!({"routes": [{"path": "/a", "session": "required", "open_data": "body", "open_data_in": "d", "open_data_as": "D"}]}), "routes[0].open_data_as", "clients send d"),
        (json!({"wechat": {"timeout_ms": 1}}), "wechat.timeout_ms", "between 100"),
        (json!({"wechat": {"cluster": ""}}), "wechat.cluster", "empty"),
        (json!({"wechat": {"url": "x"}}), "wechat.url", "is for Spin"),
        (json!({"wechat": {"authority": ""}}), "wechat.authority", "host name"),
        (json!({"upstream": {"url": "http://app"}}), "upstream.url", "is for Spin"),
        (json!({"store": {"kind": "spin_kv"}}), "store.kind", "not to be had on Envoy"),
        (json!({"store": {"kind": "spin_redis"}}), "store.kind", "not to be had on Envoy"),
        (json!({"session": {"cookie": "a b"}}), "session.cookie", "letters"),
        (json!({"assertion": {"key": {"env": "LONG"}, "header": "X-WX-OPENID"}}), "assertion.header", "already"),
        (json!({"session": {"piggyback_header": "Set-Cookie"}}), "session.piggyback_header", "another meaning"),
        (json!({"session": {"piggyback_header": "x y"}}), "session.piggyback_header", "letters"),
        (json!({"identity_headers": {"login_event": "X-WX-OPENID"}}), "identity_headers.login_event", "already"),
        (json!({"compat": "weapp"}), "compat", "unknown variant"),
        (json!({"compat": "wafer", "session": {"headers": ["X-3rd-Session"]}}), "session.headers", "X-WX-Skey"),
        (json!({"compat": "wafer", "identity_headers": {"openid": "X-WX-Id"}}), "identity_headers.openid", "already"),
        (json!({"compat": "wafer", "endpoints": {"weapp_user": "/wx/user"}}), "endpoints.weapp_user", "already"),
        (json!({"endpoints": {"weapp_login": "/login"}}), "endpoints.weapp_login", "compat: wafer"),
        (json!({"routes": [{"session": "public"}]}), "routes[0]", "path or prefix"),
        (json!({"routes": [{"path": "/a", "session": "open"}]}), "routes[0].session", "unknown variant"),
        (json!({"routes": [{"path": "a", "session": "public"}]}), "routes[0].path", "begin with /"),
        (json!({"routes": [{"prefix": "/a/../b", "session": "public"}]}), "routes[0].prefix", "/../"),
        (json!({"routes": [{"path": "/a", "methods": ["get"], "session": "public"}]}), "routes[0].methods[0]", "capitals"),
        (json!({"endpoints": {"login": "/wx/user"}}), "endpoints.user", "already"),
        (json!({"identity_headers": {"openid": "x_openid"}}), "identity_headers.openid", "letters"),
        (json!({"identity_headers": {"leave_out": ["openid"]}}), "identity_headers.leave_out[0]", "unionid"),
        (json!({"identity_headers": {"openid": "Host"}}), "identity_headers.openid", "already"),
        (json!({"routes": [{"prefix": "/p", "session": "public"}, {"path": "/p/x", "session": "required"}]}), "routes[1]", "routes[0]"),
        (json!({"identity_headers": {"openid": "X-WX-Skey"}}), "identity_headers.openid", "already"),
        (json!({"identity_headers": {"unionid": "x-wx-openid"}}), "identity_headers.unionid", "already"),
        (json!({"login": {"remember_s": 3600}}), "login.remember_s", "at most 300"),
        (json!({"open_data": {"max_failures": 0}}), "open_data.max_failures", "at least 1"),
        (json!({"limits": {"body_bytes": 1}}), "limits.body_bytes", "between"),
        (json!({"limits": {"body_timeout_ms": 0}}), "limits.body_timeout_ms", "between"),
        (json!({"limits": {"body_timeout_ms": 60_001}}), "limits.body_timeout_ms", "between"),
        (json!({"limits": {"waiting_requests": 0}}), "limits.waiting_requests", "between"),
        (json!({"limits": {"waiting_bytes": 0}}), "limits.waiting_bytes", "between"),
        (json!({"limits": {"waiting_bytes": 2_000_000, "body_bytes": 1_000_000}}), "limits.waiting_bytes", "four times limits.body_bytes"),
        (json!({"assertion": {"key": {"env": "SHORT"}}}), "assertion.key.env", "at least 32"),
        (json!({"apps": [{"appid": "tt0123456789abcdef", "platform": "douyin", "secret": env(), "releases": ["trial"]}]}), "apps[0].releases", "wechat only"),
        (json!({"apps": [{"appid": "wx0123456789abcdef", "secret": env(), "releases": []}]}), "apps[0].releases", "at least one"),
        (json!({"apps": [{"appid": "wx0123456789abcdef", "secret": env(), "releases": ["trial", -1]}]}), "apps[0].releases[1]", "the number of one"),
        (json!({"apps": [{"appid": "wx0123456789abcdef", "secret": env(), "releases": ["1.0"]}]}), "apps[0].releases[0]", "the number of one"),
        (json!({"apps": [{"appid": "wx0123456789abcdef", "secret": env(), "releases": [1.5]}]}), "apps[0].releases[0]", "the number of one"),
        (json!({"apps": [{"appid": "wx0123456789abcdef", "secret": env(), "releases_action": "tell"}]}), "apps[0].releases_action", "without releases"),
        (json!({"identity_headers": {"unionid": "X-WX-Release"}}), "identity_headers.unionid", "another meaning"),
        (json!({"mode": "watch"}), "mode", "unknown variant"),
        (json!({"push": {"url": "http://app"}}), "push.url", "is for Spin"),
        (json!({"push": {"cluster": ""}}), "push.cluster", "empty"),
        (json!({"push": {"max_age_s": 0}}), "push.max_age_s", "between 10"),
        (json!({"push": {"answer_after_ms": 5000}}), "push.answer_after_ms", "waits for 5 s"),
        (json!({"push": {"timeout_ms": 10}}), "push.timeout_ms", "between 1000"),
        (json!({"push": {"timeout_ms": 2000}}), "push.timeout_ms", "not be below push.answer_after_ms"),
        (json!({"mode": "observe", "observe_paths": "tell", "apps": pushed(json!({"token": env()}))["apps"]}), "observe_paths", "WeChat's messages"),
        (json!({"admin": {"path": "/wx/push", "tokens": [{"env": "TOKEN"}]}, "apps": pushed(json!({"token": env()}))["apps"]}), "admin.path", "message push"),
        (pushed(json!({})), "apps[0].push", "missing field `token`"),
        (pushed(json!({"token": "AAAAA"})), "apps[0].push.token", "must not stand"),
        (pushed(json!({"token": env(), "path": "push"})), "apps[0].push.path", "begin with /"),
        (pushed(json!({"token": env(), "path": "/wx/user"})), "apps[0].push.path", "already the path"),
        (pushed(json!({"token": env(), "to": "/wx/user"})), "apps[0].push.to", "path of an endpoint"),
        (pushed(json!({"token": env(), "encoding_aes_key": {"env": "SHORT"}})), "apps[0].push.encoding_aes_key.env", "at least 43"),
        (pushed(json!({"token": env(), "encoding_aes_key": {"env": "LONGER"}})), "apps[0].push.encoding_aes_key.env", "43 characters"),
        (json!({"apps": [{"appid": "tt01", "platform": "douyin", "secret": env(), "push": {"token": env()}}]}), "apps[0].push", "wechat only"),
        (json!({"apps": [
            {"appid": "wx0123456789abcdef", "secret": env(), "push": {"token": env()}},
            {"appid": "wxba5fad812f8e6fb9", "secret": env(), "push": {"token": env()}},
        ]}), "apps[1].push.path", "one of its own"),
        (json!({"observe_paths": "tell"}), "observe_paths", "without a route that enforces"),
        (json!({"mode": "observe", "observe_paths": "tell", "routes": [{"path": "/a", "session": "required", "mode": "enforce"}]}), "observe_paths", "without a route that enforces"),
        (json!({"mode": "observe", "observe_paths": "tell", "routes": [{"path": "/a", "session": "required", "open_data": "body"}]}), "observe_paths", "open_data of routes[0]"),
        (json!({"identity_headers": {"openid": "X-WX-Would-Refuse"}}), "identity_headers.openid", "another meaning"),
    ] {
        let error = load(&document(patch.clone())).err().unwrap();
        assert_eq!(error.field, field, "{patch} {error}");
        assert!(error.problem.contains(part), "{patch} {error}");
    }
}

/// And none of them can come from a client.
#[test]
fn a_name_that_the_edge_has_a_meaning_for_gets_no_other() {
    for name in crate::header_names::FIXED {
        assert!(minimal().own_names.has(name.as_bytes()), "{name}");
    }
    let of_clients = crate::header_names::parameter_headers().map(|(name, _)| name);
    for name in crate::header_names::FIXED.into_iter().chain(of_clients) {
        for field in ["openid", "login_event"] {
            let error = load(&document(json!({ "identity_headers": { field: name } }))).err();
            let error = error.unwrap();
            assert_eq!(
                error.field,
                alloc::format!("identity_headers.{field}"),
                "{name}"
            );
            assert!(error.problem.contains("another meaning"), "{error}");
        }
        let assertion = json!({ "assertion": { "key": { "env": "LONG" }, "header": name } });
        let error = load(&document(assertion)).err().unwrap();
        assert_eq!(error.field, "assertion.header", "{name}");
    }
}

#[rustfmt::skip]
#[test]
fn what_spin_cannot_do_is_refused_there() {
    let redis = |address: Value| json!({"store": {"kind": "spin_redis", "address": address}});
    for (patch, field, part) in [
        (json!({"store": {"kind": "shared_data"}}), "store.kind", "not to be had on Spin"),
        (json!({"store": {"slots": 2}}), "store.slots", "no field of this kind"),
        (json!({"store": {"label": ""}}), "store.label", "empty"),
        (json!({"store": {"kind": "webdis"}}), "store.url", "is missing"),
        (json!({"store": {"kind": "webdis", "url": "webdis:7379"}}), "store.url", "http://"),
        (json!({"store": {"kind": "spin_redis"}}), "store.address", "is missing"),
        (redis(json!("localhost:6379")), "store.address", "begin with redis://"),
        (redis(json!("redis://user:password@host")), "store.address", "holds a password"),
        (redis(json!({"env": "LONG"})), "store.address", "begin with redis://"),
        (json!({"wechat": {"url": "https://api.weixin.qq.com/sns"}}), "wechat.url", "no path"),
        (json!({"upstream": {"url": "app"}}), "upstream.url", "http://"),
    ] {
        let error = load_on(HostKind::Spin, &document(patch.clone())).err().unwrap();
        assert_eq!(error.field, field, "{patch} {error}");
        assert!(error.problem.contains(part), "{patch} {error}");
    }
}

#[test]
fn what_is_wrong_with_a_secret_is_said_in_the_words_of_the_host() {
    let env = |name: &str| json!({ "apps": [{ "appid": "wx0123456789abcdef", "secret": { "env": name } }] });
    let plain = json!({ "apps": [{ "appid": "wx0123456789abcdef", "secret": "s3cret" }] });
    for (patch, on_envoy, on_spin) in [
        (
            env("NONE"),
            ["environment variable NONE", "host_env_keys"],
            ["Spin's variable none", "`inherit_configuration`"],
        ),
        (
            env("SHORT"),
            ["environment variable SHORT", "at least 16"],
            ["Spin's variable short", "at least 16"],
        ),
        (
            plain,
            ["set NAME in the environment", ""],
            ["a variable of this name, in lower case", ""],
        ),
    ] {
        let words = |host| {
            let error = load_on(host, &document(patch.clone())).err();
            error.unwrap().problem
        };
        let (envoy, spin) = (words(HostKind::Envoy), words(HostKind::Spin));
        assert!(on_envoy.iter().all(|part| envoy.contains(part)), "{envoy}");
        assert!(on_spin.iter().all(|part| spin.contains(part)), "{spin}");
        assert!(
            !envoy.contains("Spin") && !spin.contains("environment"),
            "{envoy} {spin}"
        );
    }
}

#[test]
fn where_calls_go_is_told_in_the_words_of_the_host() {
    let redis = json!({ "store": { "kind": "spin_redis", "address": "redis://host:6379" } });
    let spin = load_on(HostKind::Spin, &document(redis)).unwrap();
    assert_eq!(
        spin.calls(),
        [
            ("wechat", "https://api.weixin.qq.com"),
            ("store", "redis://host:6379")
        ]
    );
    assert_eq!(minimal().calls(), [("wechat", "wechat")]);
}

/// A document with an app of each platform.
fn of_all_platforms() -> Value {
    let app = |platform: &str, appid: &str| json!({"platform": platform, "appid": appid, "secret": {"env": "WX_SECRET"}});
    document(json!({
        "apps": [
            app("wechat", "wx0123456789abcdef"),
            app("qq", "1108292182"),
            app("douyin", "tt01"),
            app("kuaishou", "ks01"),
            app("douyin", "tt02"),
        ],
        "douyin": {"timeout_ms": 500},
    }))
}

#[test]
fn each_edition_has_an_api_of_its_own_that_is_called_where_it_has_an_app() {
    let envoy = load(&of_all_platforms()).unwrap();
    assert_eq!(
        envoy.calls(),
        ["wechat", "qq", "douyin", "kuaishou"].map(|name| (name, name))
    );
    let spin = load_on(HostKind::Spin, &of_all_platforms()).unwrap();
    assert_eq!(
        spin.calls(),
        [
            ("wechat", "https://api.weixin.qq.com"),
            ("qq", "https://api.q.qq.com"),
            ("douyin", "https://developer.toutiao.com"),
            ("kuaishou", "https://open.kuaishou.com"),
        ]
    );
    for (appid, source, timeout) in [
        ("wx0123456789abcdef", "wx_client", 3000),
        ("1108292182", "qq_client", 3000),
        ("tt01", "tt_client", 500),
        ("tt02", "tt_client", 500),
        ("ks01", "ks_client", 3000),
    ] {
        assert_eq!(&**envoy.source(appid).unwrap(), source);
        let own = envoy.mini_program(appid).unwrap();
        assert_eq!(own.api.timeout, Duration::from_millis(timeout));
    }
    // An edge without WeChat calls none.
    let mut alone = of_all_platforms();
    alone["apps"] = json!([alone["apps"][2]]);
    assert_eq!(load(&alone).unwrap().calls(), [("douyin", "douyin")]);
}

#[test]
fn one_document_serves_both_hosts() {
    let both = document(json!({
        "wechat": {"cluster": "tencent", "authority": "api.weixin.qq.com"},
    }));
    let envoy = load(&both).unwrap();
    assert_eq!(envoy.mini_programs[0].api.target, "tencent");
    assert!(matches!(
        envoy.store,
        StoreKind::OfHost(HostStore::Embedded { .. })
    ));
    let spin = load_on(HostKind::Spin, &both).unwrap();
    assert_eq!(
        spin.mini_programs[0].api.target,
        "https://api.weixin.qq.com"
    );
    assert!(
        matches!(spin.store, StoreKind::OfHost(HostStore::SpinKeyValue { label }) if label == "default")
    );
    assert_eq!(spin.upstream_url, "http://app.spin.internal");
}

#[test]
fn the_names_of_all_secrets_are_known_before_they_are_looked_up() {
    let text = r#"{"apps":[{"secret":{"env":"A"}}],"store":{"token":{"env":"B"}},"x":{"env":1}}"#;
    let mut names = Config::secret_names(text);
    names.sort();
    assert_eq!(names, ["A", "B"]);
    assert!(Config::secret_names("nonsense").is_empty());
}

#[test]
fn text_that_is_not_json_is_refused() {
    let error = Config::from_json("apps:", HostKind::Envoy, &|_| None)
        .err()
        .unwrap();
    assert_eq!(error.field, "configuration");
}

/// The default of every field that has a number, a switch or a list for one, as the documentation writes it.
pub(crate) fn defaults() -> Vec<(&'static str, String)> {
    let raw::Session {
        idle_timeout_s,
        absolute_timeout_s,
        cache_ttl_s,
        stale_ttl_s,
        user_ttl_s,
        max_per_user,
        headers,
        forward_token,
        piggyback,
        piggyback_header,
        ..
    } = raw::Session::default();
    let raw::Limits {
        body_bytes,
        body_timeout_ms,
        waiting_requests,
        waiting_bytes,
    } = raw::Limits::default();
    let push = raw::Push::default();
    let (login, open_data) = (raw::Login::default(), raw::OpenData::default());
    let StoreKind::OfHost(HostStore::Embedded { slots, slot_bytes }) = minimal().store else {
        panic!("the embedded store is the default");
    };
    let redis = json!({ "store": { "kind": "redis_rest", "token": { "env": "LONG" } } });
    let StoreKind::Redis(redis) = load(&document(redis)).unwrap().store else {
        panic!("Redis was asked for");
    };
    let admin: raw::Admin = serde_json::from_value(json!({ "tokens": [] })).unwrap();
    let assertion = json!({ "assertion": { "key": { "env": "LONG" } } });
    let assertion = load(&document(assertion)).unwrap().assertion.unwrap();
    Vec::from([
        (
            "wechat.timeout_ms",
            raw::Api::default().timeout_ms.to_string(),
        ),
        ("qq.timeout_ms", raw::Api::default().timeout_ms.to_string()),
        ("store.slots", slots.to_string()),
        ("store.slot_bytes", slot_bytes.to_string()),
        ("store.prefix", redis.prefix),
        ("store.timeout_ms", redis.timeout.as_millis().to_string()),
        ("session.idle_timeout_s", idle_timeout_s.to_string()),
        ("session.absolute_timeout_s", absolute_timeout_s.to_string()),
        ("session.cache_ttl_s", cache_ttl_s.to_string()),
        ("session.stale_ttl_s", stale_ttl_s.to_string()),
        ("session.user_ttl_s", user_ttl_s.to_string()),
        ("session.max_per_user", max_per_user.to_string()),
        ("session.headers", headers.join(", ")),
        ("session.forward_token", forward_token.to_string()),
        ("session.piggyback", piggyback.to_string()),
        ("session.piggyback_header", piggyback_header),
        ("endpoints.prefix", raw::Endpoints::default().prefix),
        ("admin.path", admin.path),
        ("push.max_age_s", push.max_age_s.to_string()),
        ("push.answer_after_ms", push.answer_after_ms.to_string()),
        ("push.timeout_ms", push.timeout_ms.to_string()),
        ("responses.session_end", minimal().hears.end.to_string()),
        (
            "responses.attributes",
            minimal().hears.attributes.to_string(),
        ),
        (
            "cors_preflight",
            minimal().routes.cors_preflight.to_string(),
        ),
        ("assertion.ttl_s", assertion.lifetime.as_secs().to_string()),
        ("login.remember_s", login.remember_s.to_string()),
        (
            "login.failures_per_minute",
            login.failures_per_minute.to_string(),
        ),
        ("open_data.max_failures", open_data.max_failures.to_string()),
        (
            "open_data.refuse_replay",
            open_data.refuse_replay.to_string(),
        ),
        ("limits.body_bytes", body_bytes.to_string()),
        ("limits.body_timeout_ms", body_timeout_ms.to_string()),
        ("limits.waiting_requests", waiting_requests.to_string()),
        ("limits.waiting_bytes", waiting_bytes.to_string()),
    ])
}
