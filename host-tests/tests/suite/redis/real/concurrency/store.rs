//! The store itself, asked for the same by several threads at the same instant.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use wx_session_core::Host as _;
use wx_session_core::store::{Key, Life, Space, Store as _};

use super::super::conformance::{NetHost, store_on};
use crate::rig::backend::Backend;
use crate::rig::schedule::alone;

/// What `count` threads come back with, each on a store of its own, begun at the same instant.
fn threads<T: Send>(count: u8, work: impl Fn(u8) -> T + Sync) -> Vec<T> {
    let start = &Barrier::new(count.into());
    let work = &work;
    thread::scope(|scope| {
        let spawn = |number| {
            scope.spawn(move || {
                start.wait();
                work(number)
            })
        };
        let threads: Vec<_> = (0..count).map(spawn).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

fn key(name: &str) -> Key {
    Key::new(Space::Users, name)
}

#[test]
fn of_many_put_if_absents_at_once_exactly_one_wins() {
    for (kind, backend) in Backend::both() {
        for round in 0..20 {
            let key = key(&format!("u:{round}"));
            let won = threads(8, |number| {
                let (host, store) = store_on(&backend);
                alone(store.swap(&key, None, &[number], hour(host))).unwrap()
            });
            let winners: Vec<u8> = (0..8).filter(|n| won[usize::from(*n)]).collect();
            let (host, store) = store_on(&backend);
            let stored = alone(store.get(&key, host.now())).unwrap();
            assert_eq!(winners.len(), 1, "{kind}");
            assert_eq!(stored, Some(winners), "{kind}");
        }
    }
}

#[test]
fn of_many_compare_and_swaps_at_once_none_is_lost() {
    const EACH: u64 = 40;
    for (kind, backend) in Backend::both() {
        let key = key("u:counter");
        let (host, store) = store_on(&backend);
        alone(store.put(&key, &0_u64.to_be_bytes(), hour(host))).unwrap();
        let number =
            |found: Option<Vec<u8>>| u64::from_be_bytes(found.unwrap()[..].try_into().unwrap());
        let seconds = threads(4, |_| {
            let (host, store) = store_on(&backend);
            let (mut done, mut came_second) = (0, 0);
            while done < EACH {
                let found = number(alone(store.get(&key, host.now())).unwrap());
                let (old, new) = (found.to_be_bytes(), (found + 1).to_be_bytes());
                match alone(store.swap(&key, Some(&old), &new, hour(host))).unwrap() {
                    true => done += 1,
                    false => came_second += 1,
                }
            }
            came_second
        });
        let stored = alone(store.get(&key, host.now())).unwrap();
        assert_eq!(number(stored), 4 * EACH, "{kind}");
        assert!(seconds.iter().sum::<u64>() > 0, "{kind}: they never met");
    }
}

fn hour(host: &NetHost) -> Life {
    let now = host.now();
    Life {
        now,
        expires_at: now.after(Duration::from_secs(3600)),
    }
}
