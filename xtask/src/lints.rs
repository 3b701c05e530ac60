//! Clippy on everything, each warning an error.
//! Never checks what is built anyway: the native crates get their lints while the tests are built, since to check the
//! WebAssembly engines beside that takes as long as to compile them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use project::{WRAPPER, cargo, target_folder};

use crate::steps::{Outcome, must};

pub(crate) const ENVOY: &str = "wasm32-wasip1";
pub(crate) const SPIN: &str = "wasm32-wasip2";

/// What is built for WebAssembly: a name, the target, what is checked.
pub(crate) const WASM: [(&str, &str, &[&str]); 3] = [
    (
        "lints of what is built for Envoy",
        ENVOY,
        &[
            "-p",
            "wx-session-envoy",
            "-p",
            "bench-empty",
            "-p",
            "bench-hostcalls",
            "-p",
            "bench-core",
        ],
    ),
    (
        "lints of what is built for Spin",
        SPIN,
        &[
            "-p",
            "wx-session-spin",
            "-p",
            "spin-app",
            "-p",
            "example-app",
            "-p",
            "spin-store",
        ],
    ),
    (
        "lints of the middleware for Spin",
        SPIN,
        &["-p", "wx-session-spin", "--features", "middleware"],
    ),
];

/// Cargo with clippy as the compiler of this workspace's own crates: what is built is linted, and what was linted is
/// built.
pub(crate) fn native() -> Command {
    let mut command = cargo();
    command
        .env("CLIPPY_ARGS", "-Dwarnings")
        .env(WRAPPER, "clippy-driver");
    command
}

/// The pages that rustdoc makes of what ships, each warning an error.
pub(crate) fn documentation() -> Result<Outcome> {
    let shipped: [&[&str]; 3] = [
        &["-p", "wx-session-core", "-p", "wx-session-check"],
        // In the profile of what ships, as below.
        &["-p", "wx-session-envoy", "--release", "--target", ENVOY],
        &["-p", "wx-session-spin", "--release", "--target", SPIN],
    ];
    for options in shipped {
        let mut command = cargo();
        command
            .args(["doc", "--quiet", "--no-deps", "--document-private-items"])
            .args(options)
            .env("RUSTDOCFLAGS", "-D warnings");
        must(&mut command)?;
    }
    Ok(Outcome::Done)
}

/// As [`project::program`].
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    must(native().args(["build", "--quiet", "--bin", name]))?;
    Ok(target_folder().join("debug").join(name))
}

/// In the profile of what ships, which then finds its build scripts and macros compiled.
pub(crate) fn wasm(target: &str, packages: &[&str]) -> Command {
    let mut command = cargo();
    command
        .args(["clippy", "--quiet", "--release", "--target", target])
        .args(packages)
        .args(["--", "-D", "warnings"]);
    command
}
