//! A call of the backend's for WeChat's API: sent there as it comes, and what is answered handed on as it comes. A
//! small one is held, so that it can be sent once more should WeChat reject its token.

use std::rc::Rc;
use std::time::Duration;

use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Request, Response};
use spin_sdk::wasip3::{spawn, wit_future};
use wx_session_core::{
    BodyError, CallError, Changes, Request as _, ToWechat, TrailerPolicy, UnixMillis,
    body_unusable, finish, internal_error, mark_if_dead, once_more, unanswered,
};

use crate::host::SpinHost;
use crate::incoming::{Headers, Incoming, Line};
use crate::outbound::Place;
use crate::{forward, hop_headers, outbound, relay, reply};

/// Until an answer begins: as long as an app may take behind Envoy.
const PATIENCE: Duration = Duration::from_secs(60);

fn place(call: &ToWechat) -> Place {
    let (scheme, authority) = outbound::split(&call.target);
    Place {
        scheme,
        authority,
        path: call.path_with_token(),
    }
}

/// A call that may go on.
pub(crate) struct Call {
    pub(crate) changes: Changes,
    pub(crate) call: Box<ToWechat>,
    /// For the log.
    pub(crate) auth_status: &'static str,
}

/// Carries out the call, and gives WeChat's answer, or ours in its place. What could wait comes behind it: what it has
/// counted is in the line of the log, too.
pub(crate) async fn answered(
    host: Rc<SpinHost>,
    incoming: Incoming,
    Call {
        mut changes,
        call: to_wechat,
        auth_status,
    }: Call,
) -> Result<Response, ErrorCode> {
    let of_response = changes.response.take();
    let response = call(&host, incoming, changes, to_wechat).await;
    spawn(async move {
        finish(&host.instance.worker, &*host, None).await;
        host.waiter.leave();
        host.report(None, auth_status);
    });
    // WeChat says nothing of sessions, and at no time.
    Ok(reply::changed(response?, of_response, UnixMillis::default)?.0)
}

async fn call(
    host: &SpinHost,
    incoming: Incoming,
    changes: Changes,
    call: Box<ToWechat>,
) -> Result<Response, ErrorCode> {
    let head = incoming.shared_head();
    let worker = &host.instance.worker;
    let kept = match kept(&incoming, &call).await {
        Ok(kept) => kept,
        Err(error) => return reply::response(body_unusable(worker, host, &head, error)).await,
    };
    let Some(kept) = kept else {
        let place = place(&call);
        let outgoing = forward::changed(incoming, changes, &host.instance, Some(place)).await;
        let Some(outgoing) = outgoing else {
            return reply::response(internal_error()).await;
        };
        let forward::Outgoing { request, broken } = outgoing;
        return match exchange(host, &call, request).await {
            Ok((response, _)) => Ok(response),
            // WeChat is not to blame for it.
            Err(_) if broken.get() => {
                let unreadable = body_unusable(worker, host, &head, BodyError::Unreadable);
                reply::response(unreadable).await
            }
            Err(error) => told(unanswered(worker, host, &call, &error)).await,
        };
    };
    let Some((headers, line, _)) = incoming.into_parts() else {
        return reply::response(internal_error()).await;
    };
    let headers = passed(headers, &changes, kept.len());
    let mut call = call;
    let mut first = None;
    loop {
        let place = place(&call);
        let Some(request) = request(&headers, &line, place, kept.clone()).await else {
            return reply::response(internal_error()).await;
        };
        let (response, was_dead) = match (exchange(host, &call, request).await, first.take()) {
            (Ok(answer), _) => answer,
            (Err(error), first) => {
                let unanswered = unanswered(worker, host, &call, &error);
                return match (unanswered, first) {
                    (None, Some(first)) => Ok(first),
                    (unanswered, _) => told(unanswered).await,
                };
            }
        };
        if was_dead && let Some(again) = once_more(worker, host, &call).await {
            call = again;
            first = Some(response);
            continue;
        }
        return Ok(response);
    }
}

