//! From the document to the checked configuration: every impossible value is refused here, and nowhere later.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::Value;

use super::raw;
use super::{
    App, Assertion, Config, ConfigError, IdentityHeaders, LoginRules, OpenDataRules, Secret,
    SessionRules, StoreKind, Wechat,
};
use crate::path;
use crate::route::{Endpoint, Need, Pattern, Routes, Rule};

type Checked<T> = Result<T, ConfigError>;
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

const YEAR_S: u64 = 366 * 24 * 3600;

fn wrong<T>(field: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
    Err(ConfigError {
        field: field.into(),
        problem: problem.into(),
    })
}

pub(super) fn config(document: raw::Document, environment: Environment<'_>) -> Checked<Config> {
    let apps = apps(document.apps, environment)?;
    let master_secrets = master_secrets(&document.master_keys, &apps, environment)?;
    let session = session(document.session)?;
    let identity = identity(document.identity_headers)?;
    if document.login.remember_s > 300 {
        return wrong(
            "login.remember_s",
            "must be at most 300: WeChat's codes live that long",
        );
    }
    if document.open_data.max_failures == 0 {
        return wrong("open_data.max_failures", "must be at least 1");
    }
    if document.open_data.max_age_s == Some(0) {
        return wrong(
            "open_data.max_age_s",
            "must be at least 1; leave it out for no limit",
        );
    }
    let body_bytes = document.limits.body_bytes;
    if !(1024..=1_048_576).contains(&body_bytes) {
        return wrong("limits.body_bytes", "must be between 1024 and 1048576");
    }
    Ok(Config {
        apps,
        master_secrets,
        wechat: wechat(document.wechat)?,
        store: store(&document.store)?,
        session,
        routes: Routes {
            endpoints: endpoints(&document.endpoints)?,
            rules: rules(document.routes)?,
            cors_preflight: document.cors_preflight,
        },
        identity,
        assertion: assertion(document.assertion, environment)?,
        login: LoginRules {
            remember: Duration::from_secs(document.login.remember_s),
            failures_per_minute: document.login.failures_per_minute,
        },
        open_data: OpenDataRules {
            max_age: document.open_data.max_age_s.map(Duration::from_secs),
            max_failures: document.open_data.max_failures,
            refuse_replay: document.open_data.refuse_replay,
        },
        body_bytes,
    })
}

fn apps(raw: Vec<raw::App>, environment: Environment<'_>) -> Checked<Vec<App>> {
    if raw.is_empty() {
        return wrong("apps", "needs at least one mini program");
    }
    let mut apps: Vec<App> = Vec::new();
    for (index, app) in raw.into_iter().enumerate() {
        let field = format!("apps[{index}].appid");
        let tail = app.appid.strip_prefix("wx").unwrap_or_default();
        if tail.len() != 16 || !tail.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return wrong(field, "must be \"wx\" and 16 hexadecimal digits");
        }
        if apps.iter().any(|earlier| earlier.appid == app.appid) {
            return wrong(field, "is listed twice");
        }
        let secret = secret(
            &format!("apps[{index}].secret"),
            &app.secret,
            16,
            environment,
        )?;
        apps.push(App {
            appid: app.appid,
            secret,
        });
    }
    Ok(apps)
}

/// Secrets come from the environment only: the configuration itself is shown by hosts' debugging pages.
fn secret(
    field: &str,
    value: &Value,
    min_length: usize,
    environment: Environment<'_>,
) -> Checked<Secret> {
    let name = match value {
        Value::Object(map) if map.len() == 1 => map.get("env").and_then(Value::as_str),
        Value::String(_) => {
            return wrong(
                field,
                "must not stand in the configuration: write {\"env\": \"NAME\"} and set NAME in the environment",
            );
        }
        _ => None,
    };
    let Some(name) = name else {
        return wrong(field, "must be {\"env\": \"NAME\"}");
    };
    match environment(name) {
        None => wrong(
            format!("{field}.env"),
            format!("the environment variable {name} is not set, or the host does not pass it on"),
        ),
        Some(text) if text.len() < min_length => wrong(
            format!("{field}.env"),
            format!("the environment variable {name} must hold at least {min_length} characters"),
        ),
        Some(text) => Ok(Secret(text)),
    }
}

