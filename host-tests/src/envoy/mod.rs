//! A real Envoy around the built plugin: getting it, configuring it, running it.
//! Knows nothing of WeChat, and never uses a configuration other than the repository's `envoy.yaml`, altered.

mod admin;
pub mod config;
pub mod exports;
pub mod install;
mod launch;
pub mod plugin;
pub mod process;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use config::Config;
pub use launch::{validate, validate_file};
pub use plugin::{build_counting_plugin, build_plugin};
pub use process::Envoy;

/// The repository's folder.
#[must_use]
pub fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder).to_path_buf()
}

/// Every configuration that the repository offers, by its path there: `envoy.yaml` first, then those of `examples`.
///
/// # Errors
/// When `examples` cannot be read.
pub fn configurations() -> Result<Vec<String>> {
    let examples = root().join("examples").read_dir();
    let mut found = vec!["envoy.yaml".to_owned()];
    for example in examples.context("cannot read examples")? {
        let name = example?.file_name();
        let path = format!("examples/{}/envoy.yaml", name.to_string_lossy());
        // The others are for Spin.
        if root().join(&path).is_file() {
            found.push(path);
        }
    }
    found.sort_by_key(|path| (path.contains('/'), path.clone()));
    Ok(found)
}

/// Where everything that is built or fetched goes. Always the repository's own `target`, because `envoy.yaml`
/// names the module by its path in there.
#[must_use]
pub fn target_folder() -> PathBuf {
    root().join("target")
}
