//! The exchange of a code with its platform: one call, repeated only if the platform says that it has not looked at the
//! code (WeChat's -1).

use core::time::Duration;

use super::failure::Failure;
use super::input::LoginInput;
use crate::host::Host;
use crate::limits::circuit_breaker::{CircuitBreaker, OPEN_FOR};
use crate::metrics::Counter;
use crate::platform::Asking;
use crate::platform_call;
use crate::quota::Quota;
use crate::rejection::Rejection;
use crate::wechat::code2session::Code2Session;
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
    let acquired = worker.breaker(number, |breaker| breaker.try_acquire(now));
    if let Some(Err(trouble)) = acquired {
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
            worker.breaker(number, CircuitBreaker::record_success);
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
            worker.breaker(number, |breaker| {
                breaker.record_failure(trouble.clone(), now)
            });
            quota.tell(context, &trouble).await;
        }
        None if matches!(failure, Failure::NoAnswer(_)) => {}
        None => {
            worker.breaker(number, CircuitBreaker::record_success);
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
                // It took longer: a code that could have no answer in time is not sent.
                if host.now() >= deadline {
                    return answer;
                }
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
    let own = input.mini_program;
    let api = &own.api;
    let question = (own.platform.row().ask)(&Asking {
        appid: &own.appid,
        secret: own.secret.expose(),
        code: &input.js_code,
    });
    let answer = platform_call::call(context, api, question, timeout, true).await?;
    (own.platform.row().read)(&answer).map_err(|refusal| Failure::said(refusal, own.platform))
}
