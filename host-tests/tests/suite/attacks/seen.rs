//! What holds of every request that the app sees, whoever has sent it.

use testkit::fakes::app::SeenByApp;

use super::features::needs_session;
use super::invariants::{SENT_FROM, Sent};
use super::known::{contains, found};
use super::row::{Door, FORGED};

/// Names under which an app may believe the edge, as the edge writes them.
pub const OURS: [&str; 17] = [
    "x-wx-openid",
    "x-wx-unionid",
    "x-wx-appid",
    "x-wx-source",
    "x-wx-auth-status",
    "x-wx-login-event",
    "x-wx-login-token",
    "x-wx-login-expires-in",
    "x-wx-login-error",
    "x-wx-login-open-data",
    "x-wx-bound-openid",
    "x-wx-bound-unionid",
    "x-wx-bound-appid",
    "x-wx-would-refuse",
    "x-wx-release",
    "x-wx-assertion",
    "x-wx-session-attributes",
];

/// What a server joins before it looks a name up: CGI, and what is built like it.
fn as_cgi(name: &str) -> String {
    let plain = |byte: u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' => char::from(byte),
        b'A'..=b'Z' => char::from(byte.to_ascii_lowercase()),
        _ => '-',
    };
    name.bytes().map(plain).collect()
}

/// A name as CGI has it, as it came, and its value.
pub type Field<'a> = (String, &'a str, &'a [u8]);

/// Its headers.
pub fn fields(seen: &SeenByApp) -> Vec<Field<'_>> {
    let headers = seen.headers.iter();
    headers
        .map(|(name, value)| (as_cgi(name), &**name, &value[..]))
        .collect()
}

/// What is wrong with a request that is not the good one. `openid`: whose session it may be of.
pub fn judge(
    seen: &SeenByApp,
    sent: &Sent<'_>,
    openid: Option<&str>,
    hidden: &[String],
) -> Result<(), String> {
    let fields = fields(seen);
    unforged(seen, &fields, hidden)?;
    spelled_as_ours(&fields)?;
    framed(seen, &fields)?;
    if !is_canonical(&seen.path) {
        return Err("a path with two readings".to_owned());
    }
    let told = seen.header("x-wx-openid").map(String::from_utf8_lossy);
    match (told.as_deref(), openid) {
        (None, _) if is_preflight(seen) || !needs_session(path(seen)) => {}
        (None, _) => return Err("a protected path without a session".to_owned()),
        (Some(told), Some(own)) if told == own => {}
        (Some(told), own) => return Err(format!("{told} in the place of {own:?}")),
    }
    let from = sent.from.to_string();
    let is_envoys = seen.count(SENT_FROM) == 1 && seen.header(SENT_FROM) == Some(from.as_bytes());
    if sent.door == Door::Spin || is_envoys {
        Ok(())
    } else {
        Err("a request that Envoy has not sent".to_owned())
    }
}

/// No forgery and nothing that is hidden stands in it.
fn unforged(seen: &SeenByApp, fields: &[Field<'_>], hidden: &[String]) -> Result<(), String> {
    let mut text = [seen.method.as_bytes(), seen.path.as_bytes(), &seen.body].join(&b'\n');
    // An app that logs in by itself gets the token for its client.
    for (_, name, value) in fields
        .iter()
        .filter(|(name, ..)| name != "x-wx-login-token")
    {
        text.extend([b"\n", name.as_bytes(), b": ", value].concat());
    }
    if contains(&text, FORGED) {
        return Err("a forgery reached the app".to_owned());
    }
    match found(hidden, &text) {
        Some(secret) => Err(format!("the app saw {secret}")),
        None => Ok(()),
    }
}

/// What the edge says stands there once, as the edge spells it.
fn spelled_as_ours(fields: &[Field<'_>]) -> Result<(), String> {
    for own in OURS {
        let mut like = fields.iter().filter(|(name, ..)| name == own);
        let first = like.next();
        if first.is_some_and(|(_, name, _)| *name != own) || like.next().is_some() {
            return Err(format!("{own} in another spelling, or twice"));
        }
    }
    Ok(())
}

fn path(seen: &SeenByApp) -> &str {
    seen.path.split('?').next().unwrap_or_default()
}

/// It ends in one place for every reader, asks for no other protocol, and is for one host.
pub fn framed(seen: &SeenByApp, fields: &[Field<'_>]) -> Result<(), String> {
    let count = |own: &str| fields.iter().filter(|(name, ..)| name == own).count();
    let ends = |(name, ..): &&Field<'_>| ["content-length", "transfer-encoding"].contains(&&**name);
    let ends: Vec<_> = fields
        .iter()
        .filter(ends)
        .map(|(_, name, value)| (*name, *value))
        .collect();
    let is_one = match ends[..] {
        [] => true,
        [("content-length", length)] => length.iter().all(u8::is_ascii_digit),
        [("transfer-encoding", coding)] => coding == b"chunked",
        _ => false,
    };
    if !is_one {
        return Err("framed in two ways".to_owned());
    }
    if count("host") > 1 || count("content-type") > 1 {
        return Err("two hosts, or two types".to_owned());
    }
    if count("upgrade") > 0 {
        return Err("an upgrade".to_owned());
    }
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_field = |(_, name, value): &Field<'_>| {
        let is_end = |byte: &u8| [b'\r', b'\n', 0].contains(byte);
        name.bytes().all(is_token) && !value.iter().any(is_end)
    };
    if !fields.iter().all(is_field) {
        return Err("a header that is none".to_owned());
    }
    let in_capitals = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    if seen.method.bytes().all(in_capitals) {
        Ok(())
    } else {
        Err("a method that is not in capitals".to_owned())
    }
}

/// The one request for a protected path that goes on without a session, as no app acts on it.
fn is_preflight(seen: &SeenByApp) -> bool {
    seen.method == "OPTIONS"
        && seen.body.is_empty()
        && seen.count("origin") == 1
        && seen.count("access-control-request-method") == 1
}

/// One reading only: no empty and no dot segment, nothing encoded that would be another path, nothing that some reader
/// takes for the end of it.
fn is_canonical(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    let Some(tail) = path.strip_prefix('/') else {
        return false;
    };
    let lower = path.to_ascii_lowercase();
    let bad = [
        "%2f", "%5c", "%00", "%25", "%2e", "%3b", "%3f", "%23", "%0d", "%0a", "\\", ";", "#",
    ];
    let last = tail.split('/').count() - 1;
    let is_segment = |(number, segment): (usize, &str)| {
        !(segment == "."
            || segment == ".."
            || segment.ends_with('.')
            || (segment.is_empty() && number != last))
    };
    path.is_ascii()
        && !path.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
        && !bad.iter().any(|part| lower.contains(part))
        && tail.split('/').enumerate().all(is_segment)
}
