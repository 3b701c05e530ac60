//! JSON text taken apart without making values of it: what is not touched stays as it was written, down to the last
//! digit and space. Repairs nothing but what WeChat writes wrongly, and never recurses. And [`to_json`], for what the
//! core writes itself.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// One member of an object. Doubled ones are all there, in their order.
pub(crate) struct Member<'a> {
    /// With its quotes, as written.
    key: &'a str,
    pub(crate) value: &'a str,
    /// Key, colon and value, in the text of the object.
    span: Range<usize>,
}

impl Member<'_> {
    /// What the key says. `None` if it is no text.
    pub(crate) fn key(&self) -> Option<Cow<'_, str>> {
        string(self.key)
    }

    /// Whether the key says `name`, in whatever spelling.
    pub(crate) fn is(&self, name: &str) -> bool {
        string(self.key).is_some_and(|key| key == name)
    }

    /// What the value says, if it is a string.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        string(self.value)
    }

    /// Where the value stands in the text of the object.
    pub(crate) fn value_span(&self) -> Range<usize> {
        self.span.end.saturating_sub(self.value.len())..self.span.end
    }
}

/// Whether `text` is one JSON value and nothing else.
pub(crate) fn check(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<&RawValue>(text).map(|_| ())
}

/// The members of `object`; none if it is another kind of value.
pub(crate) fn members(object: &str) -> Vec<Member<'_>> {
    let Ok(Pairs(pairs)) = serde_json::from_str(object) else {
        return Vec::new();
    };
    // What serde_json lends is a part of `object`.
    let offset = |part: &str| part.as_ptr().addr().saturating_sub(object.as_ptr().addr());
    let pairs = pairs.into_iter();
    pairs
        .map(|(key, value): (&RawValue, &RawValue)| {
            let (key, value) = (key.get(), value.get());
            let span = offset(key)..offset(value) + value.len();
            Member { key, value, span }
        })
        .collect()
}

/// Key and value of each member. Serde's maps would keep one of doubled keys only, and lose the order.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsPairs;
        impl<'de> Visitor<'de> for AsPairs {
            type Value = Vec<(&'de RawValue, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(AsPairs).map(Pairs)
    }
}

/// The keys of all objects in `text` at whatever depth, without quotes, as written. In a JSON text, a string before a
/// colon is a key, and nothing else is.
pub(crate) fn keys(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        loop {
            let (_, string) = rest.split_once('"')?;
            let (key, after) = string.split_at_checked(end_of_string(string)?)?;
            rest = after.get(1..)?;
            let next = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            if next.starts_with(':') {
                return Some(key);
            }
        }
    })
}

/// Where the quote is that ends a string.
fn end_of_string(string: &str) -> Option<usize> {
    let mut bytes = string.bytes().enumerate();
    loop {
        match bytes.next()? {
            (at, b'"') => return Some(at),
            (_, b'\\') => bytes.next().map(|_| ())?,
            _ => {}
        }
    }
}

/// What a string with its quotes says.
fn string(quoted: &str) -> Option<Cow<'_, str>> {
    unescaped(quoted.strip_prefix('"')?.strip_suffix('"')?)
}

/// What is written between the quotes of a string. `None` if it is no text: it has half a surrogate pair.
pub(crate) fn unescaped(written: &str) -> Option<Cow<'_, str>> {
    if !written.contains('\\') {
        return Some(Cow::Borrowed(written));
    }
    let quoted = alloc::format!("\"{written}\"");
    serde_json::from_str::<String>(&quoted).ok().map(Cow::Owned)
}

/// `object` without the members that `goes` names, and without the commas that parted them from the others.
pub(crate) fn without(
    object: &str,
    members: &[Member<'_>],
    goes: impl Fn(&Member<'_>) -> bool,
) -> Option<String> {
    let Some(first) = members.iter().position(|member| !goes(member)) else {
        let (begin, end) = (members.first()?.span.start, members.last()?.span.end);
        return Some([object.get(..begin)?, object.get(end..)?].concat());
    };
    let own = members.get(first)?;
    let text = object.get(own.span.clone())?;
    spliced(object, members, first, text, goes)
}

/// `object` with the text `new` in place of the member number `at`, and without those that `goes` names. The comma
/// and the space before a member go with it, or those behind it where nothing is left before it.
pub(crate) fn spliced(
    object: &str,
    members: &[Member<'_>],
    at: usize,
    new: &str,
    goes: impl Fn(&Member<'_>) -> bool,
) -> Option<String> {
    let stays = |(number, member): (usize, &Member<'_>)| number == at || !goes(member);
    let first = members.iter().enumerate().position(stays)?;
    let mut out = String::with_capacity(object.len() + new.len());
    let mut copied = 0;
    for (number, member) in members.iter().enumerate() {
        let (cut, put) = if number == at {
            (member.span.clone(), new)
        } else if stays((number, member)) {
            continue;
        } else if number < first {
            let next = members.get(number + 1)?;
            (member.span.start..next.span.start, "")
        } else {
            let before = members.get(number.checked_sub(1)?)?;
            (before.span.end..member.span.end, "")
        };
        out.push_str(object.get(copied..cut.start)?);
        out.push_str(put);
        copied = cut.end;
    }
    out.push_str(object.get(copied..)?);
    Some(out)
}

/// WeChat puts nicknames into its JSON with control characters (0x14, \b …) unescaped, which JSON does not allow.
pub(crate) fn escape_control_characters(text: &str) -> String {
    // Mostly there are none.
    if text.bytes().all(|byte| byte >= b' ') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut after_backslash) = (false, false);
    for character in text.chars() {
        if in_string && character < ' ' {
            out.push_str("\\u00");
            for nibble in [u32::from(character) >> 4, u32::from(character) & 15] {
                out.push(core::char::from_digit(nibble, 16).unwrap_or('0'));
            }
            after_backslash = false;
            continue;
        }
        if character == '"' && !after_backslash {
            in_string = !in_string;
        }
        after_backslash = in_string && character == '\\' && !after_backslash;
        out.push(character);
    }
    out
}

/// Strings, numbers and maps with string keys always serialise; an empty object would say that this is wrong.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".into())
}

#[cfg(test)]
mod tests;
