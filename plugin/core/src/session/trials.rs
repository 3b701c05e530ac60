//! Open data that did not open, counted so that nobody decrypts by trial: at `max_failures` the session ends. Whoever
//! opens has a place first, so that no more are opened at once than may fail.
//!
//! A worker that lives long remembers which sessions have failed, and while it writes a failure down, others of that
//! session wait: each worker beside it is at most one trial ahead of the store, and data that opens costs no write.
//! Where workers come and go, the places are tickets in the store: data that opens gives its own back behind the
//! request, and when all are spent the session ends.

use alloc::collections::BTreeMap;
use core::time::Duration;

use crate::edge::Edge;
use crate::edge::tickets::{self, Taken, Tickets};
use crate::host::Host;
use crate::metrics::Counter;
use crate::rejection::{Reason, Rejection};
use crate::session::record::SessionRecord;
use crate::session::sessions::{self, Gone, Later, counted};
use crate::session::token::{SessionId, Token};
use crate::store::{Key, Store, StoreError, Write};
use crate::time::UnixMillis;

/// How many sessions with failures are remembered, beside those that are being counted.
const MOST_KNOWN: usize = 256;

/// How long somebody waits for a place, and how often it looks.
const STEP: Duration = Duration::from_millis(20);
const STEPS: u32 = 250;

/// How often somebody looks for a ticket, each time after a step more, up to a few: three seconds in all.
const LOOKS: u32 = 40;
const MOST_STEPS: u32 = 5;

/// A ticket of somebody who was never heard of again is free then. Longer than any request takes.
const OPENING_LASTS: Duration = Duration::from_secs(60);

/// The sessions of one worker whose open data has failed.
#[derive(Default)]
pub(crate) struct Trials(BTreeMap<[u8; 32], Known>);

#[derive(Clone, Copy)]
struct Known {
    failures: u8,
    /// One of them is being written down.
    counting: bool,
    ended: bool,
    at: UnixMillis,
}

/// A place for one opening. Dropped, it is given back.
pub(crate) struct Trial<'a> {
    edge: &'a Edge,
    ticket: Option<Key>,
}

/// A failure that is being written down. Dropped before, it counts here at least.
struct Counting<'a> {
    edge: &'a Edge,
    id: SessionId,
}

/// Takes a ticket for an opening, where there are tickets.
///
/// # Errors
/// When the session has ended meanwhile, and when none is free for seconds.
pub(crate) async fn reserve<'a, H: Host>(
    edge: &'a Edge,
    host: &H,
    token: &Token,
) -> Result<Trial<'a>, Rejection> {
    if !H::LIMITS_IN_STORE || !edge.config.limits_in_store {
        return Ok(Trial { edge, ticket: None });
    }
    let id = token.id();
    let tickets = tickets_of(edge, &id).ok_or(Reason::Internal)?;
    for look in 0..LOOKS {
        if look > 0 {
            host.sleep(STEP * look.min(MOST_STEPS)).await;
        }
        if let Taken::Ticket(key) = tickets.take(edge, host).await? {
            let ticket = Some(key);
            return Ok(Trial { edge, ticket });
        }
        let found = sessions::load(edge, host, token, &id, host.now(), Gone::Stays).await?;
        // Perhaps nobody could end it when it should have been.
        if found.is_none() || end_if_spent(edge, host, &id, &tickets).await? {
            edge.cache.borrow_mut().remove(&id);
            return Err(Reason::InvalidToken.into());
        }
    }
    Err(StoreError::Contended.into())
}

/// Whether that was so.
async fn end_if_spent<H: Host>(
    edge: &Edge,
    host: &H,
    id: &SessionId,
    tickets: &Tickets,
) -> Result<bool, StoreError> {
    let spent = tickets.are_all_spent(edge, host).await?;
    if spent {
        host.count(Counter::SessionEnded);
        sessions::end(edge, host, &[*id]).await?;
    }
    Ok(spent)
}

