//! Sleeping in Envoy: the root context ticks while anybody sleeps, and wakes those whose time has come. By the
//! monotonic clock: a wall clock that is set back must not keep anybody waiting.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::hostcalls;

const TICK: Duration = Duration::from_millis(1);

/// How many are woken in one tick. Envoy sends the replies that one callback decides one inside the other: hundreds
/// of them overflow the stack, and the VM dies with everybody who waits in it.
const AT_ONCE: usize = 32;

/// Who sleeps until when.
#[derive(Default)]
pub(crate) struct Clock {
    /// Time of waking, and the context that waits for it.
    sleepers: RefCell<BTreeSet<(Instant, u32)>>,
    ticking: Cell<bool>,
}

impl Clock {
    /// Has the exchange of `context_id` polled again at or after `until`.
    pub(crate) fn wake_at(&self, until: Instant, context_id: u32) {
        self.sleepers.borrow_mut().insert((until, context_id));
        if !self.ticking.replace(true) {
            hostcalls::set_tick_period(TICK);
        }
    }

    /// Those whose time has come, a few at a time. Stops the ticks when nobody is left.
    pub(crate) fn due(&self, now: Instant) -> Vec<u32> {
        let mut sleepers = self.sleepers.borrow_mut();
        let is_due = |&&(until, _): &&(Instant, u32)| until <= now;
        let due: Vec<_> = sleepers
            .iter()
            .take_while(is_due)
            .take(AT_ONCE)
            .copied()
            .collect();
        for sleeper in &due {
            sleepers.remove(sleeper);
        }
        if sleepers.is_empty() && self.ticking.replace(false) {
            hostcalls::set_tick_period(Duration::ZERO);
        }
        due.into_iter().map(|(_, context_id)| context_id).collect()
    }
}
