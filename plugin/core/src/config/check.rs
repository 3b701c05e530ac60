//! From the document to the checked configuration: every impossible value is refused here, and nowhere later.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::check_limits::limits;
use super::check_routes::{endpoints, rules};
use super::check_store::store;
use super::check_upstreams::{app, wechat};
use super::raw;
use super::secrets::{Environment, master_secrets, secret};
use super::{
    App, Assertion, Checked, Config, IdentityHeaders, LoginRules, OpenDataRules, Piggyback,
    Platform, SessionRules, wrong,
};
use crate::access::{also_ours, carries_login, is_identity};
use crate::presented::WAFER_ID;
use crate::route::Routes;

const YEAR_S: u64 = 366 * 24 * 3600;

pub(super) fn config(document: raw::Document, environment: Environment<'_>) -> Checked<Config> {
    let platform = environment.platform;
    let apps = apps(document.apps, environment)?;
    let master_secrets = master_secrets(&document.master_keys, &apps, environment)?;
    let wafer = matches!(document.compat, Some(raw::Compat::Wafer));
    let session = session(document.session, wafer)?;
    let identity = identity(&document.identity_headers)?;
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
    let limits = limits(&document.limits)?;
    let mut config = Config {
        apps,
        master_secrets,
        wechat: wechat(&document.wechat, platform)?,
        upstream_url: app(&document.upstream, platform)?,
        store: store(&document.store, environment)?,
        session,
        routes: Routes {
            endpoints: endpoints(&document.endpoints, wafer)?,
            rules: rules(document.routes)?,
            cors_preflight: document.cors_preflight,
        },
        identity,
        assertion: assertion(document.assertion, environment)?,
        also_ours: Vec::new(),
        login: LoginRules {
            remember: Duration::from_secs(document.login.remember_s),
            failures_per_minute: document.login.failures_per_minute,
        },
        open_data: OpenDataRules {
            max_age: document.open_data.max_age_s.map(Duration::from_secs),
            max_failures: document.open_data.max_failures,
            refuse_replay: document.open_data.refuse_replay,
        },
        body_bytes: limits.body_bytes,
        body_timeout: limits.body_timeout,
        waiting: limits.waiting,
        limits_in_store: platform == Platform::Spin,
    };
    config.also_ours = also_ours(&config);
    distinct(&config)?;
    Ok(config)
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

fn session(raw: raw::Session, wafer: bool) -> Checked<SessionRules> {
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
    if !(1..=86_400).contains(&raw.stale_ttl_s) {
        return wrong("session.stale_ttl_s", "must be between 1 and 86400");
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
        headers.push(header_name(&format!("session.headers[{index}]"), name)?);
    }
    if wafer && !headers.iter().any(|name| &**name == "x-wx-skey") {
        return wrong(
            "session.headers",
            "must have X-WX-Skey with compat: wafer: its clients send no other",
        );
    }
    for (field, name) in [("cookie", &raw.cookie), ("query", &raw.query)] {
        let usable = |name: &String| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !name.is_empty() && name.bytes().all(plain)
        };
        if !name.as_ref().is_none_or(usable) {
            let field = format!("session.{field}");
            return wrong(field, "must be letters, digits, \"-\" and \"_\"");
        }
    }
    let name = header_name("session.piggyback_header", &raw.piggyback_header)?;
    if NOT_OURS.contains(&&*name) || NOT_OUR_ANSWERS.contains(&&*name) {
        return wrong(
            "session.piggyback_header",
            format!("{name} already has another meaning"),
        );
    }
    Ok(SessionRules {
        idle,
        absolute,
        cache: Duration::from_secs(raw.cache_ttl_s),
        stale: Duration::from_secs(raw.stale_ttl_s),
        user_lifetime,
        max_per_user: raw.max_per_user,
        headers,
        cookie: raw.cookie,
        query: raw.query,
        forward_token: raw.forward_token,
        wafer,
        piggyback: raw.piggyback.then(|| Piggyback {
            expires_in: format!("{name}-expires-in").into(),
            token: name,
        }),
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

/// Names that HTTP or the app need for themselves.
const NOT_OURS: [&str; 11] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The same in an answer.
const NOT_OUR_ANSWERS: [&str; 6] = [
    "cache-control",
    "content-encoding",
    "date",
    "location",
    "set-cookie",
    "vary",
];

fn identity(raw: &raw::IdentityHeaders) -> Checked<IdentityHeaders> {
    Ok(IdentityHeaders {
        openid: header_name("identity_headers.openid", &raw.openid)?,
        unionid: header_name("identity_headers.unionid", &raw.unionid)?,
        appid: header_name("identity_headers.appid", &raw.appid)?,
        source: header_name("identity_headers.source", &raw.source)?,
        auth_status: header_name("identity_headers.auth_status", &raw.auth_status)?,
        login_event: header_name("identity_headers.login_event", &raw.login_event)?,
        wx_client: "wx_client".into(),
    })
}

/// No header may have two meanings.
fn distinct(config: &Config) -> Checked<()> {
    let identity = &config.identity;
    let mut taken: Vec<&str> = config.session.headers.iter().map(|name| &**name).collect();
    if config.session.wafer {
        taken.push(WAFER_ID);
    }
    let assertion = config
        .assertion
        .as_ref()
        .map(|rules| ("assertion.header", &rules.header));
    for (field, name) in [
        ("identity_headers.openid", &identity.openid),
        ("identity_headers.unionid", &identity.unionid),
        ("identity_headers.appid", &identity.appid),
        ("identity_headers.source", &identity.source),
        ("identity_headers.auth_status", &identity.auth_status),
        ("identity_headers.login_event", &identity.login_event),
    ]
    .into_iter()
    .chain(assertion)
    {
        if taken.contains(&&**name) || NOT_OURS.contains(&&**name) {
            return wrong(field, format!("{name} already has another meaning"));
        }
        taken.push(name);
    }
    for (index, name) in config.session.headers.iter().enumerate() {
        let name = name.as_bytes();
        if is_identity(name, config) || carries_login(name, &config.session) {
            return wrong(
                format!("session.headers[{index}]"),
                "already has another meaning",
            );
        }
    }
    Ok(())
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
