//! Sessions as their user's record lists them: what an operator sees and changes without anybody's token.

use super::sessions::{ATTEMPTS, Sessions};
use crate::host::Host;
use crate::memory::endings::Watched;
use crate::memory::found::Found;
use crate::records::record::{Listed, SessionRecord, kept};
use crate::rejection::Rejection;
use crate::store::{Store, StoreError};
use crate::time::UnixMillis;
use crate::worker::Context;

impl<H: Host> Sessions<'_, H> {
    /// The session as the store has it, if it lives.
    pub(crate) async fn look_at(&self, listed: &Listed) -> Result<Option<Found>, StoreError> {
        let Context { worker, host } = self.context;
        let id = listed.opener.id();
        let key = id.key();
        let now = host.now();
        let to_end = worker.endings.watch();
        let sealed = self.context.store().get_latest(&key, now).await?;
        let found = sealed.and_then(|sealed| self.opened(&listed.opener, id, &key, sealed));
        Ok(found.filter(|found| self.lives(found, &to_end, now)))
    }

    /// Whether the store has it no more, or it is over. One that no key of this edge opens is another edge's to judge.
    pub(crate) async fn is_gone(&self, listed: &Listed) -> Result<bool, StoreError> {
        let Context { worker, host } = self.context;
        let id = listed.opener.id();
        let key = id.key();
        let now = host.now();
        let to_end = worker.endings.watch();
        let Some(sealed) = self.context.store().get_latest(&key, now).await? else {
            return Ok(true);
        };
        let found = self.opened(&listed.opener, id, &key, sealed);
        Ok(found.is_some_and(|found| !self.lives(&found, &to_end, now)))
    }

    fn lives(&self, found: &Found, to_end: &Watched<'_>, now: UnixMillis) -> bool {
        !self.is_over(&found.record, now) && !self.is_to_end(to_end, &found.id, &found.record, now)
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
            let changed = SessionRecord {
                attributes: kept(text),
                ..(*own.record).clone()
            };
            if changed == *own.record || self.replace(&listed.opener, own, &changed).await? {
                // It is looked up anew.
                self.context.worker.forget(&[own.id]);
                return Ok(true);
            }
            found = self.look_at(listed).await?;
        }
        Err(StoreError::Contended.into())
    }
}
