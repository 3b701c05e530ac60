//! The Envoys of the stage and the Redis that they may share, and what the journey through two edges does to them.
//! Never keeps two processes of one edge at a time.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use super::journey::{self, Edge, Entry};
use super::redis::Redis;
use testkit::envoy::{Config, Envoy};

/// What the requests go through. Dropped from top to bottom: the Envoys first, so that they miss nobody.
pub(super) struct Servers {
    /// One, or A and B.
    pub(super) edges: Vec<EdgeServer>,
    pub(super) redis: Option<Redis>,
}

/// An Envoy that can be started again where it was.
pub(super) struct EdgeServer {
    pub(super) edge: Edge,
    config: Config,
    environment: Vec<(&'static str, String)>,
    /// None only after a start that failed.
    envoy: Option<Envoy>,
    /// What its earlier processes have logged, and their access logs.
    earlier: (String, Vec<Value>),
}

impl EdgeServer {
    pub(super) fn start(
        name: &'static str,
        config: Config,
        environment: &[(&'static str, String)],
    ) -> Result<Self> {
        let environment = environment.to_vec();
        let envoy = start(&config, &environment)?;
        let base = envoy.addr();
        Ok(Self {
            edge: Edge { name, base },
            // Where it is now, it shall be after a restart too.
            config: config.listen(base).admin(envoy.admin_addr()),
            environment,
            envoy: Some(envoy),
            earlier: (String::new(), Vec::new()),
        })
    }

    /// Ends the process, then starts another on the same ports. Gives both process ids.
    fn restart(&mut self) -> Result<(u32, u32)> {
        let before = self.envoy()?.pid();
        self.earlier = (self.log(), self.access_log());
        self.envoy = None;
        let after = start(&self.config, &self.environment)?;
        let ids = (before, after.pid());
        self.envoy = Some(after);
        Ok(ids)
    }

    pub(super) fn envoy(&self) -> Result<&Envoy> {
        self.envoy.as_ref().context("this Envoy does not run")
    }

    /// Counters and gauges of the process that runs.
    pub(super) fn stats(&self) -> Result<BTreeMap<String, u64>> {
        self.envoy()?.stats_told()
    }

    /// Of all its processes.
    pub(super) fn log(&self) -> String {
        let now = self.envoy.as_ref().map(Envoy::log);
        format!("{}{}", self.earlier.0, now.unwrap_or_default())
    }

    /// Of all its processes.
    pub(super) fn access_log(&self) -> Vec<Value> {
        let now = self.envoy.as_ref().map(Envoy::access_log);
        [self.earlier.1.clone(), now.unwrap_or_default()].concat()
    }
}

fn start(config: &Config, environment: &[(&'static str, String)]) -> Result<Envoy> {
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Envoy::start(config, &environment)
}

impl Servers {
    fn redis(&self) -> Result<&Redis> {
        self.redis.as_ref().context("there is no Redis here")
    }
}

impl journey::Servers for Servers {
    fn edges(&self) -> [Edge; 2] {
        [self.edges[0].edge, self.edges[1].edge]
    }

    fn restart_a(&mut self) -> Result<String> {
        let (before, after) = self.edges[0].restart()?;
        Ok(format!(
            "A has been killed, process {before}, and started again, process {after}"
        ))
    }

    fn stop_redis(&mut self) -> Result<String> {
        let redis = self.redis()?;
        redis.kill();
        Ok("Redis has been killed: its port is closed".to_owned())
    }

    fn start_redis(&mut self) -> Result<String> {
        self.redis()?.start_again()?;
        Ok("Redis has been started again, from its append-only file".to_owned())
    }

    fn entries(&self) -> Result<Vec<Entry>> {
        self.redis()?.entries()
    }
}
