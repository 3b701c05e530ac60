//! Configuration in two stages: `raw` is the document as written, this is what the rest of the core works with.
//! A document that is not understood whole is refused, with the field's name.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use zeroize::ZeroizeOnDrop;

mod check;
mod check_limits;
mod check_routes;
mod check_store;
mod check_upstreams;
mod raw;
#[cfg(feature = "schema")]
pub mod schema;
mod secrets;
#[cfg(test)]
pub(crate) mod tests;

use crate::route::Routes;

/// Everything the core may be told, checked.
pub struct Config {
    pub(crate) apps: Vec<App>,
    pub(crate) master_secrets: Vec<Secret>,
    pub(crate) wechat: Wechat,
    /// Which store the host is to make.
    pub store: StoreKind,
    /// Where requests for the app go, on a platform without routes of its own.
    pub upstream_url: String,
    pub(crate) session: SessionRules,
    pub(crate) routes: Routes,
    pub(crate) identity: IdentityHeaders,
    pub(crate) assertion: Option<Assertion>,
    /// See [`crate::access::also_ours`].
    pub(crate) also_ours: Vec<alloc::rc::Rc<str>>,
    pub(crate) login: LoginRules,
    pub(crate) open_data: OpenDataRules,
    pub(crate) body_bytes: usize,
    /// Workers come and go with a few requests: what must hold longer lives in the store.
    pub(crate) limits_in_store: bool,
    /// How long a host waits for the body of a request.
    pub body_timeout: Duration,
    /// What may wait on one worker.
    pub waiting: WaitingLimits,
}

/// How much may wait on one worker at a time: for clients, for the store, for WeChat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingLimits {
    /// Number of requests.
    pub requests: usize,
    /// Bytes of their headers, and of their bodies as far as they are held.
    pub bytes: usize,
}

/// One mini program.
pub(crate) struct App {
    pub(crate) appid: String,
    pub(crate) secret: Secret,
}

/// A secret from the environment. Has no `Display`, and a `Debug` that shows nothing.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How WeChat is reached.
pub(crate) struct Wechat {
    pub(crate) target: String,
    pub(crate) authority: String,
    /// Deadline of a whole exchange, retries included.
    pub(crate) timeout: Duration,
}

/// What runs the core. They differ in which stores there are, and in how an upstream is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Upstreams are clusters.
    Envoy,
    /// Upstreams are URLs.
    Spin,
}

/// Which store.
#[derive(Debug)]
pub enum StoreKind {
    /// Envoy's: slots in memory that the workers of one process share: at most `slots` × `slot_bytes` bytes.
    Embedded {
        /// Number of slots.
        slots: u32,
        /// Largest slot, in bytes.
        slot_bytes: usize,
    },
    /// A Redis that any number of edges share, behind an HTTP bridge.
    Redis(RedisRules),
    /// Spin's key-value store of this label.
    SpinKeyValue {
        /// As in the component's `key_value_stores`.
        label: String,
    },
    /// A Redis that any number of edges share, through Spin's own client.
    SpinRedis {
        /// `redis://…`, which may hold a password.
        address: Secret,
        /// In front of every key.
        prefix: String,
        /// For each command.
        timeout: Duration,
    },
}

/// How Redis is reached.
#[derive(Debug)]
pub struct RedisRules {
    pub(crate) dialect: Dialect,
    pub(crate) target: String,
    pub(crate) authority: String,
    /// The whole value of the `authorization` header.
    pub(crate) authorization: Option<Secret>,
    /// In front of every key.
    pub(crate) prefix: String,
    /// For each round trip.
    pub(crate) timeout: Duration,
}

/// How commands are written in HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Upstash's REST dialect.
    Rest,
    /// webdis.
    Webdis,
}

