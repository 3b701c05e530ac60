//! A record opens as what was sealed, in its own place alone, and never when a single bit of it has changed.

use alloc::string::String;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bytes::{line, take};
use crate::records::record::{
    CodeRecord, SessionRecord, UserRecord, code_key, code_scope, session_scope, user_key,
    user_scope,
};
use crate::records::token::Token;
use crate::seal::{MasterKeys, Read, Record, Scope, as_written};
use crate::store::Form;
use crate::time::UnixMillis;

/// Seven bytes choose places and times, 32 are a token, lines are texts; the rest is a record as it is stored, plain.
pub fn records(data: &[u8]) {
    let ([place, bit, seen @ ..], rest) = take::<7>(data);
    let (token, rest) = take::<32>(rest);
    let (appid, rest) = line(rest);
    let (openid, rest) = line(rest);
    let [appid, openid] = [appid, openid].map(String::from_utf8_lossy);
    let token = Token(token);
    let parsed = Token::parse(&token.text()).unwrap();
    assert!(parsed.same(&token));
    if let Some(other) = core::str::from_utf8(rest).ok().and_then(Token::parse) {
        assert_eq!(other.text().as_bytes(), rest, "a token has one spelling");
    }
    let record = SessionRecord {
        appid: (&*appid).into(),
        openid: (&*openid).into(),
        unionid: (place % 2 == 0).then(|| (&*openid).into()),
        seen_at: UnixMillis(seen.iter().fold(0, |all, byte| all << 8 | u64::from(*byte))),
        expires_at: UnixMillis(u64::MAX - u64::from(bit)),
        failures: place,
        attributes: None,
    };
    let name = token.id().key().name;
    let sealed = Sealed {
        keys: MasterKeys::new(["one", "two"]),
        at: usize::from(place),
        turned: 1 << (bit % 8),
    };
    let opener = token.opener();
    sealed.check(&session_scope(&opener, &name), &record);
    assert_ne!(
        user_key(&appid, &openid),
        user_key(&alloc::format!("{appid}x"), &openid)
    );
    stored::<SessionRecord>(rest, |record| {
        sealed.check(&session_scope(&opener, &name), record)
    });
    let name = user_key(&appid, &openid).name;
    stored::<UserRecord>(rest, |record| {
        sealed.check(&user_scope(&appid, &openid, &name), record)
    });
    let name = code_key(&appid, &openid).name;
    if let Ok(record) = postcard::from_bytes::<CodeRecord>(rest) {
        let home = code_scope(&openid, &name);
        let text = sealed.keys.seal_with([3; 12], &home, &record).unwrap();
        let opened: CodeRecord = sealed.keys.open(&home, &text).unwrap();
        assert!(opened.token == record.token && opened.told == record.told);
    }
    // Nobody without a key makes a record.
    let home = session_scope(&opener, &name);
    assert!(sealed.keys.open::<SessionRecord>(&home, rest).is_none());
}

/// Bytes that are a record, whoever wrote them, are written as they are read.
fn stored<T: Record + DeserializeOwned + PartialEq>(plain: &[u8], check: impl Fn(&T)) {
    let Ok(record) = postcard::from_bytes::<T>(plain) else {
        return;
    };
    let again = postcard::to_allocvec(&record).unwrap();
    assert!(postcard::from_bytes::<T>(&again).unwrap() == record);
    check(&record);
}

/// The same of another kind.
#[derive(Serialize, Deserialize)]
struct Other<T>(T);

impl<T: Serialize + DeserializeOwned + 'static> Record for Other<T> {
    const FORM: &'static Form = &Form {
        what: "other",
        written: 1,
        newest: 1,
    };
    const READ: &'static [Read<Self>] = &[as_written];
}

struct Sealed {
    keys: MasterKeys,
    /// Which byte is changed.
    at: usize,
    turned: u8,
}

impl Sealed {
    fn check<T: Record + DeserializeOwned + PartialEq>(&self, home: &Scope<'_>, record: &T) {
        let Self { keys, at, turned } = self;
        let sealed = keys.seal_with([3; 12], home, record).unwrap();
        let open = |scope: &Scope<'_>, sealed: &[u8]| keys.open::<T>(scope, sealed);
        assert!(open(home, &sealed).as_ref() == Some(record));
        let at = at % sealed.len();
        let mut changed = sealed.clone();
        changed[at] ^= turned;
        assert!(open(home, &changed).is_none(), "byte {at} does not matter");
        assert!(open(home, &sealed[..at]).is_none(), "{at} bytes are enough");
        assert!(open(home, &[&sealed[..], &[0]].concat()).is_none());
        let moved = Scope {
            name: "elsewhere",
            ..*home
        };
        assert!(open(&moved, &sealed).is_none());
        let of_another = Scope {
            owner: [b"another", b""],
            ..*home
        };
        assert!(open(&of_another, &sealed).is_none());
        assert!(keys.open::<Other<T>>(home, &sealed).is_none());
        assert!(
            MasterKeys::new(["three"])
                .open::<T>(home, &sealed)
                .is_none()
        );
        let rotated = MasterKeys::new(["three", "one"]);
        assert!(rotated.open::<T>(home, &sealed).as_ref() == Some(record));
    }
}
