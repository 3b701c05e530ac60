//! The user record: read, and changed by compare-and-swap so that two logins of one user lose nothing.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::record::{UserRecord, user_key};
use super::seal::Scope;
use super::sessions::counted;
use crate::edge::Edge;
use crate::host::{Host, Level};
use crate::rejection::Rejection;
use crate::store::chosen::ChosenStore;
use crate::store::{Change, Key, Life, Store, StoreError, Write, Written};

/// How often a change is tried when others change the same user at the same time: with its pauses a second or two.
const ATTEMPTS: u32 = 20;

/// The longest pause before the second attempt; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LAST_PAUSE: Duration = Duration::from_millis(256);

/// Longer than another instance takes between reading an entry and writing it, where a swap is not one step.
const OTHERS_ARE_DONE: Duration = Duration::from_millis(25);

/// Who is to be changed.
pub(crate) struct Of<'a> {
    pub(crate) appid: &'a str,
    pub(crate) openid: &'a str,
    /// What is written while the user is read, and done before the user is changed. Stays, whatever becomes of that.
    pub(crate) before: Vec<Write>,
    /// The entry of the session that is added: while it is there, the change has to be too.
    pub(crate) adds: Option<Key>,
}

/// What becomes of a user.
pub(crate) struct Changed<T> {
    pub(crate) user: UserRecord,
    /// What is done before the user is changed, one batch after the other: what must not be left over by a change that
    /// took place.
    pub(crate) first: Vec<Vec<Write>>,
    /// What is written in the same round trip. Written again if the user has to be changed again, and perhaps
    /// even if that fails in the end.
    pub(crate) along: Vec<Write>,
    pub(crate) outcome: T,
}

impl Changed<()> {
    /// Nothing but the user.
    pub(crate) fn only(user: UserRecord) -> Self {
        Self {
            user,
            first: Vec::new(),
            along: Vec::new(),
            outcome: (),
        }
    }
}

/// The user, if known. With `latest`, no replica is asked.
pub(crate) async fn load<H: Host>(
    edge: &Edge,
    host: &H,
    appid: &str,
    openid: &str,
    latest: bool,
) -> Result<Option<UserRecord>, StoreError> {
    let key = user_key(appid, openid);
    let store = edge.store(host);
    let sealed = if latest {
        store.get_latest(&key, host.now()).await
    } else {
        store.get(&key, host.now()).await
    };
    Ok(opened(edge, host, &key, counted(host, sealed)?.as_deref()))
}

/// Applies `change` to the user as it is now and writes the result. `change` may run again when another worker was
/// first; it says `None` to leave the record alone. `is_there` tells a user with the change from one without.
pub(crate) async fn update<H: Host, T>(
    edge: &Edge,
    host: &H,
    of: Of<'_>,
    mut change: impl FnMut(Option<UserRecord>) -> Result<Option<Changed<T>>, Rejection>,
    is_there: impl Fn(&UserRecord) -> bool,
) -> Result<Option<T>, Rejection> {
    let key = user_key(of.appid, of.openid);
    let store = edge.store(host);
    let found = store.write_and_get(&of.before, &key, host.now()).await;
    let mut found = counted(host, found)?;
    for attempt in 0..ATTEMPTS {
        let Some(changed) = change(opened(edge, host, &key, found.as_deref()))? else {
            return Ok(None);
        };
        for batch in changed.first.iter().filter(|batch| !batch.is_empty()) {
            counted(host, store.write(batch).await)?;
        }
        let now = host.now();
        let swap = Change::Swap {
            expected: found,
            value: edge.keys.seal(host, &scope(&key.name), &changed.user)?,
            life: Life {
                now,
                expires_at: now.after(edge.config.session.user_lifetime),
            },
        };
        // First: a store that writes one after the other then writes nothing in vain.
        let mut writes = vec![Write {
            key: key.clone(),
            change: swap,
        }];
        writes.extend(changed.along);
        found = match counted(host, store.write(&writes).await)? {
            Written::Found(other) => other,
            Written::All if store.swaps_are_atomic() => return Ok(Some(changed.outcome)),
            Written::All => match lost(edge, host, &store, &key, &of, &is_there).await? {
                Some(without) => without,
                None => return Ok(Some(changed.outcome)),
            },
        };
        host.sleep(pause(host, attempt)).await;
    }
    let line = format!(r#"{{"event":"store_contended","record":"user","attempts":{ATTEMPTS}}}"#);
    host.log(Level::Warn, &line);
    Err(StoreError::Contended.into())
}

/// Where a swap is not one step: the entry, if somebody who had read it before the change has written it after. Looks
/// when such a one must be done.
async fn lost<H: Host>(
    edge: &Edge,
    host: &H,
    store: &ChosenStore<'_, H>,
    key: &Key,
    of: &Of<'_>,
    is_there: impl Fn(&UserRecord) -> bool,
) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    host.sleep(OTHERS_ARE_DONE).await;
    let found = counted(host, store.get(key, host.now()).await)?;
    if opened(edge, host, key, found.as_deref()).is_some_and(|user| is_there(&user)) {
        return Ok(None);
    }
    if let Some(added) = &of.adds
        && counted(host, store.get(added, host.now()).await)?.is_none()
    {
        // Not lost, but ended by a later login or by a logout everywhere.
        return Ok(None);
    }
    Ok(Some(found))
}

/// At random, so that those who met do not meet again.
fn pause(host: &impl Host, attempt: u32) -> Duration {
    let most = FIRST_PAUSE
        .saturating_mul(1 << attempt.min(16))
        .min(LAST_PAUSE);
    let mut dice = [0; 2];
    // Without randomness all wait the longest.
    match host.random(&mut dice) {
        Ok(()) => most * u32::from(u16::from_le_bytes(dice)) / u32::from(u16::MAX),
        Err(_) => most,
    }
}

fn opened(edge: &Edge, host: &impl Host, key: &Key, sealed: Option<&[u8]>) -> Option<UserRecord> {
    let sealed = sealed?;
    edge.keys.open_or_log(host, &scope(&key.name), sealed)
}

fn scope(name: &str) -> Scope<'_> {
    Scope {
        label: "user",
        owner: name.as_bytes(),
        name,
    }
}
