//! The code2Session exchange: one call, asked again only when WeChat said that it had not looked (-1).

use alloc::format;
use alloc::string::{String, ToString as _};
use core::time::Duration;

use crate::config::App;
use crate::edge::Edge;
use crate::edge::guard::Admission;
use crate::host::{CallError, Host, HttpCall, HttpResponse, Level};
use crate::metrics::{Counter, Histogram};
use crate::rejection::{Reason, Rejection};
use crate::reply::call_failed;
use crate::wechat::code2session::{self, Code2Session, MAX_RESPONSE_BYTES, Refusal};
use crate::wechat::errcode::{Meaning, meaning};

/// Waits before the second and the third attempt.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];

/// Exchanges `js_code` within the configured deadline. A code that may have been received is never sent again.
pub(super) async fn exchange<H: Host>(
    edge: &Edge,
    host: &H,
    app: &App,
    js_code: &str,
    address: Option<&str>,
) -> Result<Code2Session, Rejection> {
    let guard = &edge.guard;
    let number = edge
        .config
        .apps
        .iter()
        .position(|own| own.appid == app.appid);
    let number = number.unwrap_or_default();
    if let Some(rejection) = guard.borrow().opened_by(number, host.now()) {
        host.count(Counter::WechatBreaker);
        return Err(rejection);
    }
    let admission = Admission::take(guard, address, host.now())?;
    let answer = ask(edge, host, app, js_code).await;
    let is_trouble = answer.as_ref().is_err_and(Failure::is_trouble);
    if answer.as_ref().is_err_and(Failure::is_the_clients) {
        admission.used_up();
    }
    let was_asked = !matches!(answer, Err(Failure::NotSent | Failure::Forbidden));
    let answer = answer.map_err(Rejection::from);
    if was_asked {
        let trouble = answer.as_ref().err().filter(|_| is_trouble).cloned();
        guard.borrow_mut().record(number, trouble, host.now());
    }
    answer
}

async fn ask<H: Host>(
    edge: &Edge,
    host: &H,
    app: &App,
    js_code: &str,
) -> Result<Code2Session, Failure> {
    let deadline = host.now().after(edge.config.wechat.timeout);
    let mut backoff = BACKOFF.into_iter();
    loop {
        // Bounded twice: a wall clock may be set back.
        let timeout = deadline.since(host.now()).min(edge.config.wechat.timeout);
        let answer = attempt(edge, host, app, js_code, timeout).await;
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
    edge: &Edge,
    host: &H,
    app: &App,
    js_code: &str,
    timeout: Duration,
) -> Result<Code2Session, Failure> {
    let started = host.now();
    let answer = host
        .call(HttpCall {
            target: edge.config.wechat.target.clone(),
            method: "GET",
            authority: edge.config.wechat.authority.clone(),
            path: code2session::path(&app.appid, app.secret.expose(), js_code),
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
    match answer {
        Ok(HttpResponse {
            status: 200, body, ..
        }) => code2session::parse(&body).map_err(Failure::from),
        Ok(HttpResponse { status, .. }) => {
            report(edge, host, &format!("HTTP {status}"));
            Err(match status {
                // Proxies answer for an upstream that does not.
                504 => Failure::Timeout,
                503 => Failure::Unavailable,
                // An answer, but none of WeChat's: a proxy's page, a portal's.
                status => Failure::Unreadable(format!("has status {status}")),
            })
        }
        Err(error) => {
            report(edge, host, &error.to_string());
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

/// Tells the operator why there is no answer: to a client one looks like the other.
fn report(edge: &Edge, host: &impl Host, problem: &str) {
    let line = call_failed("wechat_failed", &edge.config.wechat.target, problem);
    host.log(Level::Error, &line);
}

enum Failure {
    Said(Meaning, i64, Option<String>),
    Timeout,
    /// A limit of the host's own, which says nothing about WeChat.
    NotSent,
    /// The host's configuration does not let calls to WeChat through.
    Forbidden,
    /// The connection failed, or broke.
    Unavailable,
    /// Something answered, and what is wrong with the answer.
    Unreadable(String),
}

impl Failure {
    /// Counts towards the breaker: no client causes it.
    fn is_trouble(&self) -> bool {
        use Meaning::{Busy, Configuration};
        matches!(
            self,
            Self::Said(Busy | Configuration, ..)
                | Self::Timeout
                | Self::Unavailable
                | Self::Unreadable(_)
        )
    }

    /// Counts against the client's network: it is about this code or this user.
    fn is_the_clients(&self) -> bool {
        use Meaning::{CodeMissing, CodeUsed, InvalidCode, RateLimited, UserBlocked};
        matches!(
            self,
            Self::Said(
                CodeMissing | CodeUsed | InvalidCode | RateLimited | UserBlocked,
                ..
            )
        )
    }

    fn counter(&self) -> Counter {
        match self {
            Self::Said(Meaning::Busy, ..) => Counter::WechatBusy,
            Self::Said(..) => Counter::WechatErrcode,
            Self::Timeout | Self::NotSent | Self::Forbidden | Self::Unavailable => {
                Counter::WechatUnavailable
            }
            Self::Unreadable(_) => Counter::WechatUnreadable,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Errcode { errcode, rid } => Self::Said(meaning(errcode), errcode, rid),
            Refusal::Unreadable(problem) => Self::Unreadable(problem.into()),
        }
    }
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        let (meaning, errcode, rid) = match failure {
            Failure::Timeout => return Reason::WechatTimeout.into(),
            Failure::NotSent => return Reason::WechatUnavailable.with("WeChat was not asked"),
            Failure::Forbidden => return Reason::Internal.into(),
            Failure::Unavailable => return Reason::WechatUnavailable.with("WeChat did not answer"),
            Failure::Unreadable(problem) => {
                return Reason::WechatUnavailable.with(format!("the answer of WeChat {problem}"));
            }
            Failure::Said(meaning, errcode, rid) => (meaning, errcode, rid),
        };
        let reason = match meaning {
            Meaning::Busy => Reason::WechatBusy,
            Meaning::InvalidCode => Reason::InvalidCode,
            Meaning::CodeUsed => Reason::CodeUsed,
            Meaning::CodeMissing => Reason::MissingParameter,
            Meaning::RateLimited => Reason::LoginRateLimited,
            Meaning::UserBlocked => Reason::UserBlocked,
            Meaning::Configuration => Reason::WechatConfig,
            Meaning::Unknown => Reason::WechatError,
        };
        reason.said_by_wechat(errcode, rid)
    }
}
