//! The life of a session: verified, renewed, written, ended.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::time::Duration;

use super::record::SessionRecord;
use super::seal::Scope;
use super::token::{SessionId, Token};
use super::users;
use crate::edge::Edge;
use crate::edge::tickets::given_back;
use crate::host::Host;
use crate::metrics::Counter;
use crate::rejection::{Reason, Rejection};
use crate::store::{Change, Key, Life, Store, StoreError, Write};
use crate::time::UnixMillis;

/// How long an expired session stays in the store, so that its client is told "expired" and not "unknown".
const REMEMBER_EXPIRED: Duration = Duration::from_secs(600);

/// How often a compare-and-swap is tried when others change the same record.
pub(crate) const ATTEMPTS: usize = 8;

/// Renewals beyond these are left to a later use: requests may end before anybody takes care of theirs.
const MOST_RENEWALS: usize = 64;

/// A moment of a session that lies further ahead than this is not believed: clocks are set back by less.
const MOST_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// One that lies ahead by more than this is written anew.
const SKEW: Duration = Duration::from_secs(60);

/// What can wait until its request has a verdict.
pub(crate) enum Later {
    /// The idle time of this session is to be counted from `seen_at`.
    Renewal {
        token: Token,
        found: Found,
        seen_at: UnixMillis,
    },
    /// A ticket is to be given back.
    Return(Key),
    /// A ticket is to be given back if it is this: nobody knows whether it was taken.
    Disclaim(Key, Vec<u8>),
}

/// A session as found in the store.
pub(crate) struct Found {
    pub(crate) record: SessionRecord,
    sealed: Vec<u8>,
}

/// What becomes of a session of an app that is not configured, or no longer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Nothing: the app may be configured again.
    Stays,
    /// It ends, for its client wants it ended.
    Ends,
}

/// When `record` ends if nobody uses it from now on.
pub(crate) fn ends_at(edge: &Edge, record: &SessionRecord) -> UnixMillis {
    let idle_end = record.seen_at.after(edge.config.session.idle);
    idle_end.min(record.expires_at)
}

/// Whether `record` has ended. A session that was last seen in the future is one that the clock was set back behind:
/// it goes on, and its times begin anew as soon as it is used. Where the future is too far away, it is over.
pub(crate) fn is_over(edge: &Edge, record: &SessionRecord, now: UnixMillis) -> bool {
    now >= ends_at(edge, record) || record.seen_at.since(now) > MOST_AHEAD
}

/// How long `record` lasts if nobody uses it from now on.
pub(crate) fn remaining(edge: &Edge, record: &SessionRecord, now: UnixMillis) -> Duration {
    if is_over(edge, record, now) {
        return Duration::ZERO;
    }
    let idle = edge.config.session.idle;
    ends_at(edge, record).since(now).min(idle)
}

/// The session of `token`: from the verified cache, else from the store. When its idle time is to be renewed, that is
/// left for [`renew`], after the verdict.
pub(crate) async fn verify<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
) -> Result<Rc<SessionRecord>, Rejection> {
    let now = edge.now(host);
    let cached = edge.cache.borrow().get(token, now);
    if let Some(session) = cached {
        host.count(Counter::SessionHit);
        return Ok(session);
    }
    let id = token.id();
    let generation = edge.cache.borrow().generation();
    let Some(found) = load(edge, host, token, &id, now, Gone::Stays).await? else {
        edge.cache.borrow_mut().forget(token);
        host.count(Counter::SessionDenied);
        return Err(Reason::InvalidToken.into());
    };
    if is_over(edge, &found.record, now) {
        host.count(Counter::SessionExpired);
        return Err(Reason::SessionExpired.into());
    }
    host.count(Counter::SessionMiss);
    let Found { record, sealed } = found;
    let due = now.since(record.seen_at) >= edge.config.session.idle / 3
        || record.seen_at.since(now) > SKEW;
    let mut renewals = edge.renewals.borrow_mut();
    if due && renewals.len() < MOST_RENEWALS {
        renewals.push(Later::Renewal {
            token: token.clone(),
            found: Found {
                record: record.clone(),
                sealed,
            },
            seen_at: now,
        });
    }
    drop(renewals);
    let session = Rc::new(record);
    remember(edge, token, id, &session, now, generation);
    Ok(session)
}

/// Extends the idle times of sessions that were used, and gives back tickets, of requests that have their verdicts by
/// now. A renewal that fails or comes second harms nobody: the next use tries again.
pub(crate) async fn renew<H: Host>(edge: &Edge, host: &H) {
    for later in edge.renewals.take() {
        match later {
            Later::Renewal {
                token,
                found,
                seen_at,
            } => {
                let latest = seen_at.after(edge.config.session.absolute);
                let renewed = SessionRecord {
                    seen_at,
                    expires_at: found.record.expires_at.min(latest),
                    ..found.record.clone()
                };
                // Counted when asked: the request may be over, and its future gone, before a far-away store has
                // answered.
                host.count(Counter::SessionRenewed);
                let _ = replace(edge, host, &token, &found, &renewed).await;
            }
            Later::Return(ticket) => {
                let returned = given_back(&ticket);
                let _ = counted(host, edge.store(host).write(&[returned]).await);
            }
            Later::Disclaim(ticket, own) => {
                let found = edge.store(host).get_latest(&ticket, host.now()).await;
                if counted(host, found).is_ok_and(|found| found == Some(own)) {
                    let returned = given_back(&ticket);
                    let _ = counted(host, edge.store(host).write(&[returned]).await);
                }
            }
        }
    }
}

