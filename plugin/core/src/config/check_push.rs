//! Checks message push: whose it is, under which secrets, where it comes in and where it goes.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::check_routes::plain_path;
use super::check_upstreams::{Given, upstream};
use super::model::{Checked, HostKind, PushApp, PushRules, wrong};
use super::raw;
use super::secrets::{Environment, secret};
use crate::platform::Platform;
use crate::route::{Endpoint, Pattern, PushPath};
use crate::wechat::push::cipher::PushKey;

/// The apps that have it, with their places in the document.
fn pushed(
    apps: &[raw::MiniProgram],
) -> impl Iterator<Item = (usize, &raw::MiniProgram, &raw::AppPush)> {
    let all = apps.iter().enumerate();
    all.filter_map(|(index, app)| Some((index, app, app.push.as_ref()?)))
}

/// The path at which WeChat's messages for an app come in.
fn path(own: &raw::AppPush, endpoints: &raw::Endpoints) -> String {
    let usual = || format!("{}/push", endpoints.prefix.trim_end_matches('/'));
    own.path.clone().unwrap_or_else(usual)
}

pub(super) fn push_paths(
    apps: &[raw::MiniProgram],
    raw: &raw::Endpoints,
    endpoints: &[(String, Endpoint)],
) -> Checked<Vec<PushPath>> {
    let mut paths: Vec<PushPath> = Vec::new();
    for (index, app, own) in pushed(apps) {
        let field = |name: &str| format!("apps[{index}].push.{name}");
        if app.platform != Platform::Wechat {
            return wrong(format!("apps[{index}].push"), "is for wechat only");
        }
        let path = path(own, raw);
        plain_path(&field("path"), &path)?;
        let is_taken = endpoints.iter().any(|(other, _)| *other == path)
            || paths.iter().any(|other| other.path == path);
        if is_taken {
            let problem =
                format!("{path} is already the path of another: each app has one of its own");
            return wrong(field("path"), problem);
        }
        let mut taken = Vec::from([Pattern::Exact(path.clone())]);
        if let Some(to) = &own.to {
            plain_path(&field("to"), to)?;
            if endpoints.iter().any(|(other, _)| other == to) {
                return wrong(field("to"), format!("{to} is the path of an endpoint"));
            }
            taken.push(Pattern::Exact(to.clone()));
        }
        paths.push(PushPath { path, taken });
    }
    Ok(paths)
}

pub(super) fn push(
    document: &raw::Document,
    app_url: &str,
    environment: Environment<'_>,
) -> Checked<Option<PushRules>> {
    let raw = &document.push;
    if !(10..=3600).contains(&raw.max_age_s) {
        return wrong("push.max_age_s", "must be between 10 and 3600");
    }
    if !(100..=4500).contains(&raw.answer_after_ms) {
        let problem = "must be between 100 and 4500: WeChat waits for 5 s";
        return wrong("push.answer_after_ms", problem);
    }
    if !(1000..=300_000).contains(&raw.timeout_ms) {
        return wrong("push.timeout_ms", "must be between 1000 and 300000");
    }
    if raw.timeout_ms < raw.answer_after_ms {
        return wrong("push.timeout_ms", "must not be below push.answer_after_ms");
    }
    let host = environment.host;
    // Where nothing else is said, it goes where requests go.
    let usual = (host == HostKind::Spin).then_some(app_url);
    let given = Given {
        cluster: raw.cluster.as_deref(),
        url: raw.url.as_deref().or(usual),
        authority: raw.authority.as_deref(),
    };
    let upstream = upstream("push", given, "app", host)?;
    let mut apps = Vec::new();
    for (index, app, own) in pushed(&document.apps) {
        let field = |name: &str| format!("apps[{index}].push.{name}");
        let key = match &own.encoding_aes_key {
            None => None,
            Some(value) => {
                let text = secret(&field("encoding_aes_key"), value, 43, environment)?;
                let key = PushKey::parse(text.expose());
                if key.is_none() {
                    let problem = "must be the 43 characters of the EncodingAESKey at WeChat";
                    return wrong(field("encoding_aes_key.env"), problem);
                }
                key
            }
        };
        let path = path(own, &document.endpoints);
        apps.push(PushApp {
            appid: Rc::from(app.appid.as_str()),
            to: own.to.clone().unwrap_or(path),
            token: secret(&field("token"), &own.token, 3, environment)?,
            key,
        });
    }
    if apps.is_empty() {
        return Ok(None);
    }
    Ok(Some(PushRules {
        target: upstream.target,
        authority: raw.authority.clone(),
        max_age: Duration::from_secs(raw.max_age_s),
        answer_after: Duration::from_millis(raw.answer_after_ms),
        timeout: Duration::from_millis(raw.timeout_ms),
        apps,
    }))
}
