//! The options of `cargo xtask demo`. The journey itself is told in `host_tests::demo`.

use anyhow::{Context, Result, bail};
use host_tests::demo::Options;

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    host_tests::demo::run(&parse(arguments)?)
}

fn parse(arguments: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(&argument) = rest.next() {
        match argument {
            "--once" => options.once = true,
            "--port" => options.port = port(argument, rest.next())?,
            "--admin-port" => options.admin_port = port(argument, rest.next())?,
            other => bail!("demo knows no {other}: see cargo xtask help"),
        }
    }
    Ok(options)
}

fn port(option: &str, value: Option<&&str>) -> Result<u16> {
    let value = value.with_context(|| format!("{option} needs a port"))?;
    value
        .parse()
        .with_context(|| format!("{option}: `{value}` is not a port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let expected = Options {
            once: true,
            port: 8000,
            admin_port: 9000,
        };
        assert_eq!(
            parse(&["--port", "8000", "--once", "--admin-port", "9000"]).unwrap(),
            expected
        );
    }

    #[test]
    fn port_that_is_none_is_refused_with_its_option() {
        let message = |arguments: &[&str]| format!("{:#}", parse(arguments).unwrap_err());
        assert!(message(&["--port", "70000"]).contains("--port"));
        assert!(message(&["--admin-port"]).contains("--admin-port needs a port"));
        assert!(message(&["--twice"]).contains("--twice"));
    }
}
