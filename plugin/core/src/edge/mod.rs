//! What one worker keeps between requests: its configuration, its keys and its bounded memories. No request state.

pub(crate) mod crowd;
pub(crate) mod flight;
pub(crate) mod guard;
pub(crate) mod quota;
mod rehearsal;
pub(crate) mod tickets;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::time::Duration;

use self::flight::Flights;
use self::guard::Guard;
use crate::access;
use crate::config::{Config, StoreKind};
use crate::head::Head;
use crate::host::Host;
use crate::needed;
use crate::reply::{Changes, Verdict};
use crate::route::{Outage, Rule};
use crate::session::cache::VerifiedCache;
use crate::session::seal::MasterKeys;
use crate::session::sessions::Later;
use crate::session::trials::Trials;
use crate::store::chosen::ChosenStore;
use crate::store::redis::Redis;
use crate::store::redis::own_writes::OwnWrites;
use crate::time::UnixMillis;

/// One worker of the edge. Everything in it that must survive the worker lives in the store.
pub struct Edge {
    pub(crate) config: Config,
    pub(crate) keys: MasterKeys,
    pub(crate) cache: RefCell<VerifiedCache>,
    pub(crate) flights: Flights,
    pub(crate) guard: RefCell<Guard>,
    pub(crate) trials: RefCell<Trials>,
    /// Tickets that a request of this worker is about to take.
    pub(crate) doors: RefCell<BTreeSet<[u8; 32]>>,
    /// What waits until its request has a verdict.
    pub(crate) renewals: RefCell<Vec<Later>>,
    own_writes: OwnWrites,
    /// The latest moment that this worker has seen.
    latest: Cell<UnixMillis>,
}

/// A clock that is mended by less than this changes nothing that matters.
const MENDED: Duration = Duration::from_secs(1);

impl Edge {
    /// A worker with empty memories.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            keys: MasterKeys::new(config.master_secrets.iter().map(|secret| secret.expose())),
            cache: RefCell::new(VerifiedCache::new(config.session.cache, stale(&config))),
            flights: Flights::default(),
            guard: RefCell::new(Guard::new(
                config.login.failures_per_minute,
                config.login.remember,
                config.apps.len(),
            )),
            trials: RefCell::default(),
            doors: RefCell::default(),
            renewals: RefCell::default(),
            own_writes: OwnWrites::default(),
            latest: Cell::default(),
            config,
        }
    }

    /// The host's time. If its clock was set back, what this worker has in its memory begins anew: otherwise what had
    /// ended would come again when the clock gets there once more.
    pub(crate) fn now(&self, host: &impl Host) -> UnixMillis {
        let now = host.now();
        if now.after(MENDED) < self.latest.replace(now) {
            self.cache.borrow_mut().begin_anew();
            self.guard.borrow_mut().begin_anew();
        }
        now
    }

    /// Where sessions live.
    pub(crate) fn store<'a, H: Host>(&'a self, host: &'a H) -> ChosenStore<'a, H> {
        match &self.config.store {
            StoreKind::Embedded { .. }
            | StoreKind::SpinKeyValue { .. }
            | StoreKind::SpinRedis { .. } => ChosenStore::Host(host.store()),
            StoreKind::Redis(rules) => {
                ChosenStore::Redis(Redis::over_http(host, rules, &self.own_writes))
            }
        }
    }

    /// A large head without what nobody here reads, for a host that makes no other request of it. `None` if there is
    /// nothing to be gained.
    #[must_use]
    pub fn lightened(&self, head: &Head) -> Option<Head> {
        needed::lightened(head, &self.config)
    }

    /// Changes to the headers of a request that is answered here, for a host whose access log reads them: gone is the
    /// identity that the client claimed, there is what was decided. Of one that goes on, its own changes say the same.
    #[must_use]
    pub fn for_log(&self, head: &Head, verdict: &Verdict) -> Changes {
        let openid = verdict.openid.as_ref();
        access::noted(head, &self.config, openid, verdict.auth_status)
    }

    /// The names of the headers in which a client states an identity itself.
    pub fn claims<'a>(&'a self, head: &'a Head) -> impl Iterator<Item = &'a str> {
        access::claims(head, &self.config)
    }

    /// Whether a trailer of this name, in lower case, must not reach the app. Headers are taken off by the verdict.
    #[must_use]
    pub fn is_identity(&self, name: &str) -> bool {
        access::is_identity(name.as_bytes(), &self.config)
    }
}

/// For how long the cache keeps what it would no longer trust, for routes that go on without the store.
fn stale(config: &Config) -> Duration {
    let is_stale = |rule: &Rule| rule.outage == Outage::Stale;
    if config.routes.rules.iter().any(is_stale) {
        config.session.stale
    } else {
        Duration::ZERO
    }
}
