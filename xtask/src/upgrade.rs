//! `cargo xtask upgrade`: the filter of the last release beside this one, on one Redis.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use project::cargo;

use crate::steps::must;

const TEST: &str = "redis::real::upgrade";

pub(crate) fn run(options: &[&str]) -> Result<()> {
    let [file] = options else {
        bail!("upgrade needs one FILE, the filter of the last release: see cargo xtask help");
    };
    let module = fs::read(file).with_context(|| format!("cannot read {file}"))?;
    ensure!(
        module.starts_with(b"\0asm"),
        "{file} is no WebAssembly module"
    );
    must(
        cargo()
            .args(["test", "--test", "suite", "--", TEST])
            // The test runs in a folder of its own.
            .env("WX_SESSION_LAST_RELEASE", fs::canonicalize(file)?),
    )?;
    Ok(())
}
