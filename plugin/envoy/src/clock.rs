//! Time in Envoy: the root context ticks while anybody waits for a moment, and no more often than the nearest of these
//! moments needs. By the monotonic clock: a wall clock that is set back must not keep anybody waiting.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::hostcalls;

/// Envoy has no shorter period.
const SHORTEST: Duration = Duration::from_millis(1);

/// Who sleeps until when, and the ticks.
#[derive(Default)]
pub(crate) struct Clock {
    /// Time of waking, and the context that waits for it.
    sleepers: RefCell<BTreeSet<(Instant, u32)>>,
    /// Zero without ticks.
    period: Cell<Duration>,
    /// When the next tick comes.
    next: Cell<Option<Instant>>,
}

impl Clock {
    /// Has the exchange of `context_id` polled again at or after `until`.
    pub(crate) fn wake_at(&self, now: Instant, until: Instant, context_id: u32) {
        self.sleepers.borrow_mut().insert((until, context_id));
        self.tick_by(now, until);
    }

    /// Sees to it that there is a tick at `until`, or soon after.
    pub(crate) fn tick_by(&self, now: Instant, until: Instant) {
        let soon_enough =
            self.period.get() == SHORTEST || self.next.get().is_some_and(|next| next <= until);
        if !soon_enough {
            self.tick_every(now, period(now, until));
        }
    }

    /// Those whose time has come, at most so many.
    pub(crate) fn due(&self, now: Instant, most: usize) -> Vec<u32> {
        let mut sleepers = self.sleepers.borrow_mut();
        let is_due = |&&(until, _): &&(Instant, u32)| until <= now;
        let due = sleepers.iter().take_while(is_due).take(most).copied();
        let due: Vec<_> = due.collect();
        for sleeper in &due {
            sleepers.remove(sleeper);
        }
        due.into_iter().map(|(_, context_id)| context_id).collect()
    }

    /// At the end of a tick: the next one comes when the first sleeper or `also` needs it, and without either there is
    /// none.
    pub(crate) fn settle(&self, now: Instant, also: Option<Instant>) {
        let first = self.sleepers.borrow().first().map(|(until, _)| *until);
        let nearest = first.into_iter().chain(also).min();
        self.tick_every(
            now,
            nearest.map_or(Duration::ZERO, |nearest| period(now, nearest)),
        );
    }

    fn tick_every(&self, now: Instant, period: Duration) {
        self.next.set((!period.is_zero()).then(|| now + period));
        if self.period.replace(period) != period {
            hostcalls::set_tick_period(period);
        }
    }
}

/// Whole milliseconds, rounded up: a tick must not come just before its time.
fn period(now: Instant, until: Instant) -> Duration {
    let span = until.saturating_duration_since(now) + Duration::from_nanos(999_999);
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis).max(SHORTEST)
}
