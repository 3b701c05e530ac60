//! The rounds: every arm in each of them, there and back, so that whatever else the machine does meets all alike.
//! Never a mean: medians, and the range beside them.

use std::time::Duration;

use anyhow::{Context, Result};

use super::arms::{Arm, WEBDIS};
use super::cpu::{Clock, Whose};
use super::load::Wrk;
use super::pace::{self, Times};
use super::running_arm::RunningArm;

/// How much is measured.
pub(super) struct Plan {
    /// Once through all arms, forwards and backwards by turns.
    pub(super) rounds: usize,
    /// Of each arm at full load.
    pub(super) full_load: Duration,
    /// Of each arm at half of that.
    pub(super) half_load: Duration,
    /// How often a measurement is made at most, if others were at work the times before.
    tries: usize,
}

/// Cores that others may keep busy during a measurement. Idle Envoys and the system take less.
pub(super) const QUIET: f64 = 0.1;

impl Plan {
    pub(super) const FULL: Self = Self {
        rounds: 4,
        full_load: Duration::from_secs(3),
        half_load: Duration::from_secs(1),
        tries: 3,
    };
    pub(super) const QUICK: Self = Self {
        rounds: 2,
        full_load: Duration::from_secs(1),
        half_load: Duration::from_secs(1),
        tries: 1,
    };
    const WARM_UP: Duration = Duration::from_secs(1);
}

/// What was measured of one arm.
pub(super) struct Measured {
    pub(super) arm: &'static Arm,
    /// Microseconds of Envoy's processor time for one request at full load.
    pub(super) cpu: Sample,
    /// Requests per second at full load.
    pub(super) rate: Sample,
    /// How many cores others kept busy at most, while the two above were measured.
    pub(super) others: f64,
    /// Requests per second at half load, as sent.
    pub(super) half_rate: Sample,
    /// Microseconds.
    pub(super) p50: Sample,
    /// Microseconds.
    pub(super) p99: Sample,
    /// Bytes that Envoy holds at the end.
    pub(super) memory: u64,
}

/// One quantity, once for each round.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    #[cfg(test)]
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sample = Self::default();
        for value in values {
            sample.push(*value);
        }
        sample
    }

    pub(super) fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_unstable_by(f64::total_cmp);
    }

    pub(super) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len().is_multiple_of(2) {
            f64::midpoint(self.0[middle - 1], self.0[middle])
        } else {
            self.0[middle]
        }
    }

    /// The least and the greatest.
    pub(super) fn range(&self) -> (f64, f64) {
        (self.0[0], self.0[self.0.len() - 1])
    }
}

/// Measures all edges.
pub(super) fn all(edges: &[RunningArm], wrk: &Wrk, plan: &Plan) -> Result<Vec<Measured>> {
    let clock = Clock::new()?;
    println!("warming up …");
    let mut results = Vec::new();
    for edge in edges {
        full_load(edge, wrk, &clock, Plan::WARM_UP)?;
        results.push(Measured {
            arm: edge.arm,
            cpu: Sample::default(),
            rate: Sample::default(),
            others: 0.0,
            half_rate: Sample::default(),
            p50: Sample::default(),
            p99: Sample::default(),
            memory: 0,
        });
    }
    there_and_back("full load", plan, edges, &mut results, |edge, result| {
        let load = quietest(plan.tries, || full_load(edge, wrk, &clock, plan.full_load))?;
        result.cpu.push(load.cpu);
        result.rate.push(load.rate);
        result.others = result.others.max(load.others);
        Ok(())
    })?;
    there_and_back("half load", plan, edges, &mut results, |edge, result| {
        let times = half_load(edge, result.rate.median() / 2.0, plan.half_load)?;
        result.half_rate.push(times.rate);
        result.p50.push(micros(times.p50));
        result.p99.push(micros(times.p99));
        Ok(())
    })?;
    for (edge, result) in edges.iter().zip(&mut results) {
        result.memory = edge.envoy.memory()?;
    }
    Ok(results)
}

fn there_and_back(
    what: &str,
    plan: &Plan,
    edges: &[RunningArm],
    results: &mut [Measured],
    mut measure: impl FnMut(&RunningArm, &mut Measured) -> Result<()>,
) -> Result<()> {
    for round in 0..plan.rounds {
        println!("{what}, round {} of {} …", round + 1, plan.rounds);
        let mut order: Vec<_> = edges.iter().zip(&mut *results).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (edge, result) in order {
            measure(edge, result).with_context(|| format!("arm {}", edge.arm.name))?;
        }
    }
    Ok(())
}

/// The first with nobody else at work, or else the one with the least of that. Never looks at what was measured.
fn quietest(tries: usize, mut measure: impl FnMut() -> Result<FullLoad>) -> Result<FullLoad> {
    let mut best = measure()?;
    for _ in 1..tries {
        if best.others <= QUIET {
            break;
        }
        let again = measure()?;
        if again.others < best.others {
            best = again;
        }
    }
    Ok(best)
}

/// One measurement: see [`Measured`].
struct FullLoad {
    cpu: f64,
    rate: f64,
    others: f64,
}

fn full_load(edge: &RunningArm, wrk: &Wrk, clock: &Clock, time: Duration) -> Result<FullLoad> {
    let envoy = Whose::Process(edge.envoy.pid());
    let used = || -> Result<[Duration; 3]> {
        Ok([
            clock.used(envoy)?,
            clock.used(Whose::Ours)?,
            clock.used(Whose::All)?,
        ])
    };
    let seen = edge.seen()?;
    let before = used()?;
    let done = wrk.run(edge, time)?;
    let after = used()?;
    edge.prove(seen, done.requests)?;
    let [envoy, ours, all] =
        std::array::from_fn(|which| after[which].saturating_sub(before[which]));
    // Redis and Webdis are processes of their own: they would be taken for others.
    let others = if edge.arm.name == WEBDIS {
        Duration::ZERO
    } else {
        all.saturating_sub(envoy + ours)
    };
    #[expect(clippy::cast_precision_loss, reason = "no benchmark has 2^52 requests")]
    let requests = done.requests as f64;
    Ok(FullLoad {
        cpu: micros(envoy) / requests,
        rate: done.rate(),
        others: others.as_secs_f64() / done.took.as_secs_f64(),
    })
}

fn half_load(edge: &RunningArm, rate: f64, time: Duration) -> Result<Times> {
    let seen = edge.seen()?;
    let times = pace::run(edge, rate, time)?;
    edge.prove(seen, times.requests)?;
    Ok(times)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_repeated_until_it_is_quiet_and_else_the_quietest_counts() {
        let kept = |others: &[f64]| {
            let mut measured = others.iter().zip(1..).map(|(others, cpu)| FullLoad {
                cpu: f64::from(cpu),
                rate: 1.0,
                others: *others,
            });
            quietest(3, || measured.next().context("too many tries"))
                .unwrap()
                .cpu
        };
        assert_eq!(kept(&[0.0]), 1.0);
        assert_eq!(kept(&[0.5, 0.05]), 2.0);
        assert_eq!(kept(&[0.5, 0.3, 0.4]), 2.0);
    }

    #[test]
    fn the_median_and_the_range_do_not_depend_on_the_order() {
        let mut sample = Sample::of(&[9.0, 1.0, 2.0]);
        assert_eq!((sample.median(), sample.range()), (2.0, (1.0, 9.0)));
        sample.push(4.0);
        assert_eq!(sample.median(), 3.0);
    }
}
