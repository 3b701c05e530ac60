//! The name of the machine and of the Envoy, without which no number means anything.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context, Result};

use project::envoy;

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
        let output = Command::new(envoy::executable()?)
            .arg("--version")
            .output()?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Self {
            processor: model.unwrap_or(std::env::consts::ARCH).to_owned(),
            cores: available_parallelism()?.get(),
            envoy: release(&version)
                .context("envoy --version says nothing known")?
                .to_owned(),
        })
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        let Self {
            processor,
            cores,
            envoy,
        } = self;
        format!("{processor}, {cores} cores, Envoy {envoy}")
    }
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
}
