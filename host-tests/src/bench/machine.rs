//! The name of the machine and of the Envoy, without which no number means anything.

use std::fs;
use std::process::Command;
use std::thread::{available_parallelism, sleep};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::envoy::install;

/// What the numbers were measured on.
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) envoy: String,
}

impl Machine {
    /// Before this process is held to a part of the cores. Fetches Envoy if there is none.
    pub(super) fn look() -> Result<Self> {
        let info = fs::read_to_string("/proc/cpuinfo")?;
        let model = info
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map(|rest| rest.trim_start_matches([' ', '\t', ':']));
        let output = Command::new(install::envoy()?).arg("--version").output()?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Self {
            processor: model.unwrap_or(std::env::consts::ARCH).to_owned(),
            cores: available_parallelism()?.get(),
            envoy: release(&version)
                .context("envoy --version says nothing known")?
                .to_owned(),
        })
    }
}

/// Which share of all processors is at work now, in percent. Asked while nothing is measured, it is what others take.
pub(super) fn busy_percent() -> Result<u64> {
    let before = times()?;
    sleep(LOOK);
    let after = times()?;
    let all = (after.all - before.all).max(1);
    Ok((after.busy - before.busy) * 100 / all)
}

const LOOK: Duration = Duration::from_secs(1);

/// Ticks since the machine started.
#[derive(Debug, PartialEq, Eq)]
struct Times {
    busy: u64,
    all: u64,
}

fn times() -> Result<Times> {
    read_times(&fs::read_to_string("/proc/stat")?).context("/proc/stat has another form")
}

/// user, nice, system, idle, iowait, irq, softirq, steal; see proc_stat(5). What follows is counted in user too.
fn read_times(stat: &str) -> Option<Times> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields = line.split_ascii_whitespace().take(8).map(str::parse);
    let fields: Vec<u64> = fields.collect::<Result<_, _>>().ok()?;
    let all = fields.iter().sum();
    let idle = fields.get(3)? + fields.get(4)?;
    Some(Times {
        busy: all - idle,
        all,
    })
}

/// `envoy  version: COMMIT/1.40.0/Clean/RELEASE/BoringSSL`
fn release(version: &str) -> Option<&str> {
    version.split('/').rev().nth(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_found_also_behind_a_path() {
        let version = "\n/usr/bin/envoy  version: 9e5580933/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(release(version), Some("1.40.0"));
    }

    #[test]
    fn waiting_is_not_work_and_a_guest_is_not_counted_twice() {
        let stat = "cpu  10 1 20 100 5 2 3 4 7 7\ncpu0 1 1 1 1\n";
        let expected = Times { busy: 40, all: 145 };
        assert_eq!(read_times(stat), Some(expected));
    }
}
