//! As written: the back channel of the operator.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    #[serde(default = "default_path")]
    pub(crate) path: String,
    pub(crate) tokens: Vec<Value>,
}

fn default_path() -> String {
    "/wx-admin".into()
}
