//! A turn to load the module: Envoy's V8 then compiles it on every core that there is. As many at a time as there are
//! cores, however many tests run: what goes by the clock in the others goes on.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::available_parallelism;

use crate::listener::locked;

static TAKEN: Mutex<usize> = Mutex::new(0);
static GIVEN_BACK: Condvar = Condvar::new();

/// Given back when it is dropped.
pub(super) struct Turn;

impl Turn {
    /// Waits for one.
    pub(super) fn take() -> Self {
        let most = available_parallelism().map_or(1, usize::from);
        let taken = GIVEN_BACK.wait_while(locked(&TAKEN), |taken| *taken >= most);
        *taken.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *locked(&TAKEN) -= 1;
        GIVEN_BACK.notify_one();
    }
}
