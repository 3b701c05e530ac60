//! The processor time that a process has used, in user mode and in the kernel.
//! Never that of its children.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

/// How long a tick of `/proc/PID/stat` is.
pub(super) struct Clock {
    tick: Duration,
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

    /// Used by the process so far, all its threads together.
    pub(super) fn used(&self, process: u32) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let ticks = ticks(&stat).context("/proc/PID/stat has another form")?;
        Ok(self.tick * ticks)
    }
}

/// utime and stime, fields 14 and 15 of proc_pid_stat(5). The name, field 2, is in parentheses and can hold any.
fn ticks(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added_whatever_the_name() {
        let stat = "17 (a b) c) S 1 17 17 0 -1 4194560 3 4 5 6 120 30 7 8 20 0 1";
        assert_eq!(ticks(stat), Some(150));
    }
}
