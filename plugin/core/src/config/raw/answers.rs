//! As written: how our answers are worded for clients that know another envelope.

use alloc::string::String;

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Answers {
    pub(crate) ok: Ok,
    pub(crate) session: Refusal,
    pub(crate) other: Refusal,
}

/// Of one route, in place of those of all.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RouteAnswers {
    pub(crate) session: Option<Refusal>,
    pub(crate) other: Option<Refusal>,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ok {
    pub(crate) members: Map<String, Value>,
    pub(crate) message_as: Option<String>,
    pub(crate) token_as: Option<String>,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Refusal {
    pub(crate) http_status: Option<u16>,
    pub(crate) members: Map<String, Value>,
    pub(crate) message_as: Option<String>,
}
