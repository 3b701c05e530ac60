//! Continue, close, local reply and call-out. The first three take effect once the module has returned; a call-out
//! belongs to the root context and outlives the stream. Never answers a call.

use std::time::Duration;

use wasmtime::{Caller, Linker};

use super::super::calls::{CallId, PendingCall};
use super::super::headers::{HeaderMap, decode};
use super::super::host::{Deferred, Host};
use super::super::status::Status;
use super::super::stream::{StreamId, Violation};
use super::call::{Call, HostcallResult, hostcall};

type Env<'a> = Caller<'a, Host>;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_continue_stream", |env: Env<'_>, kind: u32| {
        hostcall(env, "proxy_continue_stream", 0, |call| {
            continue_stream(call.host_mut(), kind)
        })
    })?;
    linker.func_wrap("env", "proxy_close_stream", |env: Env<'_>, kind: u32| {
        hostcall(env, "proxy_close_stream", 0, |call| match kind {
            0 | 1 => {
                defer(call.host_mut(), "proxy_close_stream", Deferred::Close);
                Ok(())
            }
            2 | 3 => Ok(()),
            _ => Err(Status::BadArgument.into()),
        })
    })?;
    linker.func_wrap(
        "env",
        "proxy_send_local_response",
        |env: Env<'_>,
         status: u32,
         details: u32,
         details_size: u32,
         body: u32,
         body_size: u32,
         headers: u32,
         headers_size: u32,
         _grpc_status: u32| {
            hostcall(env, "proxy_send_local_response", 0, |call| {
                call.read(details, details_size)?;
                let body = call.read(body, body_size)?;
                let headers = decode(&call.read(headers, headers_size)?);
                for (name, value) in &headers {
                    call.host_mut().check_header(name, value);
                }
                let reply = |stream| Deferred::Reply {
                    stream,
                    status,
                    headers,
                    body,
                };
                defer(call.host_mut(), "proxy_send_local_response", reply);
                call.host_mut().stop_next = true;
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_http_call",
        |env: Env<'_>,
         cluster: u32,
         cluster_size: u32,
         headers: u32,
         headers_size: u32,
         body: u32,
         body_size: u32,
         trailers: u32,
         trailers_size: u32,
         timeout_ms: u32,
         id_at: u32| {
            hostcall(env, "proxy_http_call", 0, |call| {
                let asked = PendingCall {
                    id: CallId(0),
                    cluster: call.read_text(cluster, cluster_size)?,
                    headers: HeaderMap::new(decode(&call.read(headers, headers_size)?)),
                    body: call.read(body, body_size)?,
                    trailers: decode(&call.read(trailers, trailers_size)?),
                    timeout: (timeout_ms != 0).then(|| Duration::from_millis(timeout_ms.into())),
                    started: call.host().now,
                };
                if timeout_ms.cast_signed() < 0 {
                    return Err(Status::BadArgument.into());
                }
                let id = dispatch(call, asked)?;
                call.write_u32(id_at, id.0)
            })
        },
    )?;
    Ok(())
}

/// `continueStream`: what the plugin could read of the request is gone at once, the rest is deferred.
fn continue_stream(host: &mut Host, kind: u32) -> HostcallResult {
    match kind {
        0 => defer(host, "proxy_continue_stream", Deferred::Continue),
        1 => defer(host, "proxy_continue_stream", Deferred::ContinueResponse),
        2 => return Ok(()),
        3 => return Err(Status::Unimplemented.into()),
        _ => return Err(Status::BadArgument.into()),
    }
    if let Some(stream) = host.stream_mut() {
        stream.head_available = false;
        stream.trailers_available = false;
    }
    Ok(())
}

/// Outside a stream Envoy says Ok and does nothing.
fn defer(host: &mut Host, hostcall: &'static str, action: impl FnOnce(StreamId) -> Deferred) {
    match host.stream().map(|(id, _)| id) {
        Some(id) => host.deferred.push(action(id)),
        None => host.violations.push(Violation::NoStream(hostcall)),
    }
}

fn dispatch(call: &mut Call<'_>, mut asked: PendingCall) -> HostcallResult<CallId> {
    let host = call.host_mut();
    let complete = [":path", ":method", ":authority"]
        .iter()
        .all(|name| asked.headers.get(name).is_some());
    if !host.config.clusters.contains(&asked.cluster) || !complete {
        return Err(Status::BadArgument.into());
    }
    for (name, value) in asked.headers.pairs() {
        host.check_header(name, value);
    }
    if host.broken_clusters.contains(&asked.cluster) {
        return Err(Status::InternalFailure.into());
    }
    if !asked.body.is_empty() {
        asked
            .headers
            .replace("content-length", asked.body.len().to_string().into_bytes());
    }
    asked.id = CallId(host.next_call);
    host.next_call += 1;
    let id = asked.id;
    host.calls.push(asked);
    Ok(id)
}
