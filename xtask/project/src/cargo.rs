//! Cargo, run on this repository whatever folder we are in, and what has to be there before it builds.
//! Never builds into another folder than the repository's own `target`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{root, target_folder};

/// In the environment where the native crates get their lints while they are built: see `cargo xtask test`.
pub const WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";

/// How the names begin that cargo sets for each package: see "Environment variables" in the Cargo book.
const OF_A_PACKAGE: [&str; 4] = [
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// The cargo that runs us, or the one on PATH, to be run in the repository with its own target folder. Its compiler is
/// rustc alone, whoever asks.
#[must_use]
pub fn cargo() -> Command {
    let mut command = native();
    command.env_remove(WRAPPER);
    command
}

/// The same for the native crates, which are built once, with lints or without.
fn native() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target_folder());
    // What cargo has told this process about its own package. Build scripts look at it, ring's among them: told of xtask
    // here and of the suite there, TLS and all that stands on it would be compiled anew each time.
    for (name, _) in env::vars_os() {
        let of_a_package = |name: &str| OF_A_PACKAGE.iter().any(|own| name.starts_with(own));
        if name.to_str().is_some_and(of_a_package) {
            command.env_remove(name);
        }
    }
    command
}

/// One of the repository's own native programs, built anew where need be, with cargo's progress on the terminal.
///
/// # Errors
/// When it does not build.
pub fn program(name: &str) -> Result<PathBuf> {
    // Without `--package`: the features of its dependencies are then those of all native crates together, and what they
    // share is compiled once.
    let built = native().args(["build", "--bin", name]).status();
    ensure!(
        built.context("cargo does not run")?.success(),
        "`{name}` does not build"
    );
    Ok(target_folder().join("debug").join(name))
}

/// Sees to it that the compiler can build for `target`.
///
/// # Errors
/// When it is missing and `rustup target add` does not help.
pub fn ensure_target(target: &str) -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc)
        .current_dir(root())
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("rustc does not run")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
    if asked.status.success() && folder.is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup")
        .current_dir(root())
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
