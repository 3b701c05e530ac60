//! As written: the paths of endpoints, and what other paths need.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::answers::RouteAnswers;

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Endpoints {
    pub(crate) prefix: String,
    pub(crate) login: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) verify: Option<String>,
    pub(crate) decrypt: Option<String>,
    pub(crate) register: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) logout: Option<String>,
    pub(crate) weapp_login: Option<String>,
    pub(crate) weapp_user: Option<String>,
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
            phone: None,
            user: None,
            logout: None,
            weapp_login: None,
            weapp_user: None,
        }
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) path: Option<String>,
    pub(crate) prefix: Option<String>,
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    pub(crate) session: SessionNeed,
    #[serde(default)]
    pub(crate) upgrades: Vec<String>,
    #[serde(default)]
    pub(crate) outage: Outage,
    pub(crate) open_data: Option<OpenDataPlace>,
    pub(crate) open_data_in: Option<String>,
    pub(crate) open_data_as: Option<String>,
    pub(crate) open_data_phone_code: Option<String>,
    pub(crate) open_data_other_types: Option<OtherTypes>,
    pub(crate) session_in: Option<String>,
    pub(crate) login: Option<LoginPlace>,
    pub(crate) login_code: Option<String>,
    pub(crate) login_errors: Option<LoginErrors>,
    pub(crate) login_binds: Option<bool>,
    pub(crate) answers: Option<RouteAnswers>,
    pub(crate) mode: Option<Mode>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Enforce,
    Observe,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ObservePaths {
    #[default]
    Refuse,
    Tell,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionNeed {
    Required,
    Optional,
    Public,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outage {
    #[default]
    Closed,
    Stale,
    Anonymous,
}

#[derive(Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum OpenDataPlace {
    Body,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum OtherTypes {
    Refuse,
    Pass,
}

/// Where a request for the app carries the code of its login.
#[derive(Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginPlace {
    Body,
    Query,
    Headers,
}

/// Who answers where there is no login.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginErrors {
    Edge,
    App,
}
