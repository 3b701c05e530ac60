//! Builds the plugin's module, so that no test runs a stale one.
//! Never takes a module that some other build left behind without asking cargo first.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};

use super::exports;

const TARGET: &str = "wasm32-wasip1";

/// Builds `wx-session-envoy` for Envoy, once in this process, and gives the path of the `.wasm` as it is shipped.
/// Cargo's own output is kept for the error message.
///
/// # Errors
/// When the Rust target is missing and cannot be added, or the build fails.
pub fn build_plugin() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build(false, &[]).map_err(|error| format!("{error:#}")));
    built.clone().map_err(anyhow::Error::msg)
}

/// The same module with an allocator that counts, which its host can ask.
///
/// # Errors
/// As [`build_plugin`].
pub fn build_counting_plugin() -> Result<PathBuf> {
    build(false, &["--features", "count-allocations"])
}

/// The same, each time it is called, with cargo's progress on the terminal.
///
/// # Errors
/// As [`build_plugin`].
pub fn build_plugin_shown() -> Result<PathBuf> {
    build(true, &[])
}

/// Sees to it that the compiler can build for `target`.
///
/// # Errors
/// When it is missing and `rustup target add` does not help.
pub fn ensure_target(target: &str) -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc)
        .current_dir(super::root())
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("rustc does not run")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
    if asked.status.success() && folder.is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup")
        .current_dir(super::root())
        .args(["target", "add", target])
        .output();
    match added {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            bail!(
                "`rustup target add {target}` failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )
        }
        Err(error) => bail!(
            "Rust's {target} target is missing, and rustup, which would add it, does not run: {error}"
        ),
    }
}

/// The cargo that runs us, or the one on PATH, to be run in the repository with its own target folder.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(super::root())
        .env("CARGO_TARGET_DIR", super::target_folder());
    command
}

fn build(shown: bool, features: &[&str]) -> Result<PathBuf> {
    ensure_target(TARGET)?;
    let folder = super::target_folder();
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
    let stripped = exports::strip(&linked)?;
    // Renamed into its place whole: somebody else may be reading the module that is there.
    let new = folder.join(format!("wx_session.{}.wasm", std::process::id()));
    fs::write(&new, stripped)?;
    fs::rename(&new, &shipped)?;
    Ok(shipped)
}
