//! The exchange of a code with its platform: one call, asked again only when that said that it had not looked (WeChat's
//! -1).

use alloc::format;
use alloc::string::ToString as _;
use core::time::Duration;

use super::failure::Failure;
use super::input::LoginInput;
use crate::edition::Asking;
use crate::host::{CallError, Host, HttpCall, HttpResponse, Level};
use crate::limits::circuit_breaker::{CircuitBreaker, OPEN_FOR};
use crate::metrics::{Counter, Histogram};
use crate::quota::Quota;
use crate::rejection::Rejection;
use crate::reply::call_failed;
use crate::wechat::code2session::{Code2Session, MAX_RESPONSE_BYTES};
use crate::wechat::errcode::Meaning;
use crate::worker::Context;

/// Waits before the second and the third attempt.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];

/// Why there is no login, and whether that counts against the client's network.
pub(super) struct Refused {
    pub(super) rejection: Rejection,
    /// Somebody else may have used the code a moment ago.
    pub(super) may_be_used: bool,
    pub(super) is_the_clients: bool,
}

/// Exchanges the code of `input`, a login of mini program `number`, within the configured deadline. A code that may have
/// been received is never sent again.
pub(super) async fn exchange<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    number: usize,
    quota: &Quota<'_>,
) -> Result<Code2Session, Refused> {
    let Context { worker, host } = context;
    let platform = input.mini_program.platform;
    let now = host.now();
    let keeps_out = worker.breaker(number, |breaker| breaker.keeps_out(now));
    if let Some(trouble) = keeps_out.flatten() {
        host.count(Counter::WechatBreaker);
        let failure = Failure::of_trouble(trouble, platform);
        return Err(Refused {
            rejection: failure.rejection(platform).retry_after(OPEN_FOR),
            may_be_used: false,
            is_the_clients: false,
        });
    }
    let failure = match ask(context, input).await {
        Ok(login) => {
            worker.breaker(number, CircuitBreaker::answered);
            return Ok(login);
        }
        Err(failure) => failure,
    };
    let is_the_clients = failure.is_the_clients();
    if is_the_clients {
        quota.calm(context).await;
    }
    match failure.trouble() {
        Some(trouble) => {
            let now = host.now();
            worker.breaker(number, |breaker| breaker.trouble(trouble.clone(), now));
            quota.tell(context, &trouble).await;
        }
        None if matches!(failure, Failure::NotSent | Failure::Forbidden) => {}
        None => {
            worker.breaker(number, CircuitBreaker::answered);
        }
    }
    Err(Refused {
        may_be_used: failure.may_be_used(platform),
        rejection: failure.rejection(platform),
        is_the_clients,
    })
}

async fn ask<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
) -> Result<Code2Session, Failure> {
    let host = context.host;
    let whole = input.mini_program.api.timeout;
    let asks_again = input.mini_program.platform.row().busy_keeps_code;
    let deadline = host.now().after(whole);
    let mut backoff = BACKOFF.into_iter();
    loop {
        // Bounded twice: a wall clock may be set back.
        let timeout = deadline.since(host.now()).min(whole);
        let answer = attempt(context, input, timeout).await;
        host.count(match &answer {
            Ok(_) => Counter::WechatOk,
            Err(failure) => failure.counter(),
        });
        match (&answer, backoff.next()) {
            (Err(Failure::Said(Meaning::Busy, ..)), Some(wait))
                if asks_again && host.now().after(wait) < deadline =>
            {
                host.sleep(wait).await;
            }
            _ => return answer,
        }
    }
}

async fn attempt<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    timeout: Duration,
) -> Result<Code2Session, Failure> {
    let host = context.host;
    let own = input.mini_program;
    let api = &own.api;
    let question = (own.platform.row().ask)(&Asking {
        appid: &own.appid,
        secret: own.secret.expose(),
        code: &input.js_code,
    });
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
            must_finish: true,
            wants: None,
        })
        .await;
    host.observe(Histogram::WechatMs, host.now().since(started));
    // Tells the operator why there is no answer: to a client one looks like the other.
    let report = |problem: &str| {
        let event = "wechat_failed";
        let line = || call_failed(event, &api.target, problem);
        let lines = &context.worker.log_lines;
        lines.write(host, Level::Error, (event, ""), context.now(), line);
    };
    match answer {
        Ok(HttpResponse {
            status: 200, body, ..
        }) => {
            (own.platform.row().read)(&body).map_err(|refusal| Failure::said(refusal, own.platform))
        }
        Ok(HttpResponse { status, .. }) => {
            report(&format!("HTTP {status}"));
            Err(match status {
                // Proxies answer for an upstream that does not.
                504 => Failure::Timeout,
                503 => Failure::Unavailable,
                // An answer, but none of the platform's: a proxy's page, a portal's.
                status => Failure::Unreadable(format!("has status {status}")),
            })
        }
        Err(error) => {
            report(&error.to_string());
            Err(match error {
                CallError::NotSent(_) => Failure::NotSent,
                CallError::Forbidden(_) => Failure::Forbidden,
                CallError::TimedOut => Failure::Timeout,
                CallError::Broken(_) => Failure::Unavailable,
                CallError::TooLarge => Failure::Unreadable("is too long".into()),
            })
        }
    }
}
