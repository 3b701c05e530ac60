//! Header and trailer maps. A map that is not there: reading all is Ok and empty, everything else is `BadArgument`,
//! on which the SDK panics. Never checks whether a change makes sense.

use wasmtime::{Caller, Linker};

use super::super::headers::{HeaderMap, Pairs, decode, encode};
use super::super::host::Host;
use super::super::status::Status;
use super::call::{Call, HostcallResult, hostcall};

type Env<'a> = Caller<'a, Host>;

/// `WasmHeaderMapType::MAX`.
const LAST_KIND: u32 = 7;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |env: Env<'_>, kind: u32, name: u32, name_size: u32, value_at: u32, size_at: u32| {
            hostcall(env, "proxy_get_header_map_value", 0, |call| {
                let name = call.read_text(name, name_size)?;
                let value = read_value(call.host(), kind, &name)?;
                call.give(&value, value_at, size_at)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_pairs",
        |env: Env<'_>, kind: u32, map_at: u32, size_at: u32| {
            hostcall(env, "proxy_get_header_map_pairs", 0, |call| {
                if kind > LAST_KIND {
                    return Err(Status::BadArgument.into());
                }
                let pairs = call
                    .host()
                    .map(kind)
                    .filter(|_| !call.empty)
                    .map(|map| map.pairs().clone());
                let bytes = pairs
                    .filter(|pairs| !pairs.is_empty())
                    .map(|pairs| encode(&pairs))
                    .unwrap_or_default();
                call.give(&bytes, map_at, size_at)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_header_map_pairs",
        |env: Env<'_>, kind: u32, map: u32, size: u32| {
            hostcall(env, "proxy_set_header_map_pairs", 0, |call| {
                let pairs: Pairs = decode(&call.read(map, size)?);
                for (name, value) in &pairs {
                    call.host_mut().check_header(name, value);
                }
                *call.host_mut().map_mut(kind).ok_or(Status::BadArgument)? = HeaderMap::new(pairs);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_remove_header_map_value",
        |env: Env<'_>, kind: u32, name: u32, name_size: u32| {
            hostcall(env, "proxy_remove_header_map_value", 0, |call| {
                let name = call.read_text(name, name_size)?;
                call.host_mut()
                    .map_mut(kind)
                    .ok_or(Status::BadArgument)?
                    .remove(&name);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_replace_header_map_value",
        |env: Env<'_>, kind: u32, name: u32, name_size: u32, value: u32, size: u32| {
            hostcall(env, "proxy_replace_header_map_value", 0, |call| {
                change(
                    call,
                    kind,
                    (name, name_size),
                    (value, size),
                    HeaderMap::replace,
                )
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_add_header_map_value",
        |env: Env<'_>, kind: u32, name: u32, name_size: u32, value: u32, size: u32| {
            hostcall(env, "proxy_add_header_map_value", 0, |call| {
                change(call, kind, (name, name_size), (value, size), HeaderMap::add)
            })
        },
    )?;
    Ok(())
}

fn read_value(host: &Host, kind: u32, name: &str) -> HostcallResult<Vec<u8>> {
    let logging = host.stream().is_some_and(|(_, stream)| stream.logging);
    match host.map(kind) {
        Some(map) => Ok(map.get(name).ok_or(Status::NotFound)?.to_vec()),
        // In the log callback an absent map is as good as an absent name.
        None if logging && kind <= LAST_KIND => Err(Status::NotFound.into()),
        None => Err(Status::BadArgument.into()),
    }
}

fn change(
    call: &mut Call<'_>,
    kind: u32,
    (name, name_size): (u32, u32),
    (value, size): (u32, u32),
    apply: fn(&mut HeaderMap, &str, Vec<u8>),
) -> HostcallResult {
    let name = call.read_text(name, name_size)?;
    let value = call.read(value, size)?;
    call.host_mut().check_header(&name, &value);
    let map = call.host_mut().map_mut(kind).ok_or(Status::BadArgument)?;
    apply(map, &name, value);
    Ok(())
}
