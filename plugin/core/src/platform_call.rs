//! One call to the API of a platform. What went wrong on its way is one line in the log, which says it to the operator: to a
//! client one trouble looks like the other. Never looks into an answer.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use crate::config::Api;
use crate::host::{CallError, Host, HttpCall, HttpResponse, Level};
use crate::log_lines::call_failed;
use crate::metrics::Histogram;
use crate::platform::Question;
use crate::rejection::{Reason, Rejection};
use crate::wechat::answer::MAX_RESPONSE_BYTES;
use crate::worker::Context;

/// Why there is no answer of the platform's.
pub(crate) enum NoAnswer {
    Timeout,
    /// A limit of the host's own, which says nothing about the platform.
    NotSent,
    /// The host's configuration does not let calls to the platform through.
    Forbidden,
    /// There is no connection, or it broke.
    Unavailable,
    /// Something answered, and what is wrong with the answer.
    Unreadable(String),
}

impl NoAnswer {
    /// What the client is told; `called` is the platform.
    pub(crate) fn rejection(self, called: &str) -> Rejection {
        let unavailable = |problem| Reason::WechatUnavailable.with(problem);
        match self {
            Self::Timeout => Reason::WechatTimeout.into(),
            Self::NotSent => unavailable(format!("{called} was not asked")),
            Self::Forbidden => Reason::Internal.into(),
            Self::Unavailable => unavailable(format!("{called} did not answer")),
            Self::Unreadable(problem) => unavailable(format!("the answer of {called} {problem}")),
        }
    }
}

impl From<CallError> for NoAnswer {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotSent(_) => Self::NotSent,
            CallError::Forbidden(_) => Self::Forbidden,
            CallError::TimedOut => Self::Timeout,
            CallError::Unreachable(_) | CallError::Broken(_) => Self::Unavailable,
            CallError::TooLarge(_) => Self::Unreadable("is too long".into()),
        }
    }
}

/// Sends `question` and gives the body of an answer with HTTP status 200. `must_finish`: see [`HttpCall`].
pub(crate) async fn call<H: Host>(
    context: Context<'_, H>,
    api: &Api,
    question: Question,
    timeout: Duration,
    must_finish: bool,
) -> Result<Vec<u8>, NoAnswer> {
    let host = context.host;
    let accept = ("accept", "application/json".into());
    let content_type = question.content_type.map(|of| ("content-type", of.into()));
    let started = host.now();
    let answer = host
        .call(HttpCall {
            target: api.target.clone(),
            method: question.method,
            authority: api.authority.clone(),
            path: question.path,
            headers: [Some(accept), content_type].into_iter().flatten().collect(),
            body: question.body,
            // A host may take zero for "no limit".
            timeout: timeout.max(Duration::from_millis(1)),
            max_response_bytes: MAX_RESPONSE_BYTES,
            must_finish,
            wants: None,
        })
        .await;
    host.observe(Histogram::WechatMs, host.now().since(started));
    let report = |problem: &str| {
        let event = "wechat_failed";
        let line = || call_failed(event, &api.target, problem);
        context.log(Level::Error, (event, ""), line);
    };
    match answer {
        Ok(HttpResponse {
            status: 200, body, ..
        }) => Ok(body),
        Ok(answer) => {
            let status = answer.status;
            report(&format!("HTTP {status}"));
            Err(match answer.of_upstream() {
                Err(error) => error.into(),
                // An answer, but none of the platform's: a proxy's page, a portal's.
                Ok(_) => NoAnswer::Unreadable(format!("has status {status}")),
            })
        }
        Err(error) => {
            report(&error.to_string());
            Err(error.into())
        }
    }
}
