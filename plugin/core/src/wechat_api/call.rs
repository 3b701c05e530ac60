//! A call of the edge's own to a server API, with the app's access_token: once more if WeChat rejects that, and never a
//! third time.

use alloc::string::String;
use alloc::vec::Vec;

use super::failure::Failure;
use crate::config::{Config, MiniProgram};
use crate::host::Host;
use crate::platform::{Platform, Question};
use crate::platform_call::{self, NoAnswer};
use crate::rejection::{Reason, Rejection};
use crate::wechat::access_token::{authorised, is_dead};
use crate::wechat::answer::Refusal;
use crate::worker::Context;

/// What is asked, without the token.
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Encoded.
    pub(crate) query: String,
    /// JSON, or nothing.
    pub(crate) body: Vec<u8>,
    /// See [`HttpCall`](crate::host::HttpCall).
    pub(crate) must_finish: bool,
}

/// The app with this id, if it is one of WeChat's: no other platform has these calls.
///
/// # Errors
/// `unknown` if there is no such app; of another platform's it is `parameter` that is wrong.
pub(crate) fn app_of<'a>(
    config: &'a Config,
    appid: &str,
    unknown: Reason,
    parameter: &str,
) -> Result<&'a MiniProgram, Rejection> {
    let app = config.mini_program(appid).ok_or(unknown)?;
    if app.platform != Platform::Wechat {
        let problem = "works for mini programs of WeChat only";
        return Err(Reason::InvalidParameter.parameter(parameter, problem));
    }
    Ok(app)
}

/// What `read` makes of the answer. Bounded by the deadline of one exchange, beside what a first token takes.
pub(crate) async fn call<H: Host, T>(
    context: Context<'_, H>,
    app: &MiniProgram,
    call: &Call,
    read: fn(&[u8]) -> Result<T, Refusal>,
) -> Result<T, Failure> {
    let host = context.host;
    let tokens = context.access_tokens();
    let mut token = tokens.get(app).await.map_err(Failure::NoToken)?;
    let whole = app.api.timeout;
    let deadline = host.now().after(whole);
    let mut may_repeat = true;
    loop {
        let question = Question {
            method: call.method,
            path: authorised(call.path, token.expose(), &call.query),
            content_type: (!call.body.is_empty()).then_some("application/json"),
            body: call.body.clone(),
        };
        // Bounded twice: a wall clock may be set back.
        let timeout = deadline.since(host.now()).min(whole);
        let answer =
            platform_call::call(context, &app.api, question, timeout, call.must_finish).await;
        let answer = answer
            .map_err(Failure::from)
            .and_then(|body| Ok(read(&body)?));
        match answer {
            // WeChat has looked at nothing else then.
            Err(Failure::Said(errcode, _)) if is_dead(errcode) => {
                if !may_repeat {
                    tokens.doubt(app);
                    return answer;
                }
                if !tokens.mark_dead(app, token.expose()) {
                    return answer;
                }
                may_repeat = false;
                token = tokens.get(app).await.map_err(Failure::NoToken)?;
                // What could have no answer in time is not sent: a code of the client's may be spent by it.
                if host.now() >= deadline {
                    return Err(NoAnswer::Timeout.into());
                }
            }
            answer => return answer,
        }
    }
}
