//! The modules that Envoy runs here. Never stale ones: cargo is asked each time.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use project::{cargo, filter, target_folder};

const TARGET: &str = "wasm32-wasip1";

/// Paths of the built modules.
pub(super) struct Modules {
    pub(super) plugin: PathBuf,
    pub(super) empty: PathBuf,
    pub(super) hostcalls: PathBuf,
}

impl Modules {
    /// The plugin first: it sees to it that the compiler has the target.
    pub(super) fn build() -> Result<Self> {
        let plugin = filter::built_in_sight()?;
        let status = cargo()
            .args(["build", "--release", "--target", TARGET])
            .args(["-p", "bench-empty", "-p", "bench-hostcalls"])
            .status()
            .context("cargo does not run")?;
        ensure!(status.success(), "the modules to compare with do not build");
        let folder = target_folder().join(TARGET).join("release");
        // What it shows is what Envoy costs the plugin: it exports as little.
        let hostcalls = folder.join("bench_hostcalls.wasm");
        let linked = fs::read(&hostcalls)?;
        let stripped = target_folder().join("bench_hostcalls.wasm");
        fs::write(&stripped, envoy_exports::strip(&linked)?)?;
        Ok(Self {
            plugin,
            empty: folder.join("bench_empty.wasm"),
            hostcalls: stripped,
        })
    }
}
