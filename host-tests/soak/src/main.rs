//! The options of `cargo xtask soak --real`. What it does is in the library.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use lexopt::prelude::*;
use soak::{Options, Plan};

/// So many users keep two cores busy without filling them.
const USERS: usize = 12;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool> {
    let options = parse(lexopt::Parser::from_env())?;
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    ctrlc::set_handler(move || told.store(true, Ordering::SeqCst))
        .context("cannot listen for Ctrl-C")?;
    let module = project::filter::built_in_sight()?;
    println!(
        "seed {}: {} users for {} s, {} faults; the same with --seed {}",
        options.seed,
        options.users,
        options.plan.length.as_secs(),
        options.plan.events.len(),
        options.seed
    );
    let report = soak::run(&options, &module, &stop)?;
    println!("{report}");
    Ok(report.is_clean())
}

fn parse(mut arguments: lexopt::Parser) -> Result<Options> {
    let mut minutes = 10;
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut seed = since.as_secs();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("minutes") => minutes = number("--minutes", &mut arguments)?,
            Long("seed") => seed = number("--seed", &mut arguments)?,
            other => bail!("{}: see cargo xtask help", other.unexpected()),
        }
    }
    ensure!(minutes > 0, "--minutes needs at least 1");
    let length = minutes.checked_mul(60).context("--minutes is too large")?;
    Ok(Options {
        seed,
        plan: Plan::new(seed, Duration::from_secs(length)),
        users: USERS,
    })
}

fn number(option: &str, arguments: &mut lexopt::Parser) -> Result<u64> {
    let value = arguments.value()?;
    value
        .parse()
        .with_context(|| format!("{option}: `{}` is not a number", value.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options> {
        parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn options_are_read() {
        let options = read(&["--minutes", "60", "--seed", "7"]).unwrap();
        assert_eq!(options.seed, 7);
        assert_eq!(options.plan, Plan::new(7, Duration::from_secs(3600)));
        assert_eq!(read(&[]).unwrap().plan.length, Duration::from_secs(600));
    }

    #[test]
    fn what_is_no_number_and_what_is_unknown_is_refused_by_name() {
        let said = |arguments: &[&str]| format!("{:#}", read(arguments).unwrap_err());
        assert!(said(&["--minutes", "soon"]).contains("--minutes: `soon`"));
        assert!(said(&["--minutes", "0"]).contains("at least 1"));
        assert!(said(&["--hours", "1"]).contains("--hours"));
    }
}
