//! The Envoy that one test has: one that serves one test after the other, or one of its own.
//! Envoy's V8 compiles the whole module when it loads it, which takes most of a start, and a suite has hundreds of
//! starts.
//! Never serves two at a time, and never one after another that ended badly or has left something under way. Each has a
//! virtual machine of its own, and with it shared data of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::discovery::{self, CLUSTERS, LISTENERS, publish, source};
use super::process::TOLD;
use super::{Config, Envoy};
use crate::listener::locked;

/// What the test before has left of its connections goes in a second: longer than that nobody waits for it.
const DRAINED: Duration = Duration::from_secs(3);

/// So many on the same terms, and most tests find one that nobody had a moment ago.
const ENOUGH: usize = 8;

/// With when they were given back.
static FREE: Mutex<Vec<(Running, Instant)>> = Mutex::new(Vec::new());

/// How many were started on the same terms.
static STARTED: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// An Envoy that a test has for itself until it drops this. What it has counted and logged is told from then on.
#[derive(Debug)]
pub struct LentEnvoy {
    /// None only while it is dropped.
    running: Option<Running>,
    addr: SocketAddr,
    before: Before,
}

/// What had been told before it was lent.
#[derive(Debug, Default)]
struct Before {
    counters: BTreeMap<String, u64>,
    logged: usize,
    accesses: usize,
}

#[derive(Debug)]
struct Running {
    envoy: Envoy,
    /// None if it is for one test alone.
    watched: Option<Watched>,
}

/// The listener and the clusters of one that goes from test to test come from files.
#[derive(Debug)]
struct Watched {
    files: TempDir,
    /// What cannot change while it runs.
    fixed: String,
}

impl LentEnvoy {
    /// Serves the first listener of `config` with exactly the environment `env`, in an Envoy that is free or in a new one.
    ///
    /// # Errors
    /// As [`Envoy::start`].
    pub fn start(config: &Config, env: &[(&str, &str)]) -> Result<Self> {
        static LENT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("edge-{}", LENT.fetch_add(1, Ordering::Relaxed));
        let config = config.clone().vm(&name);
        let fixed = fixed(&config, env);
        let (running, before) = match free(&fixed)? {
            Some(running) => {
                let before = Before::of(&running.envoy)?;
                running.change(&config, &name)?;
                (running, before)
            }
            None => (
                Running::start(&config, &name, env, fixed)?,
                Before::default(),
            ),
        };
        Ok(Self {
            addr: running.envoy.wait_for_listener(&name)?,
            running: Some(running),
            before,
        })
    }

    /// A new one on all of `config` as it stands, which nobody has after this test: for what one Envoy tells of itself
    /// as a whole, or for more than one listener.
    ///
    /// # Errors
    /// As [`Envoy::start`].
    pub fn alone(config: &Config, env: &[(&str, &str)]) -> Result<Self> {
        let envoy = Envoy::start(config, env)?;
        Ok(Self {
            addr: envoy.addr(),
            running: Some(Running {
                envoy,
                watched: None,
            }),
            before: Before::default(),
        })
    }

    /// Where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process. What it says of itself is of the tests before as well, unless it is for this one alone.
    ///
    /// # Panics
    /// Never: it is there until this is dropped.
    #[must_use]
    pub fn envoy(&self) -> &Envoy {
        let running = self.running.as_ref();
        &running.expect("it is there until this is dropped").envoy
    }

    /// As [`Envoy::stats`].
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn stats(&self) -> Result<BTreeMap<String, u64>> {
        let mut stats = self.envoy().stats()?;
        for (name, before) in &self.before.counters {
            if let Some(count) = stats.get_mut(name) {
                *count = count.saturating_sub(*before);
            }
        }
        Ok(stats)
    }

    /// As [`Envoy::stats_told`].
    ///
    /// # Errors
    /// When the administration interface does not answer.
    pub fn stats_told(&self) -> Result<BTreeMap<String, u64>> {
        sleep(TOLD);
        self.stats()
    }

    /// What Envoy and the plugin have logged.
    #[must_use]
    pub fn log(&self) -> String {
        let mut log = self.envoy().log();
        log.split_off(self.before.logged.min(log.len()))
    }

    /// As [`Envoy::access_log`].
    #[must_use]
    pub fn access_log(&self) -> Vec<Value> {
        let mut accesses = self.envoy().access_log();
        accesses.split_off(self.before.accesses.min(accesses.len()))
    }
}

