//! Open data found in the text of a body, and the text with something else in its place.

use alloc::vec::Vec;

use crate::json_text::{self, Member};
use crate::params::Params;
use crate::rejection::{Reason, Rejection};
use crate::route::OpenBody;
use crate::wechat::encrypted_data::{ENCRYPTED, SENT};

/// Open data as it stands in a body.
pub(super) struct Sent<'a> {
    text: &'a str,
    /// Where the object that holds it begins, and its text.
    begins: usize,
    object: &'a str,
    members: Vec<Member<'a>>,
    /// Which of the members is `encryptedData`.
    encrypted: usize,
}

/// `None` where there is nothing to open.
pub(super) fn find<'a>(text: &'a str, rules: &OpenBody) -> Result<Option<Sent<'a>>, Rejection> {
    let Some(name) = &rules.object else {
        return in_object(text, 0, text);
    };
    let members = json_text::members(text);
    let mut found = None;
    let mut objects = 0;
    for member in members.iter().filter(|member| member.is(name)) {
        objects += 1;
        found = found.or(in_object(text, member.value_span().start, member.value)?);
    }
    if found.is_some() && objects > 1 {
        return Err(Reason::InvalidParameter.parameter(name, "must occur once"));
    }
    Ok(found)
}

fn in_object<'a>(
    text: &'a str,
    begins: usize,
    object: &'a str,
) -> Result<Option<Sent<'a>>, Rejection> {
    let members = json_text::members(object);
    // As in forms, an empty text says that there is none.
    let is_there =
        |member: &Member<'_>| member.is(ENCRYPTED) && !["null", r#""""#].contains(&member.value);
    let Some(encrypted) = members.iter().position(is_there) else {
        return Ok(None);
    };
    for name in SENT {
        if members.iter().filter(|member| member.is(name)).count() > 1 {
            return Err(Reason::InvalidParameter.parameter(name, "must occur once"));
        }
    }
    Ok(Some(Sent {
        text,
        begins,
        object,
        members,
        encrypted,
    }))
}

impl Sent<'_> {
    pub(super) fn params(&self) -> Result<Params, Rejection> {
        let mut params = Params::default();
        for name in SENT {
            let Some(member) = self.members.iter().find(|member| member.is(name)) else {
                continue;
            };
            if member.value == "null" {
                continue;
            }
            let text = member
                .text()
                .ok_or_else(|| Reason::InvalidParameter.parameter(name, "must be a string"))?;
            params.insert(name, &text);
        }
        Ok(params)
    }

    /// The whole body with what was opened in place of what was sent.
    pub(super) fn with(&self, rules: &OpenBody, opened: &str) -> Option<Vec<u8>> {
        let member = alloc::format!("\"{}\":{opened}", rules.name);
        let is_field = |member: &Member<'_>| SENT.iter().any(|name| member.is(name));
        let object = json_text::spliced(
            self.object,
            &self.members,
            self.encrypted,
            &member,
            is_field,
        )?;
        let before = self.text.get(..self.begins)?;
        let after = self.text.get(self.begins + self.object.len()..)?;
        Some([before, &object, after].concat().into_bytes())
    }
}
