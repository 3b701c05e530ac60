//! What one worker keeps between requests: its configuration, its keys and its bounded memories. No request state, and no
//! work: what is done with it stands in the rooms that are handed a [`Context`].

mod warm_up;

use alloc::format;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::time::Duration;

use crate::access;
use crate::chosen_store::ChosenStore;
use crate::config::{Config, MiniProgram};
use crate::head::Head;
use crate::host::{Host, Level};
use crate::limits::circuit_breaker::CircuitBreaker;
use crate::limits::known_codes::KnownCodes;
use crate::limits::rate_limit::RateLimit;
use crate::log_lines::{Kind, LogLines};
use crate::memory::access_tokens::KnownToken;
use crate::memory::endings::{Ending, Endings};
use crate::memory::failures::Failures;
use crate::memory::keyed_lock::KeyedLock;
use crate::memory::later::Later;
use crate::memory::sayings::Sayings;
use crate::memory::verified::VerifiedCache;
use crate::needed;
use crate::records::login::LoggedIn;
use crate::records::token::SessionId;
use crate::rejection::Rejection;
use crate::reply::{Changes, TrailerPolicy, Verdict};
use crate::route::{Outage, Rule};
use crate::seal::{MasterKeys, Record, Scope};
use crate::single_flight::SingleFlight;
use crate::store::redis::own_writes::OwnWrites;
use crate::time::UnixMillis;
use crate::wechat::access_token::AccessToken;

/// One worker: a thread of a proxy, an instance of a component. Everything in it that must survive it lives in the store.
pub struct Worker {
    pub(crate) config: Config,
    pub(crate) keys: MasterKeys,
    pub(crate) verified: RefCell<VerifiedCache>,
    /// By the names of their codes.
    pub(crate) logins: SingleFlight<LoginOutcome>,
    pub(crate) rate_limit: RefCell<RateLimit>,
    pub(crate) known_codes: RefCell<KnownCodes>,
    /// One for each mini program, by its number.
    breakers: RefCell<Vec<CircuitBreaker>>,
    /// One for each mini program, by its number.
    tokens: RefCell<Vec<KnownToken>>,
    /// By app id.
    pub(crate) token_flights: SingleFlight<TokenOutcome>,
    pub(crate) failures: RefCell<Failures>,
    /// Tickets that a request of this worker is about to take.
    pub(crate) ticket_locks: KeyedLock,
    /// Sessions of which WeChat is asked something that may fail.
    pub(crate) opening_locks: KeyedLock,
    /// Messages that a request of this worker is delivering.
    pub(crate) push_locks: KeyedLock,
    /// What waits until its request has a verdict.
    pub(crate) later: RefCell<Vec<Later>>,
    /// What is to end, and could not be ended in the store yet.
    pub(crate) endings: Endings,
    /// What sessions are to remember for their apps, and could not be written in the store yet.
    pub(crate) sayings: Sayings,
    own_writes: OwnWrites,
    log_lines: LogLines,
    /// Others on the same thread, with configurations of their own: another listener's.
    neighbours: RefCell<Vec<Weak<Self>>>,
    /// The latest moment that it has seen.
    latest: Cell<UnixMillis>,
}

/// A clock that is mended by less than this changes nothing that matters.
const MENDED: Duration = Duration::from_secs(1);

/// A login, or its refusal.
pub(crate) type LoginOutcome = Result<LoggedIn, Rejection>;

/// An access_token, or why there is none.
pub(crate) type TokenOutcome = Result<Rc<AccessToken>, Rejection>;

/// What a request is handled with: what the worker remembers, and the host.
pub(crate) struct Context<'a, H> {
    pub(crate) worker: &'a Worker,
    pub(crate) host: &'a H,
}

impl<H> Clone for Context<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Context<'_, H> {}

impl<'a, H: Host> Context<'a, H> {
    pub(crate) fn config(self) -> &'a Config {
        &self.worker.config
    }

    /// The host's time. If its clock was set back, what this worker has in its memory begins anew: otherwise what had
    /// ended would come again when the clock gets there once more.
    pub(crate) fn now(self) -> UnixMillis {
        self.seen(self.host.now())
    }

    /// As [`Context::now`], at most a tenth of a second late.
    pub(crate) fn recent(self) -> UnixMillis {
        self.seen(self.host.recent())
    }

    fn seen(self, now: UnixMillis) -> UnixMillis {
        if now.after(MENDED) < self.worker.latest.replace(now) {
            self.worker.begin_anew();
        }
        now
    }

    /// Where sessions live.
    pub(crate) fn store(self) -> ChosenStore<'a, H> {
        let Worker {
            config,
            own_writes,
            log_lines,
            ..
        } = self.worker;
        ChosenStore::new(&config.store, own_writes, log_lines, self.host)
    }

    /// Writes a line, if there is room for one more of its kind.
    pub(crate) fn log(self, level: Level, kind: Kind, line: impl FnOnce() -> String) {
        let lines = &self.worker.log_lines;
        lines.write(self.host, level, kind, self.recent(), line);
    }

    /// What is sealed, opened. The operator is told when it does not open: most likely this edge lacks a master key that
    /// another one seals with.
    pub(crate) fn open<T: Record>(self, scope: &Scope<'_>, sealed: &[u8]) -> Option<T> {
        const EVENT: &str = "record_not_opened";
        let record = self.worker.keys.open(scope, sealed);
        if record.is_none() {
            let what = T::FORM.what;
            let line = || format!(r#"{{"event":"{EVENT}","record":"{what}"}}"#);
            self.log(Level::Error, (EVENT, what), line);
        }
        record
    }
}

