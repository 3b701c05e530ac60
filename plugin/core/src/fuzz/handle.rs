//! One request of a stranger, whole: whatever it is, there is one verdict, nobody passes who may not, nothing of what the
//! client says of itself reaches the app as ours, and no secret is told. Nobody but the operator gets something done that
//! is the operator's, and no message but one that is signed reaches the app as WeChat's.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::bytes::{choice, has, line};
use super::world::{ADMIN_TOKEN, OPENID, OTHER, SECRETS, Sent, Setup, World};
use crate::path::canonical;
use crate::reply::{Action, Changes, Response, Verdict};

/// The first byte chooses the configuration; then method and target, headers a line each, an empty line, the body.
/// `$TOKEN`, `$DATA`, `$IV` and `$LONG` in it are what a client has that has logged in, `$ADMIN` is the operator's token,
/// and `$SIGNED` a query of WeChat's.
pub fn handle(data: &[u8]) {
    let (chosen, text) = choice(data);
    let world = World::new(Setup::chosen(chosen));
    let sent = parsed(&world.filled(text));
    let verdict = world.verdict(&sent);
    check(&world, &sent, &verdict, text);
    // A large head is kept without what nobody reads. Then less may pass, and nothing else.
    if let Some(head) = world.worker.lightened(&sent.head) {
        let world = World::new(Setup::chosen(chosen));
        let light = Sent {
            head,
            ..parsed(&world.filled(text))
        };
        let other = world.verdict(&light);
        let is_refused = matches!(other.action, Action::Reply(_));
        assert!(
            other == verdict || is_refused,
            "{other:?} in place of {verdict:?}"
        );
    }
}

/// A request as it is written above, without the bytes that no host lets into a head.
pub(super) fn parsed(text: &[u8]) -> Sent {
    let plain = |field: &[u8]| -> Vec<u8> {
        let bytes = field.trim_ascii().iter().copied();
        bytes.filter(|byte| !b"\r\0".contains(byte)).collect()
    };
    let (first, mut rest) = line(text);
    let first = plain(first);
    let end = first.iter().position(|byte| *byte == b' ');
    let (method, target) = first.split_at(end.unwrap_or(first.len()));
    let mut head = Vec::from([
        (b":method".to_vec(), method.to_vec()),
        (b":path".to_vec(), plain(target)),
    ]);
    while !rest.is_empty() {
        let (field, after) = line(rest);
        rest = after;
        let colon = field.iter().skip(1).position(|byte| *byte == b':');
        let Some(at) = colon else {
            break;
        };
        head.push((field[..=at].to_ascii_lowercase(), plain(&field[at + 2..])));
    }
    Sent::new(head, rest.to_vec())
}

