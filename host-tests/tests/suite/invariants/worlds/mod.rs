//! Random worlds: a few workers of either host, everybody who asks them and whom they ask, and everything that may go
//! wrong on the way. What is known of each session is kept in a ledger, and every answer is held to it.

mod errand;
mod history;
mod judge;
mod ledger;
mod logins;
mod means;
mod open;
mod others;
mod outside;
mod passed;
mod replies;
mod responses;
mod sending;
mod setting;
mod station;
mod step;
mod time;
mod told;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use history::History;
use step::Schedule;
use world::World;

/// At most so many steps.
const STEPS: usize = 60;

/// So many smaller worlds are tried to find one that fails too.
const ATTEMPTS: usize = 2000;

/// The world of a number: the same in every run.
fn of_seed(seed: u64) -> impl ValueTree<Value = Schedule> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    step::schedule(STEPS).new_tree(&mut runner).unwrap()
}

/// Plays the world of a number, and says why it fails, if it does.
pub(super) fn play(seed: u64) -> Result<(), String> {
    let played = attempt(&of_seed(seed).current(), History::default());
    played.map(drop).map_err(|(why, _)| why)
}

/// Plays the world of a number with all that happens in it; if it fails, the smallest that was found to fail too.
pub(super) fn explain(seed: u64) -> Result<String, String> {
    let mut tree = of_seed(seed);
    let Err((first, _)) = attempt(&tree.current(), History::default()) else {
        return attempt(&tree.current(), History::wanted()).map_err(|(why, _)| why);
    };
    let mut smallest = tree.current();
    for _ in 0..ATTEMPTS {
        if attempt(&tree.current(), History::default()).is_err() {
            smallest = tree.current();
            if !tree.simplify() {
                break;
            }
        } else if !tree.complicate() {
            break;
        }
    }
    let told = match attempt(&smallest, History::wanted()) {
        Err((why, told)) => format!("{told}{why}"),
        Ok(told) => told,
    };
    Err(format!("{told}\nthe whole world fails by: {first}"))
}

/// What happened; why it failed, if it did, and what happened until then.
fn attempt(schedule: &Schedule, history: History) -> Result<String, (String, String)> {
    let mut world = World::new(schedule.setting, history);
    let played = catch_unwind(AssertUnwindSafe(|| world.play(&schedule.steps)));
    let told = world.history.told();
    match played {
        Ok(()) => Ok(told),
        Err(panic) => {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or(panic.downcast_ref::<&str>().map(ToString::to_string));
            Err((why.unwrap_or_else(|| "it panics".into()), told))
        }
    }
}

#[test]
fn a_seed_is_the_same_world_in_every_run() {
    let steps = |seed| format!("{:?}", of_seed(seed).current());
    assert_eq!(steps(7), steps(7));
    assert_ne!(steps(7), steps(8));
    assert_eq!(explain(7), explain(7));
}
