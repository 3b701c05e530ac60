//! The programs that the tests need and cargo does not bring: taken from PATH, or else installed under `target/tools`.
//! Never changes what is installed on the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use project::{cargo, on_path, root, tools_folder};

use crate::steps::must;

/// `cargo-deny`, of any version.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    find(
        "cargo-deny",
        |_| true,
        || {
            let mut install = cargo();
            install
                .args(["install", "cargo-deny", "--locked", "--root"])
                .arg(tools_folder());
            install
        },
    )
}

/// `wasm-bindgen-test-runner` of exactly the version of `wasm-bindgen` in Cargo.lock: others refuse the module.
pub(crate) fn wasm_bindgen_test_runner() -> Result<PathBuf> {
    let version = locked_version("wasm-bindgen")?;
    let fits = |runner: &Path| {
        let output = Command::new(runner).arg("--version").output();
        output.is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout)
                .trim()
                .ends_with(&format!(" {version}"))
        })
    };
    find("wasm-bindgen-test-runner", fits, || {
        let mut install = cargo();
        // On purpose without --locked.
        install
            .args([
                "install",
                "wasm-bindgen-cli",
                "--version",
                &version,
                "--force",
                "--root",
            ])
            .arg(tools_folder());
        install
    })
}

/// Node runs the tests that are built as WebAssembly, and those of the client.
pub(crate) fn need_node() -> Result<()> {
    need("node", "install Node.js 20 or newer")
}

/// npm fetches the compiler of the client.
pub(crate) fn need_npm() -> Result<()> {
    need("npm", "install it with Node.js 20 or newer")
}

fn need(name: &str, remedy: &str) -> Result<()> {
    let answer = Command::new(name).arg("--version").output();
    ensure!(
        answer.is_ok_and(|output| output.status.success()),
        "`{name}` does not run: {remedy}"
    );
    Ok(())
}

fn find(
    name: &str,
    fits: impl Fn(&Path) -> bool,
    install: impl FnOnce() -> Command,
) -> Result<PathBuf> {
    let ours = tools_folder().join("bin").join(name);
    let found = on_path(name)
        .into_iter()
        .chain([ours.clone()])
        .find(|path| path.is_file() && fits(path));
    if let Some(found) = found {
        return Ok(found);
    }
    println!("installing {name} into target/tools; this takes some minutes, once");
    must(&mut install())?;
    ensure!(
        fits(&ours),
        "the {name} that was installed is not of the version asked for"
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
