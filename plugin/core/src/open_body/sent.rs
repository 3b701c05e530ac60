//! Open data found in the text of a body, and the text with something else in its place.

use alloc::string::String;
use alloc::vec::Vec;

use crate::json_text::{self, Member};
use crate::params::{Params, is_no_text};
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
    /// Which of the members is to be opened.
    place: usize,
    what: What,
}

/// What was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// `encryptedData`, and its `iv`.
    Encrypted,
    /// The code of a phone number's button. What came beside it says the same of old.
    PhoneCode,
}

/// `None` where there is nothing to open.
pub(super) fn find<'a>(text: &'a str, rules: &OpenBody) -> Result<Option<Sent<'a>>, Rejection> {
    let Some(name) = &rules.object else {
        return in_object(text, 0, text, rules);
    };
    let members = json_text::members(text);
    let mut found = None;
    let mut objects = 0;
    for member in members.iter().filter(|member| member.is(name)) {
        objects += 1;
        found = found.or(in_object(
            text,
            member.value_span().start,
            member.value,
            rules,
        )?);
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
    rules: &OpenBody,
) -> Result<Option<Sent<'a>>, Rejection> {
    let members = json_text::members(object);
    let place = |name: &str| {
        let mut all = members.iter();
        all.position(|member| member.is(name) && !says_none(member))
    };
    let phone_code = rules.phone_code.as_deref();
    let code = phone_code.and_then(place);
    let (place, what) = match (code, place(ENCRYPTED)) {
        (Some(place), _) => (place, What::PhoneCode),
        (None, Some(place)) => (place, What::Encrypted),
        (None, None) => return Ok(None),
    };
    for name in SENT.into_iter().chain(phone_code) {
        if members.iter().filter(|member| member.is(name)).count() > 1 {
            return Err(Reason::InvalidParameter.parameter(name, "must occur once"));
        }
    }
    Ok(Some(Sent {
        text,
        begins,
        object,
        members,
        place,
        what,
    }))
}

/// Whether a client wrote it that had no text to write. As in forms, an empty one says that there is none.
fn says_none(member: &Member<'_>) -> bool {
    member.value == "null" || member.text().is_some_and(|text| is_no_text(&text))
}

impl Sent<'_> {
    /// The code of a phone number's button, if that is what was sent.
    pub(super) fn phone_code<'r>(
        &self,
        rules: &'r OpenBody,
    ) -> Result<Option<(&'r str, String)>, Rejection> {
        let (What::PhoneCode, Some(name)) = (self.what, &rules.phone_code) else {
            return Ok(None);
        };
        let text = self.members.get(self.place).and_then(Member::text);
        match text {
            Some(code) => Ok(Some((name, code.trim().into()))),
            None => Err(Reason::InvalidParameter.parameter(name, "must be a string")),
        }
    }

    pub(super) fn params(&self) -> Result<Params, Rejection> {
        let mut params = Params::default();
        for name in SENT {
            let Some(member) = self.members.iter().find(|member| member.is(name)) else {
                continue;
            };
            if says_none(member) {
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
        let phone_code = rules.phone_code.as_deref();
        let is_field = |member: &Member<'_>| {
            SENT.into_iter()
                .chain(phone_code)
                .any(|name| member.is(name))
        };
        let object = json_text::spliced(self.object, &self.members, self.place, &member, is_field)?;
        let before = self.text.get(..self.begins)?;
        let after = self.text.get(self.begins + self.object.len()..)?;
        Some([before, &object, after].concat().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;

    #[test]
    fn what_clients_make_of_nothing_is_not_sent() {
        let rules = OpenBody {
            object: None,
            name: "openData".into(),
            phone_code: Some("phoneCode".into()),
            passes_other_types: false,
        };
        for nothing in [
            "null",
            r#""""#,
            r#"" ""#,
            r#""0""#,
            r#""undefined""#,
            r#""f\u0061lse""#,
            r#""[object Object]""#,
        ] {
            let all =
                format!(r#"{{"phoneCode":{nothing},"encryptedData":{nothing},"iv":{nothing}}}"#);
            assert!(find(&all, &rules).unwrap().is_none(), "{all}");
            let code =
                format!(r#"{{"phoneCode":{nothing},"encryptedData":"x","rawData":{nothing}}}"#);
            let sent = find(&code, &rules).unwrap().unwrap();
            assert!(sent.phone_code(&rules).unwrap().is_none(), "{code}");
            let params = sent.params().unwrap();
            assert_eq!(params.text("encryptedData").unwrap(), Some("x"));
            assert_eq!(params.text("rawData").unwrap(), None);
        }
        for something in [r#""{}""#, "{}", "[]", "0", "false", r#""\ud83d""#] {
            let body = format!(r#"{{"encryptedData":{something}}}"#);
            assert!(find(&body, &rules).unwrap().is_some(), "{body}");
        }
    }
}
