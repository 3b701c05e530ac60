//! An Envoy whose listener comes from a file that it watches: its configuration changes while it runs; and it is killed,
//! frozen and started again where it was.
//! Never keeps two processes of one edge at a time.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::config::Config;
use super::discovery::{self, LISTENERS, publish, source};
use super::{Envoy, launch};
use crate::ports::on_the_same_port;
use crate::process::START_TIMEOUT;

const UPDATES: &str = "listener_manager.lds";

/// An Envoy of which the first listener comes from a file. Dropping it kills it and removes its folders.
#[derive(Debug)]
pub struct WatchingEnvoy {
    /// None while it is down. First, so that it is gone before its files.
    envoy: Option<Envoy>,
    files: TempDir,
    bootstrap: Config,
    env: Vec<(String, String)>,
    /// What its listener is.
    listener: Value,
    addr: SocketAddr,
    versions: u32,
}

impl WatchingEnvoy {
    /// For so long what a changed configuration has replaced goes on with the connections that it has.
    pub const DRAINING: Duration = Duration::from_secs(10);

    /// Starts `config`, whose listener has a port of its own choice, with exactly the environment `env`.
    ///
    /// # Errors
    /// As [`Envoy::start`].
    pub fn start(config: &Config, env: &[(&str, &str)]) -> Result<Self> {
        let files = launch::folder()?;
        let listeners = source(&files.path().join(LISTENERS));
        let bootstrap = config.clone().patch(&json!({
            "static_resources": { "listeners": null },
            "node": { "id": "host-tests", "cluster": "host-tests" },
            "dynamic_resources": { "lds_config": listeners },
        }));
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut watching = Self {
            envoy: None,
            files,
            bootstrap,
            env: env.iter().map(owned).collect(),
            listener: discovery::listener(config),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            versions: 0,
        };
        let listener = watching.listener.clone();
        watching.publish(&listener)?;
        watching.start_again()?;
        let listeners = watching.envoy()?.listeners()?;
        watching.addr = listeners.first().context("no listener")?.1;
        Ok(watching)
    }

    /// Where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process that runs.
    ///
    /// # Errors
    /// When none does.
    pub fn envoy(&self) -> Result<&Envoy> {
        self.envoy.as_ref().context("this Envoy does not run")
    }

    /// SIGKILL. Gives what the process has logged.
    ///
    /// # Errors
    /// When none runs.
    pub fn kill(&mut self) -> Result<String> {
        let mut envoy = self.envoy.take().context("this Envoy does not run")?;
        envoy.kill();
        Ok(envoy.log())
    }

    /// SIGTERM, and waits for its end. Gives what the process has logged.
    ///
    /// # Errors
    /// When none runs, or it does not end in time.
    pub fn shut_down(&mut self) -> Result<String> {
        let mut envoy = self.envoy.take().context("this Envoy does not run")?;
        envoy.shut_down()?;
        Ok(envoy.log())
    }

    /// SIGSTOP: connections are accepted by the system, and nothing answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&mut self) -> Result<()> {
        let envoy = self.envoy.as_mut().context("this Envoy does not run")?;
        envoy.freeze()
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&mut self) -> Result<()> {
        let envoy = self.envoy.as_mut().context("this Envoy does not run")?;
        envoy.thaw()
    }

    /// Starts it where it was, with the configuration that it had.
    ///
    /// # Errors
    /// As [`Envoy::start`].
    pub fn start_again(&mut self) -> Result<()> {
        self.envoy = Some(on_the_same_port(|| self.launch())?);
        Ok(())
    }

    /// Hands it another configuration of its listener, and waits until it is taken. It may take effect a moment later.
    ///
    /// # Errors
    /// When it is refused, with the end of Envoy's log.
    pub fn change(&mut self, config: &Config) -> Result<()> {
        let listener = discovery::listener(config);
        let taken = self.offer(&listener)?;
        discovery::must_be_taken(self.envoy()?, taken)?;
        self.listener = listener;
        Ok(())
    }

    /// Hands it a configuration that it must refuse, then the one that it has once more. Whether it did refuse.
    ///
    /// # Errors
    /// When it does not say whether it takes it.
    pub fn refuses(&mut self, config: &Config) -> Result<bool> {
        let taken = self.offer(&discovery::listener(config))?;
        // Should it be started again, it reads the file.
        let listener = self.listener.clone();
        self.offer(&listener)?;
        Ok(!taken)
    }

    fn offer(&mut self, listener: &Value) -> Result<bool> {
        let before = discovery::updates(self.envoy()?, UPDATES)?;
        self.publish(listener)?;
        discovery::wait_for_update(self.envoy()?, UPDATES, before)
    }

    fn publish(&mut self, listener: &Value) -> Result<()> {
        self.versions += 1;
        let file = self.files.path().join(LISTENERS);
        publish(
            &file,
            &self.versions.to_string(),
            std::slice::from_ref(listener),
        )
    }

    fn launch(&self) -> Result<Envoy> {
        let env = self.env.iter();
        let env: Vec<_> = env.map(|(name, value)| (&**name, &**value)).collect();
        let draining = Self::DRAINING.as_secs().to_string();
        let envoy = Envoy::start_with(&self.bootstrap, &env, &["--drain-time-s", &draining])?;
        let listens = envoy.wait_for(START_TIMEOUT, || {
            let refused = discovery::updates(&envoy, UPDATES).ok()?[1] > 0;
            let listens = !envoy.listeners().ok()?.is_empty();
            (refused || listens).then_some(listens)
        })?;
        discovery::must_be_taken(&envoy, listens)?;
        Ok(envoy)
    }
}
