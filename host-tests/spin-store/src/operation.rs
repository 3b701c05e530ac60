//! An operation of a store, as a request writes it.

use serde_json::Value;
use wx_session_core::UnixMillis;
use wx_session_core::store::{Change, Key, Life, Space, Write};

pub(crate) enum Operation {
    Get(Key, UnixMillis),
    Write(Vec<Write>),
}

impl Operation {
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(text).ok()?;
        if let Some(of) = value.get("get") {
            return Some(Self::Get(key(of)?, time(value.get("now")?)?));
        }
        let writes = value.get("write")?.as_array()?.iter().map(|write| {
            Some(Write {
                key: key(write.get("key")?)?,
                change: change(write.get("change")?)?,
            })
        });
        writes.collect::<Option<_>>().map(Self::Write)
    }
}

fn key(value: &Value) -> Option<Key> {
    let space = if value.get("users")?.as_bool()? {
        Space::Users
    } else {
        Space::Sessions
    };
    Some(Key::new(space, value.get("name")?.as_str()?))
}

fn change(value: &Value) -> Option<Change> {
    if let Some(put) = value.get("put") {
        return Some(Change::Put(bytes(put)?, life(value)?));
    }
    let Some(swap) = value.get("swap") else {
        return Some(Change::Delete);
    };
    let expected = value.get("expected")?;
    Some(Change::Swap {
        expected: match expected {
            Value::Null => None,
            expected => Some(bytes(expected)?),
        },
        value: bytes(swap)?,
        life: life(value)?,
    })
}

fn life(value: &Value) -> Option<Life> {
    let life = value.get("life")?;
    Some(Life {
        now: time(life.get("now")?)?,
        expires_at: time(life.get("expires_at")?)?,
    })
}

fn time(value: &Value) -> Option<UnixMillis> {
    value.as_u64().map(UnixMillis)
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    let bytes = value.as_array()?.iter();
    let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
    bytes.map(byte).collect()
}
