//! What outlives an instance: the manifest, the stores, and what a test may look at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use crate::activity::Activity;
use crate::calls::Calls;
use crate::clock::Clock;
use crate::job::Queue;
use crate::log::Log;
use crate::manifest::Manifest;

pub(crate) struct Shared {
    pub(crate) manifest: Manifest,
    pub(crate) activity: Arc<Activity>,
    pub(crate) calls: Calls,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    /// Values by store and key.
    pub(crate) entries: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    /// Other components of the application, by NAME of `NAME.spin.internal`, once they run.
    pub(crate) chained: OnceLock<BTreeMap<String, Queue>>,
}

impl Shared {
    pub(crate) fn new(manifest: Manifest) -> Self {
        Self {
            activity: Arc::default(),
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

    pub(crate) fn entry(&self, label: &str, key: &str) -> Option<Vec<u8>> {
        let entries = self.entries.lock().unwrap();
        entries.get(&(label.to_owned(), key.to_owned())).cloned()
    }

    pub(crate) fn set_entry(&self, label: &str, key: &str, value: &[u8]) {
        let place = (label.to_owned(), key.to_owned());
        self.entries.lock().unwrap().insert(place, value.to_vec());
    }

    pub(crate) fn empty_stores(&self) {
        self.entries.lock().unwrap().clear();
    }
}
