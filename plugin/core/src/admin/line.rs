//! The one log line about a use of the back channel: who was it, what was asked for about whom, and what came of it. Never
//! a token.

use alloc::format;
use alloc::string::String;

use serde::Serialize;

use crate::host::{Host, Level};
use crate::json_text::to_json;
use crate::rejection::Rejection;
use crate::route::AdminAction;
use crate::worker::Context;

const EVENT: &str = "admin";
const WRONG_TOKEN: &str = "wrong_token";

/// What is known of a use so far.
pub(super) struct Line {
    action: Option<AdminAction>,
    /// The number of the token.
    pub(super) by: Option<u32>,
    pub(super) appid: Option<String>,
    pub(super) openid: Option<String>,
    /// Its short name.
    pub(super) session: Option<String>,
    /// Sessions that were ended or changed, or that there are.
    pub(super) sessions: Option<usize>,
    /// Whether there was a key to be reset.
    pub(super) reset: Option<bool>,
}

#[derive(Serialize)]
struct Written<'a> {
    event: &'a str,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<&'a str>,
}

impl Line {
    pub(super) fn of(action: Option<AdminAction>) -> Self {
        Self {
            action,
            by: None,
            appid: None,
            openid: None,
            session: None,
            sessions: None,
            reset: None,
        }
    }

    /// Of one that is let in.
    pub(super) fn write(&self, host: &impl Host, result: Result<(), &Rejection>) {
        let rejection = result.err();
        let level = rejection.map_or(Level::Info, Rejection::level);
        let outcome = rejection.map_or("ok", Rejection::error);
        host.log(level, &self.written(outcome, rejection));
    }

    /// Of one that is not: of a flood of them only so many.
    pub(super) fn of_wrong_token<H: Host>(&self, context: Context<'_, H>) {
        let line = || self.written(WRONG_TOKEN, None);
        context.log(Level::Warn, (EVENT, WRONG_TOKEN), line);
    }

    fn written(&self, outcome: &str, rejection: Option<&Rejection>) -> String {
        to_json(&Written {
            event: EVENT,
            action: self.action.map_or("unknown", AdminAction::name),
            by: self.by.map(|number| format!("tokens[{number}]")),
            appid: self.appid.as_deref(),
            openid: self.openid.as_deref(),
            session: self.session.as_deref(),
            outcome,
            sessions: self.sessions,
            reset: self.reset,
            detail: rejection.and_then(Rejection::detail),
            errcode: rejection.and_then(Rejection::errcode),
            rid: rejection.and_then(Rejection::rid),
        })
    }
}
