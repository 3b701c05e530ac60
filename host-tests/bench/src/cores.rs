//! One core for Envoy, the others for the load and for whatever Envoy asks.
//! Never chooses a core that this process may not use.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Lists of cores in the form of `taskset -c`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cores {
    pub(super) envoy: String,
    pub(super) load: String,
}

impl Cores {
    /// The last allowed core is Envoy's: the first often serves the interrupts.
    pub(super) fn choose() -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")
            .context("the benchmark needs Linux: there is no /proc")?;
        let allowed = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .context("no Cpus_allowed_list in /proc/self/status")?;
        Self::from_list(allowed.trim())
    }

    /// `0-3,6`
    fn from_list(list: &str) -> Result<Self> {
        let mut cores: Vec<u32> = Vec::new();
        for part in list.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            cores.extend(first.parse::<u32>()?..=last.parse()?);
        }
        let Some(envoy) = cores.pop().filter(|_| !cores.is_empty()) else {
            bail!("the benchmark needs two cores, one for Envoy and one for the load");
        };
        let load: Vec<_> = cores.iter().map(u32::to_string).collect();
        Ok(Self {
            envoy: envoy.to_string(),
            load: load.join(","),
        })
    }

    /// Holds a process, with the threads that it has and will have, to Envoy's core.
    pub(super) fn keep_for_envoy(&self, process: u32) -> Result<()> {
        pin(process, &self.envoy)
    }

    /// The same for the load's cores. Its children inherit it.
    pub(super) fn keep_for_load(&self, process: u32) -> Result<()> {
        pin(process, &self.load)
    }
}

fn pin(process: u32, cores: &str) -> Result<()> {
    let output = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", cores])
        .arg(process.to_string())
        .output()
        .context("`taskset` does not run: install the package util-linux")?;
    ensure!(
        output.status.success(),
        "taskset: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_gets_the_last_core_and_the_load_all_others() {
        let cores = Cores::from_list("0-2,6").unwrap();
        assert_eq!(cores.envoy, "6");
        assert_eq!(cores.load, "0,1,2");
    }

    #[test]
    fn one_core_is_not_enough() {
        assert!(Cores::from_list("3").is_err());
    }
}
