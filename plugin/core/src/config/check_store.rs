//! Checks the store: each kind has fields of its own, and one of another kind is refused by its name.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::check::{authority, target};
use super::raw::{self, StoreName};
use super::secrets::{Environment, secret};
use super::{Checked, Dialect, RedisRules, Secret, StoreKind, wrong};

pub(super) fn store(raw: &raw::Store, environment: Environment<'_>) -> Checked<StoreKind> {
    fields_of(raw)?;
    match raw.kind {
        StoreName::SharedData => embedded(raw),
        StoreName::RedisRest => {
            let Some(token) = &raw.token else {
                return wrong("store.token", "is missing: {\"env\": \"NAME\"}");
            };
            let token = secret("store.token", token, 1, environment)?;
            header_text("store.token.env", &token)?;
            let authorization = Secret(format!("Bearer {}", token.expose()));
            redis(raw, Dialect::Rest, Some(authorization))
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
            redis(raw, Dialect::Webdis, authorization.transpose()?)
        }
    }
}

fn fields_of(raw: &raw::Store) -> Checked<()> {
    use StoreName::{RedisRest, SharedData, Webdis};
    let fields: [(&str, bool, &[StoreName]); 8] = [
        ("slots", raw.slots.is_some(), &[SharedData]),
        ("slot_bytes", raw.slot_bytes.is_some(), &[SharedData]),
        ("cluster", raw.cluster.is_some(), &[RedisRest, Webdis]),
        ("authority", raw.authority.is_some(), &[RedisRest, Webdis]),
        ("token", raw.token.is_some(), &[RedisRest]),
        ("basic_auth", raw.basic_auth.is_some(), &[Webdis]),
        ("prefix", raw.prefix.is_some(), &[RedisRest, Webdis]),
        ("timeout_ms", raw.timeout_ms.is_some(), &[RedisRest, Webdis]),
    ];
    for (name, is_given, kinds) in fields {
        if is_given && !kinds.contains(&raw.kind) {
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
    Ok(StoreKind::Embedded { slots, slot_bytes })
}

fn redis(raw: &raw::Store, dialect: Dialect, authorization: Option<Secret>) -> Checked<StoreKind> {
    let cluster = raw.cluster.clone().unwrap_or_else(|| "sessions".into());
    target("store.cluster", &cluster)?;
    let host_name = raw.authority.clone().unwrap_or_else(|| cluster.clone());
    authority("store.authority", &host_name)?;
    let prefix = raw.prefix.clone().unwrap_or_else(|| "wx:".to_string());
    if prefix.len() > 64 || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong(
            "store.prefix",
            "must be at most 64 visible ASCII characters",
        );
    }
    let timeout_ms = raw.timeout_ms.unwrap_or(500);
    if !(10..=10_000).contains(&timeout_ms) {
        return wrong("store.timeout_ms", "must be between 10 and 10000");
    }
    Ok(StoreKind::Redis(RedisRules {
        dialect,
        target: cluster,
        authority: host_name,
        authorization,
        prefix,
        timeout: Duration::from_millis(timeout_ms),
    }))
}

/// What goes into a header must be able to.
fn header_text(field: &str, text: &Secret) -> Checked<()> {
    if text.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let problem: String = "must hold visible ASCII characters only".into();
    wrong(field, problem)
}
