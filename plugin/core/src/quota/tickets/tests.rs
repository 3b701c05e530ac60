//! Held by both kinds of store: one with compare-and-swap, one without.

use alloc::vec::Vec;
use core::time::Duration;

use serde_json::json;

use super::{FEW, Taken, Tickets};
use crate::config::tests::minimal_on_spin;
use crate::fake_host::{FakeHost, run, together};
use crate::quota::entry::{given_back, spent};
use crate::rejection::Reason;
use crate::store::{Key, Life, Store};
use crate::testing::test;
use crate::worker::{Context, Worker};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: u64 = 3_600_000;

struct Stage {
    worker: Worker,
    host: FakeHost,
}

impl Stage {
    fn each() -> [Self; 2] {
        [true, false].map(|only_reads_and_writes| {
            let store = if only_reads_and_writes {
                json!({ "kind": "spin_kv" })
            } else {
                json!({ "kind": "spin_redis", "address": "redis://sessions" })
            };
            let mut host = FakeHost::at(10 * HOUR);
            host.store.only_reads_and_writes = only_reads_and_writes;
            Self {
                worker: Worker::new(minimal_on_spin(store)),
                host,
            }
        })
    }

    fn context(&self) -> Context<'_, FakeHost> {
        Context {
            worker: &self.worker,
            host: &self.host,
        }
    }

    fn tickets(&self, owner: &str, count: u32) -> Tickets {
        Tickets::new(&self.worker.keys, "test", owner.as_bytes(), count, MINUTE).unwrap()
    }

    fn take(&self, tickets: &Tickets) -> Option<Key> {
        ticket(run(tickets.take(self.context())).unwrap())
    }

    fn return_one(&self, ticket: &Key) {
        run(self.host.store.write(&[given_back(ticket)])).unwrap();
    }
}

fn ticket(taken: Taken) -> Option<Key> {
    match taken {
        Taken::Ticket(key) => Some(key),
        Taken::Full => None,
    }
}

#[test]
fn as_many_are_taken_as_there_are_and_each_owner_has_its_own() {
    for count in [1, 3, FEW, FEW + 1, 60] {
        for stage in Stage::each() {
            let (tickets, others) = (stage.tickets("one", count), stage.tickets("two", 1));
            let mut all: Vec<Key> = Vec::new();
            for _ in 0..count {
                all.extend(stage.take(&tickets));
            }
            assert_eq!(all.len(), count as usize);
            assert!(stage.take(&tickets).is_none());
            assert!(stage.take(&others).is_some());
            all.sort();
            all.dedup();
            assert_eq!(all.len(), count as usize, "one was taken twice");
            stage.host.pass(Duration::from_secs(2));
            stage.return_one(&all[0]);
            assert_eq!(stage.take(&tickets).as_ref(), Some(&all[0]));
        }
    }
}

#[test]
fn whoever_comes_at_once_there_are_never_more_taken_than_there_are() {
    for later in 0..12 {
        for stage in Stage::each() {
            let tickets = stage.tickets("one", 20);
            let asked = (0..70).map(|_| tickets.take(stage.context()));
            let taken = together(later, asked).into_iter().map(Result::unwrap);
            let mut taken: Vec<Key> = taken.filter_map(ticket).collect();
            assert!((15..=20).contains(&taken.len()), "{later}: {}", taken.len());
            let count = taken.len();
            taken.sort();
            taken.dedup();
            assert_eq!(taken.len(), count, "{later}: one was taken twice");
        }
    }
}

#[test]
fn a_ticket_that_nobody_gives_back_is_free_after_its_time() {
    for stage in Stage::each() {
        let tickets = stage.tickets("one", 1);
        let key = stage.take(&tickets).unwrap();
        stage.host.pass(MINUTE - Duration::from_millis(1));
        assert!(stage.take(&tickets).is_none());
        stage.host.pass(Duration::from_millis(1));
        assert_eq!(stage.take(&tickets).as_ref(), Some(&key));
        let long = spent(&key, 10 * MINUTE, &stage.host);
        run(stage.host.store.write(&[long])).unwrap();
        stage.host.pass(10 * MINUTE - Duration::from_millis(1));
        assert!(stage.take(&tickets).is_none(), "spent for longer");
        stage.host.pass(Duration::from_millis(1));
        assert!(stage.take(&tickets).is_some());
    }
}

#[test]
fn a_clock_that_is_set_back_or_forward_by_hours_frees_all() {
    for now in [9 * HOUR, 2 * HOUR, 11 * HOUR] {
        for stage in Stage::each() {
            let tickets = stage.tickets("one", 20);
            while stage.take(&tickets).is_some() {}
            stage.host.now.set(now);
            for _ in 0..20 {
                assert!(stage.take(&tickets).is_some(), "{now}");
            }
            assert!(stage.take(&tickets).is_none(), "{now}");
        }
    }
}

#[test]
fn who_comes_when_all_are_taken_costs_two_reads_and_no_write() {
    for stage in Stage::each() {
        let tickets = stage.tickets("one", 60);
        while stage.take(&tickets).is_some() {}
        let (reads, writes) = (&stage.host.store.reads, &stage.host.store.writes);
        let (reads_before, writes_before) = (reads.get(), writes.get());
        for _ in 0..100 {
            assert!(stage.take(&tickets).is_none());
        }
        assert!(reads.get() - reads_before <= 200);
        assert_eq!(writes.get(), writes_before);
    }
}

#[test]
fn without_randomness_none_is_taken() {
    for stage in Stage::each() {
        stage.host.has_no_entropy.set(true);
        let tickets = stage.tickets("one", 1);
        assert!(run(tickets.take(stage.context())).is_err());
    }
}

#[test]
fn what_a_newer_release_has_written_of_one_is_no_free_place_and_stays() {
    for stage in Stage::each() {
        let tickets = stage.tickets("one", 2);
        let keys = [0, 1].map(|number| tickets.key(number));
        let (now, newer) = (stage.context().now(), [u8::MAX, 7]);
        for key in &keys {
            run(stage
                .host
                .store
                .put(key, &newer, Life::lasting(now, MINUTE)))
            .unwrap();
        }
        let taken = run(tickets.take(stage.context())).err().unwrap();
        assert_eq!(taken.reason, Reason::StoreUnavailable);
        assert!(run(tickets.are_all_spent(stage.context())).is_err());
        for key in &keys {
            let found = run(stage.host.store.get(key, now)).unwrap();
            assert_eq!(found.as_deref(), Some(&newer[..]));
        }
        let line = r#"{"event":"record_newer","record":"ticket","version":255}"#;
        assert!(stage.host.lines.borrow().iter().any(|own| own == line));
        // Its time is over.
        stage.host.pass(MINUTE);
        assert!(stage.take(&tickets).is_some());
    }
}
