//! A JSON text that is taken apart and put together again stays one, and says the same but for what was meant to change.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use super::bytes::choice;
use crate::json_text::{Member, check, keys, members, spliced, unescaped};

/// Of deeper texts, the keys are not compared: what compares them here recurses.
const DEEPEST: usize = 60;

/// The first byte chooses which members go; the rest is the text.
pub fn json_text(data: &[u8]) {
    let (chosen, rest) = choice(data);
    let Ok(text) = core::str::from_utf8(rest) else {
        return;
    };
    // What is no JSON may be asked for its keys, too.
    for key in keys(text) {
        let _ = unescaped(key);
    }
    if check(text).is_err() {
        assert!(members(text).is_empty(), "{text:?}");
        return;
    }
    let mut all = Vec::new();
    if walk(text, DEEPEST, &mut all).is_some() {
        let found: Vec<_> = keys(text).map(unescaped).collect();
        assert_eq!(found, all, "{text:?}");
    }
    let members = members(text);
    for member in &members {
        assert_eq!(text.get(member.value_span()), Some(member.value));
        assert!(check(member.value).is_ok(), "{:?}", member.value);
    }
    for at in 0..members.len() {
        splice(text, &members, at, chosen);
    }
}

fn splice(text: &str, all: &[Member<'_>], at: usize, chosen: u8) {
    // By its place in memory, which is all that tells doubled members apart.
    let number = |member: &Member<'_>| {
        all.iter()
            .position(|one| core::ptr::eq(one, member))
            .unwrap()
    };
    let goes = |member: &Member<'_>| chosen >> (number(member) % 8) & 1 == 1;
    let new = spliced(text, all, at, r#""new":[1]"#, goes).unwrap();
    assert!(check(&new).is_ok(), "{text:?} became {new:?}");
    let expected = all
        .iter()
        .enumerate()
        .filter(|(place, member)| *place == at || !goes(member));
    let expected: Vec<_> = expected
        .map(|(place, member)| match place == at {
            true => (Some(Cow::Borrowed("new")), "[1]"),
            false => (member.key(), member.value),
        })
        .collect();
    let found = members(&new);
    let found: Vec<_> = found
        .iter()
        .map(|member| (member.key(), member.value))
        .collect();
    assert_eq!(found, expected, "{text:?} became {new:?}");
}

/// All keys in their order, read by a parser. `None` if the text is too deep.
fn walk(text: &str, depth: usize, found: &mut Vec<Option<Cow<'static, str>>>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let text = text.trim_ascii();
    if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).unwrap();
        return items
            .iter()
            .try_for_each(|item| walk(item.get(), depth, found));
    }
    members(text).iter().try_for_each(|member| {
        found.push(member.key().map(|key| Cow::Owned(String::from(key))));
        walk(member.value, depth, found)
    })
}
