//! Shared data hostcalls, over the store that the VMs of a test share. Never fails for want of space: nor does Envoy.

use wasmtime::{Caller, Linker};

use super::super::host::Host;
use super::call::hostcall;

type Env<'a> = Caller<'a, Host>;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_shared_data",
        |env: Env<'_>, key: u32, key_size: u32, value_at: u32, size_at: u32, cas_at: u32| {
            hostcall(env, "proxy_get_shared_data", 0, |call| {
                let key = call.read(key, key_size)?;
                let host = call.host();
                let (value, cas) = host.shared_data.get(&host.config.vm_id, &key)?;
                call.give(&value, value_at, size_at)?;
                call.write_u32(cas_at, cas)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_shared_data",
        |env: Env<'_>, key: u32, key_size: u32, value: u32, size: u32, cas: u32| {
            hostcall(env, "proxy_set_shared_data", cas, |call| {
                let key = call.read(key, key_size)?;
                let value = call.read(value, size)?;
                let host = call.host();
                Ok(host
                    .shared_data
                    .set(&host.config.vm_id, &key, &value, cas)?)
            })
        },
    )?;
    Ok(())
}
