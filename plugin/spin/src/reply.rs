//! The core's answers as WASI HTTP has them, and the app's with headers of ours.

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::wit_future;
use wx_session_core::{OfResponse, Said, UnixMillis};

use crate::hop_headers;
use crate::outbound::stream;

/// An answer of ours. An error only if the host takes no headers at all.
pub(crate) async fn response(reply: wx_session_core::Response) -> Result<Response, ErrorCode> {
    let length = ("content-length", reply.body.len().to_string());
    let headers: Vec<_> = reply
        .headers
        .into_iter()
        .chain([length])
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    let headers = Fields::from_list(&headers)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let body = stream(reply.body).await;
    let (response, _transmitted) = Response::new(headers, Some(body), no_trailers);
    response
        .set_status_code(reply.status)
        .map_err(|()| ErrorCode::InternalError(Some("impossible status".to_owned())))?;
    Ok(response)
}

/// An answer of the app, or the one in its place, with its headers changed, and what the app says in it of its session.
/// The body is handed on unread.
pub(crate) fn changed(
    response: Response,
    changes: Option<Box<OfResponse>>,
    now: impl FnOnce() -> UnixMillis,
) -> Result<(Response, Option<Said>), ErrorCode> {
    let mut changes = match changes {
        Some(changes) => *changes,
        None if says_something(&response) => OfResponse::default(),
        None => return Ok((response, None)),
    };
    let status = response.get_status_code();
    let mut all = response.get_headers().copy_all();
    let pairs = all.iter().map(|(name, value)| (name.as_bytes(), &**value));
    let said = changes.said(now, status, pairs);
    let goes = |name: &str| {
        changes.set.iter().any(|(own, _)| **own == *name)
            || hop_headers::is_forbidden(name)
            || changes.takes_off(name)
    };
    all.retain(|(name, _)| !goes(&name.to_ascii_lowercase()));
    let cookie = changes.cookie.iter().map(|cookie| ("set-cookie", cookie));
    let set = changes.set.iter().map(|(name, value)| (&**name, value));
    all.extend(
        set.chain(cookie)
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())),
    );
    let headers = Fields::from_list(&all)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let (_handled, outcome) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(response, outcome);
    let (response, _transmitted) = Response::new(headers, Some(body), trailers);
    response
        .set_status_code(status)
        .map_err(|()| ErrorCode::InternalError(Some("impossible status".to_owned())))?;
    Ok((response, said))
}

/// Whether the app says something that is not for the client.
fn says_something(response: &Response) -> bool {
    let headers = response.get_headers();
    OfResponse::OWN.iter().any(|name| headers.has(name))
}
