//! A body of which something is taken: JSON, a form, or a multipart one. What is not taken stays as it was written.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::multipart;
use crate::head::Head;
use crate::host::{BodyError, Request};
use crate::json_text;
use crate::media_type::{self, Kind};
use crate::params::{Params, Written, written};
use crate::placeholder::is_placeholder;
use crate::rejection::{Reason, Rejection};

/// The body of a request.
pub(super) enum Content {
    /// The text of an object.
    Json(String, Params),
    Form(Vec<u8>, Params),
    /// With the boundary between its parts.
    Multipart(Vec<u8>, String),
}

impl Content {
    /// Reads the body. `None` if there is none, or, unless it must bring a code, if it is of another kind, or JSON that has
    /// no members.
    pub(super) async fn read<R: Request>(
        request: &R,
        limit: usize,
        must_be_read: bool,
    ) -> Result<Option<Self>, Rejection> {
        let head = request.head();
        let media_type = media_type::of(head)?;
        let multipart = media_type.kind() == Kind::Multipart;
        let is_other = matches!(media_type.kind(), Kind::Other | Kind::Malformed)
            || (media_type.kind() == Kind::Unsaid && media_type.is_there());
        if is_other || (multipart && must_be_read) {
            if !must_be_read {
                return Ok(None);
            }
            return match request.body(0).await {
                // Many clients name a type on requests that have no body.
                Ok(_) => Ok(None),
                Err(BodyError::TooLarge) => Err(Reason::UnsupportedMediaType.with(
                    "content-type must be application/json or application/x-www-form-urlencoded",
                )),
                Err(other) => Err(other.into()),
            };
        }
        let body = match request.body(limit).await {
            Err(BodyError::TooLarge) => {
                let problem =
                    "a body on this route is looked into, so it must fit limits.body_bytes";
                return Err(Reason::BodyTooLarge.with(problem));
            }
            body => body?,
        };
        if body.is_empty() {
            return Ok(None);
        }
        if multipart {
            let boundary = media_type.parameter("boundary").ok_or_else(unreadable)?;
            return Ok(Some(Self::Multipart(body, boundary.to_owned())));
        }
        Self::of_text(head, &body, must_be_read)
    }

    fn of_text(head: &Head, body: &[u8], must_be_read: bool) -> Result<Option<Self>, Rejection> {
        let written = written(head, body)?;
        if let Written::Json(text) = &written
            && !must_be_read
            && has_no_members(text)
        {
            return Ok(None);
        }
        let params = Params::of(head, &written)?;
        Ok(match written {
            Written::Nothing => None,
            Written::Form(form) => Some(Self::Form(form.to_vec(), params)),
            Written::Json(text) => {
                let text = String::from_utf8(text.into_owned());
                let not_utf8 = |_| Reason::MalformedBody.with("the body is not UTF-8");
                Some(Self::Json(text.map_err(not_utf8)?, params))
            }
        })
    }

    /// The texts under `name`, in their order.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Rejection> {
        Ok(match self {
            Self::Json(text, _) => {
                let members = json_text::members(text);
                let own = members.iter().filter(|member| member.is(name));
                let texts = own.filter_map(|member| member.text());
                texts.map(Into::into).collect()
            }
            Self::Form(body, _) => form(body, name).collect(),
            Self::Multipart(body, boundary) => {
                let parts = multipart::parts(body, boundary).ok_or_else(unreadable)?;
                let own = parts.iter().filter(|part| part.is(name));
                let texts = own.map(|part| String::from_utf8_lossy(part.value));
                texts.map(Into::into).collect()
            }
        })
    }

    /// What a login may bring beside its code. `None` of a kind that brings none.
    pub(super) fn params(&self) -> Option<&Params> {
        match self {
            Self::Json(_, params) | Self::Form(_, params) => Some(params),
            Self::Multipart(..) => None,
        }
    }

    /// The body without what stands under the names that `goes` names. `None` if nothing does.
    pub(super) fn without(
        &self,
        goes: impl Fn(&str) -> bool,
    ) -> Result<Option<Vec<u8>>, Rejection> {
        Ok(match self {
            Self::Json(text, _) => {
                let members = json_text::members(text);
                let goes =
                    |member: &json_text::Member<'_>| member.key().is_some_and(|key| goes(&key));
                if !members.iter().any(goes) {
                    return Ok(None);
                }
                json_text::without(text, &members, goes).map(String::into_bytes)
            }
            Self::Form(body, _) => {
                let pairs = || body.split(|byte| *byte == b'&');
                let stays = |pair: &&[u8]| {
                    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
                    let name = String::from_utf8_lossy(name);
                    let decoded = form_urlencoded::parse(name.as_bytes()).next();
                    !decoded.is_some_and(|(name, _)| goes(&name))
                };
                let rest: Vec<&[u8]> = pairs().filter(stays).collect();
                (rest.len() < pairs().count()).then(|| rest.join(&b'&'))
            }
            Self::Multipart(body, boundary) => {
                let parts = multipart::parts(body, boundary).ok_or_else(unreadable)?;
                multipart::without(body, &parts, goes)
            }
        })
    }
}

