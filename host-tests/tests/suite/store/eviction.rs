//! A table far too small for what is put there: memory stays bounded, what is read is right, and the entries that go
//! are those closest to their expiry.
//!
//! Eviction, precisely. Of the entries of one slot that are live when another is written, some are lost. Then
//! (order) none of them expires later than any that stayed, (need) the one that went last would not have fitted
//! beside those that stayed and the one written, and (care) the one written stays, and other slots lose nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use wx_session_core::UnixMillis;
use wx_session_core::store::{Key, Life, Store, StoreError};

use super::FakeSlots;
use super::fake_shared_map::FakeSharedMap;
use super::model::{Guess, Operation, expected, key, step};
use crate::rig::schedule::alone;

const KEYS: u8 = 24;
const SLOT_BYTES: usize = 1024;

/// Entries with their expiry.
type Entries = BTreeMap<Key, (Vec<u8>, UnixMillis)>;

/// The tiny table, and what was last written to each key.
struct Tiny {
    map: FakeSharedMap,
    slots: FakeSlots,
    written: Entries,
    now: UnixMillis,
}

impl Tiny {
    fn new() -> Self {
        let map = FakeSharedMap::default();
        Self {
            slots: FakeSlots::new(map.clone(), 2, SLOT_BYTES),
            map,
            written: Entries::new(),
            now: UnixMillis(10_000),
        }
    }

    /// What can be read now. A value that is wrong or expired fails here.
    fn live(&self) -> Entries {
        let mut live = Entries::new();
        for key in (0..KEYS).map(key) {
            if let Some(value) = alone(self.slots.get(&key, self.now)).unwrap() {
                let (written, expires_at) = self.written.get(&key).unwrap();
                assert_eq!(&value, written, "{key:?}");
                assert!(self.now < *expires_at, "{key:?} has expired");
                live.insert(key, (value, *expires_at));
            }
        }
        live
    }

    fn memory_is_bounded(&self) {
        let dump = self.map.dump();
        assert!(dump.len() <= 2, "one value for each slot");
        for (_, value) in dump {
            assert!(value.len() <= SLOT_BYTES);
        }
    }

    fn take(&mut self, step: &Operation) {
        let before = self.live();
        match step {
            Operation::Get(_) => {}
            // The clock also steps back now and then.
            Operation::Pass(span) if span % 7 == 3 => self.now.0 -= span,
            Operation::Pass(span) => self.now.0 += span,
            Operation::Delete(number) => {
                let key = key(*number);
                alone(self.slots.delete(&key)).unwrap();
                let mut expected = before;
                expected.remove(&key);
                assert_eq!(self.live(), expected);
            }
            Operation::Put(number, value, ttl) => self.write(&before, *number, None, value, *ttl),
            Operation::Swap(number, guess, value, ttl) => {
                self.write(&before, *number, Some(guess), value, *ttl);
            }
        }
        self.memory_is_bounded();
    }

    fn write(
        &mut self,
        before: &Entries,
        number: u8,
        guess: Option<&Guess>,
        value: &[u8],
        ttl: u64,
    ) {
        let key = key(number);
        let life = Life {
            now: self.now,
            expires_at: self.now.after(Duration::from_millis(ttl + 1)),
        };
        let current = before.get(&key).map(|(value, _)| value.clone());
        let (fits, answer) = match guess {
            None => (
                true,
                alone(self.slots.put(&key, value, life)).map(|()| true),
            ),
            Some(guess) => {
                let expected = expected(guess, current.clone());
                let swap = self.slots.swap(&key, expected.as_deref(), value, life);
                (expected == current, alone(swap))
            }
        };
        let own = Entries::from([(key.clone(), (value.to_vec(), life.expires_at))]);
        match answer {
            Ok(true) => {
                assert!(fits);
                self.written.extend(own);
                let stayed = self.live();
                let (kept, _) = stayed.get(&key).expect("what was just written is there");
                assert_eq!(kept, value);
                evicted_fairly(before, &stayed, &key, self.now);
            }
            Ok(false) => {
                assert!(!fits);
                assert_eq!(self.live(), *before);
            }
            Err(error) => {
                assert_eq!(error, StoreError::TooLarge);
                assert!(fits && !fit_together(&own, self.now), "it had its place");
                assert_eq!(self.live(), *before, "and nothing is destroyed");
            }
        }
    }
}

