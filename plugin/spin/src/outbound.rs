//! HTTP that goes out: the core's calls, and reading what comes back.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use spin_sdk::time::sleep;
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{
    ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme,
};
use spin_sdk::wasip3::wit_bindgen::{StreamReader, StreamResult};
use spin_sdk::wasip3::{wit_future, wit_stream};
use wx_session_core::{CallError, HttpCall, HttpResponse, Level};

use crate::log::log;

/// How much is read at once, in bytes.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Sends a call and waits for the whole answer, at most `call.timeout`.
pub(crate) async fn call(call: HttpCall) -> Result<HttpResponse, CallError> {
    let timeout = call.timeout;
    // Dropped when the time is over, which ends the call.
    within(timeout, exchange(call))
        .await
        .unwrap_or(Err(CallError::TimedOut))
}

async fn exchange(call: HttpCall) -> Result<HttpResponse, CallError> {
    let limit = call.max_response_bytes;
    let wants = call.wants;
    let named = call.target.clone();
    let (scheme, authority) = split(&call.target);
    let request = request(call, scheme, &authority).ok_or(CallError::NotSent)?;
    let response = client::send(request).await.map_err(|error| {
        if matches!(error, ErrorCode::HttpRequestDenied) {
            log(
                Level::Error,
                &format!("Spin refuses requests to {named}: name it in allowed_outbound_hosts"),
            );
        }
        failed(&error)
    })?;
    let status = response.get_status_code();
    let wanted = wants.and_then(|name| {
        let values = response.get_headers().get(name);
        String::from_utf8(values.into_iter().next()?).ok()
    });
    let (_handled, outcome) = wit_future::new(|| Ok(()));
    let (stream, end) = Response::consume_body(response, outcome);
    let body = read(stream, limit).await.ok_or(CallError::TooLarge)?;
    end.await.map_err(|error| failed(&error))?;
    Ok(HttpResponse {
        status,
        body,
        wanted,
    })
}

/// Scheme and authority of a URL without a path.
pub(crate) fn split(url: &str) -> (Scheme, String) {
    match url.split_once("://") {
        Some(("http", authority)) => (Scheme::Http, authority.to_owned()),
        Some((_, authority)) => (Scheme::Https, authority.to_owned()),
        None => (Scheme::Https, url.to_owned()),
    }
}

fn request(call: HttpCall, scheme: Scheme, authority: &str) -> Option<Request> {
    let headers = call.headers.into_iter();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    let contents = (!call.body.is_empty()).then(|| {
        headers.push((
            "content-length".to_owned(),
            call.body.len().to_string().into_bytes(),
        ));
        stream(call.body)
    });
    // Dropped unwritten, it says what it was made with.
    drop(trailers);
    let options = RequestOptions::new();
    let span = u64::try_from(call.timeout.as_nanos()).ok();
    // A host without these options still has `within`.
    let _ = options.set_connect_timeout(span);
    let _ = options.set_first_byte_timeout(span);
    let _ = options.set_between_bytes_timeout(span);
    let headers = Fields::from_list(&headers).ok()?;
    let (request, _transmitted) = Request::new(headers, contents, no_trailers, Some(options));
    let method = match call.method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    request.set_method(&method).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some(&call.path)).ok()?;
    Some(request)
}

/// A body that is known whole.
pub(crate) fn stream(body: Vec<u8>) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    spin_sdk::wasip3::spawn(async move {
        // Whoever stops reading knows why.
        drop(writer.write_all(body).await);
    });
    reader
}

/// Everything, unless it is more than `limit`.
pub(crate) async fn read(mut stream: StreamReader<u8>, limit: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (result, chunk) = stream.read(Vec::with_capacity(CHUNK)).await;
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            return None;
        }
        if result == StreamResult::Dropped {
            return Some(body);
        }
    }
}

/// What `work` comes to, unless it takes longer than `span`.
pub(crate) async fn within<T>(span: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut over = pin!(sleep(span));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => over.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Only what certainly was not sent may be sent again.
fn failed(error: &ErrorCode) -> CallError {
    match error {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_)
        | ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestUriInvalid => CallError::NotSent,
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => CallError::TimedOut,
        _ => CallError::Broken,
    }
}
