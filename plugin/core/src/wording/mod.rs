//! How an answer of ours is worded for clients that know another envelope: constant members, and other places for our
//! text and for a token. Plain data, and its application to the JSON of an answer. Never changes what an answer means:
//! its headers say that.

pub(crate) mod wafer;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::json_text::to_json;

/// What one kind of answer looks like. The default is our own envelope.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wording {
    /// In place of the HTTP status of the table.
    pub(crate) http_status: Option<u16>,
    /// Set at the top level, over ours of the same name: text, numbers, true or false.
    pub(crate) members: Vec<(String, Value)>,
    /// Our `msg` stands under this name too.
    pub(crate) message_as: Option<String>,
    /// A token stands here too.
    pub(crate) token_as: Option<Place>,
}

/// Where a member stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// In `data`, and not at the top level.
    pub(crate) in_data: bool,
    pub(crate) name: String,
}

/// The wordings of all answers to one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wordings {
    /// A good answer.
    pub(crate) ok: Wording,
    /// A refusal about the session.
    pub(crate) session: Wording,
    /// Any other refusal.
    pub(crate) other: Wording,
}

/// The member that holds what an endpoint says.
const DATA: &str = "data";

impl Wording {
    /// `json`, an object of ours, with `message` and `token` where its clients look for them.
    pub(crate) fn put(&self, json: String, message: &str, token: Option<&str>) -> String {
        let is_ours = self.members.is_empty()
            && self.message_as.is_none()
            && (self.token_as.is_none() || token.is_none());
        if is_ours {
            return json;
        }
        self.worded(&json, message, token).unwrap_or(json)
    }

    fn worded(&self, json: &str, message: &str, token: Option<&str>) -> Option<String> {
        let mut all: Members = serde_json::from_str(json).ok()?;
        if let Some(name) = &self.message_as {
            all.insert(name.clone(), raw(&message)?);
        }
        if let (Some(place), Some(token)) = (&self.token_as, token) {
            if place.in_data {
                let mut data: Members = serde_json::from_str(all.get(DATA)?.get()).ok()?;
                data.insert(place.name.clone(), raw(&token)?);
                all.insert(DATA.to_owned(), raw(&data)?);
            } else {
                all.insert(place.name.clone(), raw(&token)?);
            }
        }
        for (name, value) in &self.members {
            all.insert(name.clone(), raw(value)?);
        }
        Some(to_json(&all))
    }

    /// This one, and over it what `own` says.
    pub(crate) fn with(&self, own: &Self) -> Self {
        let mut all = self.clone();
        all.http_status = own.http_status.or(self.http_status);
        all.members
            .retain(|(name, _)| own.members.iter().all(|(other, _)| other != name));
        all.members.extend(own.members.iter().cloned());
        all.message_as = own.message_as.clone().or(all.message_as);
        all.token_as = own.token_as.clone().or(all.token_as);
        all
    }
}

/// As they were written, down to the last digit.
type Members = BTreeMap<String, Box<RawValue>>;

fn raw(value: &impl serde::Serialize) -> Option<Box<RawValue>> {
    RawValue::from_string(serde_json::to_string(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    fn wording() -> Wording {
        Wording {
            members: [
                ("status".into(), Value::from(501)),
                ("ok".into(), true.into()),
            ]
            .into(),
            message_as: Some("errmsg".into()),
            token_as: Some(Place {
                in_data: true,
                name: "accessToken".into(),
            }),
            ..Wording::default()
        }
    }

    #[test]
    fn members_text_and_token_stand_where_they_are_said_to_and_the_rest_as_it_was() {
        let json = r#"{"status":0,"msg":"好","data":{"n":1.10,"token":"t"}}"#;
        assert_eq!(
            wording().put(json.into(), "好", Some("t")),
            r#"{"data":{"accessToken":"t","n":1.10,"token":"t"},"errmsg":"好","msg":"好","ok":true,"status":501}"#
        );
        assert_eq!(Wording::default().put(json.into(), "好", Some("t")), json);
        let top = Wording {
            token_as: Some(Place {
                in_data: false,
                name: "session".into(),
            }),
            ..Wording::default()
        };
        assert_eq!(top.put(json.into(), "", None), json, "no token, no member");
        let worded = top.put(json.into(), "", Some("t"));
        assert!(
            worded.ends_with(r#","session":"t","status":0}"#),
            "{worded}"
        );
    }

    #[test]
    fn what_is_said_more_closely_stands_over_what_is_said_for_all() {
        let all = wording();
        let own = Wording {
            http_status: Some(200),
            members: [("status".into(), "x".into())].into(),
            ..Wording::default()
        };
        let both = all.with(&own);
        assert_eq!(both.http_status, Some(200));
        assert_eq!(
            both.members,
            [("ok".into(), true.into()), ("status".into(), "x".into())]
        );
        assert_eq!(both.message_as, all.message_as);
    }
}