impl Worker {
    /// A worker with empty memories.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let breakers = alloc::vec![CircuitBreaker::default(); config.mini_programs.len()];
        Self {
            keys: MasterKeys::new(config.master_secrets.iter().map(|secret| secret.expose())),
            verified: RefCell::new(VerifiedCache::new(config.session.cache, stale(&config))),
            logins: SingleFlight::default(),
            rate_limit: RefCell::new(RateLimit::new(config.login.failures_per_minute)),
            known_codes: RefCell::new(KnownCodes::new(config.login.remember)),
            breakers: RefCell::new(breakers),
            tokens: RefCell::new(no_tokens(&config)),
            token_flights: SingleFlight::default(),
            failures: RefCell::default(),
            ticket_locks: KeyedLock::default(),
            opening_locks: KeyedLock::default(),
            push_locks: KeyedLock::default(),
            later: RefCell::default(),
            endings: Endings::default(),
            sayings: Sayings::default(),
            own_writes: OwnWrites::default(),
            log_lines: LogLines::default(),
            neighbours: RefCell::default(),
            latest: Cell::default(),
            config,
        }
    }

    fn begin_anew(&self) {
        self.verified.borrow_mut().begin_anew();
        self.rate_limit.borrow_mut().begin_anew();
        self.known_codes.borrow_mut().begin_anew();
        self.breakers.borrow_mut().fill(CircuitBreaker::default());
        self.tokens.replace(no_tokens(&self.config));
    }

    /// What `ask` says of the circuit breaker of mini program `number`. `None` if there is none of this number.
    pub(crate) fn breaker<T>(
        &self,
        number: usize,
        ask: impl FnOnce(&mut CircuitBreaker) -> T,
    ) -> Option<T> {
        self.breakers.borrow_mut().get_mut(number).map(ask)
    }

    /// What `ask` makes of what is known of the access_token of an app.
    pub(crate) fn token_of<T>(
        &self,
        app: &MiniProgram,
        ask: impl FnOnce(&mut KnownToken) -> T,
    ) -> T {
        let number = self.config.number(app);
        match self.tokens.borrow_mut().get_mut(number) {
            Some(known) => ask(known),
            // There is one for each.
            None => ask(&mut KnownToken::default()),
        }
    }

    /// These sessions have ended: takes them out of the cache.
    pub(crate) fn forget(&self, ended: &[SessionId]) {
        self.with_neighbours(|verified| {
            for id in ended {
                verified.remove(id);
            }
        });
    }

    /// All sessions of this user have ended: takes them out of the cache.
    pub(crate) fn forget_user(&self, appid: &str, openid: &str) {
        self.with_neighbours(|verified| verified.remove_all_of(appid, openid));
    }

    /// Makes neighbours of two workers of one thread: what ends at one is out of the other's cache at once.
    pub fn meet(self: &Rc<Self>, other: &Rc<Self>) {
        for (one, other) in [(self, other), (other, self)] {
            let mut neighbours = one.neighbours.borrow_mut();
            neighbours.retain(|own| own.strong_count() > 0);
            neighbours.push(Rc::downgrade(other));
        }
    }

    /// Takes something out of the caches of all workers of this thread.
    fn with_neighbours(&self, take_out: impl Fn(&mut VerifiedCache)) {
        take_out(&mut self.verified.borrow_mut());
        for other in self.neighbours.borrow().iter().filter_map(Weak::upgrade) {
            take_out(&mut other.verified.borrow_mut());
        }
    }

    /// These are to end: nobody passes with them here from now on.
    pub(crate) fn expect_end(&self, ending: Ending) {
        match &ending {
            Ending::One(id) => self.forget(&[*id]),
            Ending::Of { appid, openid, .. } => self.forget_user(appid, openid),
        }
        self.endings.add(ending);
    }

    /// A large head without what nobody here reads, for a host that makes no other request of it. `None` if there is
    /// nothing to be gained.
    #[must_use]
    pub fn lightened(&self, head: &Head) -> Option<Head> {
        needed::lightened(head, &self.config)
    }

    /// Changes to the headers of a request that is answered here, for a host whose access log reads them: gone is the
    /// identity that the client claimed, there is whose request it was. Of one that goes on, its own changes say the same.
    #[must_use]
    pub fn for_log(&self, head: &Head, verdict: &Verdict) -> Changes {
        access::noted(head, &self.config, verdict.openid.as_ref())
    }

    /// The names of the headers in which a client states an identity itself.
    pub fn claims<'a>(&'a self, head: &'a Head) -> impl Iterator<Item = &'a str> {
        access::claims(head, &self.config)
    }

    /// Which trailers must not reach the app, for a host to which they come at another time than the verdict.
    #[must_use]
    pub fn trailers(&self) -> TrailerPolicy {
        self.config.trailers.clone()
    }
}

fn no_tokens(config: &Config) -> Vec<KnownToken> {
    config
        .mini_programs
        .iter()
        .map(|_| KnownToken::default())
        .collect()
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
