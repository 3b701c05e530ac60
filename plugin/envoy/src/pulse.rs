//! Spares each request calls into Envoy for what may be a tenth of a second late: reading the time, and counting. Envoy
//! is asked at ticks instead, which run for as long as there are requests. Makes no hostcall.

use std::cell::Cell;
use std::time::{Duration, Instant};

use wx_session_core::UnixMillis;

/// Between two beats. Envoy itself hands its counters on every five seconds.
const PERIOD: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Pulse {
    /// `None`: it does not beat, for nobody has asked for anything.
    next: Cell<Option<Instant>>,
    /// Somebody has asked for something since the last beat.
    is_used: Cell<bool>,
    /// As it was last read. Old where it does not beat.
    time: Cell<UnixMillis>,
}

/// What a tick means for the pulse.
pub(crate) enum Beat {
    /// Nothing: it is one for something else.
    None,
    /// Somebody has asked since the last: the time is to be read again.
    Goes,
    /// It was the last.
    Ends,
}

impl Pulse {
    /// When it beats next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next.get()
    }

    /// Somebody asks for something. If it does not beat yet: until when there has to be a tick, by the time that `now`
    /// gives.
    pub(crate) fn use_it(&self, now: impl FnOnce() -> Instant) -> Option<(Instant, Instant)> {
        self.is_used.set(true);
        if self.next.get().is_some() {
            return None;
        }
        let now = now();
        let next = now + PERIOD;
        self.next.set(Some(next));
        Some((now, next))
    }

    /// The time that was last read: lately, while it beats.
    pub(crate) fn time(&self) -> UnixMillis {
        self.time.get()
    }

    /// It was read once more.
    pub(crate) fn learn(&self, time: UnixMillis) {
        self.time.set(time);
    }

    /// A tick.
    pub(crate) fn beat(&self, now: Instant) -> Beat {
        match self.next.get() {
            Some(next) if next <= now => {
                if self.is_used.take() {
                    self.next.set(Some(now + PERIOD));
                    Beat::Goes
                } else {
                    self.next.set(None);
                    Beat::Ends
                }
            }
            _ => Beat::None,
        }
    }
}
