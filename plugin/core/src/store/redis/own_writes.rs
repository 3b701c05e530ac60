//! What one worker has lately written to a database with read replicas, so that it reads that and nothing older: the
//! names of the entries, and the sync token by which Upstash says how far its primary was.
//! <https://upstash.com/docs/redis/howto/readyourwrites>
//!
//! A replica that is given the token answers when it has come so far. Nobody should wait for that whose entry has not
//! changed: so only reads of these entries are held to it, and those ask the primary, which is never behind.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::cell::RefCell;

use crate::store::{Key, REPLICA_LAG};
use crate::time::UnixMillis;

/// The oldest beyond these are forgotten.
const MOST: usize = 1024;

/// The longest token that is taken, in bytes.
const MAX_TOKEN: usize = 512;

/// One worker's memory of its own writes, bounded.
#[derive(Debug, Default)]
pub struct OwnWrites {
    token: RefCell<String>,
    entries: RefCell<VecDeque<(u64, UnixMillis)>>,
}

impl OwnWrites {
    /// An entry is being written: whether that took place is known only later, if at all.
    pub(crate) fn note(&self, key: &Key, now: UnixMillis) {
        let mut entries = self.entries.borrow_mut();
        // Clocks step back, too.
        while let Some((_, at)) = entries.front()
            && (entries.len() >= MOST || !now.is_within(REPLICA_LAG, *at))
        {
            entries.pop_front();
        }
        entries.push_back((tag(key), now));
    }

    /// Whether this worker may have written it within the last half minute.
    pub(crate) fn has(&self, key: &Key, now: UnixMillis) -> bool {
        let tag = tag(key);
        let entries = self.entries.borrow();
        let mut of_key = entries.iter().filter(|(own, _)| *own == tag);
        of_key.any(|(_, at)| now.is_within(REPLICA_LAG, *at))
    }

    /// Empty before the first.
    pub(crate) fn token(&self) -> String {
        self.token.borrow().clone()
    }

    /// Takes a token that came with the answer to a write. That of a mere read may be older.
    pub(crate) fn learn(&self, token: &str) {
        if token.len() <= MAX_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.token.replace(token.into());
        }
    }
}

/// Enough of a name's hash: two that agree in it cost a question more.
fn tag(key: &Key) -> u64 {
    key.hash
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Space;
    use crate::testing::test;
    use alloc::format;

    #[test]
    fn an_entry_is_remembered_for_half_a_minute_and_as_one_of_the_last_thousand() {
        let own = OwnWrites::default();
        let key = |number: usize| Key::new(Space::Sessions, &format!("s:{number}"));
        let at = |ms: u64| UnixMillis(1_000_000 + ms);
        own.note(&key(0), at(0));
        assert!(own.has(&key(0), at(29_999)) && !own.has(&key(1), at(0)));
        assert!(!own.has(&key(0), at(30_000)));
        for number in 1..=MOST {
            own.note(&key(number), at(1));
        }
        assert!(!own.has(&key(0), at(1)));
        assert!(own.has(&key(1), at(1)) && own.has(&key(MOST), at(1)));
        assert_eq!(own.entries.borrow().len(), MOST);
    }

    #[test]
    fn a_token_that_could_be_more_than_one_header_is_not_taken() {
        let own = OwnWrites::default();
        own.learn("AAAA-7:42=");
        for bad in ["a b", "a\r\nx: y", "é", &"x".repeat(MAX_TOKEN + 1)] {
            own.learn(bad);
        }
        assert_eq!(own.token(), "AAAA-7:42=");
    }
}
