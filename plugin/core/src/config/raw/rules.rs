//! As written: what the app is told, and limits.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;

use crate::config::model::Dispensable;

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IdentityHeaders {
    pub(crate) openid: String,
    pub(crate) unionid: String,
    pub(crate) appid: String,
    pub(crate) source: String,
    pub(crate) auth_status: String,
    pub(crate) login_event: String,
    pub(crate) leave_out: Vec<Dispensable>,
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
            leave_out: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Assertion {
    pub(crate) key: Value,
    #[serde(default = "default_assertion_header")]
    pub(crate) header: String,
    #[serde(default = "default_assertion_ttl")]
    pub(crate) ttl_s: u64,
}

fn default_assertion_header() -> String {
    "X-WX-Assertion".into()
}

fn default_assertion_ttl() -> u64 {
    60
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) remember_s: u64,
    pub(crate) failures_per_minute: u16,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            remember_s: 60,
            failures_per_minute: 60,
        }
    }
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Responses {
    pub(crate) session_end: bool,
    pub(crate) attributes: bool,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OpenData {
    pub(crate) max_age_s: Option<u64>,
    pub(crate) max_failures: u8,
    pub(crate) refuse_replay: bool,
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) body_bytes: usize,
    pub(crate) body_timeout_ms: u64,
    pub(crate) waiting_requests: usize,
    pub(crate) waiting_bytes: usize,
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
