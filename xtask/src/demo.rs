//! The options of `cargo xtask demo`. The journey itself is told in `host_tests::demo`.

use anyhow::{Context, Result, bail, ensure};
use host_tests::demo::{Host, Options, Store};

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    host_tests::demo::run(&parse(arguments)?)
}

fn parse(arguments: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(&argument) = rest.next() {
        match argument {
            "--once" => options.once = true,
            "--host" => options.host = host(argument, rest.next())?,
            "--store" => options.store = store(argument, rest.next())?,
            "--port" => options.port = port(argument, rest.next())?,
            "--admin-port" => options.admin_port = port(argument, rest.next())?,
            other => bail!("demo knows no {other}: see cargo xtask help"),
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

fn host(option: &str, value: Option<&&str>) -> Result<Host> {
    match value {
        Some(&"envoy") => Ok(Host::Envoy),
        Some(&"spin") => Ok(Host::Spin),
        _ => bail!("{option} needs `envoy` or `spin`"),
    }
}

fn store(option: &str, value: Option<&&str>) -> Result<Store> {
    match value {
        Some(&"embedded") => Ok(Store::Embedded),
        Some(&"redis") => Ok(Store::Redis),
        _ => bail!("{option} needs `embedded` or `redis`"),
    }
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
            host: Host::Envoy,
            store: Store::Redis,
            port: 8000,
            admin_port: 9000,
        };
        let arguments = ["--port", "8000", "--once", "--admin-port", "9000"];
        let arguments = [&arguments[..], &["--store", "redis"]].concat();
        assert_eq!(parse(&arguments).unwrap(), expected);
    }

    #[test]
    fn the_store_is_the_embedded_one_unless_another_is_named() {
        assert_eq!(parse(&[]).unwrap().store, Store::Embedded);
        assert_eq!(
            parse(&["--store", "embedded"]).unwrap().store,
            Store::Embedded
        );
        for wrong in [&["--store"][..], &["--store", "mysql"]] {
            let message = format!("{:#}", parse(wrong).unwrap_err());
            assert!(message.contains("--store needs"), "{message}");
        }
    }

    #[test]
    fn on_spin_there_is_neither_another_store_nor_an_admin_port() {
        let options = parse(&["--host", "spin", "--port", "8000"]).unwrap();
        assert_eq!((options.host, options.port), (Host::Spin, 8000));
        for (wrong, said) in [
            (&["--host", "spin", "--store", "redis"][..], "--store redis"),
            (&["--admin-port", "9000", "--host", "spin"], "--admin-port"),
            (&["--host", "nginx"], "--host needs"),
        ] {
            let message = format!("{:#}", parse(wrong).unwrap_err());
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn port_that_is_none_is_refused_with_its_option() {
        let message = |arguments: &[&str]| format!("{:#}", parse(arguments).unwrap_err());
        assert!(message(&["--port", "70000"]).contains("--port"));
        assert!(message(&["--admin-port"]).contains("--admin-port needs a port"));
        assert!(message(&["--twice"]).contains("--twice"));
    }
}
