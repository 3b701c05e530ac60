//! Sleeping in Envoy: the root context ticks while anybody sleeps, and wakes those whose time has come.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use wx_session_core::UnixMillis;

use crate::hostcalls;

const TICK: Duration = Duration::from_millis(2);

/// Who sleeps until when.
#[derive(Default)]
pub(crate) struct Clock {
    /// Time of waking, and the context that waits for it.
    sleepers: RefCell<BTreeSet<(u64, u32)>>,
    ticking: Cell<bool>,
}

impl Clock {
    /// Has the exchange of `context_id` polled again at or after `until`.
    pub(crate) fn wake_at(&self, until: UnixMillis, context_id: u32) {
        self.sleepers.borrow_mut().insert((until.0, context_id));
        if !self.ticking.replace(true) {
            hostcalls::set_tick_period(TICK);
        }
    }

    /// Those whose time has come. Stops the ticks when nobody is left.
    pub(crate) fn due(&self, now: UnixMillis) -> Vec<u32> {
        let mut sleepers = self.sleepers.borrow_mut();
        let later = sleepers.split_off(&(now.0.saturating_add(1), 0));
        let due = std::mem::replace(&mut *sleepers, later);
        if sleepers.is_empty() && self.ticking.replace(false) {
            hostcalls::set_tick_period(Duration::ZERO);
        }
        due.into_iter().map(|(_, context_id)| context_id).collect()
    }
}
