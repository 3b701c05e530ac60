//! As written: how WeChat and other platforms, the store and the app are reached.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Api {
    pub(crate) cluster: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) timeout_ms: u64,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            cluster: None,
            url: None,
            authority: None,
            timeout_ms: 3000,
        }
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WechatApi {
    pub(crate) allow: Vec<String>,
}

/// The fields of every kind; which kind has which is checked later.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) kind: Option<StoreName>,
    pub(crate) slots: Option<u32>,
    pub(crate) slot_bytes: Option<usize>,
    pub(crate) cluster: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) address: Option<Value>,
    pub(crate) token: Option<Value>,
    pub(crate) basic_auth: Option<Value>,
    pub(crate) prefix: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Upstream {
    pub(crate) url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoreName {
    SharedData,
    RedisRest,
    Webdis,
    SpinKv,
    SpinRedis,
}
