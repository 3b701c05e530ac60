//! `cargo xtask frameworks`: the name that only the edge writes, asked of real frameworks. Installs Express, Koa, Fastify,
//! Flask and Django under `target/tools`, starts an app in each, and runs the test that compares them with the edge.
//! Changes nothing outside of `target`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use project::{cargo, root, tools_folder};

use crate::steps::{Outcome, must, must_test};
use crate::tools;

/// What the test reads.
const APPS: &str = "WX_FRAMEWORKS";
const FILES: [&str; 5] = [
    "apps.mjs",
    "apps.py",
    "package.json",
    "package-lock.json",
    "requirements.txt",
];

pub(crate) fn run(options: &[&str]) -> Result<()> {
    crate::no_options("frameworks", options)?;
    tests(cargo()).map(drop)
}

/// With the cargo that builds the test.
pub(crate) fn tests(mut cargo: Command) -> Result<Outcome> {
    tools::need_node()?;
    tools::need_npm()?;
    let folder = tools_folder().join("frameworks");
    std::fs::create_dir_all(&folder)?;
    for file in FILES {
        std::fs::copy(
            root().join("host-tests/frameworks").join(file),
            folder.join(file),
        )?;
    }
    must(tools::npm(&folder).args(["ci", "--no-audit", "--no-fund"]))?;
    let python = packages(&folder)?;
    let (node, in_node) = Apps::start(Command::new("node").arg(folder.join("apps.mjs")), 3)?;
    let (wsgi, in_python) = Apps::start(Command::new(&python).arg(folder.join("apps.py")), 2)?;
    let apps = [in_node, in_python].concat().join(",");
    let test = ["test", "--test", "suite", "--", "--ignored", "frameworks::"];
    let outcome = must_test(cargo.args(test).env(APPS, apps));
    drop((node, wsgi));
    outcome
}

/// The Python that has the packages.
fn packages(folder: &Path) -> Result<PathBuf> {
    let place = folder.join("python");
    let python = place.join("bin").join("python");
    if !python.is_file() {
        must(Command::new("python3").args(["-m", "venv"]).arg(&place))
            .context("Flask and Django need python3 with venv and pip")?;
    }
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ];
    must(
        Command::new(&python)
            .args(install)
            .arg(folder.join("requirements.txt")),
    )?;
    Ok(python)
}

/// A program with apps in it. It ends with this.
struct Apps(Child);

impl Apps {
    /// Waits until `count` apps have said where they listen, as `name port`.
    fn start(command: &mut Command, count: usize) -> Result<(Self, Vec<String>)> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("no output")?;
        let apps = Self(child);
        let lines = BufReader::new(output).lines().take(count);
        let listening: Vec<String> = lines.collect::<Result<_, _>>()?;
        ensure!(
            listening.len() == count,
            "the apps did not start: {listening:?}"
        );
        let listening = listening
            .iter()
            .map(|line| line.replace(' ', " 127.0.0.1:"));
        Ok((apps, listening.collect()))
    }
}

impl Drop for Apps {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
