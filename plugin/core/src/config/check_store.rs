//! Checks the store: each host has kinds of its own, each kind has fields of its own, and what belongs to another is
//! refused by its name.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::check_upstreams::{Given, upstream};
use super::model::{Checked, Dialect, HostKind, HostStore, RedisRules, Secret, StoreKind, wrong};
use super::raw::{self, StoreName};
use super::secrets::{Environment, secret};

pub(super) fn store(raw: &raw::Store, environment: Environment<'_>) -> Checked<StoreKind> {
    let host = environment.host;
    let kind = kind_on(host, raw.kind)?;
    fields_of(kind, raw)?;
    match kind {
        StoreName::SharedData => embedded(raw),
        StoreName::RedisRest => {
            let Some(token) = &raw.token else {
                return wrong("store.token", "is missing: {\"env\": \"NAME\"}");
            };
            let token = secret("store.token", token, 1, environment)?;
            if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
                return wrong("store.token.env", "must hold visible ASCII characters only");
            }
            let authorization = Secret(format!("Bearer {}", token.expose()));
            bridge(raw, host, Dialect::Rest, Some(authorization))
        }
        StoreName::Webdis => {
            let authorization = raw.basic_auth.as_ref().map(|value| {
                let user_and_password = secret("store.basic_auth", value, 3, environment)?;
                if !user_and_password.expose().contains(':') {
                    return wrong("store.basic_auth.env", "must hold user:password");
                }
                let encoded = STANDARD.encode(user_and_password.expose());
                Ok(Secret(format!("Basic {encoded}")))
            });
            bridge(raw, host, Dialect::Webdis, authorization.transpose()?)
        }
        StoreName::SpinKv => {
            let label = raw.label.clone().unwrap_or_else(|| "default".into());
            if label.is_empty() {
                return wrong("store.label", "must not be empty");
            }
            Ok(StoreKind::OfHost(HostStore::SpinKeyValue { label }))
        }
        StoreName::SpinRedis => Ok(StoreKind::OfHost(HostStore::SpinRedis {
            address: address(raw.address.as_ref(), environment)?,
            prefix: prefix(raw)?,
            timeout: timeout(raw)?,
        })),
    }
}

/// The kind, if this host has it; its own one if none is named.
fn kind_on(host: HostKind, kind: Option<StoreName>) -> Checked<StoreName> {
    let (own, elsewhere): (_, &[StoreName]) = match host {
        HostKind::Envoy => (
            StoreName::SharedData,
            &[StoreName::SpinKv, StoreName::SpinRedis],
        ),
        HostKind::Spin => (StoreName::SpinKv, &[StoreName::SharedData]),
    };
    let kind = kind.unwrap_or(own);
    if elsewhere.contains(&kind) {
        return wrong("store.kind", format!("is not to be had on {host:?}"));
    }
    Ok(kind)
}

fn fields_of(kind: StoreName, raw: &raw::Store) -> Checked<()> {
    use StoreName::{RedisRest, SharedData, SpinKv, SpinRedis, Webdis};
    let bridges = &[RedisRest, Webdis];
    let fields: [(&str, bool, &[StoreName]); 11] = [
        ("slots", raw.slots.is_some(), &[SharedData]),
        ("slot_bytes", raw.slot_bytes.is_some(), &[SharedData]),
        ("cluster", raw.cluster.is_some(), bridges),
        ("url", raw.url.is_some(), bridges),
        ("authority", raw.authority.is_some(), bridges),
        ("label", raw.label.is_some(), &[SpinKv]),
        ("address", raw.address.is_some(), &[SpinRedis]),
        ("token", raw.token.is_some(), &[RedisRest]),
        ("basic_auth", raw.basic_auth.is_some(), &[Webdis]),
        (
            "prefix",
            raw.prefix.is_some(),
            &[RedisRest, Webdis, SpinRedis],
        ),
        (
            "timeout_ms",
            raw.timeout_ms.is_some(),
            &[RedisRest, Webdis, SpinRedis],
        ),
    ];
    for (name, is_given, kinds) in fields {
        if is_given && !kinds.contains(&kind) {
            return wrong(format!("store.{name}"), "is no field of this kind of store");
        }
    }
    Ok(())
}

fn embedded(raw: &raw::Store) -> Checked<StoreKind> {
    let slots = raw.slots.unwrap_or(16_384);
    if !(2..=4_194_304).contains(&slots) {
        return wrong("store.slots", "must be between 2 and 4194304");
    }
    let slot_bytes = raw.slot_bytes.unwrap_or(4096);
    if !(3072..=65_536).contains(&slot_bytes) {
        return wrong(
            "store.slot_bytes",
            "must be between 3072 and 65536: the largest user record has to fit",
        );
    }
    Ok(StoreKind::OfHost(HostStore::Embedded { slots, slot_bytes }))
}

fn bridge(
    raw: &raw::Store,
    host: HostKind,
    dialect: Dialect,
    authorization: Option<Secret>,
) -> Checked<StoreKind> {
    let given = Given {
        cluster: raw.cluster.as_deref(),
        url: raw.url.as_deref(),
        authority: raw.authority.as_deref(),
    };
    let upstream = upstream("store", given, "sessions", host)?;
    Ok(StoreKind::Redis(RedisRules {
        dialect,
        target: upstream.target,
        authority: upstream.authority,
        authorization,
        prefix: prefix(raw)?,
        timeout: timeout(raw)?,
    }))
}

/// An address that holds no password may stand in the document.
fn address(raw: Option<&Value>, environment: Environment<'_>) -> Checked<Secret> {
    let field = "store.address";
    let address = match raw {
        None => {
            return wrong(
                field,
                "is missing: redis://HOST:PORT, or {\"env\": \"NAME\"}",
            );
        }
        Some(Value::String(text)) if text.contains('@') => {
            return wrong(
                field,
                format!("holds a password: {}", environment.way_out()),
            );
        }
        Some(Value::String(text)) => Secret(text.clone()),
        Some(value) => secret(field, value, 9, environment)?,
    };
    let text = address.expose();
    if text.starts_with("redis://") || text.starts_with("rediss://") {
        return Ok(address);
    }
    wrong(field, "must begin with redis:// or rediss://")
}

fn prefix(raw: &raw::Store) -> Checked<String> {
    let prefix = raw.prefix.clone().unwrap_or_else(|| "wx:".to_string());
    if prefix.len() > 64 || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong(
            "store.prefix",
            "must be at most 64 visible ASCII characters",
        );
    }
    Ok(prefix)
}

fn timeout(raw: &raw::Store) -> Checked<Duration> {
    let timeout_ms = raw.timeout_ms.unwrap_or(500);
    if !(10..=10_000).contains(&timeout_ms) {
        return wrong("store.timeout_ms", "must be between 10 and 10000");
    }
    Ok(Duration::from_millis(timeout_ms))
}
