//! A running Envoy: started on a configuration, asked through its administration interface, gone when dropped.
//! Never changes what it was started on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::config::Config;
use super::turn::Turn;
use super::{admin, launch};
use crate::process::Process;

/// The module is compiled while Envoy starts, on a machine that may be busy.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// Twice the time for which a worker keeps to itself what it has counted.
pub(super) const TOLD: Duration = Duration::from_millis(200);

const LOG: &str = "log";
const ACCESS_LOG: &str = "access-log";

/// An Envoy that answers. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Envoy {
    /// First, so that it is gone before its folder.
    process: Process,
    folder: TempDir,
    listener: SocketAddr,
    admin: SocketAddr,
}

impl Envoy {
    /// Starts Envoy with exactly the environment `env`, and waits until it listens.
    ///
    /// # Errors
    /// When Envoy cannot be had, refuses the configuration, or is not ready in a minute; with its last log lines.
    pub fn start(config: &Config, env: &[(&str, &str)]) -> Result<Self> {
        let mut started = Self::start_with(config, env, &[])?;
        let (_, listener) = started.wait_for(START_TIMEOUT, || {
            let listeners = started.listeners().ok()?;
            // Another one may be there first.
            let outside = |(name, _): &(String, SocketAddr)| name != "inside";
            listeners.into_iter().find(outside)
        })?;
        started.listener = listener;
        Ok(started)
    }

    /// The same with more of its options, without waiting for a listener.
    pub(super) fn start_with(
        config: &Config,
        env: &[(&str, &str)],
        options: &[&str],
    ) -> Result<Self> {
        let folder = launch::write(config)?;
        let admin_address = folder.path().join("admin-address");
        let mut command = launch::command(folder.path(), env)?;
        command
            .args([
                "--concurrency",
                &config.workers.to_string(),
                "--use-dynamic-base-id",
                "--disable-hot-restart",
            ])
            .args(["--file-flush-interval-msec", "10", "--admin-address-path"])
            .arg(&admin_address)
            .args(options)
            .stdout(File::create(folder.path().join(ACCESS_LOG))?)
            .stderr(File::create(folder.path().join(LOG))?);
        let turn = Turn::take();
        let process = Process::spawn(&mut command)?;
        let placeholder = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut started = Self {
            process,
            folder,
            listener: placeholder,
            admin: placeholder,
        };
        let ready = started.wait_until_ready(&admin_address);
        drop(turn);
        match ready {
            Ok(()) => Ok(started),
            Err(error) => Err(error.context(format!(
                "Envoy did not start. Its log ends:\n{}",
                project::envoy::tail(&started.log())
            ))),
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener
    }

    /// Where the administration interface is.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin
    }

    /// Envoy's answer to `GET path` on the administration interface.
    ///
    /// # Errors
    /// When it does not answer 200.
    pub fn admin(&self, path: &str) -> Result<String> {
        admin::get(self.admin, path)
    }

    /// As [`Envoy::stats`], with what the plugin has counted until now: it tells Envoy ten times a second.
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn stats_told(&self) -> Result<BTreeMap<String, u64>> {
        sleep(TOLD);
        self.stats()
    }

    /// All counters and gauges by Envoy's own names: the plugin's begin with `wasmcustom.wx_session.`.
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn stats(&self) -> Result<BTreeMap<String, u64>> {
        self.numbers("/stats")
    }

    /// The same without the gauges.
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn counters(&self) -> Result<BTreeMap<String, u64>> {
        self.numbers("/stats?type=Counters")
    }

    fn numbers(&self, page: &str) -> Result<BTreeMap<String, u64>> {
        let text = self.admin(page)?;
        let number = |line: &str| {
            let (name, value) = line.rsplit_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Ok(text.lines().filter_map(number).collect())
    }

    /// As [`Envoy::prometheus`], with what the plugin has counted until now.
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn prometheus_told(&self) -> Result<String> {
        sleep(TOLD);
        self.prometheus()
    }

    /// `/stats/prometheus`. Histograms show what was recorded 100 ms ago and before.
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn prometheus(&self) -> Result<String> {
        self.admin("/stats/prometheus")
    }

    /// What Envoy and the plugin have logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.folder.path().join(LOG))
    }

    /// The access log's entries so far. One appears some 20 ms after its request has ended.
    #[must_use]
    pub fn access_log(&self) -> Vec<Value> {
        let text = read(&self.folder.path().join(ACCESS_LOG));
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL: its ports are closed. Its logs can still be read.
    pub(super) fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, and waits for its end. Its logs can still be read.
    pub(super) fn shut_down(&mut self) -> Result<()> {
        self.process.terminate(START_TIMEOUT)
    }

    /// SIGSTOP: connections are accepted by the system, and nothing answers.
    pub(super) fn freeze(&mut self) -> Result<()> {
        self.process.freeze()
    }

    /// SIGCONT.
    pub(super) fn thaw(&mut self) -> Result<()> {
        self.process.thaw()
    }

    /// How many file descriptors the process has open (Linux only).
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()))?.count())
    }

    /// Bytes of memory that the process has in use (resident set; Linux only).
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }

    fn wait_until_ready(&mut self, admin_address: &Path) -> Result<()> {
        let mut admin = None;
        self.process.wait_until(START_TIMEOUT, || {
            admin = read(admin_address).trim().parse().ok();
            admin.is_some_and(|address| admin::get(address, "/ready").is_ok())
        })?;
        self.admin = admin.context("no admin address")?;
        Ok(())
    }

    /// Where the listener of this name is, as soon as it is there.
    ///
    /// # Errors
    /// When it does not come.
    pub fn wait_for_listener(&self, name: &str) -> Result<SocketAddr> {
        self.wait_for(START_TIMEOUT, || {
            let listeners = self.listeners().ok()?;
            let found = listeners.into_iter().find(|(found, _)| found == name);
            Some(found?.1)
        })
    }

    /// Asks again and again; an error with its last log lines when patience ends.
    pub(super) fn wait_for<T>(
        &self,
        patience: Duration,
        mut ask: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(found) = ask() {
                return Ok(found);
            }
            ensure!(
                Instant::now() < deadline,
                "Envoy is not ready. Its log ends:\n{}",
                project::envoy::tail(&self.log())
            );
            std::thread::sleep(POLL);
        }
    }

    /// The names and addresses of its listeners. One that is bound to all addresses is given as 127.0.0.1.
    pub(super) fn listeners(&self) -> Result<Vec<(String, SocketAddr)>> {
        let listeners: Value = serde_json::from_str(&self.admin("/listeners?format=json")?)?;
        let listeners = listeners["listener_statuses"].as_array();
        listeners.into_iter().flatten().map(listening).collect()
    }
}

fn listening(listener: &Value) -> Result<(String, SocketAddr)> {
    let address = &listener["local_address"]["socket_address"];
    let ip: IpAddr = address["address"].as_str().context("no address")?.parse()?;
    let ip = if ip.is_unspecified() {
        [127, 0, 0, 1].into()
    } else {
        ip
    };
    let port = u16::try_from(address["port_value"].as_u64().context("no port")?)?;
    let name = listener["name"].as_str().context("no name")?.to_owned();
    Ok((name, SocketAddr::new(ip, port)))
}

/// Headers that a client sent may be in a log: it need not be UTF-8.
fn read(path: &Path) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
