//! The code2Session exchange: one call, asked again only when WeChat said that it had not looked (-1).

use alloc::format;
use alloc::string::{String, ToString as _};
use core::time::Duration;

use crate::config::App;
use crate::edge::Edge;
use crate::edge::guard::breaker::{OPEN_FOR, Trouble};
use crate::edge::quota::Quota;
use crate::host::{CallError, Host, HttpCall, HttpResponse, Level};
use crate::metrics::{Counter, Histogram};
use crate::rejection::{Reason, Rejection};
use crate::reply::call_failed;
use crate::wechat::code2session::{self, Code2Session, MAX_RESPONSE_BYTES, Refusal};
use crate::wechat::errcode::{Meaning, meaning};

/// Waits before the second and the third attempt.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];

/// Why there is no login, and whether that counts against the client's network: it is about this code or this user.
pub(super) struct Refused {
    pub(super) rejection: Rejection,
    pub(super) is_the_clients: bool,
}

/// Exchanges `js_code` within the configured deadline. A code that may have been received is never sent again.
pub(super) async fn exchange<H: Host>(
    edge: &Edge,
    host: &H,
    app: &App,
    js_code: &str,
    quota: &Quota<'_>,
) -> Result<Code2Session, Refused> {
    let number = edge.config.number(app);
    let now = host.now();
    let open = edge.guard.borrow_mut().breaker(number).and_then(|breaker| {
        let trouble = breaker.keeps_out(now)?;
        Some(Rejection::from(trouble).retry_after(OPEN_FOR))
    });
    if let Some(rejection) = open {
        host.count(Counter::WechatBreaker);
        return Err(Refused {
            rejection,
            is_the_clients: false,
        });
    }
    let answer = ask(edge, host, app, js_code).await;
    let failure = match answer {
        Ok(login) => {
            answered(edge, number);
            return Ok(login);
        }
        Err(failure) => failure,
    };
    let is_the_clients = failure.is_the_clients();
    if is_the_clients {
        quota.calm(edge, host, number).await;
    }
    match failure.trouble() {
        Some(trouble) => {
            if let Some(breaker) = edge.guard.borrow_mut().breaker(number) {
                breaker.trouble(trouble.clone(), host.now());
            }
            quota.tell(edge, host, number, &trouble).await;
        }
        None if matches!(failure, Failure::NotSent | Failure::Forbidden) => {}
        None => answered(edge, number),
    }
    Err(Refused {
        rejection: failure.into(),
        is_the_clients,
    })
}

fn answered(edge: &Edge, number: usize) {
    if let Some(breaker) = edge.guard.borrow_mut().breaker(number) {
        breaker.answered();
    }
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
    /// What counts towards the breaker: no client causes it.
    fn trouble(&self) -> Option<Trouble> {
        use Meaning::{Busy, Configuration};
        match self {
            Self::Timeout => Some(Trouble::Timeout),
            Self::Unavailable | Self::Unreadable(_) => Some(Trouble::Unavailable),
            Self::Said(Busy | Configuration, errcode, rid) => Some(Trouble::Said {
                errcode: *errcode,
                rid: rid.clone(),
            }),
            Self::Said(..) | Self::NotSent | Self::Forbidden => None,
        }
    }

    /// It is about this code or this user, as far as is known.
    fn is_the_clients(&self) -> bool {
        use Meaning::{Busy, Configuration};
        matches!(self, Self::Said(meaning, ..) if ![Busy, Configuration].contains(meaning))
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

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Timeout => Self::Timeout,
            Trouble::Unavailable => Self::Unavailable,
            Trouble::Said { errcode, rid } => Self::Said(meaning(errcode), errcode, rid),
        }
    }
}

impl From<Trouble> for Rejection {
    fn from(trouble: Trouble) -> Self {
        Failure::from(trouble).into()
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
