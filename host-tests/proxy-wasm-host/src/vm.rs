//! One worker's VM: starting the plugin, calling its exports, reading what it left behind.
//! A trap kills it for ever, as in Envoy; it never restarts by itself (start a second `Vm` on the same `SharedData`).

use wasmtime::{Instance, Store, Val};

use super::config::{LogLevel, VmConfig};
use super::counts::Counts;
use super::faults::{FaultKind, FaultOutcome};
use super::host::{Deferred, Host, Metric, ROOT};
use super::plugin::Plugin;
use super::shared_data::SharedData;
use super::stream::{Stream, StreamId, Violation};

/// `vm_context_`: neither root nor stream.
const VM_CONTEXT: u32 = 0;

/// Why a VM did not start; Envoy would refuse the configuration. With what the plugin logged.
#[derive(Debug)]
pub struct StartError {
    pub why: String,
    pub log: Vec<(LogLevel, String)>,
}

/// What an export gave back.
#[derive(Debug, Default)]
pub(super) struct Returned {
    /// 0 where the module has no such export, or nothing to return.
    pub status: u32,
    /// A local reply was sent in the call: Envoy takes the status for a stop.
    pub stopped: bool,
    /// Not yet done (only from [`Vm::enter`]).
    pub deferred: Vec<Deferred>,
}

impl Returned {
    /// `CHECK_FAIL_HTTP`: a failed VM stops whatever it is asked about.
    fn dead() -> Self {
        Self {
            status: 1,
            stopped: true,
            deferred: Vec::new(),
        }
    }
}

/// A running plugin. Everything happens in the thread of the caller, at once.
pub struct Vm {
    store: Store<Host>,
    instance: Instance,
    next_context: u32,
    trap: Option<String>,
}

impl Vm {
    /// Starts and configures the plugin: `_initialize`, root context, `on_vm_start`, `on_configure`.
    ///
    /// # Errors
    /// Where one of them trapped or said no.
    pub fn start(
        plugin: &Plugin,
        config: VmConfig,
        shared_data: &SharedData,
    ) -> Result<Self, StartError> {
        let mut store = Store::new(plugin.engine(), Host::new(config, shared_data.clone()));
        // Instantiating runs the module's start function, where it has one.
        store.set_fuel(u64::MAX).unwrap();
        store.data_mut().starting = true;
        let instance = plugin.instantiate(&mut store).map_err(|error| StartError {
            why: format!("{error:?}"),
            log: Vec::new(),
        })?;
        let mut vm = Self {
            store,
            instance,
            next_context: ROOT + 1,
            trap: None,
        };
        let start = if vm.exports("_initialize") {
            "_initialize"
        } else {
            "_start"
        };
        vm.call(start, VM_CONTEXT, &[]);
        vm.host_mut().starting = false;
        let sizes = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        let vm_size = sizes(&vm.host().config.vm_configuration);
        let plugin_size = sizes(&vm.host().config.plugin_configuration);
        vm.host_mut().configuring = true;
        vm.call("proxy_on_context_create", ROOT, &[ROOT, 0]);
        vm.host_mut().configuring = false;
        let accepted = vm.accepts("proxy_on_vm_start", vm_size);
        vm.host_mut().configuring = true;
        let accepted = accepted && vm.accepts("proxy_on_configure", plugin_size);
        vm.host_mut().configuring = false;
        let why = match &vm.trap {
            Some(trap) => trap.clone(),
            None if accepted => return Ok(vm),
            None => "the plugin refused its configuration".to_owned(),
        };
        Err(StartError {
            why,
            log: vm.host().log.clone(),
        })
    }

    /// Asks the root context to finish, as on a configuration change: `proxy_on_done`, then `proxy_on_delete`. A module
    /// without the first has always finished.
    pub fn shutdown(&mut self) {
        let waits = self.exports("proxy_on_done");
        if !waits || self.call("proxy_on_done", ROOT, &[ROOT]).status != 0 {
            self.call("proxy_on_delete", ROOT, &[ROOT]);
        }
    }

    /// The trap that killed the VM, with WebAssembly's backtrace.
    pub fn trapped(&self) -> Option<String> {
        self.trap.clone()
    }

    /// Everything that no plugin may do, in order.
    pub fn violations(&self) -> &[Violation] {
        &self.host().violations
    }

    /// Every record so far; standard output comes as `Info`, standard error as `Error`, as in Envoy.
    pub fn log(&self) -> &[(LogLevel, String)] {
        &self.host().log
    }

    /// A counter or a gauge by name.
    pub fn metric(&self, name: &str) -> Option<u64> {
        match self.host().metrics.get(name)? {
            Metric::Counter(value) | Metric::Gauge(value) => Some(*value),
            Metric::Histogram(_) => None,
        }
    }

    /// What a histogram recorded, in order.
    pub fn histogram(&self, name: &str) -> Option<&[u64]> {
        match self.host().metrics.get(name)? {
            Metric::Histogram(values) => Some(values),
            _ => None,
        }
    }

    /// The names of all metrics that the plugin defined.
    pub fn metric_names(&self) -> Vec<String> {
        self.host().metrics.keys().cloned().collect()
    }

