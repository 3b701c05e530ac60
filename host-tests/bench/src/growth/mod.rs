//! `cargo xtask bench --growth`: what a session check costs with ever more sessions, in each store, with ever more requests
//! that wait, routes and mini programs; what a decryption costs with ever more bytes; and what a second worker brings.
//! Never pins anything: in each table all rows are measured alike, and only they are compared.

mod body;
mod embedded;
mod redis;
mod rules;
mod slots;
mod waiting;
mod workers;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::PATIENCE;
use super::arms::{ARMS, Arm};
use super::load::Wrk;
use super::machine::Machine;
use super::modules::Modules;
use super::running_arm::RunningArm;
use super::surroundings::Surroundings;
use testkit::client::{Connection, Request};

/// Builds, measures and prints.
///
/// # Errors
/// When something is missing or does not start, when an answer is not the one expected, or when a session takes more
/// memory than it may.
pub fn run() -> Result<()> {
    let machine = Machine::look()?;
    let wrk = Wrk::find()?;
    println!("building the modules …");
    let stage = Surroundings::start(Modules::build()?)?;
    let text = measure(&stage, &wrk)?;
    println!("\n{}\n\n{text}", machine.line());
    Ok(())
}

/// All tables with their explanations.
pub(super) fn measure(stage: &Surroundings, wrk: &Wrk) -> Result<String> {
    let mut parts = vec![slots::measure()?, embedded::measure(stage)?];
    parts.push(match redis::measure() {
        Ok(text) => text,
        Err(reason) => {
            println!("left out: sessions in Redis: {reason:#}");
            format!("Left out: sessions in Redis: {reason:#}.\n")
        }
    });
    parts.push(waiting::measure(stage)?);
    parts.push(rules::measure(stage)?);
    parts.push(body::measure(stage)?);
    parts.push(workers::measure(stage, wrk)?);
    Ok(parts.join("\n"))
}

fn arm(name: &str) -> Result<&'static Arm> {
    let arm = ARMS.iter().find(|arm| arm.name == name);
    arm.context("an arm of that name")
}

/// Each request once, one after the other on one connection: the median and the 99th percentile.
fn times(
    connection: &mut Connection,
    requests: impl IntoIterator<Item = Request>,
) -> Result<(Duration, Duration)> {
    let mut took = Vec::new();
    for request in requests {
        let sent = Instant::now();
        let answer = connection.send(&request)?;
        took.push(sent.elapsed());
        ensure!(
            answer.status == 200,
            "answered {}: {}",
            answer.status,
            answer.text()
        );
    }
    took.sort_unstable();
    Ok((took[took.len() / 2], took[took.len() * 99 / 100]))
}

/// So many checks of the session that an edge has logged in: the median and the 99th percentile.
fn checks(edge: &RunningArm) -> Result<(Duration, Duration)> {
    const CHECKS: usize = 4000;
    let mut connection = Connection::open(edge.envoy.addr(), PATIENCE)?;
    let before = edge.seen()?;
    let took = times(&mut connection, (0..CHECKS).map(|_| edge.request()))?;
    edge.prove(before, CHECKS as u64)?;
    Ok(took)
}

fn micros(time: Duration) -> String {
    format!("{:.0}", time.as_secs_f64() * 1e6)
}
