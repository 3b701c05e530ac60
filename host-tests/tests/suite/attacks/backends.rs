//! The rows at the listener that leads a backend to WeChat's API, with an app in WeChat's place that says what it saw: what
//! gets there is a listed path with one reading, with the edge's token and nothing of the caller's that WeChat need not have.

use serde_json::json;
use testkit::fakes::app::{FakeApp, Scripted, SeenByApp};

use super::doors::telling_and_in_a_hurry;
use super::invariants::{SENT_FROM, Sent, answers, in_short};
use super::known::secrets;
use super::seen::{fields, framed};
use crate::rig::envoy_world::EnvoyWorld;

/// How many requests are under way there.
pub const ACTIVE: &str = "http.wechat_api.downstream_rq_active";

const STABLE_TOKEN: &str = "/cgi-bin/stable_token";
const TOKEN: &str = "the-token-of-the-edge";
/// Where rows and good requests go.
const ALLOWED: [&str; 4] = ["/api/", "/good/", "/public/", "/wx/"];

/// What of a request's headers gets there, and what the test's own Envoy adds.
const PASSED: [&str; 8] = [
    "accept",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
    SENT_FROM,
];

/// With `wechat` in WeChat's place.
pub fn edge(wechat: &FakeApp) -> EnvoyWorld {
    wechat.answer_with(|seen| {
        let body = json!({ "access_token": TOKEN, "expires_in": 7200 });
        seen.path.starts_with(STABLE_TOKEN).then(|| Scripted {
            status: 200,
            body: body.to_string(),
            ..Scripted::default()
        })
    });
    EnvoyWorld::alone(|config| {
        let config = config
            .wechat_api()
            .endpoint("wechat", wechat.addr())
            .patch_cluster("wechat", &json!({ "transport_socket": null }))
            .patch_plugin(&json!({ "wechat_api": { "allow": ALLOWED } }));
        telling_and_in_a_hurry(config)
    })
}

/// What came to WeChat's place, but for the edge's own calls.
pub fn heard(wechat: &FakeApp) -> Vec<SeenByApp> {
    let mut heard = wechat.take();
    heard.retain(|seen| !seen.path.starts_with(STABLE_TOKEN));
    heard
}

/// What is wrong with a row there: nothing.
pub fn broken(sent: &Sent<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let hidden: Vec<String> = secrets().collect();
    answers(sent, &hidden, &mut broken);
    for seen in &sent.seen {
        if let Err(what) = judge(seen, sent) {
            broken.push(format!("{what}: {}", in_short(seen)));
        }
    }
    broken
}

fn judge(seen: &SeenByApp, sent: &Sent<'_>) -> Result<(), String> {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let is_plain = |segment: &str| {
        let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        !segment.is_empty() && segment.bytes().all(is_one)
    };
    if !ALLOWED.iter().any(|own| path.starts_with(own)) || !path[1..].split('/').all(is_plain) {
        return Err("a path that is not listed, or has another reading".to_owned());
    }
    let tokens: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name.eq_ignore_ascii_case("access_token"))
        .map(|(_, value)| value.into_owned())
        .collect();
    if tokens != [TOKEN] {
        return Err(format!("with the tokens {tokens:?}"));
    }
    let fields = fields(seen);
    if let Some((_, name, _)) = fields.iter().find(|(_, name, _)| !PASSED.contains(name)) {
        return Err(format!("{name} is nothing of WeChat's"));
    }
    framed(seen, &fields)?;
    if seen.header(SENT_FROM) == Some(sent.from.to_string().as_bytes()) {
        Ok(())
    } else {
        Err("a request that Envoy has not sent".to_owned())
    }
}
