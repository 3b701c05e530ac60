//! The options of `cargo xtask demo`. The journey itself is told in the library.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use demo::{Host, Options, Store};
use lexopt::prelude::*;

fn main() -> ExitCode {
    match parse(lexopt::Parser::from_env()).and_then(|options| demo::run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: lexopt::Parser) -> Result<Options> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("once") => options.once = true,
            Long("host") => options.host = arguments.value()?.parse_with(host)?,
            Long("store") => options.store = arguments.value()?.parse_with(store)?,
            Long("port") => options.port = port("--port", &mut arguments)?,
            Long("admin-port") => options.admin_port = port("--admin-port", &mut arguments)?,
            other => bail!("{}: see cargo xtask help", other.unexpected()),
        }
    }
    if options.host == Host::Spin {
        ensure!(
            options.store == Store::Embedded,
            "--store redis is for --host envoy"
        );
        ensure!(options.admin_port == 0, "Spin has nothing at --admin-port");
    }
    Ok(options)
}

fn host(value: &str) -> Result<Host> {
    match value {
        "envoy" => Ok(Host::Envoy),
        "spin" => Ok(Host::Spin),
        _ => bail!("--host needs `envoy` or `spin`"),
    }
}

fn store(value: &str) -> Result<Store> {
    match value {
        "embedded" => Ok(Store::Embedded),
        "redis" => Ok(Store::Redis),
        _ => bail!("--store needs `embedded` or `redis`"),
    }
}

fn port(option: &str, arguments: &mut lexopt::Parser) -> Result<u16> {
    let value = arguments.value()?;
    value
        .parse()
        .with_context(|| format!("{option}: `{}` is not a port", value.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options> {
        parse(lexopt::Parser::from_args(arguments))
    }

    #[track_caller]
    fn assert_refused(arguments: &[&str], said: &str) {
        let message = format!("{:#}", read(arguments).unwrap_err());
        assert!(message.contains(said), "{message}");
    }

    #[test]
    fn options_are_read() {
        let expected = Options {
            once: true,
            host: Host::Envoy,
            store: Store::Redis,
            port: 8000,
            admin_port: 9000,
        };
        let arguments = ["--port", "8000", "--once", "--admin-port", "9000"];
        let arguments = [&arguments[..], &["--store", "redis"]].concat();
        assert_eq!(read(&arguments).unwrap(), expected);
    }

    #[test]
    fn the_store_is_the_embedded_one_unless_another_is_named() {
        assert_eq!(read(&[]).unwrap().store, Store::Embedded);
        let named = read(&["--store", "embedded"]).unwrap();
        assert_eq!(named.store, Store::Embedded);
        assert_refused(&["--store"], "--store");
        assert_refused(&["--store", "mysql"], "--store needs");
    }

    #[test]
    fn on_spin_there_is_neither_another_store_nor_an_admin_port() {
        let options = read(&["--host", "spin", "--port", "8000"]).unwrap();
        assert_eq!((options.host, options.port), (Host::Spin, 8000));
        assert_refused(&["--host", "spin", "--store", "redis"], "--store redis");
        assert_refused(&["--admin-port", "9000", "--host", "spin"], "--admin-port");
        assert_refused(&["--host", "nginx"], "--host needs");
    }

    #[test]
    fn what_is_no_port_and_what_is_unknown_is_refused_by_name() {
        assert_refused(&["--port", "70000"], "--port: `70000` is not a port");
        assert_refused(&["--admin-port"], "--admin-port");
        assert_refused(&["--twice"], "--twice");
    }
}
