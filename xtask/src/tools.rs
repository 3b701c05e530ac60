//! The programs that the tests need and cargo does not bring: taken from PATH, or else installed under `target/tools`.
//! Never changes what is installed on the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use project::{cargo, on_path, root, tools_folder};

use crate::steps::must;

/// `cargo-deny`, of any version.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    find("cargo-deny", "cargo-deny", None)
}

/// `wasm-bindgen-test-runner` of exactly the version of `wasm-bindgen` in Cargo.lock: others refuse the module.
pub(crate) fn wasm_bindgen_test_runner() -> Result<PathBuf> {
    let version = locked_version("wasm-bindgen")?;
    find(
        "wasm-bindgen-test-runner",
        "wasm-bindgen-cli",
        Some(&version),
    )
}

/// A program on PATH, or under `target/tools`, or compiled into there from this package.
fn find(name: &str, package: &str, version: Option<&str>) -> Result<PathBuf> {
    let fits = |program: &Path| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| {
            let said = String::from_utf8_lossy(&output.stdout);
            output.status.success() && version.is_none_or(|own| said.trim().ends_with(own))
        })
    };
    let ours = tools_folder().join("bin").join(name);
    let found = on_path(name)
        .into_iter()
        .chain([ours.clone()])
        .find(|path| path.is_file() && fits(path));
    if let Some(found) = found {
        return Ok(found);
    }
    println!("compiling {name} into target/tools; this takes some minutes, once");
    let mut install = cargo();
    // What it does here takes no time; to optimise it would.
    install
        .args([
            "install", package, "--debug", "--bin", name, "--force", "--root",
        ])
        .arg(tools_folder())
        .env("CARGO_PROFILE_DEV_DEBUG", "false");
    match version {
        // On purpose without --locked.
        Some(version) => install.args(["--version", version]),
        None => install.arg("--locked"),
    };
    must(&mut install)?;
    ensure!(
        fits(&ours),
        "the {name} that was installed is not the one asked for"
    );
    Ok(ours)
}

fn locked_version(package: &str) -> Result<String> {
    let lock =
        std::fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \""));
    let version = version.with_context(|| format!("Cargo.lock holds no {package}"))?;
    Ok(version.trim_end_matches('"').to_owned())
}

fn runs(program: &Path) -> bool {
    let answer = Command::new(program).arg("--version").output();
    answer.is_ok_and(|output| output.status.success())
}

/// Node runs the tests that are built as WebAssembly, and those of the client.
pub(crate) fn need_node() -> Result<()> {
    need("node", "install Node.js 20 or newer")
}

/// npm fetches the compiler of the client.
pub(crate) fn need_npm() -> Result<()> {
    need("npm", "install it with Node.js 20 or newer")
}

/// npm, in the folder of a package.
pub(crate) fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder);
    npm
}

fn need(name: &str, remedy: &str) -> Result<()> {
    ensure!(runs(Path::new(name)), "`{name}` does not run: {remedy}");
    Ok(())
}
