//! Serves a component as `spin up` would, for a demo where there is no Spin. Everything is said on the command line.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use spin_host::{Instances, Manifest, SpinHost, Upstream};

const USAGE: &str = "\
spin-host --component service|middleware|PATH [option]...
    Serves wx-session (built first) or any other component until it is ended, with its log on stderr. `middleware`
    has an app behind it that hands on to app.spin.internal. Key-value stores are in memory.
    --port N                 127.0.0.1's (default: a free one; the first line on stdout says which)
    --config FILE            the configuration document, as the variable wx_session_config
    --variable NAME=VALUE    a variable; NAME alone takes the value of SPIN_VARIABLE_<NAME> in the environment
    --store LABEL            a key-value store (default: the one store `default`)
    --outbound HOST=ADDRESS  an allowed outbound host, and where it is: in clear, also for https
    --outbound-tls HOST=ADDRESS=CA.PEM
                             the same over TLS, with a certificate that this authority signed
    --files FOLDER           what the component sees as /
    --fresh                  an instance of its own for every request
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() || arguments.iter().any(|one| one == "--help" || one == "-h") {
        print!("{USAGE}");
        return ExitCode::from(u8::from(arguments.is_empty()));
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spin-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<()> {
    let Options {
        component,
        port,
        manifest,
    } = Options::parse(arguments)?;
    let component = match component.as_str() {
        "service" => spin_host::service()?,
        "middleware" => spin_host::middleware_before_app()?,
        path => std::fs::read(path).with_context(|| format!("cannot read {path}"))?,
    };
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    let host = SpinHost::start_at(addr, &component, manifest)?;
    println!("http://{}", host.addr());
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}

struct Options {
    component: String,
    port: u16,
    manifest: Manifest,
}

impl Options {
    fn parse(arguments: Vec<String>) -> Result<Self> {
        let mut arguments = arguments.into_iter();
        let mut options = Self {
            component: String::new(),
            port: 0,
            manifest: Manifest {
                show_log: true,
                ..Manifest::default()
            },
        };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--fresh" => options.manifest.instances = Instances::OneForEach,
                _ => {
                    let value = arguments.next();
                    let value = value.with_context(|| format!("{name} needs a value"))?;
                    options.take(&name, &value)?;
                }
            }
        }
        ensure!(!options.component.is_empty(), "which --component?");
        if options.manifest.key_value_stores.is_empty() {
            options.manifest.key_value_stores.push("default".to_owned());
        }
        Ok(options)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<()> {
        let Manifest {
            variables,
            key_value_stores,
            outbound,
            files,
            ..
        } = &mut self.manifest;
        match name {
            "--component" => value.clone_into(&mut self.component),
            "--port" => self.port = value.parse().context("--port is a number")?,
            "--config" => {
                let text = std::fs::read_to_string(value);
                let text = text.with_context(|| format!("cannot read {value}"))?;
                variables.insert("wx_session_config".to_owned(), text);
            }
            "--variable" => variable(value, variables)?,
            "--store" => key_value_stores.push(value.to_owned()),
            "--outbound" => {
                let (host, address) = value.split_once('=').context("HOST=ADDRESS")?;
                outbound.insert(host.to_owned(), Upstream::plain(address.parse()?));
            }
            "--outbound-tls" => {
                let mut parts = value.splitn(3, '=');
                let mut part = || parts.next().context("HOST=ADDRESS=CA.PEM");
                let (host, address, ca) = (part()?, part()?, part()?);
                let ca =
                    std::fs::read_to_string(ca).with_context(|| format!("cannot read {ca}"))?;
                outbound.insert(host.to_owned(), Upstream::tls(address.parse()?, &ca));
            }
            "--files" => *files = Some(value.into()),
            _ => bail!("there is no option {name}: see --help"),
        }
        Ok(())
    }
}

fn variable(text: &str, variables: &mut BTreeMap<String, String>) -> Result<()> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value.to_owned()),
        None => {
            let source = format!("SPIN_VARIABLE_{}", text.to_ascii_uppercase());
            let value = std::env::var(&source);
            (text, value.with_context(|| format!("{source} is not set"))?)
        }
    };
    variables.insert(name.to_owned(), value);
    Ok(())
}
