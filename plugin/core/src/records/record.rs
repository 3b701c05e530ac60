//! What is stored, as plain data. The fields, their types and their order are the stored form: see [`super::kinds`].

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::kinds::{ACCESS_TOKEN, BREAKER, CODE, SESSION, USER};
use super::token::{Opener, SessionId};
use super::told::Told;
use crate::seal::{Read, Record, Scope, as_written};
use crate::shared_text::SharedText;
use crate::store::{Form, Key};
use crate::time::UnixMillis;
use crate::wechat::session_key::SessionKey;

/// One login of one user, sealed under a key that comes from its token: see [`Opener`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) appid: SharedText,
    pub(crate) openid: SharedText,
    pub(crate) unionid: Option<SharedText>,
    /// Last use that was written down; renewal is lazy.
    pub(crate) seen_at: UnixMillis,
    /// Absolute end, whatever the use.
    pub(crate) expires_at: UnixMillis,
    /// Open data of this session that no key opened.
    pub(crate) failures: u8,
    /// What it remembers for its app, form-encoded.
    pub(crate) attributes: Option<SharedText>,
}

impl Record for SessionRecord {
    const FORM: &'static Form = &SESSION.form;
    const READ: &'static [Read<Self>] = &[as_written];
}

impl SessionRecord {
    /// The same, with `text` to remember for its app. An empty text is nothing.
    pub(crate) fn remembering(&self, text: &str) -> Self {
        Self {
            attributes: (!text.is_empty()).then(|| text.into()),
            ..self.clone()
        }
    }
}

/// One user of one app, sealed under a key that comes from the master key and the user's ids: no secret of the client is
/// needed to open it, but whose it is has to be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    pub(crate) ring: KeyRing,
    pub(crate) unionid: Option<String>,
    /// The client has uploaded the profile.
    pub(crate) registered: bool,
    /// JSON object.
    pub(crate) profile: String,
    /// Its sessions, oldest first; before them those that the last login has replaced.
    pub(crate) sessions: Vec<Listed>,
    pub(crate) created_at: UnixMillis,
}

impl Record for UserRecord {
    const FORM: &'static Form = &USER.form;
    const READ: &'static [Read<Self>] = &[as_written];
}

impl UserRecord {
    /// Whether this is one of the user's sessions, and not one that was replaced.
    pub(crate) fn lists(&self, id: &SessionId) -> bool {
        let mut sessions = self.sessions.iter();
        sessions.any(|own| own.opener.id() == *id && !own.is_replaced())
    }

    /// As [`Self::lists`], but also of one that was replaced.
    pub(crate) fn names(&self, id: &SessionId) -> bool {
        self.sessions.iter().any(|own| own.opener.id() == *id)
    }
}

/// A session on its user's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Names the session, and opens its record for an operator, who has no token.
    pub(crate) opener: Opener,
    /// When the user logged in.
    pub(crate) made_at: UnixMillis,
}

impl Listed {
    /// A session whose place a login has taken. Its end is written beside that login; until the next login it stays on
    /// the list, so that a logout everywhere finds it should that end be lost.
    pub(crate) fn replaced(opener: Opener) -> Self {
        Self {
            opener,
            made_at: UnixMillis(0),
        }
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.made_at == UnixMillis(0)
    }
}

/// The current session_key and the one before it. Data that a client fetched just before a new login is made under
/// the previous key: without it "the first decrypt fails, the second works".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyRing {
    pub(crate) current: SessionKey,
    pub(crate) previous: Option<SessionKey>,
}

impl KeyRing {
    pub(crate) fn new(session_key: SessionKey) -> Self {
        Self {
            current: session_key,
            previous: None,
        }
    }

    /// Takes the key of a new login. WeChat may give the same key again: the ring then stays as it is.
    pub(crate) fn rotate(&mut self, session_key: SessionKey) {
        if self.current != session_key {
            self.previous = Some(core::mem::replace(&mut self.current, session_key));
        }
    }

    /// Takes the key of a login that WeChat has granted before the one whose key is here.
    pub(crate) fn rotate_behind(&mut self, session_key: SessionKey) {
        if self.current != session_key {
            self.previous = Some(session_key);
        }
    }

    /// Takes the key that WeChat has given in the place of `old`. If a login has come between, the login's is the newer one:
    /// WeChat had still held the old one.
    pub(crate) fn reset(&mut self, old: &SessionKey, session_key: SessionKey) {
        if self.current == *old {
            self.rotate(session_key);
        } else {
            self.rotate_behind(session_key);
        }
    }

    pub(crate) fn holds(&self, session_key: &SessionKey) -> bool {
        self.current == *session_key || self.previous.as_ref() == Some(session_key)
    }
}

