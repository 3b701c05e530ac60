//! After the journey: what Envoy counted and logged of it, and whether a secret stands in a log.
//! Never prints.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::envoy_demo::{EnvoyDemo, SECRET};
use super::journey::{Check, Edge, Exchange, Scene, USERS};
use super::page::{self, Ink};
use super::servers::EdgeServer;
use super::timing;
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::FakeWechat;

/// Entries appear some 20 ms after their request has ended.
const LOG_DELAY: Duration = Duration::from_millis(150);

/// The plugin's counters that are not zero, a line for each group of each edge.
pub(super) fn counters(stage: &EnvoyDemo) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for server in &stage.servers.edges {
        let stats = server.stats()?;
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, count) in stats.iter().filter(|(_, count)| **count > 0) {
            let own = name.strip_prefix("wasmcustom.wx_session.");
            if let Some((group, result)) = own.and_then(|own| own.split_once('.')) {
                let cell = format!("{result} {count}");
                groups.entry(group).or_default().push(cell);
            }
        }
        rows.extend(groups.into_iter().map(|(group, counts)| {
            let group = format!("{} {group}", server.edge.name);
            vec![group.trim().to_owned(), counts.join(" · ")]
        }));
    }
    Ok(page::table(&rows, 4))
}

/// The access log's first entry for each error, and for each word that the app was told of a session.
pub(super) fn access_log(stage: &EnvoyDemo, ink: Ink) -> Vec<String> {
    sleep(LOG_DELAY);
    let mut rows = vec![
        ["error, or auth", "request", "status", "ms", "openid"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for entry in stage.servers.edges.iter().flat_map(EdgeServer::access_log) {
        let of_app = entry["error"].is_null();
        let word = shown(&entry[if of_app { "auth" } else { "error" }]);
        if rows.iter().any(|row| row[0] == word) {
            continue;
        }
        let request = format!("{} {}", shown(&entry["method"]), shown(&entry["path"]));
        let rest = ["status", "duration_ms", "openid"].map(|field| shown(&entry[field]));
        rows.push([vec![word, request], rest.to_vec()].concat());
    }
    let mut lines = page::table(&rows, 4);
    if let Some(head) = lines.first_mut() {
        *head = format!("    {}", ink.dim(head.trim_start()));
    }
    lines
}

/// Medians of a login and of a session check.
pub(super) fn times(edge: Edge, wechat: &FakeWechat, app: &FakeApp) -> Result<Vec<String>> {
    let times = timing::measure(edge, wechat)?;
    let _ = app.take();
    let row = |what: &str, took| vec![what.to_owned(), page::millis(took)];
    let rows = [
        row("login, with its code2Session call", times.login),
        row("call of the app with a session", times.protected),
        row("the same on a public route", times.public),
    ];
    Ok(page::table(&rows, 4))
}

/// What must hold when all is over.
pub(super) fn checks(stage: &EnvoyDemo, scenes: &[Scene]) -> Vec<Check> {
    let requests = stage.wechat.requests();
    let over_tls = requests
        .iter()
        .all(|request| request.sni.as_deref() == Some("api.weixin.qq.com"));
    let logs = stage.servers.edges.iter();
    let logs: String = logs
        .map(|server| format!("{}{:?}", server.log(), server.access_log()))
        .collect();
    let check = |what: String, problem: Option<String>| Check { what, problem };
    vec![
        check(
            format!(
                "{} calls to WeChat, all over TLS with its SNI",
                requests.len()
            ),
            (!over_tls).then(|| "some were not".to_owned()),
        ),
        check(
            "no secret, session_key, code or token in Envoy's logs".to_owned(),
            leaked(&logs, &stage.wechat, scenes),
        ),
    ]
}

/// What opens something and stands in these logs.
pub(super) fn leaked(logs: &str, wechat: &FakeWechat, scenes: &[Scene]) -> Option<String> {
    let secrets = secrets(wechat, scenes).into_iter();
    let leaked: Vec<_> = secrets
        .filter(|(_, secret)| logs.contains(secret.as_str()))
        .map(|(name, _)| name)
        .collect();
    (!leaked.is_empty()).then(|| leaked.join(", "))
}

/// Everything that opens something, as (what it is, itself).
fn secrets(wechat: &FakeWechat, scenes: &[Scene]) -> Vec<(&'static str, String)> {
    let mut secrets = vec![("the secret", SECRET.to_owned())];
    for request in wechat.requests() {
        let code = request.param("js_code").map(str::to_owned);
        secrets.extend(code.map(|code| ("a code", code)));
    }
    for user in USERS {
        let keys = wechat.phone(user).session_keys();
        secrets.extend(keys.into_iter().map(|key| ("a session_key", key)));
    }
    let exchanges = scenes.iter().flat_map(Scene::exchanges);
    let tokens = exchanges.map(Exchange::token);
    secrets.extend(
        tokens
            .filter(|token| !token.is_empty())
            .map(|token| ("a token", token)),
    );
    secrets
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}
