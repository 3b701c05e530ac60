//! Log, time, ticks, properties and the effective context. Never filters a log record by its level: tests look at all.

use std::time::Duration;

use wasmtime::{Caller, Linker};

use super::super::config::LogLevel;
use super::super::host::Host;
use super::super::status::Status;
use super::call::hostcall;

type Env<'a> = Caller<'a, Host>;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_log",
        |env: Env<'_>, level: u32, pointer: u32, size: u32| {
            hostcall(env, "proxy_log", 0, |call| {
                let level = LogLevel::from_abi(level).ok_or(Status::BadArgument)?;
                let text = call.read_text(pointer, size)?;
                call.host_mut().log.push((level, text));
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_log_level",
        |env: Env<'_>, level_at: u32| {
            hostcall(env, "proxy_get_log_level", 0, |call| {
                let level = call.host().config.log_level as u8;
                call.write_u32(level_at, level.into())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_current_time_nanoseconds",
        |env: Env<'_>, time_at: u32| {
            hostcall(env, "proxy_get_current_time_nanoseconds", 0, |call| {
                let now = u64::try_from(call.host().now.as_nanos()).unwrap();
                call.write_u64(time_at, now)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_tick_period_milliseconds",
        |env: Env<'_>, period_ms: u32| {
            hostcall(env, "proxy_set_tick_period_milliseconds", 0, |call| {
                // Always the root context's timer; a new period starts a new timer.
                let host = call.host_mut();
                host.tick_period = Duration::from_millis(period_ms.into());
                host.next_tick = (period_ms != 0).then(|| host.uptime + host.tick_period);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_effective_context",
        |env: Env<'_>, context: u32| {
            hostcall(env, "proxy_set_effective_context", 0, |call| {
                let host = call.host_mut();
                // Id 0 is the VM context, which exists and stands for "none".
                if context != 0 && !host.is_context(context) {
                    return Err(Status::BadArgument.into());
                }
                host.effective = context;
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_property",
        |env: Env<'_>, path: u32, path_size: u32, value_at: u32, size_at: u32| {
            hostcall(env, "proxy_get_property", 0, |call| {
                let path = call.read_text(path, path_size)?.replace('\0', ".");
                let value = find_property(call.host(), &path).ok_or(Status::NotFound)?;
                call.give(&value, value_at, size_at)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_property",
        |env: Env<'_>, path: u32, path_size: u32, value: u32, size: u32| {
            hostcall(env, "proxy_set_property", 0, |call| {
                let path = call.read_text(path, path_size)?.replace('\0', ".");
                let value = call.read(value, size)?;
                let stream = call.host_mut().stream_mut().ok_or(Status::NotFound)?;
                stream.properties.insert(path, value);
                Ok(())
            })
        },
    )?;
    Ok(())
}

/// What belongs to a connection or a request is only there in a stream.
fn find_property(host: &Host, path: &str) -> Option<Vec<u8>> {
    match path {
        "plugin_root_id" => return Some(host.config.root_id.clone().into_bytes()),
        "plugin_vm_id" => return Some(host.config.vm_id.clone().into_bytes()),
        _ => {}
    }
    let (_, stream) = host.stream()?;
    host.config
        .properties
        .get(path)
        .or_else(|| stream.properties.get(path))
        .cloned()
}
