//! The core's answers as WASI HTTP has them, and the app's with headers of ours.

use std::rc::Rc;

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::wit_future;
use wx_session_core::invites_caches;

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

/// An answer of the app with `headers` set, which replace those of their names, and without those that invite caches.
/// The body is handed on unread.
pub(crate) fn with(
    response: Response,
    headers: &[(Rc<str>, Rc<str>)],
) -> Result<Response, ErrorCode> {
    if headers.is_empty() {
        return Ok(response);
    }
    let goes = |name: &str| {
        headers.iter().any(|(own, _)| **own == *name)
            || hop_headers::is_forbidden(name)
            || invites_caches(name)
    };
    let mut all = response.get_headers().copy_all();
    all.retain(|(name, _)| !goes(&name.to_ascii_lowercase()));
    let added = headers.iter();
    all.extend(added.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())));
    let status = response.get_status_code();
    let headers = Fields::from_list(&all)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let (_handled, outcome) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(response, outcome);
    let (response, _transmitted) = Response::new(headers, Some(body), trailers);
    response
        .set_status_code(status)
        .map_err(|()| ErrorCode::InternalError(Some("impossible status".to_owned())))?;
    Ok(response)
}
