//! The rounds: every arm in each of them, there and back, so that whatever else the machine does meets all alike.
//! Never a mean: medians, and the range beside them.

use std::time::Duration;

use anyhow::{Context, Result};

use super::arms::Arm;
use super::cpu::Clock;
use super::edge::Edge;
use super::load::Wrk;
use super::pace::{self, Times};

/// How much is measured.
pub(super) struct Plan {
    /// Once through all arms, forwards and backwards by turns.
    pub(super) rounds: usize,
    /// Of each arm at full load.
    pub(super) full_load: Duration,
    /// Of each arm at half of that.
    pub(super) half_load: Duration,
}

impl Plan {
    pub(super) const FULL: Self = Self {
        rounds: 6,
        full_load: Duration::from_secs(5),
        half_load: Duration::from_secs(3),
    };
    pub(super) const QUICK: Self = Self {
        rounds: 2,
        full_load: Duration::from_secs(2),
        half_load: Duration::from_secs(1),
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

    fn push(&mut self, value: f64) {
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
pub(super) fn all(edges: &[Edge], wrk: &Wrk, plan: &Plan) -> Result<Vec<Measured>> {
    let clock = Clock::new()?;
    println!("warming up …");
    let mut results = Vec::new();
    for edge in edges {
        full_load(edge, wrk, &clock, Plan::WARM_UP)?;
        results.push(Measured {
            arm: edge.arm,
            cpu: Sample::default(),
            rate: Sample::default(),
            half_rate: Sample::default(),
            p50: Sample::default(),
            p99: Sample::default(),
            memory: 0,
        });
    }
    there_and_back("full load", plan, edges, &mut results, |edge, result| {
        let (cpu, rate) = full_load(edge, wrk, &clock, plan.full_load)?;
        result.cpu.push(cpu);
        result.rate.push(rate);
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
    edges: &[Edge],
    results: &mut [Measured],
    mut measure: impl FnMut(&Edge, &mut Measured) -> Result<()>,
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

/// Microseconds of processor time for one request, and requests per second.
fn full_load(edge: &Edge, wrk: &Wrk, clock: &Clock, time: Duration) -> Result<(f64, f64)> {
    let seen = edge.seen()?;
    let before = clock.used(edge.envoy.pid())?;
    let done = wrk.run(edge, time)?;
    let used = clock.used(edge.envoy.pid())? - before;
    edge.prove(seen, done.requests)?;
    #[expect(clippy::cast_precision_loss, reason = "no benchmark has 2^52 requests")]
    let requests = done.requests as f64;
    Ok((micros(used) / requests, requests / done.took.as_secs_f64()))
}

fn half_load(edge: &Edge, rate: f64, time: Duration) -> Result<Times> {
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
    fn the_median_and_the_range_do_not_depend_on_the_order() {
        let mut sample = Sample::of(&[9.0, 1.0, 2.0]);
        assert_eq!((sample.median(), sample.range()), (2.0, (1.0, 9.0)));
        sample.push(4.0);
        assert_eq!(sample.median(), 3.0);
    }
}
