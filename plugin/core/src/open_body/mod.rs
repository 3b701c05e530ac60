//! Open data in the JSON body of a request for the app: opened on the way, so that the app finds the object that
//! WeChat made, verified, where the client put `encryptedData` and `iv`. The rest of the body stays as it was written.
//! Never forwards what it could not open, nor a body in which the client itself wrote the name that only we may write.

mod sent;

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::edge::Edge;
use crate::endpoint::open_data::{self, Submitted};
use crate::gate::Holder;
use crate::host::{BodyError, Head, Header, Host, Request};
use crate::json_text;
use crate::rejection::{Reason, Rejection};
use crate::reply::Changes;
use crate::route::OpenBody;

pub(crate) use self::sent::FIELDS;
use self::sent::find;

/// Whether a header or trailer of this name tells something of the body that is wrong of another one. (A length is set
/// and not removed.)
#[must_use]
pub fn describes_body(name: &str) -> bool {
    let names = [
        "content-digest",
        "content-md5",
        "digest",
        "etag",
        "repr-digest",
    ];
    names.contains(&name)
}

/// Opens what the body of `request` holds, and has the app get the result. A body without open data stays untouched.
pub(crate) async fn open<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
    rules: &OpenBody,
    holder: Holder,
    changes: &mut Changes,
) -> Result<(), Rejection> {
    let limit = edge.config.body_bytes;
    let Some(body) = read(request, rules, limit).await? else {
        return Ok(());
    };
    let text = json(&body)?;
    refuse_own_name(text, rules)?;
    let Some(sent) = find(text, rules)? else {
        return Ok(());
    };
    // Data that was sent to be opened is refused where nobody can open it: the app need not know it closed.
    let (token, session) = holder?;
    let submitted = Submitted::from_params(&sent.params()?, host)?;
    let owner = open_data::open(edge, host, &token, session, &submitted).await?;
    let opened = owner.opened.open_data.ok_or(Reason::Internal)?;
    let body = sent.with(rules, &opened.json).ok_or(Reason::Internal)?;
    // The host has room for this much, and open data may grow when it is opened.
    if body.len() > limit {
        return Err(Reason::BodyTooLarge.with("the body is too large when its open data is opened"));
    }
    replace(request.head(), changes, body);
    Ok(())
}

/// The body, if it is one to be looked into.
async fn read(
    request: &impl Request,
    rules: &OpenBody,
    limit: usize,
) -> Result<Option<Vec<u8>>, Rejection> {
    let head = request.head();
    if !is_json(head)? {
        if rules.passes_other_types {
            return Ok(None);
        }
        return match request.body(0).await {
            // Many clients name a type on requests that have no body.
            Ok(_) => Ok(None),
            Err(BodyError::TooLarge) => {
                Err(Reason::UnsupportedMediaType.with("content-type must be application/json"))
            }
            Err(other) => Err(other.into()),
        };
    }
    let body = request.body(limit).await?;
    if body.is_empty() {
        return Ok(None);
    }
    match head.get("content-encoding") {
        Header::Absent => Ok(Some(body)),
        Header::One(coding) if coding.eq_ignore_ascii_case("identity") => Ok(Some(body)),
        _ => Err(Reason::UnsupportedMediaType.with("the body must not be compressed")),
    }
}

/// Whether an app could take the body for JSON: many look for no more than the word in the type.
fn is_json(head: &Head) -> Result<bool, Rejection> {
    let value = match head.get("content-type") {
        Header::Absent => return Ok(true),
        Header::One(value) => value.to_ascii_lowercase(),
        Header::Ambiguous => {
            return Err(Reason::InvalidHeader.parameter("content-type", "must occur once"));
        }
    };
    let mut parameters = value.split(';');
    let essence = parameters.next().unwrap_or_default().trim();
    if !essence.is_empty() && !value.contains("json") {
        return Ok(false);
    }
    let mut charsets = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim() == "charset");
    // All of them: readers differ in which of two they take, and in another charset the app could read other names.
    if charsets.all(|(_, own)| ["utf-8", "utf8"].contains(&own.trim().trim_matches('"'))) {
        Ok(true)
    } else {
        Err(Reason::UnsupportedMediaType.with("charset must be utf-8"))
    }
}

fn json(body: &[u8]) -> Result<&str, Rejection> {
    let text = core::str::from_utf8(body)
        .map_err(|_| Reason::MalformedBody.with("the body is not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(Reason::MalformedBody.with("the body begins with a byte order mark"));
    }
    match json_text::check(text) {
        Ok(()) => Ok(text),
        Err(error) if error.is_eof() => {
            Err(Reason::MalformedBody.with("the JSON body ends too early"))
        }
        Err(_) => Err(Reason::MalformedBody.with("the body is not valid JSON")),
    }
}

/// Wherever in the body an app may look for it, the name is ours.
fn refuse_own_name(text: &str, rules: &OpenBody) -> Result<(), Rejection> {
    for key in json_text::keys(text) {
        let key = json_text::unescaped(key)
            .ok_or_else(|| Reason::MalformedBody.with("a key of the JSON body is no text"))?;
        if same_name(&key, &rules.name) {
            return Err(Reason::InvalidParameter
                .parameter(&rules.name, "must not be sent: it is written here"));
        }
    }
    Ok(())
}

/// Whether some app could read both as one name: parsers ignore case, binders ignore what separates words, and C ends
/// a text at its first zero.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

/// The letters and digits of a name, whose case is none. Beyond ASCII only those that some reader takes for an ASCII
/// letter are more than themselves: Unicode's tables are large, and names that may be configured are ASCII.
fn letters(name: &str) -> impl Iterator<Item = char> {
    let name = name.split('\0').next().unwrap_or_default();
    name.chars()
        .filter(|character| character.is_ascii_alphanumeric() || !character.is_ascii())
        .map(|character| match character {
            'ſ' => 's',
            'ı' | 'İ' => 'i',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
}

/// The app gets `body`, and no header that speaks of the old one.
fn replace(head: &Head, changes: &mut Changes, body: Vec<u8>) {
    for name in head.names() {
        // With its length known, the body has no other framing: two of them would be a request smuggled in.
        if describes_body(name) || name == "transfer-encoding" {
            changes.remove.push(name.into());
        }
    }
    let length = body.len().to_string();
    changes.set.push(("content-length".into(), length.into()));
    changes.body = Some(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn a_name_is_the_same_in_every_spelling_that_a_reader_may_take_for_it() {
        for name in [
            "openData",
            "OPENDATA",
            "open_data",
            "open-data",
            "open data",
            " openData\n",
            "openData\0and more",
        ] {
            assert!(same_name(name, "openData"), "{name:?}");
        }
        assert!(same_name("\u{212a}ey\u{17f}", "keys"), "Go folds these");
        for name in [
            "openDat",
            "openData1",
            "xopenData",
            "数据openData",
            "\0openData",
            "",
        ] {
            assert!(!same_name(name, "openData"), "{name:?}");
        }
    }
}
