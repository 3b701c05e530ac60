//! Every proxy-wasm hostcall, and no decision. The only file that names `proxy_wasm::hostcalls` and `envoy_abi`;
//! monotonic time, randomness and the environment come through WASI.
//!
//! Only the variants on bytes: the String getters unwrap UTF-8, and a panic kills the worker's VM with every request
//! that is paused in it. Envoy's answers: source/extensions/common/wasm/context.cc.

use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, Status};
use wx_session_core::{
    CallError, Changes, Delivery, Head, HttpCall, HttpResponse, Level, OfResponse, Response, Said,
    TrailerPolicy, UnixMillis,
};

/// All request headers with one call, into an empty head: cheaper than three reads by name, and shows doubled ones. It
/// stays empty if there are none that could be trusted: then the request has no path, and is refused for it.
pub(crate) fn request_head(head: &mut Head) {
    if let Some(text) = envoy_abi::request_headers() {
        // A failure shows as an empty head.
        let _ = head.read_packed(text);
    }
}

/// The first `size` bytes of what is buffered of the request body.
pub(crate) fn request_body(size: usize) -> Option<Vec<u8>> {
    if size == 0 {
        return Some(Vec::new());
    }
    let body = hostcalls::get_buffer(BufferType::HttpRequestBody, 0, size).ok()??;
    (body.len() == size).then_some(body)
}

/// The downstream address without its port, as Envoy trusts it (`use_remote_address`, trusted hops).
pub(crate) fn client_address() -> Option<String> {
    let address = hostcalls::get_property(vec!["source", "address"]).ok()??;
    let address = String::from_utf8(address).ok()?;
    let host = address.rsplit_once(':').map_or(&*address, |(host, _)| host);
    Some(host.trim_matches(['[', ']']).to_owned())
}

/// Changes headers and body of the request; possible until the request is resumed.
pub(crate) fn change_request(changes: &Changes) -> bool {
    let removed = changes
        .remove
        .iter()
        .all(|name| hostcalls::remove_map_value(MapType::HttpRequestHeaders, name).is_ok());
    removed
        && changes.set.iter().all(|(name, value)| {
            let value = Some(value.as_bytes());
            hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, value).is_ok()
        })
        && changes
            .body
            .as_deref()
            .is_none_or(|body| replace_body(body, &changes.trailers))
}

/// Puts `body` in the place of all that is buffered. Only where something is: without a buffer Envoy has nothing to
/// change.
fn replace_body(body: &[u8], trailers: &TrailerPolicy) -> bool {
    strip_trailers(trailers);
    // From the start, Envoy first drains so many bytes, or as many as there are (Buffer::copyFrom).
    hostcalls::set_buffer(BufferType::HttpRequestBody, 0, usize::MAX, body).is_ok()
}

/// Changes the headers of the response, up to the first that cannot be changed, and says what the app says in it of its
/// session. It goes on either way: a client that gets no token logs in again.
pub(crate) fn change_response(mut changes: OfResponse) -> Option<Said> {
    let response = envoy_abi::response_headers().and_then(Head::packed)?;
    let status = response
        .text(":status")
        .and_then(|status| status.parse().ok());
    // Without a status it is no answer.
    let said = changes.said(now, status.unwrap_or(500), response.pairs());
    for name in response.names().filter(|name| changes.takes_off(name)) {
        if hostcalls::remove_map_value(MapType::HttpResponseHeaders, name).is_err() {
            return said;
        }
    }
    for (name, value) in &changes.set {
        let value = Some(value.as_bytes());
        if hostcalls::set_map_value_bytes(MapType::HttpResponseHeaders, name, value).is_err() {
            return said;
        }
    }
    if let Some(cookie) = &changes.cookie {
        // As above: it is the last.
        let _ = hostcalls::add_map_value(MapType::HttpResponseHeaders, "set-cookie", cookie);
    }
    said
}

/// The first `size` bytes of what there is of the response's body.
pub(crate) fn response_body(size: usize) -> Option<Vec<u8>> {
    hostcalls::get_buffer(BufferType::HttpResponseBody, 0, size).ok()?
}

/// The headers of the response.
pub(crate) fn response_head() -> Head {
    let head = envoy_abi::response_headers().and_then(Head::packed);
    head.unwrap_or_default()
}

/// Has a response that is held whole say what another one says.
pub(crate) fn replace_response(response: &Response) {
    let Response {
        status,
        headers,
        body,
    } = response;
    let framing = [
        (":status", status.to_string()),
        ("content-length", body.len().to_string()),
    ];
    // Of a held response all of it can be changed.
    for (name, value) in framing.iter().chain(headers) {
        let value = Some(value.as_bytes());
        let _ = hostcalls::set_map_value_bytes(MapType::HttpResponseHeaders, name, value);
    }
    let _ = hostcalls::set_buffer(BufferType::HttpResponseBody, 0, usize::MAX, body);
}

/// Lets a response that is held go on. As with a request: a stream that is gone needs no resuming.
pub(crate) fn resume_response() {
    let _ = hostcalls::resume_http_response();
}

/// Takes one header off the request, as far as it goes: the verdict does it again, and sees to it.
pub(crate) fn remove_request_header(name: &str) {
    let _ = hostcalls::remove_map_value(MapType::HttpRequestHeaders, name);
}

/// Takes off the request those of its trailers that the core forbids.
pub(crate) fn strip_trailers(policy: &TrailerPolicy) {
    let trailers = hostcalls::get_map_bytes(MapType::HttpRequestTrailers).unwrap_or_default();
    for (name, _) in trailers.iter().filter(|(name, _)| policy.forbids(name)) {
        // The map was there a line ago, so it can be written.
        let _ = hostcalls::remove_map_value(MapType::HttpRequestTrailers, name);
    }
}

