//! HTTP that goes out: the core's calls, and reading what comes back.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use spin_sdk::time::sleep;
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{
    ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme,
};
use spin_sdk::wasip3::wit_bindgen::{StreamReader, StreamResult};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};
use wx_session_core::{CallError, HttpCall, HttpResponse};

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
    let headers = call.headers.into_iter();
    let headers = headers.map(|(name, value)| (name.to_owned(), value.into_bytes()));
    let outgoing = Outgoing {
        method: call.method,
        path: &call.path,
        headers: headers.collect(),
        body: call.body,
        timeout: call.timeout,
    };
    let (scheme, authority) = split(&call.target);
    let request = request(outgoing, &scheme, &authority).await?;
    let response = client::send(request).await;
    whole(response, &named, limit, wants).await
}

/// The whole answer of `named`, at most `limit` bytes.
pub(crate) async fn whole(
    response: Result<Response, ErrorCode>,
    named: &str,
    limit: usize,
    wants: Option<&'static str>,
) -> Result<HttpResponse, CallError> {
    let response = response.map_err(|error| failed(named, &error))?;
    let status = response.get_status_code();
    let wanted = wants.and_then(|name| {
        let values = response.get_headers().get(name);
        String::from_utf8(values.into_iter().next()?).ok()
    });
    let (_handled, outcome) = wit_future::new(|| Ok(()));
    let (mut stream, end) = Response::consume_body(response, outcome);
    let body = read(&mut stream, Vec::new(), limit).await;
    let body = body.map_err(|_| CallError::TooLarge(status))?;
    end.await.map_err(|error| failed(named, &error))?;
    Ok(HttpResponse {
        status,
        body,
        wanted,
    })
}

/// Where a request goes that is not for the app, and its path there.
pub(crate) struct Place {
    pub(crate) scheme: Scheme,
    pub(crate) authority: String,
    pub(crate) path: String,
}

/// Scheme and authority of a URL without a path.
pub(crate) fn split(url: &str) -> (Scheme, String) {
    match url.split_once("://") {
        Some(("http", authority)) => (Scheme::Http, authority.to_owned()),
        Some((_, authority)) => (Scheme::Https, authority.to_owned()),
        None => (Scheme::Https, url.to_owned()),
    }
}

/// A request of our own.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a str,
    /// With its query.
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Duration,
}

/// It as WASI HTTP has it.
pub(crate) async fn request(
    outgoing: Outgoing<'_>,
    scheme: &Scheme,
    authority: &str,
) -> Result<Request, CallError> {
    let made = made(outgoing, scheme, authority).await;
    made.ok_or(CallError::NotSent("Spin takes no such request".into()))
}

async fn made(call: Outgoing<'_>, scheme: &Scheme, authority: &str) -> Option<Request> {
    let mut headers = call.headers;
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    let contents = if call.body.is_empty() {
        None
    } else {
        headers.push((
            "content-length".to_owned(),
            call.body.len().to_string().into_bytes(),
        ));
        Some(stream(call.body).await)
    };
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
    request.set_scheme(Some(scheme)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some(call.path)).ok()?;
    Some(request)
}

/// A body that is known whole. It is there when its head is sent, so that both leave in one write: Spin's sockets are
/// without TCP_NODELAY, and on a kept connection the second write waits for the client's delayed acknowledgement of the
/// first, 40 ms.
pub(crate) async fn stream(body: Vec<u8>) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    let mut writing = Box::pin(async move {
        // Whoever stops reading knows why.
        drop(writer.write_all(body).await);
    });
    if at_once(writing.as_mut()).await.is_none() {
        spawn(writing);
    }
    reader
}

/// What `work` comes to, if it is done without waiting. It is begun either way, and can be carried on.
pub(crate) async fn at_once<F: Future>(mut work: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match work.as_mut().poll(context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    })
    .await
}

/// `body` and everything behind it, unless that is more than `limit`: then what has come so far.
pub(crate) async fn read(
    stream: &mut StreamReader<u8>,
    mut body: Vec<u8>,
    limit: usize,
) -> Result<Vec<u8>, Vec<u8>> {
    while body.len() <= limit {
        let (result, chunk) = stream.read(Vec::with_capacity(CHUNK)).await;
        body.extend_from_slice(&chunk);
        if result == StreamResult::Dropped && body.len() <= limit {
            return Ok(body);
        }
    }
    Err(body)
}

/// What `work` comes to, unless it takes longer than `span`.
pub(crate) async fn within<T>(span: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    // Not before something has to be waited for.
    let mut over = None;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => {
            let over = over.get_or_insert_with(|| Box::pin(sleep(span)));
            over.as_mut().poll(context).map(|()| None)
        }
    })
    .await
}

/// Whether the manifest does not let the component ask.
pub(crate) fn is_forbidden(error: &ErrorCode) -> bool {
    match error {
        // The latter by `block_networks` of the runtime configuration.
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => true,
        // What Spin puts in the place of its client where a middleware does not inherit it.
        ErrorCode::InternalError(Some(words)) => words.ends_with("is not permitted"),
        _ => false,
    }
}

/// What is to be done about it.
pub(crate) fn forbidden(target: &str, error: &ErrorCode) -> String {
    format!(
        "Spin refuses requests to {target} ({}): name it in `allowed_outbound_hosts`, for a middleware in those of \
         the app, and name these in `inherit_configuration`",
        in_words(error)
    )
}

/// An error code for the log, without the host's longer stories.
pub(crate) fn in_words(error: &ErrorCode) -> String {
    format!("{error:?}").chars().take(200).collect()
}

/// Only what certainly was not sent may be sent again.
pub(crate) fn failed(target: &str, error: &ErrorCode) -> CallError {
    if is_forbidden(error) {
        return CallError::Forbidden(forbidden(target, error).into());
    }
    match error {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => CallError::Unreachable(in_words(error).into()),
        ErrorCode::ConnectionLimitReached | ErrorCode::HttpRequestUriInvalid => {
            CallError::NotSent(in_words(error).into())
        }
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => CallError::TimedOut,
        _ => CallError::Broken(in_words(error).into()),
    }
}