/// Times and places of sessions.
pub(crate) struct SessionRules {
    pub(crate) idle: Duration,
    pub(crate) absolute: Duration,
    pub(crate) cache: Duration,
    /// How long after its last look-up a session may pass while the store is down, on routes that say so.
    pub(crate) stale: Duration,
    pub(crate) user_lifetime: Duration,
    pub(crate) max_per_user: usize,
    /// Header names that carry the token, lower case, in order of preference.
    pub(crate) headers: Vec<alloc::rc::Rc<str>>,
    pub(crate) cookie: Option<String>,
    pub(crate) query: Option<String>,
    /// Leave the token on the request that goes to the app.
    pub(crate) forward_token: bool,
    /// Clients of Tencent's Wafer are served too.
    pub(crate) wafer: bool,
    /// A request for the app that brings a code and no session is logged in on its way.
    pub(crate) piggyback: Option<Piggyback>,
}

/// Names of the headers that the app's answer gets where its request was logged in on the way.
pub(crate) struct Piggyback {
    pub(crate) token: alloc::rc::Rc<str>,
    pub(crate) expires_in: alloc::rc::Rc<str>,
}

/// Names of the headers that tell the app who it is.
pub(crate) struct IdentityHeaders {
    pub(crate) openid: alloc::rc::Rc<str>,
    pub(crate) unionid: alloc::rc::Rc<str>,
    pub(crate) appid: alloc::rc::Rc<str>,
    pub(crate) source: alloc::rc::Rc<str>,
    pub(crate) auth_status: alloc::rc::Rc<str>,
    pub(crate) login_event: alloc::rc::Rc<str>,
    /// The value of `source`, here so that no request has to make it.
    pub(crate) wx_client: alloc::rc::Rc<str>,
}

/// A signed statement of the identity for the app.
pub(crate) struct Assertion {
    pub(crate) header: alloc::rc::Rc<str>,
    pub(crate) key: Secret,
    pub(crate) lifetime: Duration,
}

/// Limits around code2Session.
pub(crate) struct LoginRules {
    /// How long the answer to a code is remembered; zero for not at all.
    pub(crate) remember: Duration,
    /// Codes of one client network (IPv4 address, IPv6 /64; all clients without an address) that are being asked about
    /// or were refused within a minute. The /48 around a /64 may have eight times as many. Zero for no limit.
    pub(crate) failures_per_minute: u16,
}

/// Limits around `encryptedData` and `signature`.
pub(crate) struct OpenDataRules {
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_failures: u8,
    pub(crate) refuse_replay: bool,
}

/// A configuration that cannot be used: where, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Path of the field, such as `routes[2].session`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl core::error::Error for ConfigError {}

type Checked<T> = Result<T, ConfigError>;

fn wrong<T>(field: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
    Err(ConfigError {
        field: field.into(),
        problem: problem.into(),
    })
}

impl Config {
    /// Reads a JSON document; secrets are looked up by name in `environment`.
    ///
    /// # Errors
    /// The first field that is unknown, missing, impossible, or of no use on `platform`.
    pub fn from_json(
        text: &str,
        platform: Platform,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let environment = secrets::Environment {
            platform,
            look_up: environment,
        };
        check::config(raw::parse(text)?, environment)
    }

    /// The names of the secrets that a document asks for, for a host that cannot look them up at any time. A document
    /// that is not understood names none.
    #[must_use]
    pub fn secret_names(text: &str) -> Vec<String> {
        secrets::names(text)
    }

    /// Where calls of its own go, in the platform's words: WeChat, and a store on the network. An address of a Redis may
    /// hold a password.
    #[must_use]
    pub fn calls(&self) -> Vec<&str> {
        let store = match &self.store {
            StoreKind::Redis(rules) => Some(rules.target.as_str()),
            StoreKind::SpinRedis { address, .. } => Some(address.expose()),
            StoreKind::Embedded { .. } | StoreKind::SpinKeyValue { .. } => None,
        };
        [Some(self.wechat.target.as_str()), store]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The app with this id.
    pub(crate) fn app(&self, appid: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.appid == appid)
    }

    /// Which of the apps this is.
    pub(crate) fn number(&self, app: &App) -> usize {
        let number = self.apps.iter().position(|own| own.appid == app.appid);
        number.unwrap_or_default()
    }
}