impl Drop for LentEnvoy {
    fn drop(&mut self) {
        let again = |running: &Running| running.watched.is_some() && !std::thread::panicking();
        let running = self.running.take().filter(again);
        locked(&FREE).extend(running.map(|running| (running, Instant::now())));
    }
}

impl Before {
    fn of(envoy: &Envoy) -> Result<Self> {
        Ok(Self {
            counters: envoy.counters()?,
            logged: envoy.log().len(),
            accesses: envoy.access_log().len(),
        })
    }
}

/// One that fits, as soon as nothing is under way in it and its workers have told what they have counted. `None`: there
/// is none, or another one is better.
fn free(fixed: &str) -> Result<Option<Running>> {
    let Some((running, given_back)) = longest_free(fixed) else {
        return Ok(None);
    };
    while is_busy(&running.envoy)? {
        if given_back.elapsed() > DRAINED {
            return Ok(None);
        }
        sleep(TOLD / 10);
    }
    sleep(TOLD.saturating_sub(given_back.elapsed()));
    Ok(Some(running))
}

/// While there are few, none that would have to be waited for.
fn longest_free(fixed: &str) -> Option<(Running, Instant)> {
    let mut free = locked(&FREE);
    let fits = |(running, _): &(Running, Instant)| {
        let watched = running.watched.as_ref();
        watched.is_some_and(|watched| watched.fixed == fixed)
    };
    // They are given back at the end.
    let place = free.iter().position(fits)?;
    let has_told = free.get(place)?.1.elapsed() >= TOLD;
    let started = locked(&STARTED).get(fixed).copied().unwrap_or(0);
    (has_told || started >= ENOUGH).then(|| free.remove(place))
}

/// A client is still connected.
fn is_busy(envoy: &Envoy) -> Result<bool> {
    let is_connection = |name: &str| {
        let of_clients = name.starts_with("http.") && name.ends_with(".downstream_cx_active");
        of_clients && !name.starts_with("http.admin.")
    };
    let mut stats = envoy.stats()?.into_iter();
    Ok(stats.any(|(name, number)| is_connection(&name) && number > 0))
}

impl Running {
    fn start(config: &Config, name: &str, env: &[(&str, &str)], fixed: String) -> Result<Self> {
        let files = super::launch::folder()?;
        *locked(&STARTED).entry(fixed.clone()).or_default() += 1;
        let watched = Watched { files, fixed };
        watched.write_clusters(config, name)?;
        watched.write_listener(config, name)?;
        let source = |file: &str| source(&watched.files.path().join(file));
        let bootstrap = config.clone().patch(&json!({
            "static_resources": null,
            "node": { "id": "host-tests", "cluster": "host-tests" },
            "dynamic_resources": { "cds_config": source(CLUSTERS), "lds_config": source(LISTENERS) },
        }));
        Ok(Self {
            // What the one before has left of its connections goes soon.
            envoy: Envoy::start_with(&bootstrap, env, &["--drain-time-s", "1"])?,
            watched: Some(watched),
        })
    }

    /// The clusters first: the listener's requests go there.
    fn change(&self, config: &Config, name: &str) -> Result<()> {
        let watched = self.watched.as_ref().context("it watches no files")?;
        self.publish("cluster_manager.cds", || {
            watched.write_clusters(config, name)
        })?;
        self.publish("listener_manager.lds", || {
            watched.write_listener(config, name)
        })
    }

    fn publish(&self, of: &str, write: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = discovery::updates(&self.envoy, of)?;
        write()?;
        let taken = discovery::wait_for_update(&self.envoy, of, before)?;
        discovery::must_be_taken(&self.envoy, taken)
    }
}

impl Watched {
    fn write_clusters(&self, config: &Config, name: &str) -> Result<()> {
        let clusters = discovery::clusters(config)?;
        publish(&self.files.path().join(CLUSTERS), name, &clusters)
    }

    fn write_listener(&self, config: &Config, name: &str) -> Result<()> {
        let mut listener = discovery::listener(config);
        listener["name"] = json!(name);
        publish(&self.files.path().join(LISTENERS), name, &[listener])
    }
}

fn fixed(config: &Config, env: &[(&str, &str)]) -> String {
    let rest = config.clone().patch(&json!({ "static_resources": null }));
    format!("{} {} {env:?}", rest.workers, rest.document)
}
