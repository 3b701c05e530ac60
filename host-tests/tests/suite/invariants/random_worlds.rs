//! The invariants hold in every world: in some of them with every run of the suite, in as many as there is time for with
//! `cargo xtask soak`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::schedules::{Schedule, play, schedule};

proptest! {
    #![proptest_config(ProptestConfig { cases: 450, ..ProptestConfig::default() })]
    #[test]
    fn the_invariants_hold(schedule in schedule(40)) {
        play(&schedule);
    }
}

/// The same in every run.
fn of_seed(seed: u64) -> Schedule {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    schedule(60).new_tree(&mut runner).unwrap().current()
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|_| panic!("{name}: {value:?} is no number")))
}

/// `WX_SOAK_SEED` plays that one. Else all from the day's own number on, for `WX_SOAK_MINUTES`, on all cores.
#[test]
#[ignore = "takes as long as it is told to: cargo xtask soak"]
fn as_many_as_there_is_time_for() {
    if let Some(seed) = number("WX_SOAK_SEED") {
        let schedule = of_seed(seed);
        println!("{schedule:#?}");
        return play(&schedule);
    }
    let minutes = number("WX_SOAK_MINUTES").unwrap_or(1);
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    let first = since.as_secs() / 86_400 * 1_000_000_000 + since.as_secs() % 86_400 * 10_000;
    let next = AtomicU64::new(first);
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let failed = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while Instant::now() < until {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let played = catch_unwind(AssertUnwindSafe(|| play(&of_seed(seed))));
                    if played.is_err() {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("FAILED: cargo xtask soak --seed {seed}");
                    }
                }
            });
        }
    });
    let (played, failed) = (next.into_inner() - first, failed.into_inner());
    println!("{played} schedules from seed {first} on in {minutes} minutes, {failed} failed");
    assert_eq!(failed, 0);
}

#[test]
fn a_seed_is_the_same_schedule_in_every_run() {
    assert_eq!(format!("{:?}", of_seed(7)), format!("{:?}", of_seed(7)));
    assert_ne!(format!("{:?}", of_seed(7)), format!("{:?}", of_seed(8)));
}
