//! An edge with the configuration of a page, and an app behind it that answers in its client's words.

use serde_json::Value;
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::Phone;

use crate::rig::{Got, HostKind, World};

/// The text of a page of `docs/recipes`.
macro_rules! page {
    ($name:literal) => {
        include_str!(concat!("../../../../docs/recipes/", $name, ".md"))
    };
}
pub(super) use page;

/// The one configuration that stands in a page.
pub fn configuration(page: &str) -> Value {
    let (_, after) = page.split_once("```yaml\n").expect("a block of YAML");
    let (block, rest) = after.split_once("\n```").expect("its end");
    assert!(!rest.contains("```yaml"), "one block says it all");
    serde_yaml_ng::from_str(block).unwrap()
}

/// An edge with what stands in a page.
pub fn start(
    host: HostKind,
    page: &str,
    app: impl Fn(&SeenByApp) -> Option<Scripted> + Send + Sync + 'static,
) -> World {
    let world = host.start(configuration(page));
    world.app_answers(app);
    world
}

/// An answer with this status.
pub fn answer(status: u16, body: &Value) -> Option<Scripted> {
    Some(Scripted {
        status,
        body: body.to_string(),
        ..Scripted::default()
    })
}

/// A good answer.
pub fn ok(body: &Value) -> Option<Scripted> {
    answer(200, body)
}

/// The path of a request that reached the app, without its query.
pub fn path(seen: &SeenByApp) -> &str {
    seen.path.split('?').next().unwrap_or_default()
}

/// The same decoded, as frameworks route on it.
pub fn decoded_path(seen: &SeenByApp) -> String {
    let mut parts = path(seen).split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        // The edge lets no other `%` through.
        let (hex, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// A header of it.
pub fn header(seen: &SeenByApp, name: &str) -> Option<String> {
    let value = seen.header(name)?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The user, as the edge says.
pub fn openid(seen: &SeenByApp) -> Option<String> {
    header(seen, "x-wx-openid")
}

/// The token of a login through the app.
pub fn new_token(seen: &SeenByApp) -> Option<String> {
    header(seen, "x-wx-login-token")
}

/// A parameter of its query.
pub fn parameter(seen: &SeenByApp, name: &str) -> Option<String> {
    let (_, query) = seen.path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value.to_owned())
}

/// Its body; null if it is no JSON.
pub fn sent(seen: &SeenByApp) -> Value {
    serde_json::from_slice(&seen.body).unwrap_or_default()
}

/// `res.data` of `wx.request`: parsed where it can be.
pub fn data(got: &Got) -> Value {
    serde_json::from_slice(&got.body).unwrap_or_else(|_| String::from_utf8_lossy(&got.body).into())
}

/// Whether HTTP says that all is well.
pub fn is_2xx(got: &Got) -> bool {
    (200..300).contains(&got.status)
}

/// A text that is there and not empty.
pub fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(Into::into)
}

/// The app must have seen whose request it was, and neither token nor code.
#[track_caller]
pub fn assert_of(got: &Got, phone: &Phone, secrets: &[&str]) {
    let seen = got.seen();
    assert_eq!(seen.header("x-wx-openid"), Some(phone.openid()));
    for secret in secrets {
        let shows = |value: &[u8]| String::from_utf8_lossy(value).contains(secret);
        let login = ["x-wx-login-token", "x-wx-skey"];
        let mut headers = seen
            .headers
            .iter()
            .filter(|(name, _)| !login.contains(&&*name.to_ascii_lowercase()));
        assert!(
            !seen.path.contains(secret) && !shows(&seen.body) && !headers.any(|(_, v)| shows(v)),
            "the app saw {secret}: {seen:?}"
        );
    }
}