fn master_secrets(
    keys: &[Value],
    apps: &[App],
    environment: Environment<'_>,
) -> Checked<Vec<Secret>> {
    if keys.is_empty() {
        return Ok(apps
            .first()
            .map(|app| app.secret.clone())
            .into_iter()
            .collect());
    }
    keys.iter()
        .enumerate()
        .map(|(index, key)| secret(&format!("master_keys[{index}]"), key, 32, environment))
        .collect()
}

fn wechat(raw: raw::Wechat) -> Checked<Wechat> {
    let target = match (raw.cluster, raw.url) {
        (Some(_), Some(_)) => return wrong("wechat", "has both cluster and url: give one"),
        (Some(target), None) | (None, Some(target)) if !target.is_empty() => target,
        (None, None) => "wechat".into(),
        _ => return wrong("wechat", "cluster and url must not be empty"),
    };
    if raw.authority.is_empty() || !raw.authority.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("wechat.authority", "must be a host name");
    }
    if !(100..=30_000).contains(&raw.timeout_ms) {
        return wrong("wechat.timeout_ms", "must be between 100 and 30000");
    }
    Ok(Wechat {
        target,
        authority: raw.authority,
        timeout: Duration::from_millis(raw.timeout_ms),
    })
}

fn store(raw: &raw::Store) -> Checked<StoreKind> {
    match *raw {
        raw::Store::SharedData { slots, slot_bytes } => {
            if !(2..=4_194_304).contains(&slots) {
                return wrong("store.slots", "must be between 2 and 4194304");
            }
            if !(1024..=65_536).contains(&slot_bytes) {
                return wrong("store.slot_bytes", "must be between 1024 and 65536");
            }
            Ok(StoreKind::SharedData { slots, slot_bytes })
        }
    }
}

fn session(raw: raw::Session) -> Checked<SessionRules> {
    let seconds = |name: &str, value: u64, least: u64| {
        if (least..=2 * YEAR_S).contains(&value) {
            Ok(Duration::from_secs(value))
        } else {
            wrong(
                format!("session.{name}"),
                format!("must be between {least} and {}", 2 * YEAR_S),
            )
        }
    };
    let idle = seconds("idle_timeout_s", raw.idle_timeout_s, 1)?;
    let absolute = seconds("absolute_timeout_s", raw.absolute_timeout_s, 1)?;
    let user_lifetime = seconds("user_ttl_s", raw.user_ttl_s, 1)?;
    if absolute < idle {
        return wrong(
            "session.absolute_timeout_s",
            "must not be below idle_timeout_s",
        );
    }
    if user_lifetime < absolute {
        return wrong("session.user_ttl_s", "must not be below absolute_timeout_s");
    }
    if raw.cache_ttl_s > 60 {
        return wrong(
            "session.cache_ttl_s",
            "must be at most 60: for so long a session ended elsewhere still passes here",
        );
    }
    if !(1..=16).contains(&raw.max_per_user) {
        return wrong("session.max_per_user", "must be between 1 and 16");
    }
    if raw.headers.is_empty() && raw.cookie.is_none() && raw.query.is_none() {
        return wrong(
            "session.headers",
            "needs at least one header that carries the token",
        );
    }
    let mut headers = Vec::new();
    for (index, name) in raw.headers.iter().enumerate() {
        headers.push(header_name(&format!("session.headers[{index}]"), name)?.to_string());
    }
    for (field, name) in [("cookie", &raw.cookie), ("query", &raw.query)] {
        if let Some(name) = name {
            header_name(&format!("session.{field}"), name)?;
        }
    }
    Ok(SessionRules {
        idle,
        absolute,
        cache: Duration::from_secs(raw.cache_ttl_s),
        user_lifetime,
        max_per_user: raw.max_per_user,
        headers,
        cookie: raw.cookie,
        query: raw.query,
        forward_token: raw.forward_token,
    })
}

fn header_name(field: &str, name: &str) -> Checked<Rc<str>> {
    let usable = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if usable {
        Ok(name.to_ascii_lowercase().into())
    } else {
        wrong(field, "must be letters, digits and \"-\"")
    }
}

