//! What one worker keeps between requests: its configuration, its keys and its bounded memories. No request state.

pub(crate) mod flight;
pub(crate) mod guard;

use core::cell::RefCell;

use self::flight::Flights;
use self::guard::Guard;
use crate::access;
use crate::config::Config;
use crate::session::cache::VerifiedCache;
use crate::session::seal::MasterKeys;

/// One worker of the edge. Everything in it that must survive the worker lives in the store.
pub struct Edge {
    pub(crate) config: Config,
    pub(crate) keys: MasterKeys,
    pub(crate) cache: RefCell<VerifiedCache>,
    pub(crate) flights: Flights,
    pub(crate) guard: RefCell<Guard>,
}

impl Edge {
    /// A worker with empty memories.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            keys: MasterKeys::new(config.master_secrets.iter().map(|secret| secret.expose())),
            cache: RefCell::new(VerifiedCache::new(config.session.cache)),
            flights: Flights::default(),
            guard: RefCell::new(Guard::new(
                config.login.failures_per_minute,
                config.apps.len(),
            )),
            config,
        }
    }

    /// Whether a trailer of this name must not reach the app. Headers are taken off by the verdict.
    #[must_use]
    pub fn is_identity(&self, name: &str) -> bool {
        access::is_identity(name, &self.config)
    }
}