/// Lets this worker trust a session that it has looked up or made, unless one was ended here since `generation`: it
/// must not come back.
pub(crate) fn remember(
    edge: &Edge,
    token: &Token,
    id: SessionId,
    session: &Rc<SessionRecord>,
    now: UnixMillis,
    generation: u64,
) {
    let ends_at = ends_at(edge, session);
    let mut cache = edge.cache.borrow_mut();
    if cache.generation() == generation {
        cache.insert(token, id, Rc::clone(session), now, ends_at);
    }
}

/// What the store has for `token`, expired or not. `None` also when no master key opens it, and when it is of an app
/// that is not configured, or no longer.
pub(crate) async fn load<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
    id: &SessionId,
    now: UnixMillis,
    gone: Gone,
) -> Result<Option<Found>, StoreError> {
    let key = id.key();
    let store = edge.store(host);
    let mut sealed = counted(host, store.get(&key, now).await)?;
    if sealed.is_none() && may_be_missed(edge, host, token) {
        sealed = counted(host, store.get_latest(&key, now).await)?;
    }
    let opened = |sealed: Vec<u8>| {
        let record: SessionRecord =
            edge.keys
                .open_or_log(host, &scope(token, &key.name), &sealed)?;
        Some(Found { record, sealed })
    };
    let mut found = sealed.and_then(opened);
    // A replica may not have heard that somebody used it a moment ago.
    if store.may_lag()
        && found
            .as_ref()
            .is_some_and(|found| is_over(edge, &found.record, now))
    {
        found = counted(host, store.get_latest(&key, now).await)?.and_then(opened);
    }
    if found
        .as_ref()
        .is_some_and(|found| edge.config.app(&found.record.appid).is_none())
    {
        if gone == Gone::Ends {
            end(edge, host, &[*id]).await?;
        }
        return Ok(None);
    }
    if store.swaps_are_atomic() {
        return Ok(found);
    }
    // Two changes of one user may have met, and this session be on no list any more: then nothing could end it.
    let Some(found) = found else {
        return Ok(None);
    };
    let user = users::load(edge, host, &found.record.appid, &found.record.openid, false).await?;
    let is_listed = user.is_some_and(|user| user.sessions.contains(id));
    Ok(is_listed.then_some(found))
}

/// Whether this session may have been made a moment ago at another edge, and a replica not have heard of it.
pub(crate) fn may_be_missed<H: Host>(edge: &Edge, host: &H, token: &Token) -> bool {
    edge.store(host).may_lag() && token.is_young(&edge.keys, host.now())
}

/// The write of a new session.
pub(crate) fn entry<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
    record: &SessionRecord,
) -> Result<Write, Rejection> {
    let key = token.id().key();
    let sealed = edge.keys.seal(host, &scope(token, &key.name), record)?;
    let change = Change::Put(sealed, life(edge, host, record));
    Ok(Write { key, change })
}

/// Writes `record` if the store still has what was found: a session that was ended meanwhile stays ended.
async fn replace<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
    found: &Found,
    record: &SessionRecord,
) -> Result<bool, Rejection> {
    let key = token.id().key();
    let sealed = edge.keys.seal(host, &scope(token, &key.name), record)?;
    let life = life(edge, host, record);
    let store = edge.store(host);
    let swapped = store.swap(&key, Some(&found.sealed), &sealed, life).await;
    Ok(counted(host, swapped)?)
}

/// Ends sessions: at once here, elsewhere within the cache time.
pub(crate) async fn end<H: Host>(
    edge: &Edge,
    host: &H,
    ended: &[SessionId],
) -> Result<(), StoreError> {
    forget(edge, ended);
    let writes: Vec<Write> = ended.iter().map(SessionId::removal).collect();
    let result = counted(host, edge.store(host).write(&writes).await);
    // Once more: a look-up may have found one between the two.
    forget(edge, ended);
    result.map(|_| ())
}

/// Takes sessions out of this worker's cache.
pub(crate) fn forget(edge: &Edge, ended: &[SessionId]) {
    let mut cache = edge.cache.borrow_mut();
    for id in ended {
        cache.remove(id);
    }
}

/// Counts open data that no key opened; at the limit the session ends. How many there are now.
pub(crate) async fn count_failure<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
) -> Result<u8, Rejection> {
    let id = token.id();
    let max = edge.config.open_data.max_failures;
    for _ in 0..ATTEMPTS {
        let Some(found) = load(edge, host, token, &id, host.now(), Gone::Stays).await? else {
            // Ended elsewhere while it was in the cache here.
            edge.cache.borrow_mut().remove(&id);
            return Err(Reason::InvalidToken.into());
        };
        let failures = found.record.failures.saturating_add(1);
        if failures >= max {
            break;
        }
        let counted = SessionRecord {
            failures,
            ..found.record.clone()
        };
        if replace(edge, host, token, &found, &counted).await? {
            return Ok(failures);
        }
    }
    // Also if somebody floods this very session with failures.
    host.count(Counter::SessionEnded);
    end(edge, host, &[id]).await?;
    Ok(max)
}

fn life(edge: &Edge, host: &impl Host, record: &SessionRecord) -> Life {
    Life {
        now: host.now(),
        expires_at: ends_at(edge, record).after(REMEMBER_EXPIRED),
    }
}

/// What the record of this session is bound to.
pub(crate) fn scope<'a>(token: &'a Token, name: &'a str) -> Scope<'a> {
    Scope {
        label: "session",
        owner: &token.0,
        name,
    }
}

/// Counts a store operation by its result.
pub(crate) fn counted<T>(host: &impl Host, result: Result<T, StoreError>) -> Result<T, StoreError> {
    host.count(match &result {
        Ok(_) => Counter::StoreOk,
        Err(_) => Counter::StoreFailed,
    });
    result
}
