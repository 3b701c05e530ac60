//! What a VM is started with: the parts of Envoy's `PluginConfig` and `VmConfig` that a plugin can notice.
//! Never reads the real environment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The ABI's log levels, which are Envoy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}

impl LogLevel {
    /// The ABI's number; `None` beyond `Critical`, which Envoy refuses.
    pub fn from_abi(level: u32) -> Option<Self> {
        use LogLevel::{Critical, Debug, Error, Info, Trace, Warn};
        [Trace, Debug, Info, Warn, Error, Critical]
            .into_iter()
            .find(|known| u32::from(*known as u8) == level)
    }
}

/// All fields are public: change what the test is about, keep the rest.
#[derive(Clone, Debug)]
pub struct VmConfig {
    /// `plugin_configuration`, as bytes.
    pub plugin_configuration: Vec<u8>,
    /// `vm_config.configuration`.
    pub vm_configuration: Vec<u8>,
    /// `vm_config.vm_id`: the name under which shared data is shared.
    pub vm_id: String,
    pub root_id: String,
    /// `vm_config.environment_variables`.
    pub environment: BTreeMap<String, String>,
    /// `capability_restriction_config`: callbacks that are not among these are never called. `None`: no restriction.
    pub allowed: Option<BTreeSet<String>>,
    /// Names that a call-out may address; any other is refused with `BadArgument`.
    pub clusters: BTreeSet<String>,
    /// What `proxy_get_log_level` answers. Every record is kept, whatever its level.
    pub log_level: LogLevel,
    /// Time since the Unix epoch at the start.
    pub now: Duration,
    /// Seed of `random_get`.
    pub seed: u64,
    /// What `proxy_get_property` finds on a stream, by path joined with dots: `source.address`.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// `allow_on_headers_stop_iteration`; without it a Pause in the headers holds the body back too.
    pub allow_on_headers_stop_iteration: bool,
    /// Bytes of body that Envoy buffers before it answers 413 by itself (`per_connection_buffer_limit_bytes`).
    pub buffer_limit: usize,
    /// Fuel for one call into the module (about one unit per instruction); more counts as a hang, and traps.
    pub fuel_per_call: u64,
}

impl VmConfig {
    pub fn new(plugin_configuration: impl Into<Vec<u8>>) -> Self {
        Self {
            plugin_configuration: plugin_configuration.into(),
            vm_configuration: Vec::new(),
            vm_id: "vm".to_owned(),
            root_id: "root".to_owned(),
            environment: BTreeMap::new(),
            allowed: None,
            clusters: BTreeSet::new(),
            log_level: LogLevel::Info,
            now: Duration::from_secs(1_700_000_000),
            seed: 1,
            properties: BTreeMap::from([(
                "source.address".to_owned(),
                b"192.0.2.1:40000".to_vec(),
            )]),
            allow_on_headers_stop_iteration: true,
            buffer_limit: 1 << 20,
            fuel_per_call: 10_000_000_000,
        }
    }

    #[must_use]
    pub fn cluster(mut self, name: &str) -> Self {
        self.clusters.insert(name.to_owned());
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }
}