/// The reply to a call that has no answer.
async fn told(unanswered: Option<wx_session_core::Response>) -> Result<Response, ErrorCode> {
    reply::response(unanswered.unwrap_or_else(internal_error)).await
}

/// The body, if it is small.
async fn kept(incoming: &Incoming, call: &ToWechat) -> Result<Option<Vec<u8>>, BodyError> {
    let length = incoming.head().text("content-length");
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > call.most_kept) {
        return Ok(None);
    }
    // With a token at hand, it has not waited before.
    if !incoming.waiter().join() {
        return Err(BodyError::Crowded);
    }
    match incoming.body(call.most_kept).await {
        Ok(body) => Ok(Some(body)),
        Err(BodyError::TooLarge) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The headers that go on.
fn passed(mut headers: Headers, changes: &Changes, length: usize) -> Headers {
    headers.retain(|(name, _)| {
        let removed = changes.remove.iter().any(|own| **own == **name);
        !removed && !hop_headers::is_forbidden(name) && name != "content-length"
    });
    if length > 0 {
        let length = length.to_string().into_bytes();
        headers.push(("content-length".to_owned(), length));
    }
    headers
}

async fn request(headers: &Headers, line: &Line, place: Place, body: Vec<u8>) -> Option<Request> {
    let headers = Fields::from_list(headers).ok()?;
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let contents = if body.is_empty() {
        None
    } else {
        Some(outbound::stream(body).await)
    };
    let (request, _transmitted) = Request::new(headers, contents, no_trailers, None);
    request.set_method(&line.method).ok()?;
    request.set_scheme(Some(&place.scheme)).ok()?;
    request.set_authority(Some(&place.authority)).ok()?;
    request.set_path_with_query(Some(&place.path)).ok()?;
    Some(request)
}

/// Sends it: the answer, and whether that rejects the token. An error if no answer begins, or a small one does not come
/// to its end.
async fn exchange(
    host: &SpinHost,
    call: &ToWechat,
    request: Request,
) -> Result<(Response, bool), CallError> {
    let answer = match outbound::within(PATIENCE, client::send(request)).await {
        Some(Ok(response)) => look(host, call, response).await,
        Some(Err(error)) => Err(error),
        None => return Err(CallError::TimedOut),
    };
    answer.map_err(|error| outbound::failed(&call.target, &error))
}

/// An answer, and whether it rejects the token. Of a large one nothing is held.
async fn look(
    host: &SpinHost,
    call: &ToWechat,
    response: Response,
) -> Result<(Response, bool), ErrorCode> {
    let status = response.get_status_code();
    let fields = response.get_headers();
    let text = |name: &str| {
        let values = fields.get(name);
        String::from_utf8(values.into_iter().next()?).ok()
    };
    let (content_type, length) = (text("content-type"), text("content-length"));
    let most = ToWechat::to_be_seen(content_type.as_deref(), length.as_deref());
    if most == 0 {
        return Ok((response, false));
    }
    let mut headers = fields.copy_all();
    headers.retain(|(name, _)| !hop_headers::is_forbidden(&name.to_ascii_lowercase()));
    let (_handled, outcome) = wit_future::new(|| Ok(()));
    let (mut stream, end) = Response::consume_body(response, outcome);
    let mut dead = false;
    // An answer that does not come to its end holds nobody here for longer than one that does not begin.
    let read = outbound::within(PATIENCE, outbound::read(&mut stream, Vec::new(), most)).await;
    let onward = match read.ok_or(ErrorCode::HttpResponseTimeout)? {
        Ok(body) => {
            end.await?;
            dead = mark_if_dead(&host.instance.worker, host, call, &body);
            relay::whole(body, None, &TrailerPolicy::default()).await
        }
        Err(begun) => {
            let idle = host.instance.waiting.relay_idle();
            relay::onward(begun, stream, end, TrailerPolicy::default(), idle, true).await
        }
    };
    let headers = Fields::from_list(&headers)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let (response, _transmitted) = Response::new(headers, onward.contents, onward.trailers);
    response
        .set_status_code(status)
        .map_err(|()| ErrorCode::InternalError(Some("impossible status".to_owned())))?;
    Ok((response, dead))
}
