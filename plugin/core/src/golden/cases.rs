//! What is stored, of every kind and in each state that it may be in, always the same: its keys, nonces and times are fixed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use crate::fake_host::run;
use crate::limits::circuit_breaker::{CircuitBreaker, Trouble};
use crate::quota::{self, entry};
use crate::records::kinds::{PUSH, REPLAY, TICKET};
use crate::records::push::{self, PushState, push_key};
use crate::records::record::{
    CodeRecord, KeyRing, Listed, SessionRecord, UserRecord, access_token_key, breaker_key,
    code_key, code_scope, session_scope, user_key, user_scope,
};
use crate::records::shown::{self, replay_key};
use crate::records::token::Token;
use crate::records::told::{Event, Told, Useless};
use crate::seal::{MasterKeys, Record, Scope};
use crate::store::embedded::{EmbeddedStore, SLOT, SharedMap, Version};
use crate::store::{Form, Key, Life, Space, Store, StoreError};
use crate::time::UnixMillis;
use crate::wechat::access_token;
use crate::wechat::session_key::SessionKey;
use crate::wechat_api::tokens::{self, TokenRecord};

const APPID: &str = "wx4f4bc4dec97d474b";
const OPENID: &str = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";
const UNIONID: &str = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";
const JS_CODE: &str = "0a1b2c3d4e5f";
pub(super) const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const LATER: UnixMillis = UnixMillis(1_702_592_000_000);
const MINUTE: Duration = Duration::from_secs(60);

/// Whether what is stored says what it should.
pub(super) type IsRead = dyn Fn(&[u8]) -> bool;

/// Something that is stored.
pub(super) struct Case {
    pub(super) form: &'static Form,
    pub(super) what: &'static str,
    pub(super) name: String,
    /// As this release writes it.
    pub(super) written: Vec<u8>,
    pub(super) is_read: Box<IsRead>,
}

pub(super) fn keys() -> MasterKeys {
    MasterKeys::new(["a master key of thirty-two bytes and more"])
}

pub(super) fn token() -> Token {
    let mut token = [0xab; 32];
    let seconds = u32::try_from(NOW.seconds()).unwrap();
    token[20..24].copy_from_slice(&seconds.to_be_bytes());
    let mark = keys().mark(&token[..24]).unwrap();
    token[24..].copy_from_slice(&mark);
    Token(token)
}

fn session_key(letter: &str) -> SessionKey {
    SessionKey::parse(&[&*letter.repeat(21), "A=="].concat()).unwrap()
}

fn sealed<T: Record + PartialEq>(
    what: &'static str,
    key: &Key,
    scope: &Scope<'_>,
    record: T,
) -> Case {
    let written = keys().seal_with([7; 12], scope, &record).unwrap();
    let owner = scope.owner.map(<[u8]>::to_vec);
    let name = key.name.clone();
    let is_read = move |stored: &[u8]| {
        let [owner, of_owner] = &owner;
        let scope = Scope {
            owner: [owner, of_owner],
            name: &name,
        };
        keys().open::<T>(&scope, stored).as_ref() == Some(&record)
    };
    Case {
        form: T::FORM,
        what,
        name: key.name.clone(),
        written,
        is_read: Box::new(is_read),
    }
}

fn sessions() -> Vec<Case> {
    let opener = token().opener();
    let key = token().id().key();
    let session = |what, unionid: Option<&str>, failures, attributes: Option<&str>| {
        let record = SessionRecord {
            appid: APPID.into(),
            openid: OPENID.into(),
            unionid: unionid.map(Into::into),
            seen_at: NOW,
            expires_at: LATER,
            failures,
            attributes: attributes.map(Into::into),
        };
        sealed(what, &key, &session_scope(&opener, &key.name), record)
    };
    vec![
        session("of a user", None, 0, None),
        session(
            "with all it can have",
            Some(UNIONID),
            3,
            Some("uid=42&vip=1"),
        ),
    ]
}

fn users() -> Vec<Case> {
    let key = user_key(APPID, OPENID);
    let scope = user_scope(APPID, OPENID, &key.name);
    let listed = |letter: u8| Listed {
        opener: Token([letter; 32]).opener(),
        made_at: NOW,
    };
    let new = UserRecord {
        ring: KeyRing::new(session_key("A")),
        unionid: None,
        registered: false,
        profile: "{}".into(),
        sessions: vec![listed(1)],
        created_at: NOW,
    };
    let known = UserRecord {
        ring: KeyRing {
            current: session_key("B"),
            previous: Some(session_key("A")),
        },
        unionid: Some(UNIONID.into()),
        registered: true,
        profile: r#"{"nickName":"小明"}"#.into(),
        sessions: vec![listed(1), listed(2)],
        created_at: NOW,
    };
    vec![
        sealed("who is new", &key, &scope, new),
        sealed("with all there can be", &key, &scope, known),
    ]
}