fn identity(raw: raw::IdentityHeaders) -> Checked<IdentityHeaders> {
    Ok(IdentityHeaders {
        openid: header_name("identity_headers.openid", &raw.openid)?,
        unionid: header_name("identity_headers.unionid", &raw.unionid)?,
        appid: header_name("identity_headers.appid", &raw.appid)?,
        source: header_name("identity_headers.source", &raw.source)?,
        auth_status: header_name("identity_headers.auth_status", &raw.auth_status)?,
    })
}

fn assertion(
    raw: Option<raw::Assertion>,
    environment: Environment<'_>,
) -> Checked<Option<Assertion>> {
    let Some(raw) = raw else { return Ok(None) };
    if !(1..=3600).contains(&raw.ttl_s) {
        return wrong("assertion.ttl_s", "must be between 1 and 3600");
    }
    Ok(Some(Assertion {
        header: header_name("assertion.header", &raw.header)?,
        key: secret("assertion.key", &raw.key, 32, environment)?,
        lifetime: Duration::from_secs(raw.ttl_s),
    }))
}

fn endpoints(raw: &raw::Endpoints) -> Checked<Vec<(String, Endpoint)>> {
    let named = [
        ("login", Endpoint::Login, &raw.login),
        ("session", Endpoint::Session, &raw.session),
        ("verify", Endpoint::Verify, &raw.verify),
        ("decrypt", Endpoint::Decrypt, &raw.decrypt),
        ("register", Endpoint::Register, &raw.register),
        ("user", Endpoint::User, &raw.user),
        ("logout", Endpoint::Logout, &raw.logout),
    ];
    let prefix = raw.prefix.trim_end_matches('/');
    if !prefix.is_empty() {
        plain_path("endpoints.prefix", prefix)?;
    }
    let mut paths: Vec<(String, Endpoint)> = vec![];
    for (name, endpoint, own) in named {
        let field = format!("endpoints.{name}");
        let path = own.clone().unwrap_or_else(|| format!("{prefix}/{name}"));
        plain_path(&field, &path)?;
        if paths.iter().any(|(earlier, _)| *earlier == path) {
            return wrong(
                field,
                format!("{path} is already the path of another endpoint"),
            );
        }
        paths.push((path, endpoint));
    }
    Ok(paths)
}

/// A configured path is written decoded and in canonical form; anything else could never match a request.
fn plain_path(field: &str, text: &str) -> Checked<()> {
    if text.contains('%') {
        return wrong(field, "must be written decoded, without percent-encoding");
    }
    path::unambiguous(text).or_else(|problem| wrong(field, problem))
}

