//! The core's answers as WASI HTTP has them.

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::wit_future;

use crate::outbound::stream;

/// An answer of ours. An error only if the host takes no headers at all.
pub(crate) fn response(reply: wx_session_core::Response) -> Result<Response, ErrorCode> {
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
    let (response, _transmitted) = Response::new(headers, Some(stream(reply.body)), no_trailers);
    response
        .set_status_code(reply.status)
        .map_err(|()| ErrorCode::InternalError(Some("impossible status".to_owned())))?;
    Ok(response)
}