    /// What the plugin set on a stream with `proxy_set_property`; path parts are joined with dots.
    pub fn property(&self, stream: StreamId, path: &str) -> Option<Vec<u8>> {
        self.stream(stream).properties.get(path).cloned()
    }

    /// What `proxy_get_property` finds on every stream from now on; the path is joined with dots.
    pub fn set_property(&mut self, path: &str, value: &[u8]) {
        self.host_mut()
            .config
            .properties
            .insert(path.to_owned(), value.to_vec());
    }

    /// Since the start or the last [`Vm::reset_counts`].
    pub fn counts(&self) -> &Counts {
        &self.host().counts
    }

    /// Lets go of the streams that are over, of the log and of what histograms recorded: a long run would hold all.
    pub fn forget_the_past(&mut self) {
        let host = self.host_mut();
        host.streams.retain(|_, stream| !stream.gone);
        host.log.clear();
        for metric in host.metrics.values_mut() {
            if let Metric::Histogram(values) = metric {
                values.clear();
            }
        }
    }

    pub fn reset_counts(&mut self) {
        self.host_mut().counts = Counts::default();
    }

    /// The module's memory, in pages of 64 KiB.
    pub fn memory_pages(&mut self) -> u64 {
        self.instance
            .get_memory(&mut self.store, "memory")
            .map_or(0, |memory| memory.size(&self.store))
    }

    /// Allocations since the start, where the module counts them: `None` in the one that is shipped.
    pub fn allocations(&mut self) -> Option<u64> {
        let counted = self
            .instance
            .get_func(&mut self.store, "counted_allocations")?;
        self.store.set_fuel(u64::MAX).unwrap();
        let mut result = [Val::I64(0)];
        counted.call(&mut self.store, &[], &mut result).unwrap();
        result[0].i64().map(i64::cast_unsigned)
    }

    /// Lets the `nth` hostcall from now (1 is the next one) fail, where it can.
    pub fn fail_hostcall(&mut self, nth: u64, kind: FaultKind) {
        self.host_mut().faults.arm(nth, kind);
    }

    /// What became of the last armed fault.
    pub fn fault(&self) -> FaultOutcome {
        self.host().faults.outcome()
    }

    pub fn disarm_fault(&mut self) {
        self.host_mut().faults.disarm();
    }

    pub(super) fn host(&self) -> &Host {
        self.store.data()
    }

    pub(super) fn host_mut(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    pub(super) fn stream(&self, id: StreamId) -> &Stream {
        &self.host().streams[&id.0]
    }

    pub(super) fn stream_mut(&mut self, id: StreamId) -> &mut Stream {
        self.host_mut()
            .streams
            .get_mut(&id.0)
            .expect("a stream of another VM")
    }

    pub(super) fn next_context_id(&mut self) -> u32 {
        self.next_context += 1;
        self.next_context - 1
    }

    pub(super) fn exports(&mut self, name: &str) -> bool {
        self.instance.get_func(&mut self.store, name).is_some()
    }

    /// Calls an export in a context, then does what the plugin asked to be done after the call.
    pub(super) fn call(
        &mut self,
        export: &'static str,
        context: u32,
        arguments: &[u32],
    ) -> Returned {
        let mut returned = self.enter(export, context, arguments);
        self.run_deferred(std::mem::take(&mut returned.deferred));
        returned
    }

    /// As [`Vm::call`], leaving the deferred actions to the caller.
    pub(super) fn enter(
        &mut self,
        export: &'static str,
        context: u32,
        arguments: &[u32],
    ) -> Returned {
        if self.trap.is_some() {
            return Returned::dead();
        }
        let allowed = self.host().config.allowed.as_ref();
        if export.starts_with("proxy_on_") && allowed.is_some_and(|list| !list.contains(export)) {
            return Returned::default();
        }
        let Some(function) = self.instance.get_func(&mut self.store, export) else {
            return Returned::default();
        };
        let fuel = self.host().config.fuel_per_call;
        self.store.set_fuel(fuel).unwrap();
        let host = self.host_mut();
        host.current = Some(context);
        host.effective = 0;
        *host.counts.exports.entry(export).or_default() += 1;
        let arguments: Vec<Val> = arguments
            .iter()
            .map(|word| Val::I32(word.cast_signed()))
            .collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let outcome = function.call(&mut self.store, &arguments, &mut results);
        let left = self.store.get_fuel().unwrap();
        let host = self.host_mut();
        host.counts.fuel += fuel - left;
        host.current = None;
        host.effective = 0;
        let stopped = std::mem::take(&mut host.stop_next);
        let deferred = std::mem::take(&mut host.deferred);
        if let Err(error) = outcome {
            self.die(format!("{export}: {error:?}"));
            return Returned::dead();
        }
        let status = results
            .first()
            .and_then(Val::i32)
            .unwrap_or(0)
            .cast_unsigned();
        Returned {
            status,
            stopped,
            deferred,
        }
    }

    /// A callback that is not there agrees.
    fn accepts(&mut self, export: &'static str, size: u32) -> bool {
        !self.exports(export) || self.call(export, ROOT, &[ROOT, size]).status != 0
    }

    fn die(&mut self, trap: String) {
        self.trap = Some(trap);
        for stream in self.host_mut().streams.values_mut() {
            stream.stuck = !stream.gone && stream.forwarded.is_none() && stream.reply.is_none();
        }
    }
}
