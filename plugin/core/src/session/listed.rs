//! Sessions as their user's record lists them: what an operator sees and changes without anybody's token.

use alloc::vec::Vec;

use futures_util::future::join_all;

use super::sessions::{ATTEMPTS, Sessions};
use crate::host::Host;
use crate::memory::found::Found;
use crate::records::record::Listed;
use crate::records::token::SessionId;
use crate::rejection::Rejection;
use crate::store::{Store, StoreError};
use crate::worker::Context;

/// What the store has of a session on a list.
enum Look {
    Lives(Found),
    /// Nothing, or one that is over.
    Gone,
    /// One that no key of this edge opens: another edge's to judge.
    Unopened,
}

impl<H: Host> Sessions<'_, H> {
    /// The session as the store has it, if it lives.
    pub(crate) async fn look_at(&self, listed: &Listed) -> Result<Option<Found>, StoreError> {
        Ok(match self.look(listed).await? {
            Look::Lives(found) => Some(found),
            Look::Gone | Look::Unopened => None,
        })
    }

    /// Which of these are over, or gone from the store: at most `most`. Those that the store cannot be asked about
    /// count as alive. A user has few: all are asked about at once, so that a far store is waited for once.
    pub(crate) async fn gone(&self, listed: &[Listed], most: usize) -> Vec<SessionId> {
        let looks = join_all(listed.iter().map(|own| self.look(own))).await;
        let gone = listed.iter().zip(looks);
        gone.filter(|(_, look)| matches!(look, Ok(Look::Gone)))
            .map(|(own, _)| own.opener.id())
            .take(most)
            .collect()
    }

    async fn look(&self, listed: &Listed) -> Result<Look, StoreError> {
        let Context { worker, host } = self.context;
        let id = listed.opener.id();
        let key = id.key();
        let now = host.now();
        let to_end = worker.endings.watch();
        let Some(sealed) = self.context.store().get_latest(&key, now).await? else {
            return Ok(Look::Gone);
        };
        let Some(found) = self.opened(&listed.opener, id, &key, sealed) else {
            return Ok(Look::Unopened);
        };
        let record = &found.record;
        let lives = !self.is_over(record, now) && !self.is_to_end(&to_end, &id, record, now);
        Ok(if lives {
            Look::Lives(found)
        } else {
            Look::Gone
        })
    }

    /// Has a session that was found so remember `text` for its app, from its next request on here, elsewhere within the
    /// cache time. Whether it lives.
    pub(crate) async fn attach(
        &self,
        listed: &Listed,
        mut found: Option<Found>,
        text: &str,
    ) -> Result<bool, Rejection> {
        for _ in 0..ATTEMPTS {
            let Some(own) = &found else {
                return Ok(false);
            };
            let changed = own.record.remembering(text);
            if changed == *own.record || self.replace(&listed.opener, own, &changed).await? {
                // It is looked up anew; and what the app had said before is not written any more.
                self.context.worker.forget(&[own.id]);
                self.context.worker.sayings.give_up(&own.id);
                return Ok(true);
            }
            found = self.look_at(listed).await?;
        }
        Err(StoreError::Contended.into())
    }
}
