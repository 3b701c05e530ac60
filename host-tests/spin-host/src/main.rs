//! Serves a component as `spin up` would, where there is no Spin: what is said in a `spin.toml`, or all on the command line.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use spin_host::{Application, Instances, Manifest, SpinHost, Upstream, components};

const USAGE: &str = "\
spin-host up --from-file SPIN.TOML [option]...
    Serves an application as `spin up` does, with the environment's SPIN_VARIABLE_NAME as its variables.
    --listen ADDRESS         (default: 127.0.0.1:3000)
    --log-dir FOLDER         for the component's log (default: .spin/logs beside the manifest)

spin-host --component service|middleware|forwarder|PATH [option]...
    Serves wx-session (built first) or any other component until it is ended, with its log on stderr. `middleware`
    has an app behind it that hands on to app.outside, `forwarder` does nothing but hand on to app.spin.internal.
    Key-value stores are in memory.
    --app PATH               the app behind `middleware`
    --port N                 127.0.0.1's (default: a free one; the first line on stdout says which)
    --config FILE            the configuration document, as the variable wx_session_config
    --variable NAME=VALUE    a variable; NAME alone takes the value of SPIN_VARIABLE_<NAME> in the environment
    --store LABEL            a key-value store (default: the one store `default`)
    --define-store LABEL     one that a runtime configuration defines; `default` needs none
    --outbound HOST=ADDRESS  an allowed outbound host, and where it is: in clear, also for https
    --outbound-tls HOST=ADDRESS=CA.PEM
                             the same over TLS, with a certificate that this authority signed
    --chained NAME=PATH      another component, for http://NAME.spin.internal
    --files FOLDER           what the component sees as /
    --fresh                  an instance of its own for every request

Both:
    --max-instance-reuse-count N   an instance ends after so many requests (default: 128)
    --idle-instance-timeout N[ms]  and after so many seconds without one (default: 1)
    --without-fuel                 does not count it, which costs time
    --quiet                        keeps the component's log to itself
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

fn run(mut arguments: Vec<String>) -> Result<()> {
    if arguments.first().is_some_and(|first| first == "up") {
        arguments.remove(0);
        return up(arguments);
    }
    let Options {
        component,
        app,
        address,
        manifest,
        ..
    } = Options::parse(arguments)?;
    let component = match component.as_str() {
        "" => bail!("which --component?"),
        "service" => spin_host::service()?,
        "forwarder" => components::forwarder()?,
        "middleware" => match app {
            None => spin_host::middleware_before_app()?,
            Some(app) => components::compose(spin_host::middleware()?, app)?,
        },
        path => std::fs::read(path).with_context(|| format!("cannot read {path}"))?,
    };
    serve(address, &component, manifest)
}

fn up(arguments: Vec<String>) -> Result<()> {
    let options = Options::parse(arguments)?;
    let path = options.from_file.context("which --from-file?")?;
    let environment = |name: &str| std::env::var(name).ok();
    let mut application = Application::load(&path, &environment)?;
    let beside = path.parent().unwrap_or(Path::new("."));
    let folder = options.log_dir.unwrap_or(beside.join(".spin/logs"));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("Failed to create log dir {}", folder.display()))?;
    application.manifest.show_log = options.manifest.show_log;
    application.manifest.log_file = Some(folder.join(format!("{}_stderr.txt", application.id)));
    application.manifest.instances = options.manifest.instances;
    application.manifest.without_fuel = options.manifest.without_fuel;
    let Application {
        component,
        manifest,
        ..
    } = &application;
    serve(options.address, component, manifest.clone())
}

fn serve(address: SocketAddr, component: &[u8], manifest: Manifest) -> Result<()> {
    let host = SpinHost::start_at(address, component, manifest)?;
    println!("http://{}", host.addr());
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}

struct Options {
    component: String,
    app: Option<Vec<u8>>,
    address: SocketAddr,
    from_file: Option<PathBuf>,
    log_dir: Option<PathBuf>,
    manifest: Manifest,
}

impl Options {
    fn parse(arguments: Vec<String>) -> Result<Self> {
        let mut arguments = arguments.into_iter();
        let mut options = Self {
            component: String::new(),
            app: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            from_file: None,
            log_dir: None,
            manifest: Manifest {
                show_log: true,
                ..Manifest::default()
            },
        };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--fresh" => options.manifest.instances = Instances::OneForEach,
                "--quiet" => options.manifest.show_log = false,
                "--without-fuel" => options.manifest.without_fuel = true,
                _ => {
                    let value = arguments.next();
                    let value = value.with_context(|| format!("{name} needs a value"))?;
                    options.take(&name, &value)?;
                }
            }
        }
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
            "--app" => {
                let app = std::fs::read(value);
                self.app = Some(app.with_context(|| format!("cannot read {value}"))?);
            }
            "--port" => self
                .address
                .set_port(value.parse().context("--port is a number")?),
            "--listen" => self.address = value.parse().context("--listen is an address")?,
            "--from-file" => self.from_file = Some(value.into()),
            // As Spin does, whatever its help says.
            "--log-dir" => {
                ensure!(
                    !value.is_empty(),
                    "a value is required for '--log-dir <APP_LOG_DIR>'"
                );
                self.log_dir = Some(value.into());
            }
            "--max-instance-reuse-count" | "--idle-instance-timeout" => {
                recycle(&mut self.manifest.instances, name, value)?;
            }
            "--define-store" => self.manifest.defined_stores.push(value.to_owned()),
            "--chained" => {
                let (name, path) = value.split_once('=').context("NAME=PATH")?;
                let bytes = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
                let host = format!("{name}.spin.internal");
                outbound.insert(host, Upstream::component(bytes));
            }
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

fn recycle(instances: &mut Instances, name: &str, value: &str) -> Result<()> {
    let Instances::Recycled { requests, idle } = instances else {
        bail!("{name} does not go with --fresh");
    };
    let number = |text: &str| {
        text.parse::<u64>()
            .with_context(|| format!("{name} is a number"))
    };
    if name == "--max-instance-reuse-count" {
        *requests = usize::try_from(number(value)?)?;
    } else if let Some(millis) = value.strip_suffix("ms") {
        *idle = Duration::from_millis(number(millis)?);
    } else {
        *idle = Duration::from_secs(number(value.trim_end_matches('s'))?);
    }
    Ok(())
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
