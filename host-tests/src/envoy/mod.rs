//! A real Envoy around the built plugin: getting it, configuring it, running it.
//! Knows nothing of WeChat, and never uses a configuration other than the repository's `envoy.yaml`, altered.

mod admin;
pub mod config;
pub mod install;
mod launch;
pub mod plugin;
pub mod process;

use std::path::{Path, PathBuf};

pub use config::Config;
pub use launch::{validate, validate_file};
pub use plugin::build_plugin;
pub use process::Envoy;

/// The repository's folder.
#[must_use]
pub fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder).to_path_buf()
}

/// Where everything that is built or fetched goes. Always the repository's own `target`, because `envoy.yaml`
/// names the module by its path in there.
#[must_use]
pub fn target_folder() -> PathBuf {
    root().join("target")
}
