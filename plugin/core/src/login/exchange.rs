//! The code2Session exchange: one call, asked again only when WeChat said that it had not looked (-1).

use alloc::format;
use alloc::string::ToString as _;
use core::time::Duration;

use super::failure::Failure;
use super::input::LoginInput;
use crate::host::{CallError, Host, HttpCall, HttpResponse, Level};
use crate::limits::circuit_breaker::{CircuitBreaker, OPEN_FOR};
use crate::metrics::{Counter, Histogram};
use crate::quota::Quota;
use crate::rejection::Rejection;
use crate::reply::call_failed;
use crate::wechat::code2session::{self, Code2Session, MAX_RESPONSE_BYTES};
use crate::wechat::errcode::Meaning;
use crate::worker::Context;

/// Waits before the second and the third attempt.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];

/// Why there is no login, and whether that counts against the client's network.
pub(super) struct Refused {
    pub(super) rejection: Rejection,
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
    let now = host.now();
    let keeps_out = worker.breaker(number, |breaker| breaker.keeps_out(now));
    if let Some(trouble) = keeps_out.flatten() {
        host.count(Counter::WechatBreaker);
        return Err(Refused {
            rejection: Rejection::from(trouble).retry_after(OPEN_FOR),
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
        rejection: failure.into(),
        is_the_clients,
    })
}

async fn ask<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
) -> Result<Code2Session, Failure> {
    let host = context.host;
    let whole = context.config().wechat.timeout;
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
                if host.now().after(wait) < deadline =>
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
    let wechat = &context.config().wechat;
    let (appid, secret) = (
        &input.mini_program.appid,
        input.mini_program.secret.expose(),
    );
    let started = host.now();
    let answer = host
        .call(HttpCall {
            target: wechat.target.clone(),
            method: "GET",
            authority: wechat.authority.clone(),
            path: code2session::path(appid, secret, &input.js_code),
            headers: [("accept", "application/json".into())].into(),
            body: alloc::vec::Vec::new(),
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
        let line = call_failed("wechat_failed", &wechat.target, problem);
        host.log(Level::Error, &line);
    };
    match answer {
        Ok(HttpResponse {
            status: 200, body, ..
        }) => code2session::parse(&body).map_err(Failure::from),
        Ok(HttpResponse { status, .. }) => {
            report(&format!("HTTP {status}"));
            Err(match status {
                // Proxies answer for an upstream that does not.
                504 => Failure::Timeout,
                503 => Failure::Unavailable,
                // An answer, but none of WeChat's: a proxy's page, a portal's.
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
