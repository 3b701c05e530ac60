//! As written: the times of sessions, and where clients put their token.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Session {
    pub(crate) idle_timeout_s: u64,
    pub(crate) absolute_timeout_s: u64,
    pub(crate) cache_ttl_s: u64,
    pub(crate) stale_ttl_s: u64,
    pub(crate) user_ttl_s: u64,
    pub(crate) max_per_user: usize,
    pub(crate) headers: Vec<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) cookie_attributes: String,
    pub(crate) cookie_origins: Option<Vec<String>>,
    pub(crate) query: Option<String>,
    pub(crate) forward_token: bool,
    pub(crate) piggyback: bool,
    pub(crate) piggyback_header: String,
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
            cookie_attributes: "HttpOnly; Secure; SameSite=Lax; Path=/".into(),
            cookie_origins: None,
            query: None,
            forward_token: false,
            piggyback: false,
            piggyback_header: "X-WX-Skey".into(),
        }
    }
}
