//! Open data that did not open, counted so that nobody decrypts by trial: at `max_failures` the session ends. Whoever
//! opens has a place first, so that no more are opened at once than may fail.
//!
//! A worker that lives long remembers which sessions have failed, and while it writes a failure down, others of that
//! session wait: each worker beside it is at most one trial ahead of the store, and data that opens costs no write.
//! Where workers come and go, the places are tickets in the store: data that opens gives its own back behind the
//! request, and when all are spent the session ends.

use core::cell::RefCell;
use core::time::Duration;

use alloc::vec::Vec;

use crate::host::Host;
use crate::memory::failures::Counting;
use crate::memory::keyed_lock::Guard;
use crate::memory::later::Later;
use crate::metrics::Counter;
use crate::quota::boxed;
use crate::quota::entry::spent;
use crate::quota::tickets::{Taken, Tickets};
use crate::records::record::SessionRecord;
use crate::records::token::{SessionId, Token};
use crate::rejection::{Reason, Rejection};
use crate::session::sessions::Unusable;
use crate::store::{Key, Store, StoreError, Write};
use crate::worker::Context;

/// How long somebody waits for a place, and how often it looks.
const STEP: Duration = Duration::from_millis(20);
const STEPS: u32 = 250;

/// How often somebody looks for a ticket, each time after a step more, up to a few: three seconds in all.
const LOOKS: u32 = 40;
const MOST_STEPS: u32 = 5;

/// A ticket of somebody who was never heard of again is free then. Longer than any request takes.
const OPENING_LASTS: Duration = Duration::from_secs(60);

/// The openings of open data, by the sessions that they are counted against.
pub(crate) struct Openings<'a, H> {
    context: Context<'a, H>,
}

/// A place for one opening. Dropped, it is given back.
pub(crate) struct Opening<'a> {
    later: &'a RefCell<Vec<Later>>,
    ticket: Option<Key>,
}

impl<'a, H: Host> Context<'a, H> {
    pub(crate) fn openings(self) -> Openings<'a, H> {
        Openings { context: self }
    }
}

impl<'a, H: Host> Openings<'a, H> {
    fn max(&self) -> u8 {
        self.context.config().open_data.max_failures
    }