/// Has Envoy hold the request of this callback for headers without reading more of its body than it has room for.
pub(crate) fn hold_everything() {
    envoy_abi::hold_everything();
}

/// Lets a paused request go on to the app.
pub(crate) fn resume_request() {
    // There is nobody to tell: a stream that is gone needs no resuming.
    let _ = hostcalls::resume_http_request();
}

/// Answers the request here.
pub(crate) fn reply(response: &Response) {
    let headers = response
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    // As above: a stream that is gone needs no answer.
    let _ =
        hostcalls::send_http_response(u32::from(response.status), headers, Some(&response.body));
}

/// Sends a call-out. The answer comes to `on_http_call_response` with the id returned here.
pub(crate) fn dispatch(call: &HttpCall) -> Result<u32, CallError> {
    let mut headers = vec![
        (":method", call.method),
        (":scheme", "https"),
        (":authority", &*call.authority),
        (":path", &*call.path),
    ];
    headers.extend(call.headers.iter().map(|(name, value)| (*name, &**value)));
    let body = (!call.body.is_empty()).then_some(&*call.body);
    send(&call.target, headers, body, call.timeout)
}

/// As [`dispatch`], to the app.
pub(crate) fn deliver(delivery: &Delivery) -> Result<u32, CallError> {
    let mut headers = vec![
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", &*delivery.authority),
        (":path", &*delivery.path),
    ];
    let own = delivery.headers.iter();
    headers.extend(own.map(|(name, value)| (&**name, &**value)));
    send(
        &delivery.target,
        headers,
        Some(&delivery.body),
        delivery.timeout,
    )
}

fn send(
    cluster: &str,
    headers: Vec<(&str, &str)>,
    body: Option<&[u8]>,
    timeout: Duration,
) -> Result<u32, CallError> {
    let sent = hostcalls::dispatch_http_call(cluster, headers, body, vec![], timeout);
    sent.map_err(|status| match status {
        // Of all that can be wrong with the arguments, only this is not ours.
        Status::BadArgument => {
            CallError::Forbidden(format!("there is no cluster {cluster}").into())
        }
        status => CallError::NotSent(format!("{status:?}").into()),
    })
}

/// Reads the answer to a call-out; only possible inside its callback. A call that failed comes without headers, and
/// reading them would kill the VM.
pub(crate) fn call_response(
    headers: usize,
    body_size: usize,
    max_bytes: usize,
    wants: Option<&str>,
) -> Result<HttpResponse, CallError> {
    if headers == 0 {
        return Err(CallError::Broken("it was given up by the proxy".into()));
    }
    let status = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status")
        .ok()
        .flatten()
        .and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok())
        .ok_or(CallError::Broken("it has no status".into()))?;
    if body_size > max_bytes {
        return Err(CallError::TooLarge(status));
    }
    let body = match body_size {
        0 => Vec::new(),
        size => hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size)
            .ok()
            .flatten()
            .ok_or(CallError::Broken("its body is not there".into()))?,
    };
    let wanted = wants.and_then(|name| {
        let value = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, name);
        String::from_utf8(value.ok()??).ok()
    });
    Ok(HttpResponse {
        status,
        body,
        wanted,
    })
}

/// The plugin's configuration as it stands in Envoy's.
pub(crate) fn plugin_configuration(size: usize) -> Option<Vec<u8>> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size).ok()?
}

/// The wall clock.
pub(crate) fn now() -> UnixMillis {
    let since_epoch = hostcalls::get_current_time()
        .ok()
        .and_then(|now| now.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default();
    let millis = since_epoch.as_secs().saturating_mul(1000);
    UnixMillis(millis.saturating_add(since_epoch.subsec_millis().into()))
}

/// Ticks of the root context; zero stops them.
pub(crate) fn set_tick_period(period: Duration) {
    // Envoy takes every period.
    let _ = hostcalls::set_tick_period(period);
}

/// Makes the following hostcalls speak of another context. `false` if that is gone.
pub(crate) fn act_for(context_id: u32) -> bool {
    hostcalls::set_effective_context(context_id).is_ok()
}

/// Defines a counter and gives its id.
pub(crate) fn define_counter(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Counter, name).ok()
}

/// Defines a histogram and gives its id.
pub(crate) fn define_histogram(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Histogram, name).ok()
}

/// Adds `times` to a counter.
pub(crate) fn increment(counter: u32, times: u64) {
    let times = i64::try_from(times).unwrap_or(i64::MAX);
    // A metric that Envoy does not know is no reason to fail a request.
    let _ = hostcalls::increment_metric(counter, times);
}

/// Records a value in a histogram.
pub(crate) fn record(histogram: u32, value: u64) {
    // As above.
    let _ = hostcalls::record_metric(histogram, value);
}

/// Writes to Envoy's log.
pub(crate) fn log(level: Level, line: &str) {
    let level = match level {
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    };
    // There is nowhere else to say it.
    let _ = hostcalls::log(level, line);
}

/// Value and version of a piece of shared data, if it was ever set. Envoy's first version is 1.
pub(crate) fn shared_data(name: &str) -> Result<Option<(Vec<u8>, u32)>, Status> {
    let (value, version) = hostcalls::get_shared_data(name)?;
    Ok(version.map(|version| (value.unwrap_or_default(), version)))
}

/// Sets shared data if its version is still `version`. Whether it was.
pub(crate) fn set_shared_data(name: &str, value: &[u8], version: u32) -> Result<bool, Status> {
    match hostcalls::set_shared_data(name, Some(value), Some(version)) {
        Ok(()) => Ok(true),
        Err(Status::CasMismatch) => Ok(false),
        Err(status) => Err(status),
    }
}
