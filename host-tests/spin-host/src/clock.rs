//! The wall clock that components see: real time, and what tests have added to it or taken from it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use wasmtime_wasi::HostWallClock;

/// Clones show the same time.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<Mutex<Moved>>);

#[derive(Default)]
struct Moved {
    ahead: Duration,
    back: Duration,
}

impl Clock {
    pub(crate) fn advance(&self, span: Duration) {
        self.0.lock().unwrap().ahead += span;
    }

    pub(crate) fn set_back(&self, span: Duration) {
        self.0.lock().unwrap().back += span;
    }

    /// Since the epoch.
    pub(crate) fn now(&self) -> Duration {
        let real = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let moved = self.0.lock().unwrap();
        real + moved.ahead - moved.back
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.now()
    }
}
