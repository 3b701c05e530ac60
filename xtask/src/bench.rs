//! The options of `cargo xtask bench`. The measuring itself is in `host_tests::bench`.

use anyhow::{Context, Result, bail};
use host_tests::bench::Options;

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    if arguments == ["--growth"] {
        return host_tests::bench::growth::run();
    }
    match arguments {
        ["--spin"] => return host_tests::bench::spin::run(false),
        ["--spin", "--quick"] | ["--quick", "--spin"] => return host_tests::bench::spin::run(true),
        _ => {}
    }
    host_tests::bench::run(&parse(arguments)?)
}

fn parse(arguments: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(&argument) = rest.next() {
        match argument {
            "--quick" => options.quick = true,
            "--write" => options.write = true,
            "--arms" => options.arms = names(argument, rest.next())?,
            other => bail!("bench knows no {other}: see cargo xtask help"),
        }
    }
    Ok(options)
}

fn names(option: &str, value: Option<&&str>) -> Result<Vec<String>> {
    let list = value.with_context(|| format!("{option} needs names, with commas between them"))?;
    Ok(list.split(',').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let expected = Options {
            quick: true,
            write: true,
            arms: vec!["lua".to_owned(), "jwt".to_owned()],
        };
        assert_eq!(
            parse(&["--arms", "lua,jwt", "--write", "--quick"]).unwrap(),
            expected
        );
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused_with_its_option() {
        let message = |arguments: &[&str]| format!("{:#}", parse(arguments).unwrap_err());
        assert!(message(&["--arms"]).contains("--arms needs names"));
        assert!(message(&["--slow"]).contains("--slow"));
    }
}
