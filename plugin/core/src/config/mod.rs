//! Configuration in two stages: `raw` is the document as written, `model` is what the rest of the core works with, and
//! between them the checks. A document that is not understood whole is refused, with the field's name.

use alloc::string::String;
use alloc::vec::Vec;

mod check;
mod check_admin;
mod check_answers;
mod check_cookie;
mod check_headers;
mod check_limits;
mod check_push;
mod check_releases;
mod check_routes;
mod check_session;
mod check_store;
mod check_upstreams;
mod check_wechat_api;
mod model;
mod raw;
#[cfg(feature = "schema")]
pub mod schema;
mod secrets;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use self::model::{
    Api, ApiRules, Assertion, CookieRules, Dialect, Dispensable, MiniProgram, OpenDataRules,
    PushApp, SessionRules,
};
pub use self::model::{
    Config, ConfigError, HostKind, HostStore, RedisRules, Secret, StoreKind, WaitingLimits,
};

impl Config {
    /// Reads a JSON document; secrets are looked up by name in `environment`.
    ///
    /// # Errors
    /// The first field that is unknown, missing, impossible, or of no use on `host`.
    pub fn from_json(
        text: &str,
        host: HostKind,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let environment = secrets::Environment {
            host,
            look_up: environment,
        };
        check::config(raw::parse(text)?, environment)
    }

    /// The names of the secrets that a document asks for, for a host that cannot look them up at any time. A document
    /// that is not understood names none.
    #[must_use]
    pub fn secret_names(text: &str) -> Vec<String> {
        secrets::names(text)
    }
}
