//! An Envoy that serves one configuration after the other. Its V8 compiles the module once: that takes most of a start,
//! and a suite has hundreds of starts.
//! Never serves two at a time, and never one after another that ended badly. Each has a virtual machine of its own, and
//! with it shared data of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use super::discovery::{self, CLUSTERS, LISTENERS, publish, source};
use super::process::TOLD;
use super::{Config, Envoy};
use crate::listener::locked;

/// With when they were given back.
static FREE: Mutex<Vec<(Running, Instant)>> = Mutex::new(Vec::new());

/// An Envoy of which the listener and the clusters come from files.
#[derive(Debug)]
struct Running {
    envoy: Envoy,
    files: TempDir,
    /// What cannot change while it runs.
    fixed: String,
}

/// Has an Envoy for itself until it is dropped. Counters and log are those since its start.
#[derive(Debug)]
pub struct ReusedEnvoy {
    /// None only while it is dropped.
    running: Option<Running>,
    addr: SocketAddr,
    counted: BTreeMap<String, u64>,
    logged: usize,
}

impl ReusedEnvoy {
    /// Serves `config` with exactly the environment `env`, in an Envoy that is free or in a new one.
    ///
    /// # Errors
    /// As [`Envoy::start`].
    pub fn start(config: &Config, env: &[(&str, &str)]) -> Result<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let name = format!("edge-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let config = config.clone().vm(&name);
        let fixed = fixed(&config, env);
        let free = {
            let mut free = locked(&FREE);
            let fits = free.iter().position(|(running, _)| running.fixed == fixed);
            fits.map(|place| free.swap_remove(place))
        };
        let running = match free {
            Some((running, given_back)) => {
                sleep(TOLD.saturating_sub(given_back.elapsed()));
                let before = (running.envoy.stats()?, running.envoy.log().len());
                running.change(&config, &name)?;
                return Self::on(running, &name, before);
            }
            None => Running::start(&config, &name, env, fixed)?,
        };
        Self::on(running, &name, (BTreeMap::new(), 0))
    }

    fn on(
        running: Running,
        name: &str,
        (counted, logged): (BTreeMap<String, u64>, usize),
    ) -> Result<Self> {
        Ok(Self {
            addr: running.envoy.wait_for_listener(name)?,
            running: Some(running),
            counted,
            logged,
        })
    }

    /// Where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A counter by Envoy's own name, 0 where nobody has counted yet.
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn counter(&self, name: &str) -> Result<u64> {
        let of = |counted: &BTreeMap<String, u64>| counted.get(name).copied().unwrap_or(0);
        let now = self.running()?.envoy.stats_told()?;
        Ok(of(&now).saturating_sub(of(&self.counted)))
    }

    /// What Envoy and the plugin have logged.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.running.as_ref().map(|running| running.envoy.log());
        let mut log = log.unwrap_or_default();
        log.split_off(self.logged.min(log.len()))
    }

    fn running(&self) -> Result<&Running> {
        self.running.as_ref().context("it has been given back")
    }
}

impl Drop for ReusedEnvoy {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let running = self.running.take();
            locked(&FREE).extend(running.map(|running| (running, Instant::now())));
        }
    }
}

impl Running {
    fn start(config: &Config, name: &str, env: &[(&str, &str)], fixed: String) -> Result<Self> {
        let files = super::launch::folder()?;
        write(&files, config, name)?;
        let source = |file: &str| source(&files.path().join(file));
        let bootstrap = config.clone().patch(&json!({
            "static_resources": null,
            "node": { "id": "host-tests", "cluster": "host-tests" },
            "dynamic_resources": { "cds_config": source(CLUSTERS), "lds_config": source(LISTENERS) },
        }));
        Ok(Self {
            // What the one before has left of its connections goes soon.
            envoy: Envoy::start_with(&bootstrap, env, &["--drain-time-s", "1"])?,
            files,
            fixed,
        })
    }

    /// The clusters first: the listener's requests go there.
    fn change(&self, config: &Config, name: &str) -> Result<()> {
        let before = self.updates("cluster_manager.cds")?;
        write_clusters(&self.files, config, name)?;
        self.wait_for_update("cluster_manager.cds", before)?;
        let before = self.updates("listener_manager.lds")?;
        write_listener(&self.files, config, name)?;
        self.wait_for_update("listener_manager.lds", before)
    }

    fn updates(&self, of: &str) -> Result<[u64; 2]> {
        discovery::updates(&self.envoy, of)
    }

    fn wait_for_update(&self, of: &str, before: [u64; 2]) -> Result<()> {
        let taken = discovery::wait_for_update(&self.envoy, of, before)?;
        discovery::must_be_taken(&self.envoy, taken)
    }
}

fn fixed(config: &Config, env: &[(&str, &str)]) -> String {
    let rest = config.clone().patch(&json!({ "static_resources": null }));
    format!("{} {} {env:?}", rest.workers, rest.document)
}

fn write(files: &TempDir, config: &Config, name: &str) -> Result<()> {
    write_clusters(files, config, name)?;
    write_listener(files, config, name)
}

fn write_clusters(files: &TempDir, config: &Config, name: &str) -> Result<()> {
    let clusters = discovery::clusters(config)?;
    publish(&files.path().join(CLUSTERS), name, &clusters)
}

fn write_listener(files: &TempDir, config: &Config, name: &str) -> Result<()> {
    let mut listener = discovery::listener(config);
    listener["name"] = json!(name);
    publish(&files.path().join(LISTENERS), name, &[listener])
}
