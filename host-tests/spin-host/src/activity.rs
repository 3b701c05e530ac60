//! What is going on, and what it has cost.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

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
pub(crate) struct UnderWay(Arc<Activity>);

impl UnderWay {
    pub(crate) fn begins(activity: &Arc<Activity>) -> Self {
        activity.now.lock().unwrap().under_way += 1;
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.now.lock().unwrap().under_way -= 1;
        self.0.changed.notify_all();
    }
}
