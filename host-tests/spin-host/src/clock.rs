//! The wall clock that components see: real time, and what tests have added to it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use wasmtime_wasi::HostWallClock;

/// Clones show the same time.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<Mutex<Duration>>);

impl Clock {
    pub(crate) fn advance(&self, span: Duration) {
        *self.0.lock().unwrap() += span;
    }

    /// Since the epoch.
    pub(crate) fn now(&self) -> Duration {
        let real = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        real + *self.0.lock().unwrap()
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
