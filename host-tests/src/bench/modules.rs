//! The two modules that Envoy runs here. Never stale ones: cargo is asked each time.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::envoy::plugin::{build_plugin_shown, cargo};
use crate::envoy::target_folder;

const TARGET: &str = "wasm32-wasip1";

/// Paths of the built modules.
pub(super) struct Modules {
    pub(super) plugin: PathBuf,
    pub(super) empty: PathBuf,
}

impl Modules {
    /// The plugin first: it sees to it that the compiler has the target.
    pub(super) fn build() -> Result<Self> {
        let plugin = build_plugin_shown()?;
        let status = cargo()
            .args(["build", "--release", "--target", TARGET])
            .args(["-p", "bench-empty"])
            .status()
            .context("cargo does not run")?;
        ensure!(status.success(), "the empty module does not build");
        let folder = target_folder().join(TARGET).join("release");
        Ok(Self {
            plugin,
            empty: folder.join("bench_empty.wasm"),
        })
    }
}
