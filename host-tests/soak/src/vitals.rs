//! Memory and file descriptors of both Envoys, over time.

use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use testkit::listener::locked;

use crate::ledger::Ledger;
use crate::model::{Violation, Wrong};
use crate::weather::{EdgeName, Moment};

const EVERY: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(100);
/// A process that has lived for less is not judged.
const LONG_ENOUGH: Duration = Duration::from_secs(180);
/// A process may grow by a fifth and so many bytes.
const ROOM: u64 = 16 << 20;
/// And have so many more descriptors open, for some clients come at the same moment.
const MORE_DESCRIPTORS: u64 = 64;

/// What one process takes at one time.
#[derive(Clone, Copy, Debug)]
struct Sample {
    edge: EdgeName,
    pid: u32,
    at: Moment,
    bytes: u64,
    descriptors: u64,
}

/// All that was seen.
#[derive(Debug, Default)]
pub(crate) struct Vitals(Mutex<Vec<Sample>>);

/// What became of the process of an edge that has lived longest.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    /// Of which edge.
    pub(crate) edge: EdgeName,
    /// For how long it was watched.
    pub(crate) lived: Duration,
    /// Bytes of memory, when it was warm and at its end.
    pub(crate) bytes: [u64; 2],
    /// File descriptors, the same.
    pub(crate) descriptors: [u64; 2],
}

impl Vitals {
    /// Looks at the processes until it is told to stop.
    pub(crate) fn watch(&self, pids: &[Arc<AtomicU32>; 2], ledger: &Ledger, stop: &AtomicBool) {
        let mut next = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(POLL);
            if Instant::now() < next {
                continue;
            }
            next = Instant::now() + EVERY;
            for edge in EdgeName::ALL {
                let pid = pids[edge as usize].load(Ordering::SeqCst);
                // It may end at any moment.
                if let Some(sample) = sample(edge, pid, ledger.now()) {
                    locked(&self.0).push(sample);
                }
            }
        }
    }

    /// The longest life of each edge.
    #[must_use]
    pub(crate) fn lives(&self) -> Vec<Life> {
        let samples = locked(&self.0);
        let of = |edge: EdgeName| {
            let mut lives: Vec<&[Sample]> = Vec::new();
            let own: Vec<Sample> = samples
                .iter()
                .filter(|sample| sample.edge == edge)
                .copied()
                .collect();
            lives.extend(own.chunk_by(|one, next| one.pid == next.pid));
            let longest = lives.into_iter().max_by_key(|life| lived(life))?;
            Some(life(edge, longest))
        };
        EdgeName::ALL.into_iter().filter_map(of).collect()
    }
}

impl Life {
    /// What should not have been, or that it was too short to say.
    #[must_use]
    pub(crate) fn violation(&self) -> Option<Violation> {
        let [warm, last] = self.bytes;
        let [few, many] = self.descriptors;
        let grows = last > warm + warm / 5 + ROOM || many > few + MORE_DESCRIPTORS;
        (self.is_long_enough() && grows).then(|| Wrong::Growth.with(self.to_string()))
    }

    fn is_long_enough(&self) -> bool {
        self.lived >= LONG_ENOUGH
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [warm, last] = self.bytes.map(|bytes| bytes >> 20);
        let [few, many] = self.descriptors;
        let (edge, lived) = (self.edge, self.lived.as_secs());
        write!(
            f,
            "{edge:?}: {warm} MiB when warm, {last} MiB at its end; {few} and {many} file descriptors; lived {lived} s"
        )?;
        if !self.is_long_enough() {
            f.write_str(", too short to be judged")?;
        }
        Ok(())
    }
}

fn lived(samples: &[Sample]) -> Duration {
    match samples {
        [first, .., last] => last.at - first.at,
        _ => Duration::ZERO,
    }
}

/// The middle of what was seen in its second and in its last quarter.
fn life(edge: EdgeName, samples: &[Sample]) -> Life {
    let quarter = samples.len() / 4;
    let middle = |samples: &[Sample], of: fn(&Sample) -> u64| {
        let mut all: Vec<_> = samples.iter().map(of).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let warm = &samples[quarter..samples.len().min(2 * quarter + 1)];
    let last = &samples[samples.len() - (quarter + 1).min(samples.len())..];
    let both = |of: fn(&Sample) -> u64| [middle(warm, of), middle(last, of)];
    Life {
        edge,
        lived: lived(samples),
        bytes: both(|sample| sample.bytes),
        descriptors: both(|sample| sample.descriptors),
    }
}

fn sample(edge: EdgeName, pid: u32, at: Moment) -> Option<Sample> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some(Sample {
        edge,
        pid,
        at,
        bytes: kibibytes * 1024,
        descriptors: u64::try_from(descriptors).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(seconds: u64, bytes: impl Fn(u64) -> u64, descriptors: impl Fn(u64) -> u64) -> Life {
        let sample = |at: u64| Sample {
            edge: EdgeName::A,
            pid: 1,
            at: Duration::from_secs(at),
            bytes: bytes(at),
            descriptors: descriptors(at),
        };
        let vitals = Vitals(Mutex::new((0..seconds).step_by(2).map(sample).collect()));
        vitals.lives().remove(0)
    }

    #[test]
    fn what_grows_all_its_life_is_seen() {
        let mib = |at: u64| (100 + at / 10) << 20;
        assert!(watched(1800, mib, |_| 50).violation().is_some());
        assert!(
            watched(1800, |_| 100 << 20, |at| 50 + at / 10)
                .violation()
                .is_some()
        );
    }

    #[test]
    fn what_is_warm_and_stays_so_is_none_that_grows() {
        let warms_up = |at: u64| (100 + at.min(200) / 4) << 20;
        assert!(
            watched(1800, warms_up, |at| 50 + at % 7)
                .violation()
                .is_none()
        );
        // Of one that lived for a minute, nobody can say.
        assert!(watched(60, |at| at << 24, |at| at).violation().is_none());
    }

    #[test]
    fn of_an_edge_that_was_started_anew_the_longest_life_counts() {
        let sample = |at: u64, pid| Sample {
            edge: EdgeName::B,
            pid,
            at: Duration::from_secs(at),
            bytes: u64::from(pid),
            descriptors: 1,
        };
        let samples = [(0, 1), (2, 1), (4, 2), (100, 2), (102, 3), (104, 3)];
        let samples = samples.map(|(at, pid)| sample(at, pid)).to_vec();
        let lives = Vitals(Mutex::new(samples)).lives();
        assert_eq!(lives.len(), 1);
        assert_eq!((lives[0].lived.as_secs(), lives[0].bytes), (96, [2, 2]));
    }
}