/// A login that may be repeated for a minute, sealed under a key that comes from its code.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) struct CodeRecord {
    pub(crate) token: [u8; 32],
    pub(crate) openid: String,
    #[zeroize(skip)]
    pub(crate) told: Told,
    #[zeroize(skip)]
    pub(crate) made_at: UnixMillis,
}

impl Record for CodeRecord {
    const FORM: &'static Form = &CODE.form;
    const READ: &'static [Read<Self>] = &[as_written];
}

/// What the record of a session is bound to.
pub(crate) fn session_scope<'a>(opener: &'a Opener, name: &'a str) -> Scope<'a> {
    Scope {
        owner: [&opener.0, b""],
        name,
    }
}

/// What the record of a user is bound to.
pub(crate) fn user_scope<'a>(appid: &'a str, openid: &'a str, name: &'a str) -> Scope<'a> {
    Scope {
        owner: [appid.as_bytes(), openid.as_bytes()],
        name,
    }
}

/// What the record of a code is bound to.
pub(crate) fn code_scope<'a>(js_code: &'a str, name: &'a str) -> Scope<'a> {
    Scope {
        owner: [js_code.as_bytes(), b""],
        name,
    }
}

/// The user's entry.
pub(crate) fn user_key(appid: &str, openid: &str) -> Key {
    Key::of_parts(&USER, &[appid, openid])
}

/// The entry that remembers a code's answer.
pub(crate) fn code_key(appid: &str, js_code: &str) -> Key {
    Key::of_parts(&CODE, &[appid, js_code])
}

/// The entry of what all workers know of WeChat's trouble with this app.
pub(crate) fn breaker_key(appid: &str) -> Key {
    Key::of_parts(&BREAKER, &[appid])
}

/// The entry of this app's access_token.
pub(crate) fn access_token_key(appid: &str) -> Key {
    Key::of_parts(&ACCESS_TOKEN, &[appid])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::told::{Event, Useless};
    use crate::testing::test;

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    #[test]
    fn the_ring_keeps_the_current_and_the_previous_key() {
        let (a, b, c) = (
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "BBBBBBBBBBBBBBBBBBBBBA==",
            "CCCCCCCCCCCCCCCCCCCCCA==",
        );
        let mut ring = KeyRing::new(key(a));
        ring.rotate(key(a));
        assert_eq!(
            ring.previous, None,
            "the same key again does not push out the previous one"
        );
        ring.rotate(key(b));
        ring.rotate(key(c));
        assert_eq!(ring.current, key(c));
        assert_eq!(ring.previous.unwrap(), key(b));
    }

    #[test]
    fn a_key_in_the_place_of_another_is_older_than_that_of_a_login_that_came_between() {
        let [a, b, c] = [
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "BBBBBBBBBBBBBBBBBBBBBA==",
            "CCCCCCCCCCCCCCCCCCCCCA==",
        ]
        .map(key);
        let ring = |current: &SessionKey, previous: &SessionKey| KeyRing {
            current: current.clone(),
            previous: Some(previous.clone()),
        };
        let mut alone = KeyRing::new(a.clone());
        // Twice: it may have to be done again where a change seems lost.
        for _ in 0..2 {
            alone.reset(&a, b.clone());
            assert_eq!(alone, ring(&b, &a));
        }
        let mut with_login = KeyRing::new(a.clone());
        with_login.rotate(c.clone());
        for _ in 0..2 {
            with_login.reset(&a, b.clone());
            assert_eq!(with_login, ring(&c, &b));
        }
        assert!(with_login.holds(&b) && with_login.holds(&c) && !with_login.holds(&a));
    }

    #[test]
    fn a_remembered_login_is_read_as_it_was_written() {
        let told = |user: Option<&str>, open_data| Told {
            registered: user.is_some(),
            event: Event::Switched,
            user: user.map(Into::into),
            open_data,
        };
        for told in [
            told(None, None),
            told(Some(r#"{"nickName":"小明"}"#), Some(Useless::NoProfile)),
        ] {
            let record = CodeRecord {
                token: [7; 32],
                openid: "o".into(),
                told: told.clone(),
                made_at: UnixMillis(1),
            };
            let stored = postcard::to_allocvec(&record).unwrap();
            let read: CodeRecord = postcard::from_bytes(&stored).unwrap();
            assert_eq!(read.told, told);
            assert_eq!((read.token, &*read.openid), ([7; 32], "o"));
        }
    }

    #[test]
    fn names_of_different_owners_differ() {
        assert_ne!(user_key("wx1", "2o").name, user_key("wx12", "o").name);
        assert_ne!(user_key("a", "b").name[2..], code_key("a", "b").name[2..]);
    }
}
