//! Processor time: what a process has used, and what all of them have, so that it can be seen who else was at work.
//! Never guesses: what the system counts is in whole ticks, and rounds have to be long enough for that.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

/// How long a tick in `/proc` is.
pub(super) struct Clock {
    tick: Duration,
}

/// Whose time.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    /// Of a process, all its threads together.
    Process(u32),
    /// Of this process, and of the children that it has waited for.
    Ours,
    /// Of everybody on all processors, without interrupts.
    All,
}

impl Clock {
    pub(super) fn new() -> Result<Self> {
        let output = Command::new("getconf")
            .arg("CLK_TCK")
            .output()
            .context("`getconf` does not run")?;
        let per_second: u32 = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .context("getconf CLK_TCK")?;
        Ok(Self {
            tick: Duration::from_secs(1) / per_second,
        })
    }

    /// Used so far, in user mode and in the kernel.
    pub(super) fn used(&self, whose: Whose) -> Result<Duration> {
        let file = match whose {
            Whose::Process(id) => format!("/proc/{id}/stat"),
            Whose::Ours => "/proc/self/stat".to_owned(),
            Whose::All => "/proc/stat".to_owned(),
        };
        let stat = fs::read_to_string(&file)?;
        let ticks = match whose {
            Whose::Process(_) => of_process(&stat, 2),
            Whose::Ours => of_process(&stat, 4),
            Whose::All => of_all(&stat),
        };
        let ticks = ticks.with_context(|| format!("{file} has another form"))?;
        Ok(self.tick * ticks)
    }
}

/// The first of utime, stime, cutime and cstime, fields 14 to 17 of proc_pid_stat(5). The name, field 2, is in
/// parentheses and can hold any.
fn of_process(stat: &str, fields: usize) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let after_name = after_name.split_ascii_whitespace();
    let ticks = after_name.skip(11).take(fields).map(str::parse::<u32>);
    ticks.sum::<Result<_, _>>().ok()
}

/// user, nice, system and steal, fields 1, 2, 3 and 8 of proc_stat(5).
fn of_all(stat: &str) -> Option<u32> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields = line.split_ascii_whitespace().map(str::parse);
    let fields: Vec<u32> = fields.collect::<Result<_, _>>().ok()?;
    Some(fields.get(..3)?.iter().sum::<u32>() + fields.get(7)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added_whatever_the_name() {
        let stat = "17 (a b) c) S 1 17 17 0 -1 4194560 3 4 5 6 120 30 7 8 20 0 1";
        assert_eq!(of_process(stat, 2), Some(150));
        assert_eq!(of_process(stat, 4), Some(165));
    }

    #[test]
    fn waiting_and_interrupts_are_nobodys_work() {
        let stat = "cpu  10 1 20 100 5 2 3 4 7 7\ncpu0 1 1 1 1\n";
        assert_eq!(of_all(stat), Some(35));
    }
}