/// What must hold of every verdict. `text` is the request before anything was filled in.
pub(super) fn check(world: &World, sent: &Sent, verdict: &Verdict, text: &[u8]) {
    // Whoever knows a secret is no stranger: what is sent may be told.
    let knows = |part: &[u8]| SECRETS.iter().any(|secret| has(part, secret.as_bytes()));
    if knows(&sent.body) || sent.head.pairs().any(|(_, value)| knows(value)) {
        return;
    }
    let Verdict {
        action,
        openid,
        auth_status,
        pending: _,
    } = verdict;
    if sent.was_read.get() {
        assert!(
            crate::reads_body(&world.worker, &sent.head),
            "a body was read that need not be there"
        );
    }
    let has_token = has(text, b"$TOKEN");
    let is_signed = has(text, b"$SIGNED");
    match openid.as_deref() {
        None => {}
        // Whom the message is from, as WeChat says.
        Some(_) if *auth_status == "push" => assert!(is_signed, "nobody signed it"),
        Some(OPENID) => assert!(
            has_token,
            "somebody without the token is let in: {auth_status}"
        ),
        Some(other) => assert_eq!(other, OTHER, "nobody of this name is there"),
    }
    if *auth_status == "admin" {
        assert!(has(text, b"$ADMIN"), "somebody else is the operator");
    }
    if world.host.deliveries.get() > 0 {
        assert!(is_signed, "the app has a message that nobody signed");
    }
    match action {
        Action::Reply(response) if *auth_status == "push" => check_answer_to_push(response),
        Action::Reply(response) => check_reply(response),
        Action::Forward(changes) => {
            let target = sent.head.text(":path").unwrap();
            let path = canonical(target).unwrap();
            let under = |prefix: &str| {
                path.strip_prefix(prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let free = ["/public", "/optional", "/inner", "/auth", "/enter"];
            let free = free.into_iter().any(under);
            let watched = under("/watched");
            let config = &world.worker.config;
            assert!(!under("/wx-admin") || config.admin_tokens.is_empty());
            assert!(!under("/wx/push") || config.push.is_none());
            match *auth_status {
                "verified" => assert!(openid.is_some()),
                "preflight" => {
                    assert!(world.worker.config.routes.cors_preflight, "{path}");
                    assert_eq!(sent.head.text(":method"), Some("OPTIONS"));
                    assert!(sent.body.is_empty() && openid.is_none());
                }
                status => {
                    assert!(openid.is_none());
                    assert!(free || watched, "{path} passes as {status}");
                }
            }
            check_changes(world, sent, openid.as_deref(), changes, watched);
            // Other spellings of its path go by the same rule.
            let to_websocket = || {
                let wanted = sent.head.text("upgrade");
                wanted.is_some_and(|to| to.eq_ignore_ascii_case("websocket"))
            };
            let may_be = *auth_status == "verified" && !free;
            check_upgrade(sent, changes, may_be || watched && to_websocket());
        }
    }
    let method = sent.head.text(":method").unwrap_or_default();
    let target = sent.head.text(":path").unwrap_or_default();
    let path = target.split(['?', '#']).next().unwrap_or_default();
    // Method and path stand in it as they came, also where somebody writes a token there.
    let is_written = |token: &str| [method, path].iter().any(|part| part.contains(token));
    for line in world.host.lines.borrow().iter() {
        let fields: Value = serde_json::from_str(line).unwrap();
        assert!(fields["event"].is_string(), "{line}");
        // As it is read: the escape of a character may begin what looks like a secret.
        each_text(&fields, &mut |text| {
            untold(text);
            for token in [&world.token, ADMIN_TOKEN] {
                assert!(is_written(token) || !text.contains(token), "{line}");
            }
        });
    }
}

fn each_text(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, see)),
        Value::Object(map) => {
            for (name, value) in map {
                see(name);
                each_text(value, see);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_reply(response: &Response) {
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert!(body.is_object(), "{body}");
    assert!((200..600).contains(&response.status));
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "no-store"),
    ] {
        let mut found = response.headers.iter().filter(|(own, _)| *own == name);
        assert_eq!(
            found.next().map(|(_, value)| &**value),
            Some(value),
            "{name}"
        );
        assert!(found.next().is_none(), "{name}");
    }
    for (_, value) in &response.headers {
        assert!(!value.contains(['\r', '\n', '\0']), "{value:?}");
    }
    untold(&String::from_utf8_lossy(&response.body));
}

/// A word for WeChat. It is not ours alone: of a URL's check it is what was sent.
fn check_answer_to_push(response: &Response) {
    assert_eq!(response.status, 200);
    let is_safe = ("x-content-type-options", String::from("nosniff"));
    assert!(response.headers.contains(&is_safe));
    untold(&String::from_utf8_lossy(&response.body));
}

/// `watched`: where tokens stand, the app has some of its own.
fn check_changes(
    world: &World,
    sent: &Sent,
    openid: Option<&str>,
    changes: &Changes,
    watched: bool,
) {
    let config = &world.worker.config;
    let is = |one: &str, other: &[u8]| one.as_bytes() == other;
    let is_set = |name: &[u8]| changes.set.iter().any(|(own, _)| is(own, name));
    let is_gone = |name: &[u8]| changes.remove.iter().any(|own| is(own, name)) || is_set(name);
    let (cookie, bearer) = (
        format!("wx={}", world.token),
        format!("Bearer {}", world.token),
    );
    // What of the client's own reaches the app.
    for (name, value) in sent.head.pairs().filter(|(name, _)| !is_gone(name)) {
        let shown = String::from_utf8_lossy(name);
        assert!(!config.own_names.has(name), "{shown} is the client's");
        let value = String::from_utf8_lossy(value);
        // The app has a use for these of its own, but none for our token where it is looked for.
        let stands =
            |between: char, ours: &str| value.split(between).any(|part| part.trim() == ours);
        let is_told = |ours: &str| stands(',', ours);
        let squeezed: String = shown
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        for own in [
            "x-wx-openid",
            "x-wx-unionid",
            "x-wx-skey",
            "x-3rd-session",
            &*config.identity.openid,
        ] {
            let is_the_apps = watched
                && ["x-wx-skey", "x-3rd-session"].contains(&own)
                && !is_told(&world.token)
                && !is_told(&bearer);
            assert!(squeezed != own || is_the_apps, "{squeezed}");
        }
        match &*shown {
            "authorization" => assert!(!is_told(&bearer), "{value}"),
            "cookie" if config.session.cookie.is_some() => {
                assert!(!stands(';', &cookie), "{value}")
            }
            _ => {}
        }
    }
    for (number, (name, value)) in changes.set.iter().enumerate() {
        assert!(!value.contains(['\r', '\n', '\0']), "{name}: {value:?}");
        assert!(
            !name.bytes().any(|byte| byte.is_ascii_uppercase()),
            "{name}"
        );
        untold(value);
        let again = changes
            .set
            .iter()
            .skip(number + 1)
            .any(|(own, _)| own == name);
        assert!(!again, "{name} is set twice");
    }
    let told = changes
        .set
        .iter()
        .find(|(name, _)| *name == config.identity.openid);
    assert_eq!(told.map(|(_, value)| &**value), openid);
    let response = changes.response.iter();
    for (name, value) in response.flat_map(|response| &response.set) {
        assert!(!value.contains(['\r', '\n', '\0']), "{name}: {value:?}");
    }
    assert!(
        changes.trailers.forbids("x-wx-openid")
            && changes.trailers.forbids(&config.identity.openid)
    );
    if let Some(body) = &changes.body {
        let length = changes
            .set
            .iter()
            .find(|(name, _)| &**name == "content-length");
        assert_eq!(length.unwrap().1.parse(), Ok(body.len()));
        assert!(
            is_gone(b"transfer-encoding")
                || sent.head.names().all(|name| name != "transfer-encoding")
        );
        assert!(changes.trailers.forbids("content-md5"));
    }
    // What is told of a login is told by the edge alone, and a code that only binds gives nobody a token.
    let is_told = |name: &str| changes.set.iter().any(|(own, _)| **own == *name);
    assert!(!(is_told("x-wx-login-token") && is_told("x-wx-bound-openid")));
    assert!(!is_told("x-wx-login-token") || changes.response.is_some());
}

/// Nothing is upgraded but where a route says so, and no client's list of what the next hop is to drop has names of ours.
fn check_upgrade(sent: &Sent, changes: &Changes, may_be: bool) {
    let reaches = |header: &str| {
        let mut changed = changes.remove.iter();
        let is_there = sent.head.names().any(|name| name == header);
        is_there && changed.all(|name| **name != *header)
    };
    let is_set = |header: &str| changes.set.iter().any(|(name, _)| **name == *header);
    if sent.head.names().any(|name| name == "upgrade") {
        assert!(may_be || !reaches("upgrade"));
        assert!(!reaches("connection") || is_set("connection"));
    }
}

pub(super) fn untold(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "a secret is told: {text}");
    }
}
