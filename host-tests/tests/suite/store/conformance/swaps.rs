//! Conformance: compare-and-swap and put-if-absent, one after another and at once.
#![warn(dead_code, reason = "a case that no list names would never run")]

use wx_session_core::store::{Key, Store};

use super::Subject;
use crate::rig::schedule::both;
use crate::store::{session, user};

async fn swap<S: Subject>(subject: &S, key: &Key, expected: Option<&[u8]>, value: &[u8]) -> bool {
    let store = subject.store();
    let swapped = store.swap(key, expected, value, subject.long()).await;
    swapped.unwrap()
}

async fn read<S: Subject>(subject: &S, key: &Key) -> Option<Vec<u8>> {
    subject.store().get(key, subject.now()).await.unwrap()
}

pub async fn the_first_put_if_absent_writes_and_the_second_does_not<S: Subject>(subject: &S) {
    for key in [session("if absent"), user("if absent, a user")] {
        assert!(swap(subject, &key, None, b"first").await);
        assert!(!swap(subject, &key, None, b"second").await);
        assert!(!swap(subject, &key, None, b"first").await, "the same value");
        assert_eq!(read(subject, &key).await.unwrap(), b"first");
    }
}

pub async fn put_if_absent_writes_again_after_a_delete<S: Subject>(subject: &S) {
    let key = session("if absent, deleted");
    for value in [b"1", b"2", b"3"] {
        assert!(swap(subject, &key, None, value).await);
        assert_eq!(read(subject, &key).await.unwrap(), value);
        subject.store().delete(&key).await.unwrap();
    }
}

pub async fn a_swap_from_the_right_value_writes<S: Subject>(subject: &S) {
    let key = session("swap");
    let values = [&b"0"[..], b"one", b"\0\xff", "二".as_bytes(), b"", b"5"];
    assert!(swap(subject, &key, None, values[0]).await);
    for pair in values.windows(2) {
        assert!(swap(subject, &key, Some(pair[0]), pair[1]).await);
        assert_eq!(read(subject, &key).await.unwrap(), pair[1]);
    }
    let same = swap(subject, &key, Some(b"5"), b"5").await;
    assert!(same, "a value may be swapped for itself");
}

pub async fn a_swap_from_a_wrong_value_changes_nothing<S: Subject>(subject: &S) {
    let key = session("swap, wrong");
    assert!(swap(subject, &key, None, b"a").await);
    assert!(swap(subject, &key, Some(b"a"), b"b").await);
    let wrong = swap(subject, &key, Some(b"a"), b"c").await;
    assert!(!wrong, "this was its value a moment ago");
    assert_eq!(read(subject, &key).await.unwrap(), b"b");
}

pub async fn a_swap_from_a_value_that_was_deleted_changes_nothing<S: Subject>(subject: &S) {
    let key = session("swap, deleted");
    assert!(swap(subject, &key, None, b"a").await);
    subject.store().delete(&key).await.unwrap();
    assert!(!swap(subject, &key, Some(b"a"), b"b").await);
    assert_eq!(read(subject, &key).await, None);
}

pub async fn a_swap_compares_the_whole_value<S: Subject>(subject: &S) {
    let key = session("swap, whole");
    assert!(swap(subject, &key, None, b"a value\0with a tail").await);
    for near in [
        &b"a value"[..],
        b"a value\0",
        b"a value\0with a tail ",
        b"A value\0with a tail",
        b"a value\0with a tai\xec",
    ] {
        assert!(!swap(subject, &key, Some(near), b"x").await, "{near:?}");
    }
    assert_eq!(read(subject, &key).await.unwrap(), b"a value\0with a tail");
}

pub async fn of_two_put_if_absents_at_once_one_wins<S: Subject>(subject: &S) {
    for round in 0..10 {
        let key = session(&format!("if absent at once {round}"));
        let won = both(
            swap(subject, &key, None, b"a"),
            swap(subject, &key, None, b"b"),
        )
        .await;
        let expected = winner(won);
        assert_eq!(read(subject, &key).await.unwrap(), expected);
    }
}

pub async fn of_two_swaps_at_once_one_wins<S: Subject>(subject: &S) {
    for round in 0..10 {
        let key = session(&format!("swap at once {round}"));
        assert!(swap(subject, &key, None, b"old").await);
        let won = both(
            swap(subject, &key, Some(b"old"), b"a"),
            swap(subject, &key, Some(b"old"), b"b"),
        )
        .await;
        let expected = winner(won);
        assert_eq!(read(subject, &key).await.unwrap(), expected);
    }
}

fn winner(won: (bool, bool)) -> &'static [u8] {
    match won {
        (true, false) => b"a",
        (false, true) => b"b",
        other => panic!("exactly one wins: {other:?}"),
    }
}
