//! The end of sessions, and of their names on their user's list.

use alloc::vec::Vec;

use super::users::{Changed, UserChange, UserUpdate, Users};
use crate::host::Host;
use crate::records::record::{Listed, UserRecord};
use crate::records::token::SessionId;
use crate::rejection::Rejection;
use crate::store::StoreError;
use crate::time::UnixMillis;
use crate::worker::Context;

impl<H: Host> Users<'_, H> {
    /// Ends one session of a user, at once here, elsewhere within the cache time.
    pub(crate) async fn end_one(
        &self,
        id: SessionId,
        appid: &str,
        openid: &str,
    ) -> Result<(), Rejection> {
        let worker = self.context.worker;
        worker.forget(&[id]);
        let update = UserUpdate {
            before: Vec::from([id.removal()]),
            ..UserUpdate::of(appid, openid)
        };
        self.update(update, &mut OneGone(id)).await?;
        // Once more: a look-up may have found it before it was gone from the store.
        worker.forget(&[id]);
        Ok(())
    }

    /// Ends all sessions of a user, and says how many. `asks`: the session whose client or app asks for it, if it is
    /// not an operator who does. `made_by`: sessions that were made later go on.
    ///
    /// The list is tidied when all that it names are gone, and only if it names nobody else by then: had the store failed
    /// before, or had a login come between, they would still be on it. And the session that asks is the last to go: until
    /// then its client can ask again.
    pub(crate) async fn end_all(
        &self,
        asks: Option<SessionId>,
        appid: &str,
        openid: &str,
        made_by: Option<UnixMillis>,
    ) -> Result<usize, Rejection> {
        let mut all = AllGone {
            context: self.context,
            made_by,
            ended: asks.into_iter().collect(),
            asks,
        };
        self.update(UserUpdate::of(appid, openid), &mut all).await?;
        if let Some(id) = all.asks {
            self.context.sessions().end(&[id]).await?;
        }
        // Once more: a look-up may have found one before it was gone from the store. And what was ended elsewhere a moment
        // ago is on no list any more, but may be in the cache here.
        self.context.worker.forget_user(appid, openid);
        Ok(all.ended.len())
    }
}

/// The user without this session.
struct OneGone(SessionId);

impl UserChange for OneGone {
    fn apply(&mut self, user: Option<UserRecord>) -> Result<Option<Changed>, Rejection> {
        let named = user.filter(|user| user.lists(&self.0));
        Ok(named.map(|mut user| {
            user.sessions.retain(|own| own.opener.id() != self.0);
            Changed::only(user)
        }))
    }

    fn is_there(&self, user: &UserRecord) -> bool {
        !user.lists(&self.0)
    }
}

/// The user without any session, or any that was made by then.
struct AllGone<'a, H> {
    context: Context<'a, H>,
    made_by: Option<UnixMillis>,
    ended: Vec<SessionId>,
    /// The session that asks, while it is still there.
    asks: Option<SessionId>,
}

impl<H: Host> UserChange for AllGone<'_, H> {
    fn unreadable(&mut self) -> Result<(), StoreError> {
        Err(StoreError::Unopened)
    }

    fn apply(&mut self, user: Option<UserRecord>) -> Result<Option<Changed>, Rejection> {
        let Some(mut user) = user else {
            return Ok(None);
        };
        let now = self.context.host.now();
        let goes = |own: &Listed| !self.made_by.is_some_and(|by| own.made_at.is_since(by, now));
        let (listed, stay): (Vec<_>, Vec<_>) = user.sessions.into_iter().partition(goes);
        if listed.is_empty() {
            return Ok(None);
        }
        user.sessions = stay;
        let (replaced, live): (Vec<_>, Vec<_>) = listed.iter().partition(|own| own.is_replaced());
        let ids = |all: Vec<&Listed>| all.iter().map(|own| own.opener.id()).collect::<Vec<_>>();
        let mut others = ids(live);
        others.retain(|own| !self.ended.contains(own));
        let mut all = [&*others, &ids(replaced)].concat();
        // Also where a login that failed has replaced it.
        all.retain(|own| Some(*own) != self.asks);
        self.context.worker.forget(&all);
        let mut first = Vec::from([all.iter().map(SessionId::removal).collect()]);
        if let Some(id) = self.asks.take() {
            first.push(Vec::from([id.removal()]));
        }
        self.ended.append(&mut others);
        Ok(Some(Changed {
            first,
            ..Changed::only(user)
        }))
    }

    fn is_there(&self, user: &UserRecord) -> bool {
        !user
            .sessions
            .iter()
            .any(|own| self.ended.contains(&own.opener.id()))
    }
}
