//! The user record: read, and changed by compare-and-swap so that two logins of one user lose nothing.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::pin::Pin;
use core::time::Duration;

use super::contention::{ATTEMPTS, pause};
use crate::chosen_store::ChosenStore;
use crate::host::Host;
use crate::records::record::{UserRecord, user_key, user_scope};
use crate::rejection::Rejection;
use crate::store::{Change, Key, Life, Store, StoreError, Write, Written};
use crate::worker::Context;

/// Longer than another instance takes between reading an entry and writing it, where a swap is not one step.
const OTHERS_ARE_DONE: Duration = Duration::from_millis(25);

/// The users of one store.
pub(crate) struct Users<'a, H> {
    pub(super) context: Context<'a, H>,
}

impl<'a, H: Host> Context<'a, H> {
    pub(crate) fn users(self) -> Users<'a, H> {
        Users { context: self }
    }
}

/// Which user is to be changed, and what belongs to that.
pub(crate) struct UserUpdate<'a> {
    pub(crate) appid: &'a str,
    pub(crate) openid: &'a str,
    /// What is written while the user is read, and done before the user is changed. Stays, whatever becomes of that.
    pub(crate) before: Vec<Write>,
    /// The entry of the session that is added: while it is there, the change has to be too.
    pub(crate) adds: Option<Key>,
}

impl<'a> UserUpdate<'a> {
    /// Nothing is written before, and no session is added.
    pub(crate) fn of(appid: &'a str, openid: &'a str) -> Self {
        Self {
            appid,
            openid,
            before: Vec::new(),
            adds: None,
        }
    }
}

/// What becomes of a user.
pub(crate) struct Changed {
    pub(crate) user: UserRecord,
    /// What is done before the user is changed, one batch after the other: what must not be left over by a change that
    /// took place.
    pub(crate) first: Vec<Vec<Write>>,
    /// What is written in the same round trip. Written again if the user has to be changed again, and perhaps
    /// even if that fails in the end.
    pub(crate) along: Vec<Write>,
    /// What is written when the user is, and not before.
    pub(crate) after: Vec<Write>,
}

impl Changed {
    /// Nothing but the user.
    pub(crate) fn only(user: UserRecord) -> Self {
        Self {
            user,
            first: Vec::new(),
            along: Vec::new(),
            after: Vec::new(),
        }
    }
}

/// Looks up what a change has to know.
pub(crate) type LookUp<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A change of a user. As a trait object: what follows is one function for all of them.
pub(crate) trait UserChange {
    /// The record is there and cannot be read. An error for a change that must not take that for a user whom nobody
    /// knows.
    fn unreadable(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Looks up what is to be known before the change, if anything is.
    fn look_up(&mut self, _: &UserRecord) -> Option<LookUp<'_>> {
        None
    }

    /// The user after it. May be asked again, of what another worker has made of the user meanwhile. `None` to leave the
    /// record alone.
    fn apply(&mut self, user: Option<UserRecord>) -> Result<Option<Changed>, Rejection>;

    /// Whether this is a user with the change.
    fn is_there(&self, user: &UserRecord) -> bool;
}

impl<H: Host> Users<'_, H> {
    /// The user, if known. With `latest`, no replica is asked.
    pub(crate) async fn load(
        &self,
        appid: &str,
        openid: &str,
        latest: bool,
    ) -> Result<Option<UserRecord>, StoreError> {
        match self.find(appid, openid, latest).await {
            Err(StoreError::Unopened) => Ok(None),
            found => found,
        }
    }

    /// The latest record of the user. One that cannot be read is an error here, and not a user whom nobody knows.
    pub(crate) async fn read(
        &self,
        appid: &str,
        openid: &str,
    ) -> Result<Option<UserRecord>, StoreError> {
        self.find(appid, openid, true).await
    }

    async fn find(
        &self,
        appid: &str,
        openid: &str,
        latest: bool,
    ) -> Result<Option<UserRecord>, StoreError> {
        let key = user_key(appid, openid);
        let (store, now) = (self.context.store(), self.context.host.now());
        let sealed = if latest {
            store.get_latest(&key, now).await
        } else {
            store.get(&key, now).await
        };
        let Some(sealed) = sealed? else {
            return Ok(None);
        };
        let user = self.opened(appid, openid, &key, Some(&sealed));
        user.map(Some).ok_or(StoreError::Unopened)
    }

    /// Applies `change` to the user as it is now and writes the result. Whether there was something to be changed.
    pub(crate) async fn update(
        &self,
        update: UserUpdate<'_>,
        change: &mut dyn UserChange,
    ) -> Result<bool, Rejection> {
        let Context { worker, host } = self.context;
        let key = user_key(update.appid, update.openid);
        let store = self.context.store();
        let mut found = store
            .write_and_get(&update.before, &key, host.now())
            .await?;
        for attempt in 0..ATTEMPTS {
            let user = self.opened(update.appid, update.openid, &key, found.as_deref());
            if user.is_none() && found.is_some() {
                change.unreadable()?;
            }
            if let Some(user) = &user
                && let Some(look_up) = change.look_up(user)
            {
                look_up.await;
            }
            let Some(changed) = change.apply(user)? else {
                return Ok(false);
            };
            for batch in changed.first.iter().filter(|batch| !batch.is_empty()) {
                store.write(batch).await?;
            }
            let now = host.now();
            let swap = Change::Swap {
                expected: found,
                value: worker.keys.seal(
                    host,
                    &user_scope(update.appid, update.openid, &key.name),
                    &changed.user,
                )?,
                life: Life::lasting(now, worker.config.session.user_lifetime),
            };
            // First: a store that writes one after the other then writes nothing in vain.
            let mut writes = vec![Write {
                key: key.clone(),
                change: swap,
            }];
            writes.extend(changed.along);
            let mut written = store.write(&writes).await?;
            if written == Written::All && !store.swaps_are_atomic() {
                written = self.confirm(&store, &key, &update, &*change).await?;
            }
            match written {
                Written::All => {
                    if !changed.after.is_empty() {
                        store.write(&changed.after).await?;
                    }
                    return Ok(true);
                }
                Written::Found(other) => found = other,
            }
            let took = host.now().since(now);
            host.sleep(pause(host, attempt, took)).await;
        }
        Err(self.context.contended("user").into())
    }

    /// Where a swap is not one step: whether the change is still there once everybody must be done who had read the
    /// entry before it, and could have written after it.
    async fn confirm(
        &self,
        store: &ChosenStore<'_, H>,
        key: &Key,
        update: &UserUpdate<'_>,
        change: &dyn UserChange,
    ) -> Result<Written, StoreError> {
        let host = self.context.host;
        host.sleep(OTHERS_ARE_DONE).await;
        let found = store.get(key, host.now()).await?;
        let user = self.opened(update.appid, update.openid, key, found.as_deref());
        if user.is_some_and(|user| change.is_there(&user)) {
            return Ok(Written::All);
        }
        if let Some(added) = &update.adds
            && store.get(added, host.now()).await?.is_none()
        {
            // Not lost, but ended by a later login or by a logout everywhere.
            return Ok(Written::All);
        }
        Ok(Written::Found(found))
    }

    fn opened(
        &self,
        appid: &str,
        openid: &str,
        key: &Key,
        sealed: Option<&[u8]>,
    ) -> Option<UserRecord> {
        self.context
            .open(&user_scope(appid, openid, &key.name), sealed?)
    }
}
