//! The WASI functions that proxy-wasm-cpp-host has (exports.cc), and stubs for the rest.
//! Never touches a file, the real clock, the real environment or real entropy.

use wasmtime::{Caller, ExternType, Linker, Module, Val, format_err};

use super::abi::call::{Call, HostcallResult, Stop};
use super::config::LogLevel;
use super::faults::Effect;
use super::host::Host;

const MODULE: &str = "wasi_snapshot_preview1";
const BADF: i32 = 8;
const FAULT: i32 = 21;
const INVAL: i32 = 28;
const NOSYS: i32 = 52;
const NOTSUP: i32 = 58;
/// `PROXY_WASM_HOST_WASI_RANDOM_GET_MAX_SIZE_BYTES`.
const MOST_RANDOM: u32 = 64 * 1024;

type Env<'a> = Caller<'a, Host>;

/// Counts the call; what a module may not reach is EFAULT.
fn wasi(
    env: Env<'_>,
    name: &'static str,
    body: impl FnOnce(&mut Call<'_>) -> HostcallResult<i32>,
) -> wasmtime::Result<i32> {
    match body(&mut Call::new(env, name)?) {
        Ok(errno) => Ok(errno),
        Err(Stop::Status(_)) => Ok(FAULT),
        Err(Stop::Trap(error)) => Err(error),
    }
}

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "random_get",
        |env: Env<'_>, pointer: u32, size: u32| {
            wasi(env, "random_get", |call| {
                if let Some(Effect::Errno(errno)) = call.host_mut().faults.strike("random_get", 0) {
                    return Ok(errno);
                }
                if size > MOST_RANDOM {
                    return Ok(INVAL);
                }
                let bytes = call.host_mut().random_bytes(size as usize);
                call.write(pointer, &bytes)?;
                Ok(0)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |env: Env<'_>, clock: u32, _precision: u64, time_at: u32| {
            wasi(env, "clock_time_get", |call| {
                let time = match clock {
                    0 => call.host().now,
                    1 => call.host().uptime,
                    _ => return Ok(NOTSUP),
                };
                call.write_u64(time_at, u64::try_from(time.as_nanos()).unwrap())?;
                Ok(0)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_sizes_get",
        |env: Env<'_>, count_at: u32, size_at: u32| {
            wasi(env, "environ_sizes_get", |call| {
                let entries = environment(call.host());
                let size: usize = entries.iter().map(Vec::len).sum();
                call.write_u32(count_at, u32::try_from(entries.len()).unwrap())?;
                call.write_u32(size_at, u32::try_from(size).unwrap())?;
                Ok(0)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_get",
        |env: Env<'_>, mut array: u32, mut buffer: u32| {
            wasi(env, "environ_get", |call| {
                for entry in environment(call.host()) {
                    call.write_u32(array, buffer)?;
                    call.write(buffer, &entry)?;
                    array += 4;
                    buffer += u32::try_from(entry.len()).unwrap();
                }
                Ok(0)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_write",
        |env: Env<'_>, fd: u32, vectors: u32, count: u32, written_at: u32| {
            wasi(env, "fd_write", |call| {
                let level = match fd {
                    1 => LogLevel::Info,
                    2 => LogLevel::Error,
                    _ => return Ok(BADF),
                };
                let mut text = Vec::new();
                for vector in call
                    .read(vectors, count * 8)?
                    .as_chunks::<4>()
                    .0
                    .as_chunks::<2>()
                    .0
                {
                    let [pointer, size] = vector.map(u32::from_le_bytes);
                    text.extend(call.read(pointer, size)?);
                }
                call.write_u32(written_at, u32::try_from(text.len()).unwrap())?;
                let text =
                    String::from_utf8_lossy(text.strip_suffix(b"\n").unwrap_or(&text)).into_owned();
                call.host_mut().log.push((level, text));
                Ok(0)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_get",
        |env: Env<'_>, fd: u32, stat_at: u32| {
            wasi(env, "fd_fdstat_get", |call| {
                if fd != 1 && fd != 2 {
                    return Ok(BADF);
                }
                let mut stat = [0; 24];
                stat[8] = 64;
                call.write(stat_at, &stat)?;
                Ok(0)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "args_sizes_get",
        |env: Env<'_>, count_at: u32, size_at: u32| {
            wasi(env, "args_sizes_get", |call| {
                call.write_u32(count_at, 0)?;
                call.write_u32(size_at, 0)?;
                Ok(0)
            })
        },
    )?;
    linker.func_wrap(MODULE, "args_get", |_: u32, _: u32| 0_i32)?;
    linker.func_wrap(MODULE, "fd_close", |_: u32| 0_i32)?;
    linker.func_wrap(MODULE, "fd_seek", |_: u32, _: i64, _: u32, _: u32| 0_i32)?;
    linker.func_wrap(MODULE, "fd_prestat_get", |_: u32, _: u32| BADF)?;
    linker.func_wrap(MODULE, "sched_yield", || 0_i32)?;
    // Envoy's returns, and the libc traps on the next instruction; trapping here keeps the exit code.
    linker.func_wrap(MODULE, "proc_exit", |code: u32| -> wasmtime::Result<()> {
        Err(format_err!("proc_exit({code})"))
    })?;
    Ok(())
}

/// Stubs for all WASI imports of the module: ENOSYS. [`link`] replaces those that this host has.
pub(super) fn link_stubs(linker: &mut Linker<Host>, module: &Module) -> wasmtime::Result<()> {
    for import in module.imports().filter(|import| import.module() == MODULE) {
        if let ExternType::Func(ty) = import.ty() {
            linker.func_new(MODULE, import.name(), ty, |_, _, results| {
                if let Some(result) = results.first_mut() {
                    *result = Val::I32(NOSYS);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn environment(host: &Host) -> Vec<Vec<u8>> {
    host.config
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}\0").into_bytes())
        .collect()
}
