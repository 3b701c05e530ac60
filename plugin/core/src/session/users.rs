//! The user record: read, and changed by compare-and-swap so that two logins of one user lose nothing.

use super::record::{UserRecord, user_key};
use super::seal::Scope;
use super::sessions::{ATTEMPTS, counted};
use crate::edge::Edge;
use crate::host::Host;
use crate::rejection::Rejection;
use crate::store::{Life, Store, StoreError};

/// The user, if known.
pub(crate) async fn load<H: Host>(
    edge: &Edge,
    host: &H,
    appid: &str,
    openid: &str,
) -> Result<Option<UserRecord>, StoreError> {
    let key = user_key(appid, openid);
    let sealed = counted(host, host.store().get(&key, host.now()).await)?;
    Ok(sealed.and_then(|sealed| edge.keys.open(&scope(&key.name), &sealed)))
}

/// Applies `change` to the user as it is now and writes the result. `change` may run again when another worker was
/// first; it says `None` to leave the record alone.
pub(crate) async fn update<H: Host, T>(
    edge: &Edge,
    host: &H,
    appid: &str,
    openid: &str,
    mut change: impl FnMut(Option<UserRecord>) -> Option<(UserRecord, T)>,
) -> Result<Option<T>, Rejection> {
    let key = user_key(appid, openid);
    for _ in 0..ATTEMPTS {
        let now = host.now();
        let found = counted(host, host.store().get(&key, now).await)?;
        let user = found
            .as_deref()
            .and_then(|sealed| edge.keys.open(&scope(&key.name), sealed));
        let Some((user, outcome)) = change(user) else {
            return Ok(None);
        };
        let sealed = edge.keys.seal(host, &scope(&key.name), &user)?;
        let life = Life {
            now,
            expires_at: now.after(edge.config.session.user_lifetime),
        };
        let swapped = host
            .store()
            .swap(&key, found.as_deref(), &sealed, life)
            .await;
        if counted(host, swapped)? {
            return Ok(Some(outcome));
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
