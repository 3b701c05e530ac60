//! What the core may be told, checked: plain data. Reads no document and judges no value.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::Deserialize;
use zeroize::ZeroizeOnDrop;

use crate::header_names::OwnNames;
use crate::platform::Platform;
use crate::release;
use crate::reply::{Hears, TrailerPolicy};
use crate::route::{Endpoint, Routes};
use crate::wechat::push::cipher::PushKey;
use crate::wording::Wordings;

/// Everything the core may be told, checked.
pub struct Config {
    /// Whose users log in.
    pub(crate) mini_programs: Vec<MiniProgram>,
    /// Which of their releases may call, of those that say so.
    pub(crate) releases: Vec<release::Policy>,
    pub(crate) master_secrets: Vec<Secret>,
    /// Which store the host is to make.
    pub store: StoreKind,
    /// Where requests for the app go, on a host without routes of its own.
    pub upstream_url: String,
    pub(crate) session: SessionRules,
    pub(crate) routes: Routes,
    pub(crate) answers: Answers,
    pub(crate) identity: IdentityHeaders,
    pub(crate) assertion: Option<Assertion>,
    /// Every name under which an app is told something.
    pub(crate) own_names: OwnNames,
    /// Which trailers of a request do not reach the app.
    pub(crate) trailers: TrailerPolicy,
    pub(crate) login: LoginRules,
    pub(crate) open_data: OpenDataRules,
    /// Where some app has it.
    pub(crate) push: Option<PushRules>,
    /// What of the app's responses counts.
    pub(crate) hears: Hears,
    /// Good on the paths of the back channel.
    pub(crate) admin_tokens: Vec<Secret>,
    /// Largest body that is read.
    pub body_bytes: usize,
    /// What passes to WeChat's API: then nothing is served but that.
    pub(crate) wechat_api: Option<ApiRules>,
    /// How long a host waits for the body of a request.
    pub body_timeout: Duration,
    /// What may wait on one worker.
    pub waiting: WaitingLimits,
}

/// Which paths of WeChat's API a backend may call through the edge.
#[derive(Default)]
pub(crate) struct ApiRules {
    pub(crate) paths: Vec<String>,
    /// Each ends in a slash.
    pub(crate) prefixes: Vec<String>,
}

impl ApiRules {
    /// Whether a plain path is listed.
    pub(crate) fn allow(&self, path: &str) -> bool {
        self.paths.iter().any(|own| own == path)
            || self.prefixes.iter().any(|own| path.starts_with(&**own))
    }
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
pub(crate) struct MiniProgram {
    pub(crate) platform: Platform,
    pub(crate) appid: String,
    pub(crate) secret: Secret,
    /// That of its platform.
    pub(crate) api: Rc<Api>,
    /// What the app is told of where its requests come from, here so that no request has to make it.
    pub(crate) source: Rc<str>,
}

/// A secret from the environment. Has no `Display`, and a `Debug` that shows nothing.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Secret(pub(super) String);

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

/// How a platform is reached.
pub(crate) struct Api {
    pub(crate) target: String,
    pub(crate) authority: String,
    /// Deadline of a whole exchange, retries included.
    pub(crate) timeout: Duration,
}

/// What runs the core. They differ in which stores there are, and in how an upstream is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// Upstreams are clusters.
    Envoy,
    /// Upstreams are URLs.
    Spin,
}

/// Where sessions live.
#[derive(Debug)]
pub enum StoreKind {
    /// In a store that the host has, or reaches by itself.
    OfHost(HostStore),
    /// In a Redis that any number of edges share, behind an HTTP bridge.
    Redis(RedisRules),
}

/// A store that the host has.
#[derive(Debug)]
pub enum HostStore {
    /// The embedded store, on Envoy: in memory that the workers of one process share, at most `slots` × `slot_bytes`
    /// bytes.
    Embedded {
        /// Number of slots.
        slots: u32,
        /// Largest slot, in bytes.
        slot_bytes: usize,
    },
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
    pub(crate) headers: Vec<Rc<str>>,
    pub(crate) cookie: Option<CookieRules>,
    pub(crate) query: Option<String>,
    /// Leave the token on the request that goes to the app.
    pub(crate) forward_token: bool,
    /// Clients of Tencent's Wafer are served too.
    pub(crate) wafer: bool,
    /// A request for the app that brings a code and no session is logged in on its way.
    pub(crate) login_on_the_way: Option<LoginHeaders>,
}

impl SessionRules {
    /// Seconds without use after which a session ends.
    pub(crate) fn expires_in(&self) -> u64 {
        self.idle.as_secs()
    }
}

/// The cookie that carries the token.
pub(crate) struct CookieRules {
    pub(crate) name: String,
    /// As they stand behind its value, but for its age.
    pub(crate) attributes: String,
    /// The value of `set-cookie` that takes it away.
    pub(crate) cleared: Rc<str>,
    /// Whose pages may send it (RFC 6454, 6.2). `None`: nobody asks.
    pub(crate) origins: Option<Vec<String>>,
}

/// Names of the headers that the app's response gets where its request was logged in on the way.
pub(crate) struct LoginHeaders {
    pub(crate) token: Rc<str>,
    pub(crate) expires_in: Rc<str>,
}

/// How our answers are worded.
pub(crate) struct Answers {
    pub(crate) all: Wordings,
    /// Of the endpoints of Tencent's Wafer: its login, its user.
    pub(crate) weapp: Option<(Wordings, Wordings)>,
    /// Of message push: our own, whatever clients are told. WeChat goes by the status, and a message of which it hears 200
    /// does not come again.
    pub(crate) of_push: Wordings,
}

