//! A body with open data: what the app gets is JSON, holds what WeChat wrote where the client put it, and nothing by that
//! name that the client wrote.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use serde_json::Value;

use super::bytes::choice;
use super::handle::check;
use super::world::{PAYLOAD, Sent, Setup, World};
use crate::json_text;
use crate::params::is_no_text;
use crate::reply::Action;
use crate::spelling::says;
use crate::wechat::encrypted_data::SENT;

const TYPES: [Option<&str>; 6] = [
    Some("application/json"),
    None,
    Some("application/x-www-form-urlencoded"),
    Some("multipart/form-data; boundary=x"),
    Some("text/plain"),
    Some("application/json, text/plain"),
];

/// The first byte chooses route and type, in that order from its lowest bit on; the rest is the body, with `$DATA` and
/// `$IV` for what can be opened.
pub fn open_body(data: &[u8]) {
    let (chosen, text) = choice(data);
    let (path, object, name) = match chosen % 2 {
        0 => ("/open", None, "openData"),
        _ => ("/inner", Some("detail"), "opened"),
    };
    let media_type = TYPES[usize::from(chosen / 2) % TYPES.len()];
    let world = World::new(Setup::Plain);
    let body = world.filled(text);
    let length = format!("{}", body.len());
    let mut head = Vec::from([
        (":method", "POST"),
        (":path", path),
        ("x-wx-skey", &*world.token),
    ]);
    head.extend([("content-length", &*length), ("content-md5", "x")]);
    head.extend(media_type.map(|own| ("content-type", own)));
    let sent = Sent::new(head, body.clone());
    let verdict = world.verdict(&sent);
    check(&world, &sent, &verdict, b"$TOKEN");
    let Action::Forward(changes) = verdict.action else {
        return;
    };
    let Some(new) = changes.body else {
        unopened(&body, media_type, object, name);
        return;
    };
    let new = core::str::from_utf8(&new).unwrap();
    assert!(json_text::check(new).is_ok(), "{new}");
    let place = match object {
        None => new,
        Some(object) => only(new, object),
    };
    assert_eq!(only(place, name), PAYLOAD, "{new}");
    let by_name = json_text::keys(new).filter_map(json_text::unescaped);
    assert_eq!(by_name.filter(|key| says(key, name)).count(), 1, "{new}");
    // All else is what it was.
    let (Ok(mut old), Ok(mut new)) = (
        serde_json::from_slice::<Value>(&body),
        serde_json::from_str::<Value>(new),
    ) else {
        return;
    };
    for whole in [&mut old, &mut new] {
        let place = match object {
            None => Some(whole),
            Some(object) => whole.get_mut(object),
        };
        let place = place.and_then(Value::as_object_mut).unwrap();
        place.retain(|key, _| key != name && key != "phoneCode" && !SENT.contains(&&**key));
    }
    assert_eq!(old, new);
}

/// The one member of this name.
fn only<'a>(object: &'a str, name: &str) -> &'a str {
    let members = json_text::members(object);
    let mut found = members.iter().filter(|member| member.is(name));
    let one = found.next().unwrap();
    assert!(found.next().is_none(), "{name} stands twice in {object}");
    one.value
}

/// What goes on as it came has nothing to be opened, and nothing by our name.
fn unopened(body: &[u8], media_type: Option<&str>, object: Option<&str>, name: &str) {
    let is_json = media_type.is_none_or(|own| own == TYPES[0].unwrap_or_default());
    if is_json && !body.is_empty() {
        let text = core::str::from_utf8(body).unwrap();
        assert!(json_text::check(text).is_ok(), "{text}");
        for key in json_text::keys(text) {
            assert!(!says(&json_text::unescaped(key).unwrap(), name), "{text}");
        }
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let place = object.map_or(Some(&value), |object| value.get(object));
        let data = place.and_then(|place| place.get(SENT[0]));
        assert!(
            data.is_none_or(|data| data.is_null() || data.as_str().is_some_and(is_no_text)),
            "{text}"
        );
    }
    if media_type == TYPES[2] {
        let fields = form_urlencoded::parse(body).map(|(key, _): (Cow<'_, str>, _)| key);
        for key in fields {
            assert!(!says(&key, name), "{key}");
        }
    }
}
