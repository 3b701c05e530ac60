//! What outlives an instance: the manifest, the stores, and what a test may look at.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use crate::calls::Calls;
use crate::clock::Clock;
use crate::log::Log;
use crate::manifest::Manifest;
use crate::pool::Pool;

pub(crate) struct Shared {
    pub(crate) manifest: Manifest,
    pub(crate) activity: Activity,
    pub(crate) calls: Calls,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    /// Values by store and key.
    pub(crate) entries: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    /// Other components of the application, by NAME of `NAME.spin.internal`, once they run.
    pub(crate) chained: OnceLock<BTreeMap<String, Pool>>,
}

impl Shared {
    pub(crate) fn new(manifest: Manifest) -> Self {
        Self {
            activity: Activity::default(),
            calls: Calls::default(),
            clock: Clock::default(),
            log: Log::new(manifest.show_log, manifest.log_file.as_deref()),
            entries: Mutex::default(),
            chained: OnceLock::new(),
            manifest,
        }
    }

    pub(crate) fn keys(&self, label: &str) -> Vec<String> {
        let entries = self.entries.lock().unwrap();
        let ours = entries.keys().filter(|(store, _)| store == label);
        ours.map(|(_, key)| key.clone()).collect()
    }

    pub(crate) fn empty_stores(&self) {
        self.entries.lock().unwrap().clear();
    }
}

/// What is going on, and what it has cost.
#[derive(Default)]
pub(crate) struct Activity {
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Default)]
struct Now {
    under_way: usize,
    fuel: u64,
    instances: usize,
    writes: isize,
}

/// A request that hangs hangs longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

impl Activity {
    pub(crate) fn spent(&self, fuel: u64) {
        self.now.lock().unwrap().fuel += fuel;
    }

    pub(crate) fn new_instance(&self) {
        self.now.lock().unwrap().instances += 1;
    }

    pub(crate) fn settle(&self) {
        let now = self.now.lock().unwrap();
        let (now, waited) = self
            .changed
            .wait_timeout_while(now, PATIENCE, |now| now.under_way > 0)
            .unwrap();
        assert!(!waited.timed_out(), "{} requests hang", now.under_way);
    }

    pub(crate) fn take_fuel(&self) -> u64 {
        std::mem::take(&mut self.now.lock().unwrap().fuel)
    }

    pub(crate) fn instances(&self) -> usize {
        self.now.lock().unwrap().instances
    }

    pub(crate) fn writes(&self, more: isize) {
        self.now.lock().unwrap().writes += more;
    }

    pub(crate) fn take_writes(&self) -> isize {
        std::mem::take(&mut self.now.lock().unwrap().writes)
    }
}

/// A request that has gone to a component, until nothing of it is left.
pub(crate) struct UnderWay(Arc<Shared>);

impl UnderWay {
    pub(crate) fn begins(shared: &Arc<Shared>) -> Self {
        shared.activity.now.lock().unwrap().under_way += 1;
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.activity.now.lock().unwrap().under_way -= 1;
        self.0.activity.changed.notify_all();
    }
}
