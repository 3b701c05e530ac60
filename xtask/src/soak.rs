//! `cargo xtask soak`: random worlds for as long as one likes, or one of them again. With `--real` it is a program of its own.

use anyhow::{Context as _, Result, bail, ensure};
use project::cargo;

use crate::steps::must;

const TEST: &str = "invariants::random_worlds::as_many_as_there_is_time_for";

pub(crate) fn run(options: &[&str]) -> Result<()> {
    let (name, value) = match options {
        [] => ("WX_SOAK_MINUTES", "10"),
        ["--minutes", minutes] => ("WX_SOAK_MINUTES", *minutes),
        ["--seed", seed] => ("WX_SOAK_SEED", *seed),
        _ => bail!("soak knows --minutes N or --seed S, or --real first: see cargo xtask help"),
    };
    let number: u64 = value
        .parse()
        .with_context(|| format!("`{value}` is not a number"))?;
    ensure!(
        name != "WX_SOAK_MINUTES" || number > 0,
        "--minutes needs at least 1"
    );
    must(
        cargo()
            .args(["test", "--profile", "soak", "-p", "host-tests"])
            .args(["--test", "suite", "--", TEST])
            .args(["--exact", "--ignored", "--nocapture"])
            .env(name, value),
    )?;
    Ok(())
}