/// The property at the top of this file.
fn evicted_fairly(before: &Entries, stayed: &Entries, written: &Key, now: UnixMillis) {
    let mut lost = before.clone();
    lost.retain(|key, _| key != written && !stayed.contains_key(key));
    let Some(last) = lost.values().map(|(_, expires_at)| *expires_at).max() else {
        return;
    };
    let mut slot = stayed.clone();
    slot.retain(|key, _| key.space == written.space);
    for (key, (_, expires_at)) in &slot {
        assert!(key == written || last <= *expires_at, "order: {key:?}");
    }
    // Of several that expire at one moment, any may have gone last.
    let needed = lost.iter().any(|(key, entry)| {
        let mut more = slot.clone();
        more.insert(key.clone(), entry.clone());
        entry.1 == last && !fit_together(&more, now)
    });
    assert!(needed, "need: all of {lost:?} went");
    assert!(lost.keys().all(|key| key.space == written.space), "care");
}

/// Whether one slot holds all of `entries`, which are of one space, tried on an empty table.
fn fit_together(entries: &Entries, now: UnixMillis) -> bool {
    let slots = FakeSlots::new(FakeSharedMap::default(), 2, SLOT_BYTES);
    let all_put = entries.iter().all(|(key, (value, expires_at))| {
        let life = Life {
            now,
            expires_at: *expires_at,
        };
        alone(slots.put(key, value, life)).is_ok()
    });
    all_put
        && entries
            .iter()
            .all(|(key, (value, _))| alone(slots.get(key, now)).unwrap().as_ref() == Some(value))
}

/// Small, middling and impossible values.
fn crowding() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => step(KEYS, 100),
        4 => step(KEYS, 500),
        1 => step(KEYS, 1100),
        1 => (0..KEYS, 980..1024_usize, 0..100_u64)
            .prop_map(|(key, size, ttl)| Operation::Put(key, vec![7; size], ttl)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_tiny_table_stays_bounded_answers_rightly_and_evicts_fairly(
        steps in vec(crowding(), 1..80),
    ) {
        let mut tiny = Tiny::new();
        for step in &steps {
            tiny.take(step);
        }
    }
}

/// The property above, seen once by eye.
#[test]
fn the_entry_closest_to_its_expiry_goes_first() {
    let mut tiny = Tiny::new();
    for (number, ttl) in [(0, 50), (2, 10), (4, 90), (6, 30)] {
        tiny.take(&Operation::Put(number, vec![0; 200], ttl));
    }
    tiny.take(&Operation::Put(8, vec![0; 200], 1));
    let left: Vec<Key> = tiny.live().into_keys().collect();
    assert_eq!(left, [0, 4, 6, 8].map(key));
    tiny.take(&Operation::Put(10, vec![0; 600], 2));
    let left: Vec<Key> = tiny.live().into_keys().collect();
    assert_eq!(left, [4, 10].map(key));
}

/// Expired entries make room before any live one goes.
#[test]
fn what_has_expired_makes_room() {
    let mut tiny = Tiny::new();
    for (number, ttl) in [(0, 50), (2, 10), (4, 90), (6, 10)] {
        tiny.take(&Operation::Put(number, vec![0; 200], ttl));
    }
    tiny.now.0 += 20;
    tiny.take(&Operation::Put(8, vec![0; 400], 5));
    let left: Vec<Key> = tiny.live().into_keys().collect();
    assert_eq!(left, [0, 4, 8].map(key));
}

#[test]
fn nothing_goes_until_the_last_byte_is_used() {
    let fullest = (0..SLOT_BYTES).rev().find_map(|size| {
        let mut tiny = Tiny::new();
        tiny.take(&Operation::Put(0, vec![0; 200], 50));
        // The largest sizes are refused or push the first entry out.
        tiny.take(&Operation::Put(2, vec![0; size], 90));
        (tiny.live().len() == 2).then(|| tiny.map.dump()[0].1.len())
    });
    assert_eq!(fullest, Some(SLOT_BYTES));
}