/// The values under `name` of a form. A name that is encoded twice is another one: what takes it off decodes once, too.
pub(super) fn form(body: &[u8], name: &str) -> impl Iterator<Item = String> {
    form_urlencoded::parse(body)
        .filter(move |(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

/// The one value, however often it is repeated. Placeholders beside it do not count.
pub(super) fn only(
    name: &str,
    values: impl IntoIterator<Item = String>,
) -> Result<Option<String>, Rejection> {
    let mut only: Option<String> = None;
    for value in values {
        match &only {
            Some(earlier) if *earlier == value || is_placeholder(&value) => {}
            Some(earlier) if !is_placeholder(earlier) => {
                return Err(Reason::InvalidParameter.parameter(name, "must occur once"));
            }
            _ => only = Some(value),
        }
    }
    Ok(only)
}

/// Whether a text is JSON, and no object.
fn has_no_members(text: &[u8]) -> bool {
    !text.trim_ascii_start().starts_with(b"{")
        && core::str::from_utf8(text).is_ok_and(|text| json_text::check(text).is_ok())
}

fn unreadable() -> Rejection {
    Reason::MalformedBody.with(format!(
        "the multipart body cannot be taken apart: {}",
        "it needs a boundary, and each part a name"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn what_clients_make_of_nothing_is_none_beside_something() {
        let only = |values: &[&str]| only("code", values.iter().map(|text| String::from(*text)));
        for values in [
            &["undefined", "x"][..],
            &["x", "null", "x"],
            &["", "0", "x"],
        ] {
            assert_eq!(only(values).unwrap().as_deref(), Some("x"), "{values:?}");
        }
        // It was there, and goes.
        assert_eq!(only(&["null"]).unwrap().as_deref(), Some("null"));
        assert_eq!(only(&[]).unwrap(), None);
        assert!(only(&["undefined", "x", "y"]).is_err());
    }

    #[test]
    fn json_that_is_no_object_has_nothing_to_be_taken() {
        let head = Head::from_pairs([("content-type", "application/json")]);
        let read =
            |body: &str, must_be_read| Content::of_text(&head, body.as_bytes(), must_be_read);
        for body in ["[1,2]", " [{\"session\":1}]", "null", "\"session\"", "5"] {
            assert!(matches!(read(body, false), Ok(None)), "{body}");
            assert!(read(body, true).is_err(), "{body}");
        }
        for body in ["[1,2", "{", "[1] {}", "session"] {
            assert!(read(body, false).is_err(), "{body}");
        }
        assert!(matches!(read("{}", false), Ok(Some(_))));
    }

    /// What is read from a form is what is taken off it: an app must not find the token under a name that only a second
    /// reading makes of it.
    #[test]
    fn a_name_is_decoded_once() {
        for (body, found) in [
            ("session=t", 1),
            ("%73ession=t", 1),
            ("%2573ession=t", 0),
            ("session%20=t", 0),
        ] {
            let read = form(body.as_bytes(), "session").count();
            let content = Content::Form(body.into(), Params::default());
            let taken = content.without(|name| name == "session").unwrap();
            assert_eq!((read, taken.is_some()), (found, found == 1), "{body}");
        }
    }
}
