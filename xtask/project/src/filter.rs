//! Builds the filter for Envoy, so that no test runs a stale one.
//! Never takes a module that some other build left behind without asking cargo first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

use crate::{cargo, ensure_target, target_folder};

const TARGET: &str = "wasm32-wasip1";

/// Builds `wx-session-envoy` for Envoy, once in this process, and gives the path of the `.wasm` as it is shipped.
/// Cargo's own output is kept for the error message.
///
/// # Errors
/// When the Rust target is missing and cannot be added, or the build fails.
pub fn built() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build(false, &[]).map_err(|error| format!("{error:#}")));
    built.clone().map_err(anyhow::Error::msg)
}

/// The same module with an allocator that counts, which its host can ask.
///
/// # Errors
/// As [`built`].
pub fn built_to_count() -> Result<PathBuf> {
    build(false, &["--features", "count-allocations"])
}

/// The same, each time it is called, with cargo's progress on the terminal.
///
/// # Errors
/// As [`built`].
pub fn built_in_sight() -> Result<PathBuf> {
    build(true, &[])
}

fn build(shown: bool, features: &[&str]) -> Result<PathBuf> {
    ensure_target(TARGET)?;
    let folder = target_folder();
    // With other features a folder of its own: both builds write a file of the same name.
    let folder = match features {
        [] => folder,
        [.., features] => folder.join(features),
    };
    let mut command = cargo();
    command
        .args(["build", "--release", "--target", TARGET])
        .args(["-p", "wx-session-envoy"])
        .args(features)
        .arg("--target-dir")
        .arg(&folder);
    if shown {
        ensure!(
            command.status().context("cargo does not run")?.success(),
            "the plugin does not build"
        );
    } else {
        let output = command
            .stdin(Stdio::null())
            .output()
            .context("cargo does not run")?;
        ensure!(
            output.status.success(),
            "the plugin does not build:\n{}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    finish(&folder)
}

/// The step after the linker: from what it made to what is shipped.
fn finish(folder: &Path) -> Result<PathBuf> {
    let linked = folder.join(TARGET).join("release/wx_session_envoy.wasm");
    let linked = fs::read(&linked).with_context(|| format!("{} is gone", linked.display()))?;
    let shipped = folder.join("wx_session.wasm");
    let stripped = envoy_exports::strip(&linked)?;
    // Renamed into its place whole: somebody else may be reading the module that is there.
    let new = folder.join(format!("wx_session.{}.wasm", std::process::id()));
    fs::write(&new, stripped)?;
    fs::rename(&new, &shipped)?;
    Ok(shipped)
}
