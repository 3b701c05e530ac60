//! `cargo xtask soak --real`: two real Envoys with the built filter on one real Redis, under a mixed load, with a fault each
//! minute. A ledger of every answer, and of everything that reaches the app, is held against a model of what is promised.
//! Never speaks to the real WeChat, and leaves nothing running.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test of its own: a failed step must stop it with its message"
)]

mod answer;
mod ask;
mod client;
mod collect;
mod dice;
mod faults;
mod ledger;
mod model;
mod plan;
mod report;
mod rules;
mod stage;
mod user;
mod vitals;
mod weather;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use client::Client;
use dice::Dice;
use faults::Saboteur;
use ledger::Ledger;
use model::Wrong;
use stage::Stage;
use user::User;
use vitals::Vitals;

pub use plan::{Event, Plan};
pub use report::Report;
pub use weather::{EdgeName, Fault, Part};

/// For so long requests that are under way may take to end, when nobody asks any more.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// What a soak is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// What all that is random comes from.
    pub seed: u64,
    /// Which faults come when, and when it is over.
    pub plan: Plan,
    /// How many there are who ask.
    pub users: usize,
}

/// Runs one with this `.wasm` until the plan is over, or until it is told to stop.
///
/// # Errors
/// When something cannot be had or does not start. What is wrong with the edges is in the report.
pub fn run(options: &Options, module: &Path, stop: &AtomicBool) -> Result<Report> {
    let mut stage = Stage::start(module, options.seed)?;
    stage.works()?;
    let phones: Vec<_> = (0..options.users)
        .map(|number| stage.wechat.phone(&format!("user {number}")))
        .collect();
    let openids: Vec<_> = phones.iter().map(|phone| phone.openid()).collect();
    let ledger = &Ledger::new(&openids);
    let vitals = &Vitals::default();
    let trust = stage.trust()?;
    let addresses = stage.addresses();
    let pids = [stage.edges[0].pid(), stage.edges[1].pid()];
    let app = std::sync::Arc::clone(&stage.app);
    let (ended, collected) = (&AtomicBool::new(false), &AtomicBool::new(false));
    thread::scope(|scope| {
        let users: Vec<_> = (0..)
            .zip(phones)
            .map(|(number, phone)| {
                let stream = u64::try_from(number).unwrap();
                let dice = Dice::new(options.seed, stream);
                let client = Client::new(addresses.clone(), trust.clone());
                scope.spawn(move || User::new(number, dice, phone, client, ledger).live(ended))
            })
            .collect();
        let collecting = scope.spawn(|| collect::collect(&app, ledger, collected));
        scope.spawn(|| vitals.watch(&pids, ledger, ended));
        Saboteur::new(&mut stage, ledger, stop).carry_out(&options.plan);
        ended.store(true, Ordering::SeqCst);
        // A user that has panicked says so when the scope ends.
        let joined: Vec<_> = users.into_iter().map(|user| user.join()).collect();
        collected.store(true, Ordering::SeqCst);
        let _ = collecting.join();
        for outcome in joined {
            if let Err(panic) = outcome {
                std::panic::resume_unwind(panic);
            }
        }
    });
    look_back(&stage, ledger)?;
    let lives = vitals.lives();
    for violation in lives.iter().filter_map(vitals::Life::violation) {
        ledger.is_wrong(&violation);
    }
    Ok(Report {
        seed: options.seed,
        took: ledger.now(),
        counts: ledger.counts(),
        weather: ledger.weather(),
        lives,
    })
}

/// What the edges have left, when nobody asks any more.
fn look_back(stage: &Stage, ledger: &Ledger) -> Result<()> {
    for edge in &stage.edges {
        let Ok(envoy) = edge.envoy() else {
            // It did not work again: that has been told.
            continue;
        };
        let deadline = Instant::now() + PATIENCE;
        while edge.active_requests()? > 0 && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        let active = edge.active_requests()?;
        if active > 0 {
            let said = format!(
                "{:?} is at work on {active} requests of nobody's",
                edge.name
            );
            ledger.is_wrong(&Wrong::NoAnswer.with(said));
        }
        println!(
            "{:?}: {} MiB, {} file descriptors when all have gone",
            edge.name,
            envoy.memory()? >> 20,
            envoy.descriptors()?
        );
        faults::tell(ledger, &edge.complaints()?);
    }
    Ok(())
}
