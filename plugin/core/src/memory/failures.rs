//! The sessions of one worker whose open data has failed, and how often. While a failure is being written down, others
//! of its session see that.

use alloc::collections::BTreeMap;
use core::cell::RefCell;

use crate::records::token::SessionId;
use crate::time::UnixMillis;

/// How many sessions with failures are remembered, beside those that are being counted.
const MOST_KNOWN: usize = 256;

/// By session.
#[derive(Default)]
pub(crate) struct Failures(BTreeMap<[u8; 32], Known>);

/// What is known of one session.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) failures: u8,
    /// One of them is being written down.
    pub(crate) counting: bool,
    pub(crate) ended: bool,
    at: UnixMillis,
}

/// A failure that is being written down. Dropped before, it counts here at least.
pub(crate) struct Counting<'a> {
    failures: &'a RefCell<Failures>,
    id: SessionId,
    /// With so many the session ends.
    max: u8,
}

impl Failures {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, id: &SessionId) -> Option<Known> {
        self.0.get(&id.0).copied()
    }

    pub(crate) fn note(&mut self, id: &SessionId, failures: u8, ended: bool, at: UnixMillis) {
        if self.0.len() >= MOST_KNOWN && !self.0.contains_key(&id.0) {
            let idle = self.0.iter().filter(|(_, known)| !known.counting);
            let oldest = idle.min_by_key(|(_, known)| known.at).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.0.remove(&oldest);
            }
        }
        let known = Known {
            failures,
            counting: false,
            ended,
            at,
        };
        self.0.insert(id.0, known);
    }
}

impl<'a> Counting<'a> {
    /// Of a session that has at least `known` failures.
    pub(crate) fn begin(
        failures: &'a RefCell<Failures>,
        id: SessionId,
        max: u8,
        known: u8,
        now: UnixMillis,
    ) -> Self {
        let mut all = failures.borrow_mut();
        let known = all.get(&id).map_or(0, |own| own.failures).max(known);
        all.note(&id, known, false, now);
        if let Some(known) = all.0.get_mut(&id.0) {
            known.counting = true;
        }
        drop(all);
        Self { failures, id, max }
    }

    /// It is written down: there are so many now.
    pub(crate) fn done(self, count: u8, now: UnixMillis) {
        let mut all = self.failures.borrow_mut();
        all.note(&self.id, count, count >= self.max, now);
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let mut all = self.failures.borrow_mut();
        if let Some(known) = all.0.get_mut(&self.id.0).filter(|known| known.counting) {
            known.counting = false;
            known.failures = known.failures.saturating_add(1);
        }
    }
}
