//! The options of `cargo xtask bench`. The measuring itself is in the library.

use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use bench::Options;
use lexopt::prelude::*;

fn main() -> ExitCode {
    match parse(lexopt::Parser::from_env()).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is measured.
#[derive(Debug, PartialEq, Eq)]
enum Chosen {
    Envoy(Options),
    Spin { quick: bool },
    Growth,
}

fn run(chosen: Chosen) -> Result<()> {
    match chosen {
        Chosen::Envoy(options) => bench::run(&options),
        Chosen::Spin { quick } => bench::spin::run(quick),
        Chosen::Growth => bench::growth::run(),
    }
}

fn parse(mut arguments: lexopt::Parser) -> Result<Chosen> {
    let mut options = Options::default();
    let (mut spin, mut growth) = (false, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => options.quick = true,
            Long("write") => options.write = true,
            Long("arms") => options.arms = arguments.value()?.parse_with(names)?,
            Long("spin") => spin = true,
            Long("growth") => growth = true,
            other => bail!("{}: see cargo xtask help", other.unexpected()),
        }
    }
    let quick = options.quick;
    if growth {
        ensure!(
            !spin && options == Options::default(),
            "--growth goes with no other option"
        );
        return Ok(Chosen::Growth);
    }
    if spin {
        let others = Options {
            quick: false,
            ..options
        };
        ensure!(
            others == Options::default(),
            "--spin goes with --quick alone"
        );
        return Ok(Chosen::Spin { quick });
    }
    Ok(Chosen::Envoy(options))
}

/// With commas between them.
fn names(list: &str) -> Result<Vec<String>> {
    Ok(list.split(',').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Chosen> {
        parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn options_are_read() {
        let expected = Options {
            quick: true,
            write: true,
            arms: vec!["lua".to_owned(), "jwt".to_owned()],
        };
        let arguments = ["--arms", "lua,jwt", "--write", "--quick"];
        assert_eq!(read(&arguments).unwrap(), Chosen::Envoy(expected));
        let spin = read(&["--quick", "--spin"]).unwrap();
        assert_eq!(spin, Chosen::Spin { quick: true });
        assert_eq!(read(&["--growth"]).unwrap(), Chosen::Growth);
    }

    #[test]
    fn what_is_missing_unknown_or_does_not_go_together_is_refused_by_name() {
        let message = |arguments: &[&str]| format!("{:#}", read(arguments).unwrap_err());
        assert!(message(&["--arms"]).contains("--arms"));
        assert!(message(&["--slow"]).contains("--slow"));
        assert!(message(&["--growth", "--quick"]).contains("--growth"));
        assert!(message(&["--spin", "--write"]).contains("--spin"));
    }
}
