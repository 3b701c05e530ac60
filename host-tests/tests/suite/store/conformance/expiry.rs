//! Conformance: an entry is there until its expiry and not at it, and each write gives a new life.
#![warn(dead_code, reason = "a case that no list names would never run")]

use std::time::Duration;

use wx_session_core::store::{Key, Store};

use super::Subject;
use crate::store::session;

async fn read<S: Subject>(subject: &S, key: &Key) -> Option<Vec<u8>> {
    subject.store().get(key, subject.now()).await.unwrap()
}

async fn put<S: Subject>(subject: &S, key: &Key, value: &[u8], span: Duration) {
    let life = subject.life(span);
    subject.store().put(key, value, life).await.unwrap();
}

async fn swap<S: Subject>(
    subject: &S,
    key: &Key,
    expected: Option<&[u8]>,
    value: &[u8],
    span: Duration,
) -> bool {
    let (store, life) = (subject.store(), subject.life(span));
    store.swap(key, expected, value, life).await.unwrap()
}

pub async fn an_entry_lives_until_its_expiry_and_is_gone_at_it<S: Subject>(subject: &S) {
    let key = session("expiry");
    put(subject, &key, b"v", S::PRECISION * 3).await;
    subject.pass(S::PRECISION * 2);
    assert_eq!(read(subject, &key).await.unwrap(), b"v", "just before");
    subject.pass(S::PRECISION);
    assert_eq!(read(subject, &key).await, None, "at its expiry");
    subject.pass(S::PRECISION);
    assert_eq!(read(subject, &key).await, None, "after it");
}

pub async fn put_if_absent_writes_again_after_expiry<S: Subject>(subject: &S) {
    let key = session("expiry, if absent");
    let span = S::PRECISION * 3;
    assert!(swap(subject, &key, None, b"1", span).await);
    subject.pass(S::PRECISION * 2);
    let early = swap(subject, &key, None, b"2", span).await;
    assert!(!early, "just before its expiry");
    subject.pass(S::PRECISION);
    assert!(swap(subject, &key, None, b"3", span).await, "at its expiry");
    assert_eq!(read(subject, &key).await.unwrap(), b"3");
    subject.pass(S::PRECISION * 4);
    assert!(swap(subject, &key, None, b"4", span).await, "after it");
}

pub async fn a_swap_from_a_value_that_expired_changes_nothing<S: Subject>(subject: &S) {
    let key = session("expiry, swap");
    put(subject, &key, b"old", S::PRECISION * 3).await;
    subject.pass(S::PRECISION * 3);
    assert!(!swap(subject, &key, Some(b"old"), b"new", S::PRECISION * 9).await);
    assert_eq!(read(subject, &key).await, None);
}

pub async fn a_put_gives_a_new_life_longer_or_shorter<S: Subject>(subject: &S) {
    let (longer, shorter) = (session("put longer"), session("put shorter"));
    put(subject, &longer, b"old", S::PRECISION * 3).await;
    put(subject, &longer, b"new", S::PRECISION * 9).await;
    put(subject, &shorter, b"old", S::PRECISION * 9).await;
    put(subject, &shorter, b"new", S::PRECISION * 3).await;
    subject.pass(S::PRECISION * 3);
    assert_eq!(read(subject, &longer).await.unwrap(), b"new");
    assert_eq!(read(subject, &shorter).await, None, "nor the old value");
}

pub async fn a_swap_gives_a_new_life<S: Subject>(subject: &S) {
    let (longer, shorter) = (session("swap longer"), session("swap shorter"));
    put(subject, &longer, b"old", S::PRECISION * 3).await;
    put(subject, &shorter, b"old", S::PRECISION * 9).await;
    assert!(swap(subject, &longer, Some(b"old"), b"new", S::PRECISION * 9).await);
    assert!(swap(subject, &shorter, Some(b"old"), b"new", S::PRECISION * 3).await);
    subject.pass(S::PRECISION * 3);
    assert_eq!(read(subject, &longer).await.unwrap(), b"new");
    assert_eq!(read(subject, &shorter).await, None);
}

pub async fn a_refused_swap_does_not_lengthen_a_life<S: Subject>(subject: &S) {
    let key = session("expiry, refused");
    put(subject, &key, b"v", S::PRECISION * 3).await;
    assert!(!swap(subject, &key, None, b"v", S::PRECISION * 9).await);
    assert!(!swap(subject, &key, Some(b"w"), b"v", S::PRECISION * 9).await);
    subject.pass(S::PRECISION * 3);
    assert_eq!(read(subject, &key).await, None);
}

pub async fn one_entry_expires_alone<S: Subject>(subject: &S) {
    let keys: Vec<_> = (0..40).map(|n| session(&format!("alone {n}"))).collect();
    for (number, key) in keys.iter().enumerate() {
        let parts = if number % 2 == 0 { 3 } else { 30 };
        put(subject, key, key.name.as_bytes(), S::PRECISION * parts).await;
    }
    subject.pass(S::PRECISION * 3);
    // A write after the expiry, which may tidy up.
    for (number, key) in keys.iter().enumerate() {
        if number % 4 == 1 {
            put(subject, key, b"again", S::PRECISION * 30).await;
        }
    }
    for (number, key) in keys.iter().enumerate() {
        let expected = match number % 4 {
            1 => Some(b"again".to_vec()),
            3 => Some(key.name.clone().into_bytes()),
            _ => None,
        };
        assert_eq!(read(subject, key).await, expected, "{key:?}");
    }
}
