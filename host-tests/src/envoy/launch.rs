//! The command line and the files that an Envoy is given, and asking it whether it would take a configuration.
//! Never leaves a file behind: each run has a folder that goes with it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::config::Config;
use super::install;

const DOCUMENT: &str = "envoy.json";
const LAST_LINES: usize = 40;

/// What `envoy --mode validate` says of a configuration. It loads the module and runs the plugin's `on_configure`.
///
/// # Errors
/// When the configuration is refused: Envoy's log, with the plugin's own message.
pub fn validate(config: &Config, env: &[(&str, &str)]) -> Result<()> {
    let folder = write(config)?;
    validate_file(&folder.path().join(DOCUMENT), env)
}

/// The same for a file.
///
/// # Errors
/// As [`validate`].
pub fn validate_file(file: &Path, env: &[(&str, &str)]) -> Result<()> {
    let output = envoy(file, env)?
        .args(["--mode", "validate"])
        .output()
        .context("cannot start Envoy")?;
    if !output.status.success() {
        bail!(
            "Envoy refuses {}:\n{}",
            file.display(),
            tail(&String::from_utf8_lossy(&output.stderr))
        );
    }
    Ok(())
}

/// Writes the configuration into a new folder under `target/envoy`.
pub(super) fn write(config: &Config) -> Result<TempDir> {
    let runs = super::target_folder().join("envoy");
    fs::create_dir_all(&runs)?;
    let folder = tempfile::Builder::new().prefix("run-").tempdir_in(runs)?;
    // JSON is YAML, and Envoy knows it by the ending of the name.
    fs::write(
        folder.path().join(DOCUMENT),
        serde_json::to_vec_pretty(&config.document)?,
    )?;
    Ok(folder)
}

/// An Envoy on what `write` put into `folder`, with exactly the environment `env`.
pub(super) fn command(folder: &Path, env: &[(&str, &str)]) -> Result<Command> {
    envoy(&folder.join(DOCUMENT), env)
}

/// In a process group of its own, so that Ctrl-C reaches us alone and we decide what ends when.
fn envoy(file: &Path, env: &[(&str, &str)]) -> Result<Command> {
    let mut command = Command::new(install::envoy()?);
    command
        .current_dir(super::root())
        .arg("-c")
        .arg(file)
        .stdin(Stdio::null())
        .process_group(0);
    command.env_clear().envs(env.iter().copied());
    Ok(command)
}

/// The last lines: Envoy ends with the cause.
pub(super) fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
