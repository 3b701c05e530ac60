//! The files that an Envoy is given, and asking it whether it would take a configuration.
//! Never leaves a file behind: each run has a folder that goes with it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use project::{envoy, target_folder};
use tempfile::TempDir;

use super::config::Config;
use super::turn::Turn;

const DOCUMENT: &str = "envoy.json";

/// What `envoy --mode validate` says of a configuration. It loads the module and runs the plugin's `on_configure`.
///
/// # Errors
/// When the configuration is refused: the end of Envoy's log, with the plugin's own message.
pub fn validate(config: &Config, env: &[(&str, &str)]) -> Result<()> {
    let folder = write(config)?;
    let _turn = Turn::take();
    envoy::validate(&folder.path().join(DOCUMENT), env)
}

/// A new folder under `target/envoy`.
pub(super) fn folder() -> Result<TempDir> {
    let runs = target_folder().join("envoy");
    fs::create_dir_all(&runs)?;
    Ok(tempfile::Builder::new().prefix("run-").tempdir_in(runs)?)
}

/// Writes the configuration into such a folder.
pub(super) fn write(config: &Config) -> Result<TempDir> {
    let folder = folder()?;
    // JSON is YAML, and Envoy knows it by the ending of the name.
    fs::write(
        folder.path().join(DOCUMENT),
        serde_json::to_vec_pretty(&config.document)?,
    )?;
    Ok(folder)
}

/// An Envoy on what `write` put into `folder`, with exactly the environment `env`.
pub(super) fn command(folder: &Path, env: &[(&str, &str)]) -> Result<Command> {
    envoy::command(&folder.join(DOCUMENT), env)
}
