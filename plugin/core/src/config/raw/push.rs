//! As written: message push, of one app and of all.

use alloc::string::String;

use serde::Deserialize;
use serde_json::Value;

/// Of one app.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct AppPush {
    pub(crate) token: Value,
    pub(crate) encoding_aes_key: Option<Value>,
    pub(crate) path: Option<String>,
    pub(crate) to: Option<String>,
}

/// Of all apps.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Push {
    pub(crate) cluster: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) max_age_s: u64,
    pub(crate) answer_after_ms: u64,
    pub(crate) timeout_ms: u64,
}

impl Default for Push {
    fn default() -> Self {
        Self {
            cluster: None,
            url: None,
            authority: None,
            max_age_s: 300,
            answer_after_ms: 4000,
            timeout_ms: 30_000,
        }
    }
}
