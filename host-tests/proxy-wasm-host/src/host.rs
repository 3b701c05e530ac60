//! What the hostcalls see and change: the state of one VM outside its memory.
//! Never calls into the module; what a hostcall asks for with delay goes into `deferred`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::calls::{PendingCall, ReplyInFlight};
use super::config::{LogLevel, VmConfig};
use super::counts::Counts;
use super::faults::Faults;
use super::headers::{HeaderMap, Pairs};
use super::shared_data::SharedData;
use super::stream::{Stream, StreamId, Violation};

/// The root context's id: the first that Envoy hands out in a VM (0 is the VM context).
pub(super) const ROOT: u32 = 1;

/// `addAfterVmCallAction`: done once the module has returned.
#[derive(Debug)]
pub(super) enum Deferred {
    Continue(StreamId),
    ContinueResponse(StreamId),
    Close(StreamId),
    Reply {
        stream: StreamId,
        status: u32,
        headers: Pairs,
        body: Vec<u8>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Counter(u64),
    Gauge(u64),
    Histogram(Vec<u64>),
}

#[derive(Debug)]
pub(super) struct Host {
    pub config: VmConfig,
    pub shared_data: SharedData,
    /// Time since the Unix epoch.
    pub now: Duration,
    /// Monotonic time.
    pub uptime: Duration,
    pub random: u64,
    pub log: Vec<(LogLevel, String)>,
    pub counts: Counts,
    pub faults: Faults,
    pub violations: Vec<Violation>,
    pub streams: BTreeMap<u32, Stream>,
    /// `current_context_`: whom Envoy called; `None` between calls and in the VM context.
    pub current: Option<u32>,
    /// `effective_context_id_`, 0 where the plugin has set none.
    pub effective: u32,
    pub deferred: Vec<Deferred>,
    /// `stopNextIteration`: set by a local reply.
    pub stop_next: bool,
    /// `startVm`: most hostcalls are forbidden.
    pub starting: bool,
    /// `temp_plugin_`: the plugin configuration can be read.
    pub configuring: bool,
    pub calls: Vec<PendingCall>,
    pub next_call: u32,
    pub broken_clusters: BTreeSet<String>,
    /// `http_call_response_`, while its callback runs.
    pub call_reply: Option<ReplyInFlight>,
    /// By name.
    pub metrics: BTreeMap<String, Metric>,
    /// By id.
    pub metric_ids: BTreeMap<u32, String>,
    pub tick_period: Duration,
    /// In monotonic time.
    pub next_tick: Option<Duration>,
}

impl Host {
    pub(crate) fn new(config: VmConfig, shared_data: SharedData) -> Self {
        Self {
            now: config.now,
            uptime: Duration::from_secs(1000),
            random: config.seed,
            config,
            shared_data,
            log: Vec::new(),
            counts: Counts::default(),
            faults: Faults::default(),
            violations: Vec::new(),
            streams: BTreeMap::new(),
            current: None,
            effective: 0,
            deferred: Vec::new(),
            stop_next: false,
            starting: false,
            configuring: false,
            calls: Vec::new(),
            next_call: 1,
            broken_clusters: BTreeSet::new(),
            call_reply: None,
            metrics: BTreeMap::new(),
            metric_ids: BTreeMap::new(),
            tick_period: Duration::ZERO,
            next_tick: None,
        }
    }

    /// A context of that id exists in Envoy.
    pub(crate) fn is_context(&self, id: u32) -> bool {
        id == ROOT || self.streams.get(&id).is_some_and(|stream| !stream.gone)
    }

    /// `contextOrEffectiveContext`: an effective context that is gone reverts to the true one.
    pub(crate) fn context(&self) -> u32 {
        if self.effective != 0 && self.is_context(self.effective) {
            self.effective
        } else {
            self.current.unwrap_or(0)
        }
    }

    /// The stream that hostcalls act on; `None` in the root context.
    pub(crate) fn stream(&self) -> Option<(StreamId, &Stream)> {
        let id = self.context();
        self.streams
            .get(&id)
            .filter(|stream| !stream.gone)
            .map(|stream| (StreamId(id), stream))
    }

    pub(crate) fn stream_mut(&mut self) -> Option<&mut Stream> {
        let id = self.context();
        self.streams.get_mut(&id).filter(|stream| !stream.gone)
    }

    /// Keeps the headers that no HTTP codec could send.
    pub(crate) fn check_header(&mut self, name: &str, value: &[u8]) {
        let bad = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        if name.is_empty() || name.as_bytes().iter().any(bad) || value.iter().any(bad) {
            self.violations
                .push(Violation::InvalidHeader(name.to_owned()));
        }
    }

    /// `getMap`: what may be written.
    pub(crate) fn map_mut(&mut self, kind: u32) -> Option<&mut HeaderMap> {
        let stream = self.stream_mut()?;
        match kind {
            0 => stream.head_available.then_some(&mut stream.head),
            1 => stream
                .trailers
                .as_mut()
                .filter(|_| stream.trailers_available),
            2 => stream
                .response
                .as_mut()
                .filter(|it| it.headers_available)
                .map(|it| &mut it.headers),
            _ => None,
        }
    }

    /// `getConstMap`: what may be read. The call response belongs to the root context and is seen from all.
    pub(crate) fn map(&self, kind: u32) -> Option<&HeaderMap> {
        match kind {
            6 => return self.call_reply.as_ref().map(|reply| &reply.headers),
            7 => {
                return self
                    .call_reply
                    .as_ref()
                    .and_then(|reply| reply.trailers.as_ref());
            }
            _ => {}
        }
        let (_, stream) = self.stream()?;
        match kind {
            0 => (stream.head_available || stream.logging).then_some(&stream.head),
            1 => stream
                .trailers
                .as_ref()
                .filter(|_| stream.trailers_available && !stream.logging),
            2 => stream
                .response
                .as_ref()
                .filter(|it| it.headers_available || stream.logging)
                .map(|it| &it.headers),
            _ => None,
        }
    }

    /// Bytes that look random and are the same in every run with the same seed (SplitMix64).
    pub(crate) fn random_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = self.random;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend((word ^ (word >> 31)).to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}
