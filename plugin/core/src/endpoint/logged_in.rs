//! What a login came to, as plain data, and its wire form of `/wx/login`, which is also what is remembered under the
//! code: edges of an older version answer with it as it is. Other endpoints say the same in other words.

use alloc::rc::Rc;
use alloc::string::String;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::edge::Edge;
use crate::reply::ok;
use crate::session::record::SessionRecord;
use crate::session::token::Token;
use crate::time::millis;

/// A login that succeeded.
#[derive(Clone)]
pub(crate) struct LoggedIn {
    pub(crate) token: Token,
    pub(crate) session: Rc<SessionRecord>,
    pub(crate) told: Told,
}

/// What the client is told beside its token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Told {
    pub(crate) registered: bool,
    pub(crate) event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open_data: Option<Useless>,
}

/// Who logged in, as seen from this phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    New,
    Returning,
    /// Another account than the one whose token the phone still had.
    Switched,
}

impl Event {
    /// As JSON has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Returning => "returning",
            Self::Switched => "switched",
        }
    }
}

/// Why the open data sent with a login was of no use. The login stands, for its code is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Useless {
    /// It fitted no key: fetch it again, then register.
    SessionKeyStale,
    NoProfile,
}

/// `data` of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Login<'a> {
    token: &'a str,
    expires_in: u64,
    #[serde(flatten)]
    told: &'a Told,
}

impl LoggedIn {
    /// The answer of `/wx/login`.
    pub(crate) fn body(&self, edge: &Edge) -> String {
        ok(&Login {
            token: &Zeroizing::new(self.token.text()),
            expires_in: expires_in(edge),
            told: &self.told,
        })
    }

    /// The login that was answered with `body`. `None` if that is no such answer.
    pub(crate) fn remembered(token: Token, session: SessionRecord, body: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            data: Told,
        }
        let Body { data: told } = serde_json::from_str(body).ok()?;
        Some(Self {
            token,
            session: Rc::new(session),
            told,
        })
    }
}

/// Seconds without use after which a session ends.
pub(crate) fn expires_in(edge: &Edge) -> u64 {
    millis(edge.config.session.idle) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use crate::time::UnixMillis;

    #[test]
    fn what_an_older_version_remembered_is_understood() {
        let session = || SessionRecord {
            appid: "wx0123456789abcdef".into(),
            openid: "o".into(),
            unionid: None,
            seen_at: UnixMillis(1),
            expires_at: UnixMillis(2),
            failures: 0,
        };
        let remembered = |body| LoggedIn::remembered(Token([1; 32]), session(), body);
        let short = r#"{"status":0,"msg":"ok","data":{"token":"t","expiresIn":7200,"registered":false,"event":"new"}}"#;
        let told = remembered(short).unwrap().told;
        assert_eq!((told.event, told.registered), (Event::New, false));
        assert!(told.user.is_none() && told.open_data.is_none());
        let long = r#"{"status":0,"msg":"ok","data":{"token":"t","expiresIn":7200,"registered":true,"event":"switched","user":{"nickName":"x"},"openData":"session_key_stale"}}"#;
        let told = remembered(long).unwrap().told;
        assert_eq!(told.event, Event::Switched);
        assert_eq!(told.open_data, Some(Useless::SessionKeyStale));
        assert_eq!(told.user.unwrap()["nickName"], "x");
        assert!(remembered("{}").is_none());
    }
}
