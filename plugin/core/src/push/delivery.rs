//! A push on its way to the app: a request of the edge's own, so that nothing of it is the client's but the message. An
//! app that takes long goes on taking; WeChat is answered all the same.

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::judge::Push;
use super::once::within;
use super::query::without_wechats;
use super::told;
use crate::config::{Dispensable, PushApp};
use crate::head::Head;
use crate::header_names::PUSH_SOURCES;
use crate::host::{CallError, Delivery, Host, HttpResponse};
use crate::metrics::{Counter, Histogram};
use crate::rejection::{Reason, Rejection};
use crate::reply::PendingDelivery;
use crate::time::UnixMillis;
use crate::worker::Context;

/// An answer to WeChat is a message or less.
const MOST_ANSWERED: usize = 65_536;

/// What the app is told of where it comes from: no client of any app.
const SOURCE: &str = "wx_push";

/// Of the push itself, for the app's log and its traces.
const KEPT: [&str; 2] = ["user-agent", "x-request-id"];

pub(super) struct Delivered {
    /// `None`: the app has not answered yet, or with more than WeChat would take.
    pub(super) answer: Option<HttpResponse>,
    /// The delivery, if it goes on.
    pub(super) pending: Option<PendingDelivery>,
}

/// Hands `push` to the app, and waits for its answer until `deadline`.
///
/// # Errors
/// The app did not take it.
pub(super) async fn deliver<H: Host>(
    context: Context<'_, H>,
    head: &Head,
    app: &PushApp,
    push: &Push,
    deadline: UnixMillis,
) -> Result<Delivered, Rejection> {
    let host = context.host;
    let Some(delivery) = delivery(context, head, app, push) else {
        return Err(Reason::Internal.into());
    };
    let target = delivery.target.clone();
    let began = host.now();
    let mut going = host.deliver(delivery);
    let answered = within(host, deadline.since(began), &mut going).await;
    let Some(answered) = answered else {
        host.count(Counter::PushLate);
        return Ok(Delivered {
            answer: None,
            pending: Some(PendingDelivery {
                began,
                target,
                work: Box::pin(async move { taken(going.await).map(|_| ()) }),
            }),
        });
    };
    host.observe(Histogram::PushMs, host.now().since(began));
    let is_forbidden = matches!(answered, Err(CallError::Forbidden(_)));
    match taken(answered) {
        Ok(answer) => {
            host.count(Counter::PushDelivered);
            Ok(Delivered {
                answer,
                pending: None,
            })
        }
        Err(problem) => {
            host.count(Counter::PushFailed);
            told::failed(context, "push_failed", &target, &problem);
            Err(if is_forbidden {
                Reason::Internal.into()
            } else {
                Reason::UpstreamUnavailable.with("the app did not take the message")
            })
        }
    }
}

/// Tells the operator what a delivery came to that went on when WeChat had its answer.
pub(crate) async fn see_through<H: Host>(context: Context<'_, H>, pending: PendingDelivery) {
    let host = context.host;
    let outcome = pending.work.await;
    host.observe(Histogram::PushMs, host.now().since(pending.began));
    match outcome {
        Ok(()) => host.count(Counter::PushDelivered),
        Err(problem) => {
            host.count(Counter::PushLost);
            told::failed(context, "push_lost", &pending.target, &problem);
        }
    }
}

/// The answer of an app that took the message; else what became of it.
fn taken(answered: Result<HttpResponse, CallError>) -> Result<Option<HttpResponse>, String> {
    match answered {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(Some(answer)),
        Ok(answer) => Err(format!("HTTP {}", answer.status)),
        // It has it, whatever it says.
        Err(CallError::TooLarge(200..300)) => Ok(None),
        Err(CallError::TooLarge(status)) => Err(format!("HTTP {status}")),
        Err(error) => Err(error.to_string()),
    }
}

fn delivery<H: Host>(
    context: Context<'_, H>,
    head: &Head,
    app: &PushApp,
    push: &Push,
) -> Option<Delivery> {
    let config = context.config();
    let rules = config.push.as_ref()?;
    let identity = &config.identity;
    let told = |what, value: &Rc<str>| identity.tells(what).then(|| Rc::clone(value));
    let source: Rc<str> = SOURCE.into();
    let openid = push.openid().map(Rc::from);
    let ours = [
        (
            "content-type".into(),
            Some(push.format.content_type().into()),
        ),
        (Rc::clone(&identity.openid), openid),
        (
            Rc::clone(&identity.appid),
            told(Dispensable::Appid, &app.appid),
        ),
        (
            Rc::clone(&identity.source),
            told(Dispensable::Source, &source),
        ),
        (PUSH_SOURCES.into(), Some(source)),
    ];
    let kept = KEPT.map(|name| (Rc::from(name), head.text(name).map(Rc::from)));
    let mut headers: Vec<(Rc<str>, Rc<str>)> = ours
        .into_iter()
        .chain(kept)
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let trace = context.host.trace().into_iter();
    headers.extend(trace.map(|(name, value)| (name.into(), value.into())));
    let authority = rules.authority.as_deref().or(head.text(":authority"));
    Some(Delivery {
        target: rules.target.clone(),
        authority: authority.unwrap_or("localhost").into(),
        path: without_wechats(head, &app.to),
        headers,
        body: push.message.clone(),
        timeout: rules.timeout,
        max_response_bytes: MOST_ANSWERED,
    })
}
