//! `cargo xtask client`: the tests of the mini program's side, under Node, on a real Envoy, and with WeChat's own tools.
//! Changes nothing outside `client`, where npm puts what it fetches and builds.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::steps::{Outcome, must};
use crate::tools;

/// The environment variable that tells the tests where the control server is; without it they leave the edge out.
const CONTROL: &str = "WX_SESSION_CONTROL";

pub(crate) fn run(options: &[&str]) -> Result<()> {
    crate::no_options("client", options)?;
    tests(&project::program("client-edge")?).map(drop)
}

/// With an edge that is built.
pub(crate) fn tests(edge: &Path) -> Result<Outcome> {
    tools::need_node()?;
    tools::need_npm()?;
    must(tools::npm(&folder()).arg("ci"))?;
    // It goes when its input ends, and with it if we do.
    let mut edge = Command::new(edge)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let said = edge.stdout.take().context("no output")?;
    let mut control = String::new();
    BufReader::new(said).read_line(&mut control)?;
    let tested = if control.is_empty() {
        Ok(Outcome::Done)
    } else {
        must(
            tools::npm(&folder())
                .arg("test")
                .env(CONTROL, control.trim()),
        )
    };
    drop(edge.stdin.take());
    let ended = edge.wait()?;
    let tested = tested?;
    ensure!(ended.success(), "the edge for the tests has failed");
    with_the_tools_of_others()?;
    Ok(tested)
}

/// What is built above, in WeChat's tools and a bundler. They are many times as large as all else: hence apart.
fn with_the_tools_of_others() -> Result<()> {
    let tools_tests = folder().join("tools-tests");
    must(tools::npm(&tools_tests).arg("ci"))?;
    must(tools::npm(&tools_tests).arg("test"))?;
    Ok(())
}

/// The folder of the npm package.
pub(crate) fn folder() -> PathBuf {
    project::root().join("client")
}
