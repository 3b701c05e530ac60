//! What a login came to, as plain data, and its wire form of `/wx/login`, which is also what is remembered under the
//! code: edges of an older version answer with it as it is. Other endpoints say the same in other words.

use alloc::rc::Rc;
use alloc::string::String;

use serde::Serialize;
use serde_json::{Map, Value};
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
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) registered: bool,
    /// Who logged in, as seen from this phone: one of [`NEW`], [`RETURNING`] and [`SWITCHED`].
    pub(crate) event: &'static str,
    pub(crate) user: Option<Rc<Value>>,
    /// Why the open data sent with the login was of no use: [`SESSION_KEY_STALE`], [`NO_PROFILE`] or
    /// [`INVALID_PARAMETER`]. The login stands, for its code is spent.
    pub(crate) open_data: Option<&'static str>,
}

pub(crate) const NEW: &str = "new";
pub(crate) const RETURNING: &str = "returning";
/// Another account than the one whose token the phone still had.
pub(crate) const SWITCHED: &str = "switched";
/// It fitted no key: fetch it again, then register.
pub(crate) const SESSION_KEY_STALE: &str = "session_key_stale";
/// It opened, and says nothing about the user.
pub(crate) const NO_PROFILE: &str = "no_profile";
/// Half of a pair, or nothing that could be opened: the client has a fault, or sends `undefined`.
pub(crate) const INVALID_PARAMETER: &str = "invalid_parameter";

/// `data` of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Login<'a> {
    token: &'a str,
    expires_in: u64,
    registered: bool,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_data: Option<&'a str>,
}

impl LoggedIn {
    /// The answer of `/wx/login`.
    pub(crate) fn body(&self, edge: &Edge) -> String {
        ok(&Login {
            token: &Zeroizing::new(self.token.text()),
            expires_in: expires_in(edge),
            registered: self.told.registered,
            event: self.told.event,
            user: self.told.user.as_deref(),
            open_data: self.told.open_data,
        })
    }

    /// The login that was answered with `body`. `None` if that is no such answer.
    pub(crate) fn remembered(token: Token, session: SessionRecord, body: &str) -> Option<Self> {
        let mut body: Map<String, Value> = serde_json::from_str(body).ok()?;
        let Value::Object(mut data) = body.remove("data")? else {
            return None;
        };
        let one_of = |name: &str, known: &[&'static str]| {
            let said = data.get(name)?.as_str()?;
            known.iter().find(|own| **own == said).copied()
        };
        let told = Told {
            registered: data.get("registered")?.as_bool()?,
            event: one_of("event", &[NEW, RETURNING, SWITCHED])?,
            open_data: one_of(
                "openData",
                &[SESSION_KEY_STALE, NO_PROFILE, INVALID_PARAMETER],
            ),
            user: data.remove("user").map(Rc::new),
        };
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
        assert_eq!((told.event, told.registered), (NEW, false));
        assert!(told.user.is_none() && told.open_data.is_none());
        let long = r#"{"status":0,"msg":"ok","data":{"token":"t","expiresIn":7200,"registered":true,"event":"switched","user":{"nickName":"x"},"openData":"session_key_stale"}}"#;
        let told = remembered(long).unwrap().told;
        assert_eq!(told.event, SWITCHED);
        assert_eq!(told.open_data, Some(SESSION_KEY_STALE));
        assert_eq!(told.user.unwrap()["nickName"], "x");
        assert!(remembered("{}").is_none());
    }
}
