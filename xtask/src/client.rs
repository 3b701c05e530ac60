//! `cargo xtask client`: the tests of the mini program's side, under Node, on a real Envoy.
//! Changes nothing outside `client`, where npm puts what it fetches and builds.

use std::process::Command;

use anyhow::{Result, bail};
use host_tests::mini_program::{CONTROL, Stage, client_folder};

use crate::steps::{Outcome, must};
use crate::tools;

pub(crate) fn run(options: &[&str]) -> Result<()> {
    if !options.is_empty() {
        bail!("client knows no options: see cargo xtask help");
    }
    tests().map(drop)
}

pub(crate) fn tests() -> Result<Outcome> {
    tools::need_node()?;
    tools::need_npm()?;
    must(npm().arg("ci"))?;
    let stage = Stage::start()?;
    must(npm().arg("test").env(CONTROL, stage.control()))?;
    stage.ensure_used()?;
    Ok(Outcome::Done)
}

fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(client_folder());
    npm
}
