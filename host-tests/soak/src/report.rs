//! What a soak has come to, in a few dozen lines.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::ledger::Counts;
use crate::vitals::Life;
use crate::weather::{Fault, Weather};

/// A busy machine may let this part of all requests wait too long without a fault of ours: one in so many.
const UNEXPLAINED: usize = 200;

/// The end of a soak.
#[derive(Clone, Debug)]
pub struct Report {
    /// What all that was random came from.
    pub(crate) seed: u64,
    /// How long it went on.
    pub(crate) took: Duration,
    /// What was asked, answered, and wrong.
    pub(crate) counts: Counts,
    /// The faults.
    pub(crate) weather: Weather,
    /// The longest life of each edge.
    pub(crate) lives: Vec<Life>,
}

impl Report {
    /// Whether nothing was as it should not be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.counts.violations.is_empty() && !self.is_unexplained()
    }

    /// How many requests were answered, or given up.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.counts.requests()
    }

    /// How many faults there were.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.weather.spells.len()
    }

    /// More outages than a busy machine explains.
    fn is_unexplained(&self) -> bool {
        let unexplained = self.counts.all_unexplained();
        unexplained * UNEXPLAINED > self.counts.requests().max(20 * UNEXPLAINED)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let took = self.took.as_secs_f64();
        let (requests, arrived) = (counts.requests(), counts.arrived);
        writeln!(
            f,
            "\nseed {}: {requests} requests in {took:.0} s, {arrived} of them reached the app",
            self.seed
        )?;
        for (protocol, count) in &counts.protocols {
            writeln!(f, "  {count:>8}  {protocol}")?;
        }
        writeln!(f, "requests by kind and answer")?;
        let mut kind = "";
        for ((own, answer), count) in &counts.answers {
            if *own != kind {
                writeln!(f, "  {own}")?;
                kind = own;
            }
            writeln!(f, "  {count:>8}  {answer}")?;
        }
        writeln!(f, "faults: {}", self.weather.spells.len())?;
        let mut faults: BTreeMap<Fault, usize> = BTreeMap::new();
        for spell in &self.weather.spells {
            *faults.entry(spell.fault).or_default() += 1;
        }
        for (fault, count) in faults {
            writeln!(f, "  {count:>8}  {fault}")?;
        }
        writeln!(
            f,
            "outages that no fault explains: {}",
            counts.all_unexplained()
        )?;
        for (answer, count) in &counts.unexplained {
            writeln!(f, "  {count:>8}  {answer}")?;
        }
        if self.is_unexplained() {
            writeln!(
                f,
                "  more than one request in {UNEXPLAINED}: that is too many"
            )?;
        }
        writeln!(f, "memory and file descriptors")?;
        for life in &self.lives {
            writeln!(f, "  {life}")?;
        }
        let violations: usize = counts.violations.values().sum();
        writeln!(f, "violations: {violations}")?;
        for (wrong, count) in &counts.violations {
            writeln!(f, "  {count:>8}  {wrong:?}")?;
        }
        for told in &counts.told {
            writeln!(f, "\n{told}")?;
        }
        Ok(())
    }
}
