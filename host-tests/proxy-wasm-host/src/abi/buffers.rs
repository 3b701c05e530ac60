//! Bodies and configurations. A body that is not there has size 0; a call response that is not there is `NotFound`.
//! Never hands out more than the plugin asked for.

use wasmtime::{Caller, Linker};

use super::super::host::{Host, ROOT};
use super::super::status::Status;
use super::call::hostcall;

type Env<'a> = Caller<'a, Host>;

/// `WasmBufferType::MAX`.
const LAST_KIND: u32 = 8;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |env: Env<'_>, kind: u32, start: u32, most: u32, data_at: u32, size_at: u32| {
            hostcall(env, "proxy_get_buffer_bytes", kind, |call| {
                if kind > LAST_KIND {
                    return Err(Status::BadArgument.into());
                }
                if call.empty {
                    return call.give(&[], data_at, size_at);
                }
                let whole = buffer(call.host(), kind).ok_or(Status::NotFound)?;
                let start = start as usize;
                let end = whole.len().min(start.saturating_add(most as usize));
                let part = whole.get(start..end).unwrap_or_default().to_vec();
                call.give(&part, data_at, size_at)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_buffer_bytes",
        |env: Env<'_>, kind: u32, start: u32, length: u32, data: u32, size: u32| {
            hostcall(env, "proxy_set_buffer_bytes", 0, |call| {
                let data = call.read(data, size)?;
                let body = buffer_mut(call.host_mut(), kind).ok_or(Status::BadArgument)?;
                // Buffer::copyFrom of context.cc: at the start it replaces, behind the end it appends, else it refuses.
                if start == 0 {
                    let drained = body.len().min(length as usize);
                    body.splice(..drained, data);
                } else if start as usize >= body.len() {
                    body.extend(data);
                } else {
                    return Err(Status::BadArgument.into());
                }
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn buffer(host: &Host, kind: u32) -> Option<&[u8]> {
    let stream = host.stream().map(|(_, stream)| stream);
    match kind {
        0 => Some(stream.map_or(&[], |stream| stream.visible_body())),
        1 => {
            let response = stream
                .and_then(|stream| stream.response.as_ref())
                .filter(|it| it.body_available);
            Some(response.map_or(&[], |response| &response.body))
        }
        4 => host.call_reply.as_ref().map(|reply| reply.body.as_slice()),
        6 => Some(&host.config.vm_configuration),
        7 => (host.configuring && host.context() == ROOT)
            .then_some(&*host.config.plugin_configuration),
        _ => Some(&[]),
    }
}

fn buffer_mut(host: &mut Host, kind: u32) -> Option<&mut Vec<u8>> {
    let stream = host.stream_mut()?;
    match kind {
        0 => stream.visible_body_mut(),
        1 => stream
            .response
            .as_mut()
            .filter(|it| it.body_available)
            .map(|it| &mut it.body),
        _ => None,
    }
}
