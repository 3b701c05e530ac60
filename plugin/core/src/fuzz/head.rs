//! A head keeps what it was given, in either form, and finds what is there exactly once.

use alloc::vec::Vec;

use super::bytes::line;
use crate::head::{Head, Header};

/// `data` is a packed head, and also the lines of one: names and values by turns.
pub fn head(data: &[u8]) {
    if let Some(head) = Head::packed(data.to_vec()) {
        check(&head);
        let pairs: Vec<_> = head.pairs().collect();
        assert!(same(&Head::from_pairs(pairs.iter().copied()), &head));
    }
    let mut pairs = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let (name, after) = line(rest);
        let (value, after) = line(after);
        pairs.push((name, value));
        rest = after;
    }
    let head = Head::from_pairs(pairs.iter().copied());
    check(&head);
    pairs.retain(|(name, _)| name.is_ascii());
    assert!(head.pairs().eq(pairs.iter().copied()));
    let mut packed = pack(&pairs);
    assert!(same(&Head::packed(packed.clone()).unwrap(), &head));
    // Cut off anywhere, it is no head, or one without the last byte, which is none of a value.
    let mut cut = Head::default();
    packed.pop();
    packed.pop();
    let is_read = cut.read_packed(packed);
    assert!(!is_read || pairs.is_empty() || cut.pairs().count() == pairs.len());
    assert!(is_read || cut.pairs().next().is_none());
}

fn check(head: &Head) {
    for (name, _) in head.pairs() {
        let name = core::str::from_utf8(name).unwrap();
        let mut values = head.pairs().filter(|(own, _)| *own == name.as_bytes());
        let only = values.next().filter(|_| values.next().is_none());
        let text = only.and_then(|(_, value)| core::str::from_utf8(value).ok());
        assert_eq!(head.get(name), text.map_or(Header::Ambiguous, Header::One));
    }
    assert_eq!(head.names().count(), head.pairs().count());
    assert!(same(&head.without(|_| false, |_, _| false), head));
    let valueless = head.without(|_| false, |_, _| true);
    assert!(valueless.names().eq(head.names()));
    for name in head.names() {
        assert_eq!(valueless.get(name), Header::Ambiguous, "{name}");
    }
    assert!(
        head.without(|_| true, |_, _| false)
            .names()
            .next()
            .is_none()
    );
}

fn same(one: &Head, other: &Head) -> bool {
    one.pairs().eq(other.pairs())
}

fn pack(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let mut packed = number(pairs.len()).to_vec();
    for (name, value) in pairs {
        packed.extend(number(name.len()));
        packed.extend(number(value.len()));
    }
    for (name, value) in pairs {
        packed.extend([name, &b"\0"[..], value, &b"\0"[..]].concat());
    }
    packed
}
