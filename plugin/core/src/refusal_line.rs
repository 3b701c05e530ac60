//! The one log line of a request that was refused, or would have been: who was refused what and why, and nothing that
//! gives access to anything. Of a flood of them only so many are written.

use alloc::string::String;

use serde::Serialize;

use crate::head::Head;
use crate::host::{Host, Level};
use crate::json_text::to_json;
use crate::presented::{Presented, presented};
use crate::rejection::Rejection;
use crate::worker::{Context, Worker};

#[derive(Serialize)]
struct Line<'a> {
    event: &'a str,
    error: &'a str,
    status: u16,
    method: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<&'a str>,
}

/// Tells of a request that was `event`. `status` is what the client is told, or would have been by the edge.
pub(crate) fn tell<H: Host>(
    context: Context<'_, H>,
    event: &'static str,
    head: &Head,
    rejection: &Rejection,
    status: u16,
) {
    let level = match event {
        OBSERVED => Level::Info,
        _ => rejection.level(),
    };
    let kind = (event, rejection.error());
    let line = || line(event, context.worker, head, rejection, status);
    context.log(level, kind, line);
}

/// The events of requests that were refused, of logins whose refusal is the app's to tell, and of requests that were only
/// observed.
pub(crate) const REFUSED: &str = "refused";
pub(crate) const LOGIN_REFUSED: &str = "login_refused";
pub(crate) const OBSERVED: &str = "would_refuse";

fn line(event: &str, worker: &Worker, head: &Head, rejection: &Rejection, status: u16) -> String {
    let target = head.text(":path").unwrap_or_default();
    // The query may hold a token or a code.
    let path = target.split(['?', '#']).next().unwrap_or_default();
    to_json(&Line {
        event,
        error: rejection.error(),
        status,
        method: shortened(head.text(":method").unwrap_or_default()),
        path: shortened(path),
        session: session_hint(worker, head),
        detail: rejection.detail(),
        errcode: rejection.errcode(),
        rid: rejection.rid(),
    })
}

/// Eight hex digits of the hash of the token, if the request has one.
fn session_hint(worker: &Worker, head: &Head) -> Option<String> {
    match presented(head, &worker.config.session) {
        Ok(Presented::Token(token)) => Some(token.id().short()),
        _ => None,
    }
}

/// A client must not be able to write kilobytes into the log.
fn shortened(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(200)
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}
