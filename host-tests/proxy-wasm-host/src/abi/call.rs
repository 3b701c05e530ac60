//! One hostcall: the module's memory, the host's state, and what a fault makes of it.

use wasmtime::{Caller, Extern, Memory, format_err};

use super::super::faults::Effect;
use super::super::host::Host;
use super::super::status::Status;

/// Why a hostcall ends before its end.
pub(crate) enum Stop {
    Status(Status),
    Trap(wasmtime::Error),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<wasmtime::Error> for Stop {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

pub(crate) type HostcallResult<T = ()> = Result<T, Stop>;

/// One hostcall in progress: the module's memory and the host's state.
pub(crate) struct Call<'a> {
    caller: Caller<'a, Host>,
    memory: Memory,
    /// Where a fault makes the hostcall say Ok and give nothing.
    pub empty: bool,
}

/// Counts the hostcall, lets an armed fault strike, runs the body. `detail`: see the table in `faults`.
pub(super) fn hostcall(
    caller: Caller<'_, Host>,
    name: &'static str,
    detail: u32,
    body: impl FnOnce(&mut Call<'_>) -> HostcallResult,
) -> wasmtime::Result<i32> {
    let mut call = Call::new(caller, name)?;
    if call.host().starting && name != "proxy_log" {
        // startVm restricts the callbacks: Envoy fails the VM.
        return Err(format_err!(
            "{name} is not allowed while the module initializes"
        ));
    }
    let answer = match call.host_mut().faults.strike(name, detail) {
        Some(Effect::Status(status)) => Err(Stop::Status(status)),
        effect => {
            call.empty = effect == Some(Effect::EmptyOk);
            body(&mut call)
        }
    };
    match answer {
        Ok(()) => Ok(Status::Ok as i32),
        Err(Stop::Status(status)) => Ok(status as i32),
        Err(Stop::Trap(error)) => Err(error),
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(mut caller: Caller<'a, Host>, name: &'static str) -> wasmtime::Result<Self> {
        *caller.data_mut().counts.hostcalls.entry(name).or_default() += 1;
        match caller.get_export("memory") {
            Some(Extern::Memory(memory)) => Ok(Self {
                caller,
                memory,
                empty: false,
            }),
            _ => Err(format_err!("the module exports no memory")),
        }
    }

    pub(crate) fn host(&self) -> &Host {
        self.caller.data()
    }

    pub(crate) fn host_mut(&mut self) -> &mut Host {
        self.caller.data_mut()
    }

    /// Bytes from the module's memory.
    pub(crate) fn read(&mut self, pointer: u32, size: u32) -> HostcallResult<Vec<u8>> {
        let (start, size) = (pointer as usize, size as usize);
        let bytes = self
            .memory
            .data(&self.caller)
            .get(start..start.saturating_add(size))
            .ok_or(Status::InvalidMemoryAccess)?
            .to_vec();
        self.host_mut().counts.bytes_from_module += bytes.len() as u64;
        Ok(bytes)
    }

    /// Text from the module's memory; what is not UTF-8 is kept readable, because Envoy takes any bytes.
    pub(crate) fn read_text(&mut self, pointer: u32, size: u32) -> HostcallResult<String> {
        Ok(String::from_utf8_lossy(&self.read(pointer, size)?).into_owned())
    }

    /// Bytes into the module's memory, where the module has said they go.
    pub(crate) fn write(&mut self, pointer: u32, bytes: &[u8]) -> HostcallResult {
        let start = pointer as usize;
        self.memory
            .data_mut(&mut self.caller)
            .get_mut(start..start.saturating_add(bytes.len()))
            .ok_or(Status::InvalidMemoryAccess)?
            .copy_from_slice(bytes);
        self.host_mut().counts.bytes_to_module += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn write_u32(&mut self, pointer: u32, word: u32) -> HostcallResult {
        self.write(pointer, &word.to_le_bytes())
    }

    pub(crate) fn write_u64(&mut self, pointer: u32, word: u64) -> HostcallResult {
        self.write(pointer, &word.to_le_bytes())
    }

    /// `copyToPointerSize`: into memory from the module's own allocator; a null pointer where there is nothing.
    pub(crate) fn give(&mut self, bytes: &[u8], pointer_at: u32, size_at: u32) -> HostcallResult {
        let size = u32::try_from(bytes.len()).unwrap();
        let pointer = if bytes.is_empty() {
            0
        } else {
            self.allocate(size)?
        };
        self.write(pointer, bytes)?;
        self.write_u32(pointer_at, pointer)?;
        self.write_u32(size_at, size)
    }

    /// Re-enters the module in the VM context. It must not call back: Envoy has no context to answer in.
    fn allocate(&mut self, size: u32) -> HostcallResult<u32> {
        let malloc = ["malloc", "proxy_on_memory_allocate"]
            .into_iter()
            .find_map(|name| self.caller.get_export(name)?.into_func())
            .ok_or_else(|| format_err!("Wasm module is missing malloc function."))?;
        let host = self.host_mut();
        host.counts.allocations += 1;
        let saved = (host.current.take(), std::mem::take(&mut host.effective));
        let pointer = malloc
            .typed::<u32, u32>(&self.caller)?
            .call(&mut self.caller, size)?;
        let host = self.host_mut();
        (host.current, host.effective) = saved;
        if pointer == 0 {
            Err(Status::InvalidMemoryAccess.into())
        } else {
            Ok(pointer)
        }
    }
}
