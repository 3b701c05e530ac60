//! Counters of what crosses between Envoy and the module. Never resets by itself.

use std::collections::BTreeMap;

/// Everything since the last `Vm::reset_counts`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of each `env` and WASI import, by its name.
    pub hostcalls: BTreeMap<&'static str, u64>,
    /// Bytes that the host wrote into the module's memory, pointers and sizes with them.
    pub bytes_to_module: u64,
    /// Bytes of data that the host read from it.
    pub bytes_from_module: u64,
    /// Calls of the module's allocator by the host.
    pub allocations: u64,
    /// Fuel, about one unit per WebAssembly instruction.
    pub fuel: u64,
    /// Calls of the module's exports, by name, the allocator left out.
    pub exports: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// All hostcalls together.
    pub fn total_hostcalls(&self) -> u64 {
        self.hostcalls.values().sum()
    }

    /// All calls of exports together.
    pub fn total_exports(&self) -> u64 {
        self.exports.values().sum()
    }
}