    /// Takes a ticket for an opening, where there are tickets.
    ///
    /// # Errors
    /// When the session has ended meanwhile, and when none is free for seconds.
    pub(crate) async fn reserve(&self, token: &Token) -> Result<Opening<'a>, Rejection> {
        let ticket = if H::LIMITS_IN_STORE {
            Some(boxed(self.ticket(token)).await?)
        } else {
            None
        };
        let later = &self.context.worker.later;
        Ok(Opening { later, ticket })
    }

    async fn ticket(&self, token: &Token) -> Result<Key, Rejection> {
        let Context { worker, host } = self.context;
        let sessions = self.context.sessions();
        let id = token.id();
        let tickets = self.tickets(&id).ok_or(Reason::Internal)?;
        for look in 0..LOOKS {
            if look > 0 {
                host.sleep(STEP * look.min(MOST_STEPS)).await;
            }
            if let Taken::Ticket(key) = tickets.take(self.context).await? {
                return Ok(key);
            }
            let found = sessions.load(token, host.now(), Unusable::Keep).await?;
            // Perhaps nobody could end it when it should have been.
            if found.is_none() || self.end_if_spent(&id, &tickets).await? {
                worker.verified.borrow_mut().remove(&id);
                return Err(Reason::InvalidToken.into());
            }
        }
        Err(StoreError::Contended.into())
    }

    /// Ends the session if all its tickets are spent; tells whether it did.
    async fn end_if_spent(&self, id: &SessionId, tickets: &Tickets) -> Result<bool, StoreError> {
        let spent = tickets.are_all_spent(self.context).await?;
        if spent {
            self.context.host.count(Counter::SessionEnded);
            self.context.sessions().end(&[*id]).await?;
        }
        Ok(spent)
    }

    /// Waits until WeChat judges nothing else of this session: whether it fails is known only then, and all that came at
    /// once would have been asked before the first failure counts.
    ///
    /// # Errors
    /// When that takes too long.
    pub(crate) async fn lock(&self, token: &Token) -> Result<Guard<'a>, Rejection> {
        let Context { worker, host } = self.context;
        let id = token.id();
        for _ in 0..STEPS {
            if let Some(guard) = worker.opening_locks.try_lock(id.0) {
                return Ok(guard);
            }
            host.sleep(STEP).await;
        }
        Err(Reason::Overloaded.into())
    }

    /// Waits until this worker has written down what failed before. Whoever comes from here opens at once, before it
    /// waits for anything.
    ///
    /// # Errors
    /// When the session has failed too often, and when that takes too long.
    pub(crate) async fn turn(
        &self,
        token: &Token,
        session: &SessionRecord,
    ) -> Result<(), Rejection> {
        let Context { worker, host } = self.context;
        let max = self.max();
        if worker.failures.borrow().is_empty() && session.failures < max {
            return Ok(());
        }
        let id = token.id();
        for _ in 0..STEPS {
            let known = worker.failures.borrow().get(&id);
            let failures = known
                .map_or(0, |known| known.failures)
                .max(session.failures);
            if failures >= max {
                // It is over in any case. Perhaps it could not be ended when it should have been.
                if !known.is_some_and(|known| known.ended || known.counting) {
                    self.context.sessions().end(&[id]).await?;
                    let mut all = worker.failures.borrow_mut();
                    all.note(&id, failures, true, host.now());
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
    pub(crate) async fn failed(
        &self,
        token: &Token,
        session: &SessionRecord,
        mut opening: Opening<'_>,
    ) -> Result<(), Rejection> {
        if H::LIMITS_IN_STORE
            && let Some(ticket) = opening.ticket.take()
        {
            return boxed(self.spend(token, session, ticket)).await;
        }
        let Context { worker, host } = self.context;
        let (max, known) = (self.max(), session.failures);
        let counting = Counting::begin(&worker.failures, token.id(), max, known, host.now());
        let failures = self.context.sessions().count_failure(token).await;
        match &failures {
            Ok(failures) => counting.done(*failures, host.now()),
            Err(gone) if gone.reason == Reason::InvalidToken => {
                counting.done(u8::MAX, host.now());
            }
            // Dropped, it counts here.
            Err(_) => drop(counting),
        }
        failures.map(|_| ())
    }

    /// Keeps the ticket of an opening that failed taken for longer than the session.
    async fn spend(
        &self,
        token: &Token,
        session: &SessionRecord,
        ticket: Key,
    ) -> Result<(), Rejection> {
        let host = self.context.host;
        let id = token.id();
        // Longer than an opening in any case.
        let span = session.expires_at.since(host.now()).max(2 * OPENING_LASTS);
        let spent = spent(&ticket, span, host);
        self.context.store().write(&[spent]).await?;
        let tickets = self.tickets(&id).ok_or(Reason::Internal)?;
        // In the session too, for edges that go by it.
        match self.context.sessions().count_failure(token).await {
            Ok(failures) if failures >= self.max() => Ok(()),
            Ok(_) => Ok(self.end_if_spent(&id, &tickets).await.map(|_| ())?),
            // Another one was the last.
            Err(_) if tickets.are_all_spent(self.context).await? => Ok(()),
            Err(rejection) => Err(rejection),
        }
    }

    /// What a new session is born with whose login brought data that did not open: a failure, but never the last.
    pub(crate) fn born_with(&self) -> u8 {
        self.max().saturating_sub(1).min(1)
    }

    /// The write that makes the place of that failure a taken one, where there are tickets.
    pub(crate) fn born_without(&self, token: &Token) -> Option<Write> {
        if !H::LIMITS_IN_STORE || self.born_with() == 0 {
            return None;
        }
        let tickets = self.tickets(&token.id())?;
        let lasts = self.context.config().session.absolute;
        Some(tickets.spent(0, lasts.max(2 * OPENING_LASTS), self.context.host))
    }

    fn tickets(&self, id: &SessionId) -> Option<Tickets> {
        let keys = &self.context.worker.keys;
        Tickets::new(keys, "openings", &id.0, self.max().into(), OPENING_LASTS)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.later.borrow_mut().push(Later::Return(ticket));
        }
    }
}