/// Waits until this worker has written down what failed before. Whoever comes from here opens at once, before it waits
/// for anything.
///
/// # Errors
/// When the session has failed too often, and when that takes too long.
pub(crate) async fn turn<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
    session: &SessionRecord,
) -> Result<(), Rejection> {
    let max = edge.config.open_data.max_failures;
    if edge.trials.borrow().0.is_empty() && session.failures < max {
        return Ok(());
    }
    let id = token.id();
    for _ in 0..STEPS {
        let known = edge.trials.borrow().0.get(&id.0).copied();
        let failures = known
            .map_or(0, |known| known.failures)
            .max(session.failures);
        if failures >= max {
            // It is over in any case. Perhaps it could not be ended when it should have been.
            if !known.is_some_and(|known| known.ended || known.counting) {
                sessions::end(edge, host, &[id]).await?;
                edge.trials
                    .borrow_mut()
                    .note(&id, failures, true, host.now());
            }
            return Err(Reason::InvalidToken.into());
        }
        if !known.is_some_and(|known| known.counting) {
            return Ok(());
        }
        host.sleep(STEP).await;
    }
    Err(StoreError::Contended.into())
}

/// Counts open data that no key opened; at the limit the session ends.
pub(crate) async fn failed<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
    session: &SessionRecord,
    mut trial: Trial<'_>,
) -> Result<(), Rejection> {
    let id = token.id();
    let Some(ticket) = trial.ticket.take().filter(|_| H::LIMITS_IN_STORE) else {
        let counting = Counting::begin(edge, id, session.failures, host.now());
        let failures = sessions::count_failure(edge, host, token).await;
        match &failures {
            Ok(failures) => counting.done(*failures, host.now()),
            Err(gone) if gone.reason == Reason::InvalidToken => {
                counting.done(u8::MAX, host.now());
            }
            // Dropped, it counts here.
            Err(_) => drop(counting),
        }
        return failures.map(|_| ());
    };
    // Longer than the session, and than an opening in any case.
    let span = session.expires_at.since(host.now()).max(2 * OPENING_LASTS);
    let spent = tickets::spent(&ticket, span, host);
    counted(host, edge.store(host).write(&[spent]).await)?;
    let tickets = tickets_of(edge, &id).ok_or(Reason::Internal)?;
    // In the session too, for edges that go by it.
    match sessions::count_failure(edge, host, token).await {
        Ok(failures) if failures >= edge.config.open_data.max_failures => Ok(()),
        Ok(_) => Ok(end_if_spent(edge, host, &id, &tickets).await.map(|_| ())?),
        // Another one was the last.
        Err(_) if tickets.are_all_spent(edge, host).await? => Ok(()),
        Err(rejection) => Err(rejection),
    }
}

/// What a new session is born with whose login brought data that did not open: a failure, but never the last.
pub(crate) fn born_with(edge: &Edge) -> u8 {
    edge.config.open_data.max_failures.saturating_sub(1).min(1)
}

/// The write that makes the place of that failure a taken one, where there are tickets.
pub(crate) fn born_without<H: Host>(edge: &Edge, host: &H, token: &Token) -> Option<Write> {
    if !H::LIMITS_IN_STORE || !edge.config.limits_in_store || born_with(edge) == 0 {
        return None;
    }
    let tickets = tickets_of(edge, &token.id())?;
    let span = edge.config.session.absolute.max(2 * OPENING_LASTS);
    Some(tickets.spent(0, span, host))
}

fn tickets_of(edge: &Edge, id: &SessionId) -> Option<Tickets> {
    let count = edge.config.open_data.max_failures.into();
    Tickets::new(edge, "openings", &id.0, count, OPENING_LASTS)
}

impl Trials {
    fn note(&mut self, id: &SessionId, failures: u8, ended: bool, at: UnixMillis) {
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
    fn begin(edge: &'a Edge, id: SessionId, failures: u8, now: UnixMillis) -> Self {
        let mut trials = edge.trials.borrow_mut();
        let known = trials.0.get(&id.0);
        let failures = known.map_or(0, |known| known.failures).max(failures);
        trials.note(&id, failures, false, now);
        if let Some(known) = trials.0.get_mut(&id.0) {
            known.counting = true;
        }
        drop(trials);
        Self { edge, id }
    }

    fn done(self, failures: u8, now: UnixMillis) {
        let ended = failures >= self.edge.config.open_data.max_failures;
        let mut trials = self.edge.trials.borrow_mut();
        trials.note(&self.id, failures, ended, now);
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let mut trials = self.edge.trials.borrow_mut();
        if let Some(known) = trials.0.get_mut(&self.id.0).filter(|known| known.counting) {
            known.counting = false;
            known.failures = known.failures.saturating_add(1);
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.edge.renewals.borrow_mut().push(Later::Return(ticket));
        }
    }
}
