//! Conformance: what is put is there, what is deleted is not, whatever the bytes.
#![warn(dead_code, reason = "a case that no list names would never run")]

use wx_session_core::store::{Key, Store};

use super::Subject;
use crate::store::{session, user};

async fn read<S: Subject>(subject: &S, key: &Key) -> Option<Vec<u8>> {
    subject.store().get(key, subject.now()).await.unwrap()
}

async fn put<S: Subject>(subject: &S, key: &Key, value: &[u8]) {
    let store = subject.store();
    store.put(key, value, subject.long()).await.unwrap();
}

pub async fn an_absent_entry_is_none<S: Subject>(subject: &S) {
    assert_eq!(read(subject, &session("absent")).await, None);
    assert_eq!(read(subject, &user("absent")).await, None);
}

pub async fn what_is_put_is_read_back<S: Subject>(subject: &S) {
    for key in [session("put"), user("put by a user")] {
        put(subject, &key, b"value").await;
        for _ in 0..2 {
            assert_eq!(read(subject, &key).await.unwrap(), b"value");
        }
    }
}

pub async fn a_second_put_overwrites<S: Subject>(subject: &S) {
    let key = session("overwrite");
    for value in [&b"first"[..], b"second, which is longer", b"3"] {
        put(subject, &key, value).await;
        assert_eq!(read(subject, &key).await.unwrap(), value);
    }
}

pub async fn a_deleted_entry_is_gone<S: Subject>(subject: &S) {
    let key = session("delete");
    put(subject, &key, b"value").await;
    subject.store().delete(&key).await.unwrap();
    assert_eq!(read(subject, &key).await, None);
    put(subject, &key, b"again").await;
    assert_eq!(read(subject, &key).await.unwrap(), b"again");
}

pub async fn deleting_what_is_absent_is_no_error<S: Subject>(subject: &S) {
    let key = session("delete absent");
    for _ in 0..2 {
        subject.store().delete(&key).await.unwrap();
        assert_eq!(read(subject, &key).await, None);
    }
}

pub async fn deleting_one_entry_leaves_the_others<S: Subject>(subject: &S) {
    let keys: Vec<_> = (0..20).map(|n| session(&format!("one of {n}"))).collect();
    for key in &keys {
        put(subject, key, key.name.as_bytes()).await;
    }
    subject.store().delete(&keys[7]).await.unwrap();
    for key in &keys {
        let expected = (key != &keys[7]).then(|| key.name.clone().into_bytes());
        assert_eq!(read(subject, key).await, expected, "{key:?}");
    }
}

pub async fn values_of_any_bytes_come_back_as_they_were<S: Subject>(subject: &S) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let values: [&[u8]; 12] = [
        &every_byte,
        b"\0",
        b"\0\0\0\0",
        b"\xff\xfe\xfd",
        b"\xc3\x28",
        "昵称 👩‍👩‍👧‍👦 \u{200d}\u{0301}".as_bytes(),
        b"{\"result\":null}",
        b"\"quoted\\\" and \\u0000 and \\/",
        b"\r\n$-1\r\n*0\r\n",
        b"a/b.json?c=d&e=%2f+%00 f#g",
        b" leading and trailing ",
        b"null",
    ];
    for (number, value) in values.into_iter().enumerate() {
        let key = session(&format!("bytes {number}"));
        put(subject, &key, value).await;
        assert_eq!(read(subject, &key).await.unwrap(), value);
    }
}

pub async fn an_empty_value_is_not_an_absent_one<S: Subject>(subject: &S) {
    let (key, store) = (session("empty"), subject.store());
    put(subject, &key, b"").await;
    assert_eq!(read(subject, &key).await.unwrap(), b"");
    let swapped = store.swap(&key, None, b"x", subject.long()).await;
    assert!(!swapped.unwrap(), "it is not absent");
    let swapped = store.swap(&key, Some(b""), b"x", subject.long()).await;
    assert!(swapped.unwrap(), "it is empty");
    let absent = session("empty and absent");
    let swapped = store.swap(&absent, Some(b""), b"x", subject.long()).await;
    assert!(!swapped.unwrap(), "it is absent");
}

pub async fn values_of_two_and_four_kilobytes_fit<S: Subject>(subject: &S) {
    for size in [2048, 4096] {
        let key = session(&format!("large {size}"));
        let value: Vec<u8> = (0..size).map(|n| (n * 7 % 251) as u8).collect();
        put(subject, &key, &value).await;
        assert_eq!(read(subject, &key).await.unwrap(), value);
    }
}

pub async fn names_with_odd_characters_are_kept_apart<S: Subject>(subject: &S) {
    let names = [
        "odd",
        "odd ",
        " odd",
        "Odd",
        "odd/",
        "odd//",
        "odd.json",
        "odd%2f",
        "odd%2F",
        "odd+",
        "odd?a=b&c",
        "odd#",
        "odd\"",
        "odd'",
        "odd\\",
        "odd\0",
        "odd\r\n",
        "odd{}*[]",
        "odd:",
        "odd昵称",
        "odd👩‍👧",
        "oddé",
        "odde\u{301}",
    ];
    for name in names {
        put(subject, &session(name), name.as_bytes()).await;
    }
    for name in names {
        let value = read(subject, &session(name)).await;
        assert_eq!(value.unwrap(), name.as_bytes(), "{name:?}");
    }
    for name in names {
        subject.store().delete(&session(name)).await.unwrap();
        assert_eq!(read(subject, &session(name)).await, None, "{name:?}");
    }
}

pub async fn many_entries_live_side_by_side<S: Subject>(subject: &S) {
    let keys: Vec<_> = (0..300)
        .map(|n| session(&format!("s:{:064x}", n * 0x9e37_79b9_u64)))
        .collect();
    for key in &keys {
        put(subject, key, key.name.as_bytes()).await;
    }
    for key in &keys {
        let value = read(subject, key).await.unwrap();
        assert_eq!(value, key.name.as_bytes());
    }
}

/// Only where the store keeps kinds of entries apart. Elsewhere their names differ, which is enough.
pub async fn kinds_of_entries_with_one_name_do_not_disturb_one_another<S: Subject>(subject: &S) {
    let (a, b) = (session("one name"), user("one name"));
    put(subject, &a, b"session").await;
    assert_eq!(read(subject, &b).await, None);
    put(subject, &b, b"user").await;
    assert_eq!(read(subject, &a).await.unwrap(), b"session");
    subject.store().delete(&a).await.unwrap();
    assert_eq!(read(subject, &a).await, None);
    assert_eq!(read(subject, &b).await.unwrap(), b"user");
}
