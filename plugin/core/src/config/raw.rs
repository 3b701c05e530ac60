//! The configuration document as written: names and defaults, nothing checked but types.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;

use super::model::ConfigError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) apps: Vec<MiniProgram>,
    #[serde(default)]
    pub(super) master_keys: Vec<Value>,
    #[serde(default)]
    pub(super) wechat: Wechat,
    #[serde(default)]
    pub(super) store: Store,
    #[serde(default)]
    pub(super) upstream: Upstream,
    #[serde(default)]
    pub(super) session: Session,
    #[serde(default)]
    pub(super) endpoints: Endpoints,
    #[serde(default)]
    pub(super) routes: Vec<Route>,
    #[serde(default)]
    pub(super) cors_preflight: bool,
    #[serde(default)]
    pub(super) identity_headers: IdentityHeaders,
    pub(super) assertion: Option<Assertion>,
    #[serde(default)]
    pub(super) login: Login,
    #[serde(default)]
    pub(super) open_data: OpenData,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) compat: Option<Compat>,
}

/// Whose clients are served beside our own.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Compat {
    /// Tencent's Wafer, 1 and 2.
    Wafer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MiniProgram {
    pub(super) appid: String,
    pub(super) secret: Value,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wechat {
    pub(super) cluster: Option<String>,
    pub(super) url: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) timeout_ms: u64,
}

impl Default for Wechat {
    fn default() -> Self {
        Self {
            cluster: None,
            url: None,
            authority: None,
            timeout_ms: 3000,
        }
    }
}

/// The fields of every kind; which kind has which is checked later.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Store {
    pub(super) kind: Option<StoreName>,
    pub(super) slots: Option<u32>,
    pub(super) slot_bytes: Option<usize>,
    pub(super) cluster: Option<String>,
    pub(super) url: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) label: Option<String>,
    pub(super) address: Option<Value>,
    pub(super) token: Option<Value>,
    pub(super) basic_auth: Option<Value>,
    pub(super) prefix: Option<String>,
    pub(super) timeout_ms: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Upstream {
    pub(super) url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoreName {
    SharedData,
    RedisRest,
    Webdis,
    SpinKv,
    SpinRedis,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Session {
    pub(super) idle_timeout_s: u64,
    pub(super) absolute_timeout_s: u64,
    pub(super) cache_ttl_s: u64,
    pub(super) stale_ttl_s: u64,
    pub(super) user_ttl_s: u64,
    pub(super) max_per_user: usize,
    pub(super) headers: Vec<String>,
    pub(super) cookie: Option<String>,
    pub(super) query: Option<String>,
    pub(super) forward_token: bool,
    pub(super) piggyback: bool,
    pub(super) piggyback_header: String,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            idle_timeout_s: 7200,
            absolute_timeout_s: 2_592_000,
            cache_ttl_s: 5,
            stale_ttl_s: 300,
            user_ttl_s: 34_560_000,
            max_per_user: 10,
            headers: ["X-WX-Skey", "X-3rd-Session", "Authorization"]
                .map(ToString::to_string)
                .into(),
            cookie: None,
            query: None,
            forward_token: false,
            piggyback: false,
            piggyback_header: "X-WX-Skey".into(),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Endpoints {
    pub(super) prefix: String,
    pub(super) login: Option<String>,
    pub(super) session: Option<String>,
    pub(super) verify: Option<String>,
    pub(super) decrypt: Option<String>,
    pub(super) register: Option<String>,
    pub(super) user: Option<String>,
    pub(super) logout: Option<String>,
    pub(super) weapp_login: Option<String>,
    pub(super) weapp_user: Option<String>,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            prefix: "/wx".into(),
            login: None,
            session: None,
            verify: None,
            decrypt: None,
            register: None,
            user: None,
            logout: None,
            weapp_login: None,
            weapp_user: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) path: Option<String>,
    pub(super) prefix: Option<String>,
    #[serde(default)]
    pub(super) methods: Vec<String>,
    pub(super) session: SessionNeed,
    #[serde(default)]
    pub(super) upgrades: Vec<String>,
    #[serde(default)]
    pub(super) outage: Outage,
    pub(super) open_data: Option<OpenDataPlace>,
    pub(super) open_data_in: Option<String>,
    pub(super) open_data_as: Option<String>,
    pub(super) open_data_other_types: Option<OtherTypes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SessionNeed {
    Required,
    Optional,
    Public,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outage {
    #[default]
    Closed,
    Stale,
    Anonymous,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OpenDataPlace {
    Body,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OtherTypes {
    Refuse,
    Pass,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct IdentityHeaders {
    pub(super) openid: String,
    pub(super) unionid: String,
    pub(super) appid: String,
    pub(super) source: String,
    pub(super) auth_status: String,
    pub(super) login_event: String,
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        Self {
            openid: "X-WX-OPENID".into(),
            unionid: "X-WX-UNIONID".into(),
            appid: "X-WX-APPID".into(),
            source: "X-WX-SOURCE".into(),
            auth_status: "X-WX-Auth-Status".into(),
            login_event: "X-WX-Login-Event".into(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Assertion {
    pub(super) key: Value,
    #[serde(default = "default_assertion_header")]
    pub(super) header: String,
    #[serde(default = "default_assertion_ttl")]
    pub(super) ttl_s: u64,
}

fn default_assertion_header() -> String {
    "X-WX-Assertion".into()
}

fn default_assertion_ttl() -> u64 {
    60
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Login {
    pub(super) remember_s: u64,
    pub(super) failures_per_minute: u16,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            remember_s: 60,
            failures_per_minute: 60,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OpenData {
    pub(super) max_age_s: Option<u64>,
    pub(super) max_failures: u8,
    pub(super) refuse_replay: bool,
}

impl Default for OpenData {
    fn default() -> Self {
        Self {
            max_age_s: None,
            max_failures: 5,
            refuse_replay: false,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) body_bytes: usize,
    pub(super) body_timeout_ms: u64,
    pub(super) waiting_requests: usize,
    pub(super) waiting_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16_384,
            body_timeout_ms: 10_000,
            waiting_requests: 1024,
            waiting_bytes: 16_777_216,
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Document, ConfigError> {
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        ConfigError {
            field: if field == "." {
                "configuration".into()
            } else {
                field
            },
            problem: without_position(&error.inner().to_string()),
        }
    })
}

/// Line and column mean nothing to somebody who wrote YAML.
fn without_position(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(at) => message.get(..at).unwrap_or(message).into(),
        None => message.into(),
    }
}