fn rules(raw: Vec<raw::Route>) -> Checked<Vec<Rule>> {
    let mut rules = Vec::new();
    for (index, route) in raw.into_iter().enumerate() {
        let field = |name: &str| format!("routes[{index}].{name}");
        let pattern = match (route.path, route.prefix) {
            (Some(path), None) => {
                plain_path(&field("path"), &path)?;
                Pattern::Exact(path)
            }
            (None, Some(prefix)) => {
                plain_path(&field("prefix"), &prefix)?;
                Pattern::Prefix(prefix.trim_end_matches('/').into())
            }
            _ => return wrong(format!("routes[{index}]"), "needs either path or prefix"),
        };
        for (at, method) in route.methods.iter().enumerate() {
            if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return wrong(
                    format!("routes[{index}].methods[{at}]"),
                    "must be an HTTP method in capitals, such as \"GET\"",
                );
            }
        }
        rules.push(Rule {
            pattern,
            methods: route.methods,
            need: match route.session {
                raw::SessionNeed::Required => Need::Required,
                raw::SessionNeed::Optional => Need::Optional,
                raw::SessionNeed::Public => Need::Public,
            },
            upgrades: route
                .upgrades
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
        });
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use serde_json::json;

    fn load(document: &Value) -> Checked<Config> {
        Config::from_json(&document.to_string(), &|name| match name {
            "WX_SECRET" => Some("0123456789abcdef0123456789abcdef".into()),
            "SHORT" => Some("short".into()),
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

    #[test]
    fn one_app_is_configuration_enough() {
        let config = load(&document(json!({}))).unwrap();
        assert_eq!(config.session.idle, Duration::from_secs(7200));
        assert_eq!(config.wechat.target, "wechat");
    }

    #[test]
    fn every_impossible_value_is_refused_by_the_name_of_its_field() {
        let app =
            |appid: &str, secret: Value| json!({"apps": [{"appid": appid, "secret": secret}]});
        let env = || json!({"env": "WX_SECRET"});
        for (patch, field, part) in [
            (json!({"apps": []}), "apps", "at least one"),
            (app("gh_1", env()), "apps[0].appid", "16 hexadecimal"),
            (
                app("wx0123456789abcdef", json!("s3cret")),
                "apps[0].secret",
                "must not stand in",
            ),
            (
                app("wx0123456789abcdef", json!({"file": "x"})),
                "apps[0].secret",
                "{\"env\"",
            ),
            (
                app("wx0123456789abcdef", json!({"env": "NONE"})),
                "apps[0].secret.env",
                "NONE is not set",
            ),
            (
                app("wx0123456789abcdef", json!({"env": "SHORT"})),
                "apps[0].secret.env",
                "at least 16",
            ),
            (
                json!({"master_keys": [{"env": "SHORT"}]}),
                "master_keys[0].env",
                "at least 32",
            ),
            (json!({"sesion": {}}), "sesion", "unknown field"),
            (
                json!({"session": {"idle_timeout": 1}}),
                "session.idle_timeout",
                "unknown field",
            ),
            (
                json!({"session": {"idle_timeout_s": "1h"}}),
                "session.idle_timeout_s",
                "invalid type",
            ),
            (
                json!({"session": {"idle_timeout_s": 0}}),
                "session.idle_timeout_s",
                "between 1",
            ),
            (
                json!({"session": {"absolute_timeout_s": 60}}),
                "session.absolute_timeout_s",
                "idle",
            ),
            (
                json!({"session": {"cache_ttl_s": 3600}}),
                "session.cache_ttl_s",
                "at most 60",
            ),
            (
                json!({"session": {"max_per_user": 0}}),
                "session.max_per_user",
                "between 1",
            ),
            (
                json!({"session": {"headers": ["x y"]}}),
                "session.headers[0]",
                "letters",
            ),
            (
                json!({"session": {"headers": []}}),
                "session.headers",
                "at least one",
            ),
            (
                json!({"store": {"kind": "mysql"}}),
                "store.kind",
                "unknown variant",
            ),
            (
                json!({"store": {"kind": "shared_data", "slots": 1}}),
                "store.slots",
                "between 2",
            ),
            (
                json!({"wechat": {"timeout_ms": 1}}),
                "wechat.timeout_ms",
                "between 100",
            ),
            (
                json!({"wechat": {"cluster": "a", "url": "b"}}),
                "wechat",
                "both",
            ),
            (
                json!({"routes": [{"session": "public"}]}),
                "routes[0]",
                "path or prefix",
            ),
            (
                json!({"routes": [{"path": "/a", "session": "open"}]}),
                "routes[0].session",
                "unknown variant",
            ),
            (
                json!({"routes": [{"path": "a", "session": "public"}]}),
                "routes[0].path",
                "begin with /",
            ),
            (
                json!({"routes": [{"prefix": "/a/../b", "session": "public"}]}),
                "routes[0].prefix",
                "/../",
            ),
            (
                json!({"routes": [{"path": "/a", "methods": ["get"], "session": "public"}]}),
                "routes[0].methods[0]",
                "capitals",
            ),
            (
                json!({"endpoints": {"login": "/wx/user"}}),
                "endpoints.user",
                "already",
            ),
            (
                json!({"identity_headers": {"openid": "x_openid"}}),
                "identity_headers.openid",
                "letters",
            ),
            (
                json!({"login": {"remember_s": 3600}}),
                "login.remember_s",
                "at most 300",
            ),
            (
                json!({"open_data": {"max_failures": 0}}),
                "open_data.max_failures",
                "at least 1",
            ),
            (
                json!({"limits": {"body_bytes": 1}}),
                "limits.body_bytes",
                "between",
            ),
            (
                json!({"assertion": {"key": {"env": "SHORT"}}}),
                "assertion.key.env",
                "at least 32",
            ),
        ] {
            let error = load(&document(patch.clone())).err().unwrap();
            assert_eq!(error.field, field, "{patch} {error}");
            assert!(error.problem.contains(part), "{patch} {error}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        let error = Config::from_json("apps:", &|_| None).err().unwrap();
        assert_eq!(error.field, "configuration");
    }
}
