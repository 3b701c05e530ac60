//! The invariants hold in every world: in some of them with every run of the suite, in as many as there is time for with
//! `cargo xtask soak`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::worlds::{explain, play};

/// In every run of the suite, and always the same: what only some worlds show is what the soak is for.
const SOME: u64 = 3000;

#[test]
fn the_invariants_hold_in_some_worlds() {
    for seed in 0..SOME {
        if let Err(why) = play(seed) {
            panic!("{why}\ncargo xtask soak --seed {seed}");
        }
    }
}

/// `WX_SOAK_SEED` plays that one. Else all from a number of this moment on, for `WX_SOAK_MINUTES`, on all cores.
#[test]
#[ignore = "takes as long as it is told to: cargo xtask soak"]
fn as_many_as_there_is_time_for() {
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(seed) = number("WX_SOAK_SEED") {
        match explain(seed) {
            Ok(told) => println!("{told}\nseed {seed}: nothing is wrong"),
            Err(told) => {
                println!("{told}");
                panic!("seed {seed} fails");
            }
        }
        return;
    }
    let minutes = number("WX_SOAK_MINUTES").unwrap_or(1);
    let first = today();
    // Built before the time begins.
    crate::rig::module();
    let next = AtomicU64::new(first);
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let failed = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while Instant::now() < until {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if let Err(why) = play(seed) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("FAILED: {why}\n    cargo xtask soak --seed {seed}");
                    }
                }
            });
        }
    });
    let (played, failed) = (next.into_inner() - first, failed.into_inner());
    println!("{played} worlds from seed {first} on in {minutes} minutes, {failed} failed");
    assert_eq!(failed, 0);
}

/// A number that no run before has begun with.
fn today() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    since.as_secs() / 86_400 * 1_000_000_000 + since.as_secs() % 86_400 * 10_000
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|_| panic!("{name}: {value:?} is no number")))
}
