//! The name that only the edge writes, in every spelling under which some app may find it: in keys of JSON, in the
//! query, in forms. Frameworks ignore case, join words, normalise, and make a tree of `a.b`, `a[b]` and the like; so a
//! key that has the name between two boundaries has it. Looks at names only, never at values.

use alloc::borrow::Cow;
use alloc::string::String;

use super::encodings::{
    backslashes_undone, has_encoded_part, has_encoded_word, has_extended_name, percent_decoded,
};
use crate::head::Head;
use crate::json_text;
use crate::rejection::{Reason, Rejection};
use crate::spelling::says;

/// How often a name may be percent-encoded before nobody would find it any more.
const MOST_ENCODINGS: usize = 4;

/// Refuses a body or query in which the client wrote `name` itself.
pub(super) struct Own<'a> {
    pub(super) name: &'a str,
}

impl Own<'_> {
    fn refuse(&self, found: bool, place: &str) -> Result<(), Rejection> {
        if found {
            let problem = alloc::format!("must not be sent{place}: it is written here");
            Err(Reason::InvalidParameter.parameter(self.name, &problem))
        } else {
            Ok(())
        }
    }

    /// Apps that ask for a parameter may be given one of the query, or a cookie (PHP's `$_REQUEST`).
    pub(super) fn not_in_head(&self, head: &Head) -> Result<(), Rejection> {
        for (name, value) in head.pairs() {
            let query = value.iter().position(|byte| *byte == b'?');
            match (name, query) {
                (b":path", Some(at)) => {
                    let query = value.get(at + 1..).unwrap_or_default();
                    self.refuse(self.is_field(query), " in the query")?;
                }
                (b"cookie", _) => {
                    // Old parsers split at commas and blanks as well.
                    let mut cookies = value.split(|byte| b";, ".contains(byte));
                    let found = cookies.any(|cookie| self.is_field(cookie));
                    self.refuse(found, " in a cookie")?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// In a JSON text, at whatever depth.
    pub(super) fn not_in_json(&self, text: &str) -> Result<(), Rejection> {
        for key in json_text::keys(text) {
            let key = json_text::unescaped(key)
                .ok_or_else(|| Reason::MalformedBody.with("a key of the JSON body is no text"))?;
            self.refuse(self.is_encoded(key.as_bytes()), "")?;
        }
        Ok(())
    }

    /// In a body that some app reads as a form.
    pub(super) fn not_in_form(&self, body: &[u8]) -> Result<(), Rejection> {
        self.refuse(self.is_field(body), "")
    }

    /// In a JSON text that some app reads as a form whatever its type is: Bottle, web.py, GoFrame. What comes before the
    /// first `&` is no field of that name there, for it begins as JSON does.
    pub(super) fn not_in_form_of_json(&self, text: &str) -> Result<(), Rejection> {
        let rest = text.find(['&', ';']).and_then(|at| text.get(at..));
        self.refuse(rest.is_some_and(|rest| self.is_field(rest.as_bytes())), "")
    }

    /// In a multipart body. Its parsers differ in what they take for a header, a quote or a boundary: so the name may
    /// stand nowhere at all, and no name may be written in an encoding that some of them undo.
    pub(super) fn not_in_multipart(&self, body: &[u8]) -> Result<(), Rejection> {
        let text = String::from_utf8_lossy(body);
        let found = says(&text, self.name)
            || says(&percent_decoded(body), self.name)
            || says(&backslashes_undone(&text), self.name);
        self.refuse(found, "")?;
        if has_encoded_word(body) || has_extended_name(body) || has_encoded_part(body) {
            return Err(Reason::MalformedBody
                .with("the names and fields of a multipart body must be written plainly"));
        }
        Ok(())
    }

    /// Whether a field of a form or query has the name. Some apps still split at `;`, and to others it is a part of the
    /// name like any other.
    fn is_field(&self, text: &[u8]) -> bool {
        let is_named = |field: &[u8]| {
            let name = field.split(|byte| *byte == b'=').next().unwrap_or_default();
            self.is_encoded(name)
        };
        text.split(|byte| *byte == b'&').any(|field| {
            let mut parts = field.split(|byte| *byte == b';');
            is_named(field) || (field.contains(&b';') && parts.any(is_named))
        })
    }

    /// Whether `written` has the name once it is decoded, as often as somebody may decode it.
    fn is_encoded(&self, written: &[u8]) -> bool {
        let mut name = Cow::Borrowed(written);
        for _ in 0..=MOST_ENCODINGS {
            if says(&String::from_utf8_lossy(&name), self.name) {
                return true;
            }
            if !name.iter().any(|byte| b"%+".contains(byte)) {
                return false;
            }
            name = Cow::Owned(percent_decoded(&name).into_bytes());
        }
        false
    }
}

#[cfg(test)]
mod tests;
