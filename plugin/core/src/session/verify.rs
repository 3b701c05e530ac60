//! The session that a request proves: from what this worker has verified, else from the store. What is to be written for
//! it waits until the request has its verdict.

use alloc::rc::Rc;
use core::time::Duration;

use super::sessions::{Sessions, Unusable};
use crate::head::Head;
use crate::host::Host;
use crate::memory::found::Found;
use crate::memory::later::Later;
use crate::memory::verified::Moments;
use crate::metrics::Counter;
use crate::presented::{Presented, presented};
use crate::records::record::SessionRecord;
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::time::UnixMillis;
use crate::worker::Context;

/// Renewals beyond these are left to a later use: requests may end before anybody takes care of theirs.
const MOST_RENEWALS: usize = 64;

/// A `seen_at` further ahead than this is written anew.
const SKEW: Duration = Duration::from_secs(60);

impl<H: Host> Sessions<'_, H> {
    /// The token of a request and the session that it proves.
    pub(crate) async fn of_request(
        &self,
        head: &Head,
    ) -> Result<(Token, Rc<SessionRecord>), Rejection> {
        let rules = &self.context.config().session;
        self.of_presented(presented(head, rules)?).await
    }

    /// The token that was shown, and the session that it proves.
    pub(crate) async fn of_presented(
        &self,
        presented: Presented,
    ) -> Result<(Token, Rc<SessionRecord>), Rejection> {
        let host = self.context.host;
        match presented {
            Presented::Token(token) => {
                let session = self.verify(&token).await?;
                Ok((token, session))
            }
            Presented::Malformed => {
                host.count(Counter::SessionDenied);
                Err(Reason::InvalidToken.into())
            }
            Presented::Nothing => {
                host.count(Counter::SessionAbsent);
                Err(Reason::NoSession.into())
            }
        }
    }

    /// The session of `token`: from the verified cache, else from the store. When its idle time is to be renewed, that is
    /// left for [`Sessions::renew`], after the verdict.
    async fn verify(&self, token: &Token) -> Result<Rc<SessionRecord>, Rejection> {
        let Context { worker, host } = self.context;
        let recent = self.context.recent();
        let cached = worker.verified.borrow().get(token, recent);
        if let Some(session) = cached {
            host.count(Counter::SessionHit);
            return Ok(session);
        }
        let now = self.context.now();
        let generation = worker.verified.borrow().generation();
        let Some(found) = self.load(token, now, Unusable::Keep).await? else {
            host.count(Counter::SessionDenied);
            return Err(Reason::InvalidToken.into());
        };
        if self.is_over(&found.record, now) {
            host.count(Counter::SessionExpired);
            return Err(Reason::SessionExpired.into());
        }
        host.count(Counter::SessionMiss);
        let mut later = worker.later.borrow_mut();
        if self.is_due(&found.record, now) && later.len() < MOST_RENEWALS {
            later.push(Later::Renewal {
                token: token.clone(),
                found: Rc::clone(&found),
                seen_at: now,
            });
        }
        drop(later);
        // What the app has said since, and the store has yet to hear of.
        let found = match worker.sayings.word(&found.id) {
            Some(word) => Rc::new(found.remembering(&word)),
            None => found,
        };
        let session = Rc::clone(&found.record);
        self.remember(token, found, now, generation);
        Ok(session)
    }

    /// Extends the idle time of a session that was used, of a request that has its verdict by now. A renewal that fails or
    /// comes second harms nobody: the next use tries again.
    pub(crate) async fn renew(&self, token: &Token, found: &Found, seen_at: UnixMillis) {
        let Context { worker, host } = self.context;
        let latest = seen_at.after(worker.config.session.absolute);
        let renewed = SessionRecord {
            seen_at,
            expires_at: found.record.expires_at.min(latest),
            ..(*found.record).clone()
        };
        // Counted when asked: the request may be over, and its future gone, before a far-away store has answered.
        host.count(Counter::SessionRenewed);
        let _ = self.replace(&token.opener(), found, &renewed).await;
    }

    /// Lets this worker trust a session that it has looked up or made, unless one was ended here since `generation`: it
    /// must not come back.
    pub(crate) fn remember(
        &self,
        token: &Token,
        found: Rc<Found>,
        now: UnixMillis,
        generation: u64,
    ) {
        let record = &found.record;
        let seen_at = if self.is_due(record, now) {
            now
        } else {
            record.seen_at
        };
        let moments = Moments {
            renewal: seen_at.after(self.renewed_after()),
            end: self.ends_at(record),
        };
        let mut verified = self.context.worker.verified.borrow_mut();
        if verified.generation() == generation {
            verified.insert(token, found, now, &moments);
        }
    }

    /// Whether the idle time of a session that is used now is to begin anew: not with each use, for that is a write.
    fn is_due(&self, session: &SessionRecord, now: UnixMillis) -> bool {
        now.since(session.seen_at) >= self.renewed_after() || session.seen_at.since(now) > SKEW
    }

    fn renewed_after(&self) -> Duration {
        self.context.config().session.idle / 3
    }
}