fn codes() -> Vec<Case> {
    let key = code_key(APPID, JS_CODE);
    let scope = code_scope(JS_CODE, &key.name);
    let code = |what, event, user: Option<&str>, open_data| {
        let record = CodeRecord {
            token: token().0,
            openid: OPENID.into(),
            told: Told {
                registered: user.is_some(),
                event,
                user: user.map(Into::into),
                open_data,
            },
            made_at: NOW,
        };
        sealed(what, &key, &scope, record)
    };
    let stale = Some(Useless::SessionKeyStale);
    let no_profile = Some(Useless::NoProfile);
    let invalid = Some(Useless::InvalidParameter);
    let user = Some(r#"{"nickName":"小明"}"#);
    vec![
        code("of a new user", Event::New, None, None),
        code("of a known one", Event::Returning, user, None),
        code("of another than before", Event::Switched, user, stale),
        code("with no profile", Event::New, None, no_profile),
        code("with half of open data", Event::New, None, invalid),
    ]
}

fn breakers() -> Vec<Case> {
    let key = breaker_key(APPID);
    let breaker = |what, breaker| sealed(what, &key, &quota::scope(&key), breaker);
    let opened = |trouble| {
        let mut breaker = CircuitBreaker::default();
        breaker.open(trouble, NOW);
        breaker
    };
    let mut closed = CircuitBreaker::default();
    closed.record_failure(Trouble::Unavailable, NOW);
    vec![
        breaker("closed", closed),
        breaker("opened by a timeout", opened(Trouble::Timeout)),
        breaker("opened by an outage", opened(Trouble::Unavailable)),
        breaker("opened by WeChat's word", opened(said())),
    ]
}

fn said() -> Trouble {
    Trouble::Said {
        errcode: 40164,
        rid: Some("6553f100-00000000-00000000".into()),
    }
}

fn access_tokens() -> Vec<Case> {
    let key = access_token_key(APPID);
    let scope = tokens::scope(APPID, &key.name);
    let answer = br#"{"access_token":"an_access_token","expires_in":7200}"#;
    let found = TokenRecord {
        token: Some(access_token::read(answer, NOW).unwrap()),
        breaker: CircuitBreaker::default(),
    };
    let mut refused = TokenRecord {
        token: None,
        breaker: CircuitBreaker::default(),
    };
    refused.breaker.open(said(), NOW);
    vec![
        sealed("that is good", &key, &scope, found),
        sealed("that WeChat refuses", &key, &scope, refused),
    ]
}

fn pushes() -> Vec<Case> {
    let push = |what, state| Case {
        form: &PUSH.form,
        what,
        name: push_key(APPID, ["id:from", "1"]).name,
        written: push::entry(state, NOW, [7; 8]),
        is_read: Box::new(move |stored| push::read(stored) == Some((state, NOW))),
    };
    vec![
        push("under way", PushState::UnderWay),
        push("delivered", PushState::Delivered),
        push("failed", PushState::Failed),
    ]
}

/// What is neither sealed nor has more than one state.
fn plain() -> Vec<Case> {
    let marks = [[1; 8], [2; 8]];
    let id = token().id();
    vec![
        Case {
            form: &REPLAY.form,
            what: "of two pieces of data",
            name: replay_key(&id).name,
            written: shown::entry(&marks[..1], marks[1]),
            is_read: Box::new(move |stored| shown::read(stored) == marks),
        },
        Case {
            form: &TICKET.form,
            what: "for a minute",
            name: Key::hashed(&TICKET, [7; 32]).name,
            written: entry::entry(NOW, MINUTE, [7; 8]),
            is_read: Box::new(|stored| {
                entry::span(stored) == Some(MINUTE)
                    && entry::counts(stored, NOW)
                    && !entry::counts(stored, NOW.after(MINUTE))
            }),
        },
    ]
}

/// A map of one thread.
#[derive(Default)]
struct Map(RefCell<BTreeMap<String, Vec<u8>>>);

impl SharedMap for &Map {
    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let found = self.0.borrow().get(name).cloned();
        Ok(found.map(|value| (value, Version(1))))
    }

    async fn compare_and_set(
        &self,
        name: &str,
        value: &[u8],
        _: Option<Version>,
    ) -> Result<bool, StoreError> {
        self.0.borrow_mut().insert(name.into(), value.to_vec());
        Ok(true)
    }
}

/// Two entries that meet in one slot of many.
fn slot() -> Case {
    const SLOTS: u32 = 1024;
    let keys = ["1", "108"].map(|name| Key::new(Space::Users, name));
    let map = Map::default();
    let store = EmbeddedStore::new(&map, SLOTS, 1024);
    let life = Life {
        now: NOW,
        expires_at: LATER,
    };
    for key in &keys {
        run(store.put(key, key.name.as_bytes(), life)).unwrap();
    }
    let mut slots = map.0.into_inner();
    let (name, written) = slots.pop_first().unwrap();
    assert!(slots.is_empty(), "they lie in slots of their own");
    let place = name.clone();
    let is_read = move |stored: &[u8]| {
        let map = Map(RefCell::new([(place.clone(), stored.to_vec())].into()));
        let store = EmbeddedStore::new(&map, SLOTS, 1024);
        let holds = |key: &Key, now| run(store.get(key, now)).unwrap();
        let is_there = |key: &Key| holds(key, NOW).as_deref() == Some(key.name.as_bytes());
        keys.iter()
            .all(|key| is_there(key) && holds(key, LATER).is_none())
    };
    Case {
        form: &SLOT,
        what: "with two entries",
        name,
        written,
        is_read: Box::new(is_read),
    }
}

pub(super) fn cases() -> Vec<Case> {
    let kinds = [
        sessions(),
        users(),
        codes(),
        breakers(),
        access_tokens(),
        pushes(),
        plain(),
        vec![slot()],
    ];
    kinds.into_iter().flatten().collect()
}
