//! This repository as a folder: where things are, what is built from it, and the programs that run what was built.
//! Compiles in seconds: nothing here asks for a WebAssembly engine, nor for a C compiler.

pub mod debian;
pub mod envoy;
pub mod filter;
pub mod spin;

mod cargo;
mod manifest;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use cargo::{WRAPPER, cargo, ensure_target, program};
pub use manifest::{Build, Manifest};

/// The repository's folder.
#[must_use]
pub fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = crate_folder.ancestors().nth(2);
    root.unwrap_or(crate_folder).to_path_buf()
}

/// Where everything that is built or fetched goes. Always the repository's own `target`, because `envoy.yaml`
/// names the module by its path in there.
#[must_use]
pub fn target_folder() -> PathBuf {
    root().join("target")
}

/// Where the programs go that are fetched.
#[must_use]
pub fn tools_folder() -> PathBuf {
    target_folder().join("tools")
}

/// Every Envoy configuration that the repository offers, by its path there: `envoy.yaml` first, then those of `examples`.
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

/// The first file of this name in the folders of PATH.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// A path as it is shown: from the repository's folder, where it is in there.
#[must_use]
pub fn shown(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.display().to_string()
}
