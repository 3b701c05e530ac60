//! One of the two Envoys, with what it was told last.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use testkit::envoy::{Config, Envoy, WatchingEnvoy};

use crate::client::Address;
use crate::model::{Violation, Wrong};
use crate::rules;
use crate::weather::EdgeName;

/// An Envoy whose ports and configuration outlive it.
pub(crate) struct Edge {
    /// Which.
    pub(crate) name: EdgeName,
    envoy: WatchingEnvoy,
    /// All but what [`Edge::config`] adds.
    base: Config,
    /// The names of the variables with its master keys.
    keys: Vec<&'static str>,
    news: u32,
    generation: Arc<AtomicU64>,
    /// 0 while none runs.
    pid: Arc<AtomicU32>,
}

impl Edge {
    /// Starts it.
    ///
    /// # Errors
    /// As [`WatchingEnvoy::start`].
    pub(crate) fn start(
        name: EdgeName,
        base: &Config,
        keys: &[&'static str],
        env: &[(&str, &str)],
    ) -> Result<Self> {
        let base = base.clone().listen(quiet_port()?).workers(name.workers());
        let envoy = WatchingEnvoy::start(&config(&base, keys, 0), env)?;
        let edge = Self {
            name,
            pid: Arc::new(AtomicU32::new(envoy.envoy()?.pid())),
            envoy,
            base,
            keys: keys.to_vec(),
            news: 0,
            generation: Arc::default(),
        };
        Ok(edge)
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> Address {
        Address {
            addr: self.envoy.addr(),
            generation: Arc::clone(&self.generation),
        }
    }

    /// The process, for whoever watches it; 0 while there is none.
    pub(crate) fn pid(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.pid)
    }

    /// The process that runs.
    ///
    /// # Errors
    /// When none does.
    pub(crate) fn envoy(&self) -> Result<&Envoy> {
        self.envoy.envoy()
    }

    /// SIGKILL, or SIGTERM and its end. Gives what it had to complain of.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) fn end(&mut self, kill: bool) -> Result<Vec<Violation>> {
        let reloads = self.reloads();
        self.pid.store(0, Ordering::SeqCst);
        let log = if kill {
            self.envoy.kill()?
        } else {
            self.envoy.shut_down()?
        };
        self.generation.fetch_add(1, Ordering::SeqCst);
        Ok(complaints(self.name, &log, reloads))
    }

    /// Starts it where it was.
    ///
    /// # Errors
    /// As [`WatchingEnvoy::start_again`].
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.envoy.start_again()?;
        self.pid.store(self.envoy()?.pid(), Ordering::SeqCst);
        Ok(())
    }

    /// SIGSTOP.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn freeze(&mut self) -> Result<()> {
        self.envoy.freeze()
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn thaw(&mut self) -> Result<()> {
        self.envoy.thaw()
    }

    /// Another configuration of the filter, with these master keys. Gives the path that is public from then on.
    ///
    /// # Errors
    /// When Envoy refuses it.
    pub(crate) fn update(&mut self, keys: &[&'static str]) -> Result<String> {
        let config = config(&self.base, keys, self.news + 1);
        self.envoy.change(&config)?;
        self.news += 1;
        self.keys = keys.to_vec();
        Ok(rules::news_path(self.news))
    }

    /// The same with the keys that it has.
    ///
    /// # Errors
    /// When Envoy refuses it.
    pub(crate) fn update_again(&mut self) -> Result<String> {
        self.update(&self.keys.clone())
    }

    /// A configuration with a field that there is not.
    ///
    /// # Errors
    /// When it is taken, or Envoy does not say.
    pub(crate) fn refuses_what_is_wrong(&mut self) -> Result<()> {
        let config = config(&self.base, &self.keys, self.news);
        let wrong = config.patch_plugin(&json!({ "session": { "idle": "two hours" } }));
        if !self.envoy.refuses(&wrong)? {
            bail!("{:?} takes a wrong configuration", self.name);
        }
        Ok(())
    }

    /// What the running process has to complain of.
    ///
    /// # Errors
    /// When none runs.
    pub(crate) fn complaints(&self) -> Result<Vec<Violation>> {
        let log = self.envoy()?.log();
        Ok(complaints(self.name, &log, self.reloads()))
    }

    /// How many requests it is at work on.
    ///
    /// # Errors
    /// When it does not say.
    pub(crate) fn active_requests(&self) -> Result<u64> {
        let stats = self.envoy()?.stats()?;
        let active = stats.get("http.edge.downstream_rq_active");
        active.copied().context("no such gauge")
    }

    fn reloads(&self) -> u64 {
        let stats = self.envoy().and_then(Envoy::stats).unwrap_or_default();
        let reloads = stats.iter().filter(|(name, _)| name.contains("vm_reload"));
        reloads.map(|(_, count)| count).sum()
    }
}

fn config(base: &Config, keys: &[&'static str], news: u32) -> Config {
    let keys: Vec<_> = keys.iter().map(|name| json!({ "env": name })).collect();
    base.clone()
        .patch_plugin(&json!({ "master_keys": keys }))
        .patch_plugin(&rules::changes(news))
}

/// What no log of an Envoy with the filter in it should have.
fn complaints(name: EdgeName, log: &str, reloads: u64) -> Vec<Violation> {
    let is_complaint = |line: &&str| {
        // What the filter itself writes begins so.
        let foreign = line.contains("[wasm]") && !line.contains(r#"{"event":"#);
        // A wrong configuration is one of the faults.
        let refusal = ["does not start", "failed to load", "Failed to configure"]
            .iter()
            .any(|words| line.contains(words));
        let bad = foreign || line.contains("[critical]");
        (bad && !refusal) || line.contains("internal_error")
    };
    let lines = log.lines().filter(is_complaint).take(3);
    let mut found: Vec<_> = lines
        .map(|line| Wrong::Trap.with(format!("{name:?} has logged: {line}")))
        .collect();
    if reloads > 0 {
        found.push(Wrong::Trap.with(format!(
            "{name:?} has started its filter anew, {reloads} times"
        )));
    }
    found
}

/// A port below those that systems hand out: nobody takes it while its Envoy is down.
fn quiet_port() -> Result<SocketAddr> {
    let first = 20_000 + std::process::id() % 10_000;
    for port in (first..30_000).chain(20_000..first) {
        let addr = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port)?));
        if TcpListener::bind(addr).is_ok() {
            return Ok(addr);
        }
    }
    bail!("no port from 20000 to 29999 is free")
}