impl Answers {
    pub(crate) fn of(&self, endpoint: Endpoint) -> &Wordings {
        match (&self.weapp, endpoint) {
            (Some((login, _)), Endpoint::WeappLogin) => login,
            (Some((_, user)), Endpoint::WeappUser) => user,
            _ => &self.all,
        }
    }
}

/// Names of the headers that tell the app who it is.
pub(crate) struct IdentityHeaders {
    pub(crate) openid: Rc<str>,
    pub(crate) unionid: Rc<str>,
    pub(crate) appid: Rc<str>,
    pub(crate) source: Rc<str>,
    pub(crate) auth_status: Rc<str>,
    pub(crate) login_event: Rc<str>,
    /// What it is not told.
    pub(crate) left_out: Vec<Dispensable>,
}

/// What an app can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dispensable {
    Unionid,
    Appid,
    Source,
}

impl IdentityHeaders {
    pub(crate) fn tells(&self, what: Dispensable) -> bool {
        !self.left_out.contains(&what)
    }
}

/// A signed statement of the identity for the app.
pub(crate) struct Assertion {
    pub(crate) header: Rc<str>,
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

/// How messages of WeChat's are taken and handed on.
pub(crate) struct PushRules {
    /// Where the app is.
    pub(crate) target: String,
    /// For `:authority`. `None`: the push's own.
    pub(crate) authority: Option<String>,
    /// `timestamp` may be at most this far from now.
    pub(crate) max_age: Duration,
    /// WeChat is answered then, whatever the app does.
    pub(crate) answer_after: Duration,
    /// How long the app may take over a message.
    pub(crate) timeout: Duration,
    pub(crate) apps: Vec<PushApp>,
}

/// The messages of one app.
pub(crate) struct PushApp {
    pub(crate) appid: Rc<str>,
    /// The app's own path.
    pub(crate) to: String,
    pub(crate) token: Secret,
    /// Where there is one, every message is sealed under it.
    pub(crate) key: Option<PushKey>,
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

/// What a check comes to.
pub(super) type Checked<T> = Result<T, ConfigError>;

/// That the value of `field` cannot be used, and why.
pub(super) fn wrong<T>(field: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
    Err(ConfigError {
        field: field.into(),
        problem: problem.into(),
    })
}

impl Config {
    /// Where calls of its own go, in the platform's words, each with the table that says so: those whose apps these are
    /// (`wechat` and the like), a `store` on the network, and where messages are handed on (`push`). What leads a backend to
    /// WeChat's API asks nobody else. An address of a Redis may hold a password.
    #[must_use]
    pub fn calls(&self) -> Vec<(&'static str, &str)> {
        let store = match &self.store {
            StoreKind::Redis(rules) => Some(rules.target.as_str()),
            StoreKind::OfHost(HostStore::SpinRedis { address, .. }) => Some(address.expose()),
            StoreKind::OfHost(HostStore::Embedded { .. } | HostStore::SpinKeyValue { .. }) => None,
        };
        let mut calls: Vec<(&'static str, &str)> = Vec::new();
        for own in &self.mini_programs {
            let table = own.platform.row().name;
            if self.passes_to_wechat() && own.platform != Platform::Wechat {
                continue;
            }
            if !calls.iter().any(|(known, _)| *known == table) {
                calls.push((table, &own.api.target));
            }
        }
        calls.extend(store.map(|target| ("store", target)));
        // What is the app's anyway is no place of its own.
        let push = self.push.as_ref().map(|rules| &*rules.target);
        let push = push.filter(|target| *target != self.upstream_url && !self.passes_to_wechat());
        calls.extend(push.map(|target| ("push", target)));
        calls
    }

    /// The fields by which bodies must be read: of requests, or of WeChat's answers (`wechat_api`). Endpoints are none of
    /// them: they take their parameters in headers too. The back channel does not.
    #[must_use]
    pub fn needs_bodies(&self) -> Vec<String> {
        if self.passes_to_wechat() {
            return vec!["wechat_api".into()];
        }
        let pushes = self.push.as_ref().map_or(&[][..], |rules| &rules.apps);
        let has_push = |own: &MiniProgram| pushes.iter().any(|push| *push.appid == *own.appid);
        let apps = self.mini_programs.iter().enumerate();
        let apps = apps.filter(|(_, own)| has_push(own));
        let rules = self.routes.rules.iter().enumerate();
        let rules = rules.filter(|(_, rule)| rule.reads_body());
        let admin = (!self.admin_tokens.is_empty()).then(|| "admin".into());
        apps.map(|(index, _)| format!("apps[{index}].push"))
            .chain(rules.map(|(index, _)| format!("routes[{index}]")))
            .chain(admin)
            .collect()
    }

    /// Whether it serves WeChat's API for the backend, and nothing else.
    #[must_use]
    pub fn passes_to_wechat(&self) -> bool {
        self.wechat_api.is_some()
    }

    /// What the app is told of where the requests of a session of this mini program come from. Sessions of mini
    /// programs that are not configured do not get this far, so if one alone is configured, nobody has to look.
    pub(crate) fn source(&self, appid: &str) -> Option<&Rc<str>> {
        match self.mini_programs.as_slice() {
            [only] => Some(&only.source),
            _ => self.mini_program(appid).map(|own| &own.source),
        }
    }

    /// The mini program with this id.
    pub(crate) fn mini_program(&self, appid: &str) -> Option<&MiniProgram> {
        self.mini_programs.iter().find(|own| own.appid == appid)
    }

    /// Which of the mini programs this is.
    pub(crate) fn number(&self, mini_program: &MiniProgram) -> usize {
        let number = self
            .mini_programs
            .iter()
            .position(|own| own.appid == mini_program.appid);
        number.unwrap_or_default()
    }
}
