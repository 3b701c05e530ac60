//! The user record: read, and changed by compare-and-swap so that two logins of one user lose nothing.

use alloc::vec;
use alloc::vec::Vec;

use super::record::{UserRecord, user_key};
use super::seal::Scope;
use super::sessions::{ATTEMPTS, counted};
use crate::edge::Edge;
use crate::host::Host;
use crate::rejection::Rejection;
use crate::store::{Change, Life, Store, StoreError, Write};

/// What becomes of a user.
pub(crate) struct Changed<T> {
    pub(crate) user: UserRecord,
    /// What is written in the same round trip. Written again if the user has to be changed again, and perhaps
    /// even if that fails in the end.
    pub(crate) along: Vec<Write>,
    pub(crate) outcome: T,
}

/// The user, if known.
pub(crate) async fn load<H: Host>(
    edge: &Edge,
    host: &H,
    appid: &str,
    openid: &str,
) -> Result<Option<UserRecord>, StoreError> {
    let key = user_key(appid, openid);
    let sealed = counted(host, edge.store(host).get(&key, host.now()).await)?;
    Ok(sealed.and_then(|sealed| edge.keys.open_or_log(host, &scope(&key.name), &sealed)))
}

/// Applies `change` to the user as it is now and writes the result. `change` may run again when another worker was
/// first; it says `None` to leave the record alone.
pub(crate) async fn update<H: Host, T>(
    edge: &Edge,
    host: &H,
    appid: &str,
    openid: &str,
    mut change: impl FnMut(Option<UserRecord>) -> Result<Option<Changed<T>>, Rejection>,
) -> Result<Option<T>, Rejection> {
    let key = user_key(appid, openid);
    for _ in 0..ATTEMPTS {
        let now = host.now();
        let found = counted(host, edge.store(host).get(&key, now).await)?;
        let user = found
            .as_deref()
            .and_then(|sealed| edge.keys.open_or_log(host, &scope(&key.name), sealed));
        let Some(changed) = change(user)? else {
            return Ok(None);
        };
        let swap = Write {
            key: key.clone(),
            change: Change::Swap {
                expected: found,
                value: edge.keys.seal(host, &scope(&key.name), &changed.user)?,
                life: Life {
                    now,
                    expires_at: now.after(edge.config.session.user_lifetime),
                },
            },
        };
        // First: a store that writes one after the other then writes nothing in vain.
        let mut writes = vec![swap];
        writes.extend(changed.along);
        if counted(host, edge.store(host).write(&writes).await)? {
            return Ok(Some(changed.outcome));
        }
    }
    Err(StoreError::Contended.into())
}

fn scope(name: &str) -> Scope<'_> {
    Scope {
        label: "user",
        owner: name.as_bytes(),
        name,
    }
}
