//! What the operator is told of messages, and WeChat is not.

use serde::Serialize;

use crate::host::{Host, Level};
use crate::json_text::to_json;
use crate::log_lines::call_failed;
use crate::worker::Context;

/// Why a push was refused.
pub(super) fn refused<H: Host>(context: Context<'_, H>, appid: &str, why: &'static str) {
    const EVENT: &str = "push_refused";
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'a str,
        appid: &'a str,
        why: &'a str,
    }
    let line = || {
        to_json(&Line {
            event: EVENT,
            appid,
            why,
        })
    };
    context.log(Level::Warn, (EVENT, why), line);
}

/// What became of a message that is not as it should be. `target` is where it went.
pub(super) fn failed<H: Host>(
    context: Context<'_, H>,
    event: &'static str,
    target: &str,
    problem: &str,
) {
    let line = || call_failed(event, target, problem);
    context.log(Level::Error, (event, ""), line);
}
