//! The slot table against a plain map with expiry: with room enough, no sequence of operations tells them apart.
//! The clock moves on, never back: an entry that a write has tidied up does not come back with the old time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use wx_session_core::UnixMillis;
use wx_session_core::store::{Key, Life, Store};

use super::fake_shared_map::FakeSharedMap;
use super::{FakeSlots, session, user};
use crate::rig::fake_store::FakeStore;
use crate::rig::schedule::alone;

/// One step of a sequence. Keys are numbers, even ones are sessions and odd ones users; spans are milliseconds.
#[derive(Clone, Debug)]
pub enum Operation {
    Get(u8),
    Put(u8, Vec<u8>, u64),
    Swap(u8, Guess, Vec<u8>, u64),
    Delete(u8),
    Pass(u64),
}

/// What a swap expects.
#[derive(Clone, Debug)]
pub enum Guess {
    /// What is there, or nothing if there is nothing.
    Right,
    Absent,
    Other(Vec<u8>),
}

/// The key of a number.
pub fn key(number: u8) -> Key {
    let name = format!("{number:064x}");
    if number.is_multiple_of(2) {
        session(&format!("s:{name}"))
    } else {
        user(&format!("u:{name}"))
    }
}

/// Steps over `keys` keys with values of up to `bytes` bytes.
pub fn step(keys: u8, bytes: usize) -> impl Strategy<Value = Operation> {
    let value = move || vec(any::<u8>(), 0..=bytes);
    let ttl = || 0..100_u64;
    let guess = prop_oneof![
        4 => Just(Guess::Right),
        3 => Just(Guess::Absent),
        1 => vec(any::<u8>(), 0..4).prop_map(Guess::Other),
    ];
    prop_oneof![
        2 => (0..keys).prop_map(Operation::Get),
        4 => (0..keys, value(), ttl()).prop_map(|(key, value, ttl)| Operation::Put(key, value, ttl)),
        4 => (0..keys, guess, value(), ttl())
            .prop_map(|(key, guess, value, ttl)| Operation::Swap(key, guess, value, ttl)),
        1 => (0..keys).prop_map(Operation::Delete),
        2 => (0..30_u64).prop_map(Operation::Pass),
    ]
}

/// The value that `guess` stands for where `current` is there.
pub fn expected(guess: &Guess, current: Option<Vec<u8>>) -> Option<Vec<u8>> {
    match guess {
        Guess::Right => current,
        Guess::Absent => None,
        Guess::Other(value) => Some(value.clone()),
    }
}

/// What a step answers, in words that can be compared.
fn answer(store: &impl Store, step: &Operation, now: UnixMillis) -> String {
    let life = |ttl: &u64| Life {
        now,
        expires_at: now.after(Duration::from_millis(*ttl)),
    };
    match step {
        Operation::Get(number) => format!("{:?}", alone(store.get(&key(*number), now))),
        Operation::Put(number, value, ttl) => {
            format!("{:?}", alone(store.put(&key(*number), value, life(ttl))))
        }
        Operation::Swap(number, guess, value, ttl) => {
            let key = key(*number);
            let expected = expected(guess, alone(store.get(&key, now)).unwrap());
            let swapped = store.swap(&key, expected.as_deref(), value, life(ttl));
            format!("{:?}", alone(swapped))
        }
        Operation::Delete(number) => format!("{:?}", alone(store.delete(&key(*number)))),
        Operation::Pass(_) => String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn with_room_enough_slots_answer_as_a_plain_map_does(
        count in 2..40_u32,
        steps in vec(step(24, 60), 1..120),
    ) {
        let slots = FakeSlots::new(FakeSharedMap::default(), count, 65_536);
        let model = FakeStore::default();
        let mut now = UnixMillis(0);
        for (number, step) in steps.iter().enumerate() {
            if let Operation::Pass(span) = step {
                now = now.after(Duration::from_millis(*span));
            }
            let (own, expected) = (answer(&slots, step, now), answer(&model, step, now));
            prop_assert_eq!(own, expected, "step {} at {:?}: {:?}", number, now, step);
        }
        for number in 0..24 {
            let step = Operation::Get(number);
            prop_assert_eq!(answer(&slots, &step, now), answer(&model, &step, now));
        }
    }
}
