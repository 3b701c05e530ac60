//! The embedded store as it fills: for each number of sessions a line with the nanoseconds of a look-up, how many of
//! the sessions are still there, and the bytes that the map beneath holds. Arguments: slots, slot bytes, numbers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a program for measuring: what is not as expected ends it"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use wx_session_core::UnixMillis;
use wx_session_core::bench::Sealing;
use wx_session_core::store::embedded::{EmbeddedStore, SharedMap, Version};
use wx_session_core::store::{Key, Life, Space, Store, StoreError};

/// Look-ups that are timed for each number.
const LOOK_UPS: usize = 20_000;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// One process's map, as Envoy's shared data.
#[derive(Default)]
struct Map(RefCell<HashMap<String, (Vec<u8>, u32)>>);

impl SharedMap for &Map {
    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let found = self.0.borrow().get(name).cloned();
        Ok(found.map(|(value, version)| (value, Version(version))))
    }

    async fn compare_and_set(
        &self,
        name: &str,
        value: &[u8],
        version: Option<Version>,
    ) -> Result<bool, StoreError> {
        let next = version.map_or(0, |Version(version)| version) + 1;
        let entry = (value.to_vec(), next);
        self.0.borrow_mut().insert(name.to_owned(), entry);
        Ok(true)
    }
}

fn main() {
    let arguments = std::env::args().skip(1);
    let numbers: Vec<u64> = arguments.map(|text| text.parse().unwrap()).collect();
    let [slots, slot_bytes, numbers @ ..] = numbers.as_slice() else {
        panic!("slots, slot bytes, numbers of sessions");
    };
    let map = Map::default();
    let slots = u32::try_from(*slots).unwrap();
    let store = EmbeddedStore::new(&map, slots, usize::try_from(*slot_bytes).unwrap());
    let sealed = Sealing::default().seal([7; 12]).unwrap();
    let mut held = 0;
    for number in numbers {
        for session in held..*number {
            // The later, the longer: who is crowded out is the oldest.
            let life = Life {
                now: NOW,
                expires_at: UnixMillis(NOW.0 + 7_200_000 + session),
            };
            now(store.put(&key(session), &sealed, life)).unwrap();
        }
        held = *number;
        let there = |session: &u64| now(store.get(&key(*session), NOW)).unwrap().is_some();
        let kept: Vec<u64> = (0..held).filter(there).collect();
        // Spread over all, in no order that a processor could foresee.
        let chosen = (0..LOOK_UPS).map(|at| key(kept[at * 7919 % kept.len()]));
        let keys: Vec<Key> = chosen.collect();
        let started = Instant::now();
        for key in &keys {
            let found = now(store.get(black_box(key), NOW)).unwrap();
            assert_eq!(found.as_deref(), Some(sealed.as_slice()));
        }
        let took = started.elapsed().as_nanos() / LOOK_UPS as u128;
        let bytes: usize = map.0.borrow().values().map(|(value, _)| value.len()).sum();
        println!("{number} {took} {} {bytes}", kept.len());
    }
}

fn key(session: u64) -> Key {
    Key::new(Space::Sessions, &format!("s:{session:064x}"))
}

/// The map never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a map in memory does not wait"),
    }
}
