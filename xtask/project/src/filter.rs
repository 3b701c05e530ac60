//! Builds the filter for Envoy, so that no test runs a stale one.
//! Never takes a module that some other build left behind without asking cargo first.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
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
    let built = BUILT.get_or_init(|| shipped(false).map_err(|error| format!("{error:#}")));
    built.clone().map_err(anyhow::Error::msg)
}

/// The same module with an allocator that counts, which its host can ask. Built as tests are, in a moment: it allocates
/// as often as what ships.
///
/// # Errors
/// As [`built`].
pub fn built_to_count() -> Result<PathBuf> {
    let options = ["--features", "count-allocations"];
    run(&mut build(&options), false)?;
    finish("debug", "wx_session.counting.wasm")
}

/// What ships, each time it is called, with cargo's progress on the terminal.
///
/// # Errors
/// As [`built`].
pub fn built_in_sight() -> Result<PathBuf> {
    shipped(true)
}

fn shipped(is_shown: bool) -> Result<PathBuf> {
    run(&mut build(&["--release"]), is_shown)?;
    finish("release", "wx_session.wasm")
}

fn build(options: &[&str]) -> Command {
    let mut command = cargo();
    command
        .args(["build", "--target", TARGET, "-p", "wx-session-envoy"])
        .args(options);
    command
}

fn run(build: &mut Command, is_shown: bool) -> Result<()> {
    ensure_target(TARGET)?;
    if is_shown {
        ensure!(
            build.status().context("cargo does not run")?.success(),
            "the plugin does not build"
        );
        return Ok(());
    }
    let output = build
        .stdin(Stdio::null())
        .output()
        .context("cargo does not run")?;
    ensure!(
        output.status.success(),
        "the plugin does not build:\n{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// The step after the linker: from what it made to what is shipped.
fn finish(profile: &str, name: &str) -> Result<PathBuf> {
    let folder = target_folder();
    let linked = folder
        .join(TARGET)
        .join(profile)
        .join("wx_session_envoy.wasm");
    let linked = fs::read(&linked).with_context(|| format!("{} is gone", linked.display()))?;
    let stripped = envoy_exports::strip(&linked)?;
    // Renamed into its place whole: somebody else may be reading the module that is there.
    let new = folder.join(format!("{name}.{}", std::process::id()));
    let finished = folder.join(name);
    fs::write(&new, stripped)?;
    fs::rename(&new, &finished)?;
    Ok(finished)
}
