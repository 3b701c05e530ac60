//! A worker of a world, and what it has called and waits for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use proxy_wasm_host::{SharedData, Vm, VmConfig};

use super::setting::{Hosted, Setting};
use crate::rig::edge::{Call, CallEnd, CoreEdge, CoreStore, Edge, WasmEdge};
use crate::rig::{configuration, module, vm_config};

/// A worker.
pub(super) struct Station {
    pub(super) edge: Box<dyn Edge>,
    /// No other worker of the world has had it.
    pub(super) number: usize,
    /// Calls that were looked at: by when each will have been answered.
    looked_at: BTreeMap<u32, Duration>,
    /// Answers on their way: when they come, and to which call.
    on_the_way: Vec<(Duration, u32, CallEnd)>,
}

/// Where the sessions of all workers are, apart from a Redis.
#[derive(Clone, Default)]
pub(super) struct Shared {
    pub(super) data: SharedData,
    pub(super) store: CoreStore,
}

impl Station {
    /// Starts one; `is_door`: for the backend.
    pub(super) fn start(
        setting: Setting,
        is_door: bool,
        shared: &Shared,
        number: usize,
        now: Duration,
    ) -> Self {
        let document = document(setting, is_door);
        let seed = u64::try_from(number).unwrap() + 1;
        let edge: Box<dyn Edge> = match setting.host {
            Hosted::Core => Box::new(CoreEdge::new(&document.text, &shared.store, seed, now)),
            Hosted::Wasm => {
                let config = VmConfig {
                    seed,
                    now,
                    ..document.vm.clone()
                };
                let vm = Vm::start(module(), config, &shared.data);
                Box::new(WasmEdge::new(
                    vm.unwrap_or_else(|error| panic!("{error:?}")),
                ))
            }
        };
        Self {
            edge,
            number,
            looked_at: BTreeMap::new(),
            on_the_way: Vec::new(),
        }
    }

    /// Calls that nobody has taken up yet.
    pub(super) fn unanswered(&self) -> Vec<Call> {
        let mut calls = self.edge.calls();
        calls.retain(|call| self.on_the_way.iter().all(|(_, own, _)| *own != call.id));
        calls
    }

    /// Calls since the last look.
    pub(super) fn new_calls(&mut self, now: Duration) -> Vec<Call> {
        let mut calls = self.edge.calls();
        let is_under_way = |id: &u32| calls.iter().any(|call| call.id == *id);
        self.looked_at.retain(|id, _| is_under_way(id));
        calls.retain(|call| !self.looked_at.contains_key(&call.id));
        for call in &calls {
            let until = now.saturating_add(call.timeout);
            self.looked_at.insert(call.id, until);
        }
        calls
    }

    /// When something happens here next, if nobody answers.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        let own = self.edge.until_next().map(|span| now + span);
        let due = self.on_the_way.iter().map(|(due, _, _)| *due);
        let late = self.looked_at.values().copied();
        own.into_iter().chain(due).chain(late).min()
    }

    pub(super) fn send(&mut self, due: Duration, call: u32, end: CallEnd) {
        self.on_the_way.push((due, call, end));
    }

    /// Hands over what has come by now, and ends the calls that nobody has answered in time. How many.
    pub(super) fn deliver(&mut self, now: Duration) -> usize {
        let is_late = |(_, until): &(&u32, &Duration)| **until <= now;
        let late = self.looked_at.iter().filter(is_late);
        let late: Vec<u32> = late.map(|(call, _)| *call).collect();
        let (due, later) = std::mem::take(&mut self.on_the_way)
            .into_iter()
            .partition::<Vec<_>, _>(|(due, _, _)| *due <= now);
        self.on_the_way = later;
        let count = due.len() + late.len();
        for (_, call, end) in due {
            self.edge.end_call(call, end);
        }
        for call in late {
            self.on_the_way.retain(|(_, own, _)| *own != call);
            self.looked_at.remove(&call);
            self.edge.end_call(call, CallEnd::TimedOut);
        }
        count
    }
}

/// A configuration as each host takes it: made once.
struct Document {
    text: String,
    vm: VmConfig,
}

/// By setting, and whether it is the door's.
type Documents = HashMap<(Setting, bool), Arc<Document>>;

fn document(setting: Setting, is_door: bool) -> Arc<Document> {
    static MADE: LazyLock<Mutex<Documents>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap();
    let document = made.entry((setting, is_door)).or_insert_with(|| {
        let patch = if is_door {
            setting.door()
        } else {
            setting.document()
        };
        Arc::new(Document {
            text: configuration(&patch).to_string(),
            vm: vm_config(&patch, 1),
        })
    });
    Arc::clone(document)
}
