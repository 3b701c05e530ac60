//! The configuration document as written: names and defaults, nothing checked but types.

mod admin;
mod answers;
mod push;
mod routes;
mod rules;
mod session;
mod upstreams;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;

use super::model::ConfigError;

pub(crate) use self::admin::Admin;
pub(crate) use self::answers::{Answers, Ok, Refusal, RouteAnswers};
pub(crate) use self::push::{AppPush, Push};
pub(crate) use self::routes::{
    Endpoints, LoginErrors, LoginPlace, Mode, ObservePaths, OtherTypes, Outage, Route, SessionNeed,
};
pub(crate) use self::rules::{Assertion, IdentityHeaders, Limits, Login, OpenData, Responses};
pub(crate) use self::session::Session;
pub(crate) use self::upstreams::{Api, Store, StoreName, Upstream, WechatApi};
use crate::platform::Platform;

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) apps: Vec<MiniProgram>,
    #[serde(default)]
    pub(crate) master_keys: Vec<Value>,
    #[serde(default)]
    pub(crate) wechat: Api,
    pub(crate) wechat_api: Option<WechatApi>,
    #[serde(default)]
    pub(crate) qq: Api,
    #[serde(default)]
    pub(crate) douyin: Api,
    #[serde(default)]
    pub(crate) kuaishou: Api,
    #[serde(default)]
    pub(crate) store: Store,
    #[serde(default)]
    pub(crate) upstream: Upstream,
    #[serde(default)]
    pub(crate) session: Session,
    #[serde(default)]
    pub(crate) endpoints: Endpoints,
    #[serde(default)]
    pub(crate) routes: Vec<Route>,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) observe_paths: ObservePaths,
    #[serde(default)]
    pub(crate) cors_preflight: bool,
    #[serde(default)]
    pub(crate) identity_headers: IdentityHeaders,
    pub(crate) assertion: Option<Assertion>,
    #[serde(default)]
    pub(crate) login: Login,
    #[serde(default)]
    pub(crate) open_data: OpenData,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) answers: Answers,
    #[serde(default)]
    pub(crate) responses: Responses,
    pub(crate) admin: Option<Admin>,
    pub(crate) compat: Option<Compat>,
    #[serde(default)]
    pub(crate) push: Push,
}

/// Whose clients are served beside our own.
#[derive(Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compat {
    /// Tencent's Wafer, 1 and 2.
    Wafer,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct MiniProgram {
    #[serde(default)]
    pub(crate) platform: Platform,
    pub(crate) appid: String,
    pub(crate) secret: Value,
    pub(crate) releases: Option<Vec<Value>>,
    pub(crate) releases_action: Option<ReleasesAction>,
    pub(crate) push: Option<AppPush>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReleasesAction {
    Refuse,
    Tell,
}

impl Document {
    /// How this platform is reached.
    pub(crate) fn api(&self, platform: Platform) -> &Api {
        match platform {
            Platform::Wechat => &self.wechat,
            Platform::Qq => &self.qq,
            Platform::Douyin => &self.douyin,
            Platform::Kuaishou => &self.kuaishou,
        }
    }
}

pub(crate) fn parse(text: &str) -> Result<Document, ConfigError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let document = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let problem = if field == HIGRESS_RULES {
            // Whoever wrote them wrote no such field.
            "is what Higress makes of matchRules: one document is for all; say under routes what differs".into()
        } else {
            without_position(&error.inner().to_string())
        };
        ConfigError {
            // A field without a name has an empty path.
            field: if ["", "."].contains(&&*field) {
                "configuration".into()
            } else {
                field
            },
            problem,
        }
    })?;
    // Others who read it, and know no field, would refuse what stands behind it.
    json.end().map_err(|error| ConfigError {
        field: "configuration".into(),
        problem: without_position(&error.to_string()),
    })?;
    Ok(document)
}

/// Beside the fields of its `defaultConfig`.
const HIGRESS_RULES: &str = "_rules_";

/// Line and column mean nothing to somebody who wrote YAML.
fn without_position(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(at) => message.get(..at).unwrap_or(message).into(),
        None => message.into(),
    }
}
