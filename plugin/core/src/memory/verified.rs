//! Sessions that this worker has verified, in its own memory. One that it has looked up in the last seconds needs no
//! store, no unsealing, no hash; of an older one the store is asked, and need not be opened if it has not changed.
//!
//! A direct-mapped table: a token's own random bits are its place, so it is bounded, needs no eviction and cannot be
//! filled by tokens that were not minted here. Ended sessions leave it at once on this worker, and elsewhere when
//! their entry is older than the cache time. While the store is down, an older entry is of use to routes that would
//! rather go on with it.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::time::Duration;

use super::found::Found;
use crate::records::record::SessionRecord;
use crate::records::token::{SessionId, Token};
use crate::time::UnixMillis;

/// Number of places; a power of two. An entry takes about half a kilobyte with its record, sealed and opened.
const PLACES: usize = 1024;

pub(crate) struct VerifiedCache {
    lifetime: Duration,
    stale_lifetime: Duration,
    generation: u64,
    /// Empty before the first entry: a worker may live for one request, and have no use for them.
    places: Vec<Option<Entry>>,
}

struct Entry {
    token: Token,
    found: Rc<Found>,
    looked_up_at: UnixMillis,
    /// Until when the store need not be asked.
    fresh_until: UnixMillis,
    /// When the session ends if it is not renewed.
    ends_at: UnixMillis,
}

/// Two moments of a session, as it was found.
pub(crate) struct Moments {
    /// From then on it is to be renewed when it is used: the store must be asked.
    pub(crate) renewal: UnixMillis,
    /// It ends if it is not renewed.
    pub(crate) end: UnixMillis,
}

impl VerifiedCache {
    /// A `lifetime` of zero never gives a session out, a `stale_lifetime` of zero no stale one.
    pub(crate) fn new(lifetime: Duration, stale_lifetime: Duration) -> Self {
        Self {
            lifetime,
            stale_lifetime,
            generation: 0,
            places: Vec::new(),
        }
    }

    pub(crate) fn get(&self, token: &Token, now: UnixMillis) -> Option<Rc<SessionRecord>> {
        let entry = self.entry(token)?;
        let is_fresh = entry.looked_up_at <= now && now < entry.fresh_until;
        is_fresh.then(|| Rc::clone(&entry.found.record))
    }

    /// The session as it was when the store could last be asked about it.
    pub(crate) fn stale(&self, token: &Token, now: UnixMillis) -> Option<Rc<SessionRecord>> {
        let entry = self.entry(token)?;
        let is_known = entry.looked_up_at <= now
            && now.since(entry.looked_up_at) < self.stale_lifetime
            && now < entry.ends_at;
        is_known.then(|| Rc::clone(&entry.found.record))
    }

    /// The session as this worker has last read it, however long ago: what is still so in the store need not be opened
    /// once more.
    pub(crate) fn last_read(&self, token: &Token) -> Option<Rc<Found>> {
        let entry = self.entry(token)?;
        entry.found.is_read().then(|| Rc::clone(&entry.found))
    }

    fn entry(&self, token: &Token) -> Option<&Entry> {
        let entry = self.places.get(place(token))?.as_ref()?;
        entry.token.same(token).then_some(entry)
    }

    pub(crate) fn insert(
        &mut self,
        token: &Token,
        found: Rc<Found>,
        now: UnixMillis,
        moments: &Moments,
    ) {
        let fresh_until = now.after(self.lifetime);
        self.places.resize_with(PLACES, || None);
        if let Some(slot) = self.places.get_mut(place(token)) {
            *slot = Some(Entry {
                token: token.clone(),
                found,
                looked_up_at: now,
                fresh_until: fresh_until.min(moments.renewal).min(moments.end),
                ends_at: moments.end,
            });
        }
    }

    /// What the session of `token` remembers for its app from now on. Who is looking it up has read it before.
    pub(crate) fn remember_for_app(&mut self, token: &Token, text: &str) {
        self.generation = self.generation.wrapping_add(1);
        if let Some(Some(entry)) = self.places.get_mut(place(token))
            && entry.token.same(token)
        {
            entry.found = Rc::new(entry.found.remembering(text));
        }
    }

    /// All sessions of this user have ended.
    pub(crate) fn remove_all_of(&mut self, appid: &str, openid: &str) {
        self.generation = self.generation.wrapping_add(1);
        for slot in &mut self.places {
            let session = slot.as_ref().map(|entry| &entry.found.record);
            if session.is_some_and(|own| *own.appid == *appid && *own.openid == *openid) {
                *slot = None;
            }
        }
    }

    /// The store knows no such session.
    pub(crate) fn forget(&mut self, token: &Token) {
        if let Some(slot) = self.places.get_mut(place(token))
            && slot.as_ref().is_some_and(|entry| entry.token.same(token))
        {
            *slot = None;
        }
    }

    /// The clock was set back: nobody knows any more for how long an entry has been here.
    pub(crate) fn begin_anew(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.places.fill_with(|| None);
    }

    /// Changes whenever a session is ended.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn remove(&mut self, ended: &SessionId) {
        self.generation = self.generation.wrapping_add(1);
        for slot in &mut self.places {
            if slot.as_ref().is_some_and(|entry| entry.found.id == *ended) {
                *slot = None;
            }
        }
    }
}

fn place(token: &Token) -> usize {
    let [a, b, ..] = token.0;
    usize::from(u16::from_le_bytes([a, b])) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::somebodys_session;
    use crate::testing::test;

    fn found(sealed: &[u8]) -> Rc<Found> {
        Rc::new(Found {
            id: SessionId([1; 32]),
            record: Rc::new(somebodys_session()),
            sealed: sealed.into(),
        })
    }

    fn until(end: u64) -> Moments {
        Moments {
            renewal: UnixMillis(end),
            end: UnixMillis(end),
        }
    }

    #[test]
    fn a_session_that_is_due_for_renewal_is_not_taken_from_here() {
        let token = Token([1; 32]);
        let lifetime = Duration::from_secs(5);
        let mut cache = VerifiedCache::new(lifetime, lifetime);
        let moments = Moments {
            renewal: UnixMillis(700),
            end: UnixMillis(2000),
        };
        cache.insert(&token, found(b"sealed"), UnixMillis(0), &moments);
        let known = |at| {
            let (fresh, stale) = (
                cache.get(&token, UnixMillis(at)),
                cache.stale(&token, UnixMillis(at)),
            );
            (fresh.is_some(), stale.is_some())
        };
        assert_eq!(
            [699, 700, 1999, 2000].map(known),
            [(true, true), (false, true), (false, true), (false, false)]
        );
    }

    #[test]
    fn what_was_read_is_known_longer_than_it_is_trusted() {
        let (token, other) = (Token([1; 32]), Token([2; 32]));
        // No session is trusted at all.
        let mut cache = VerifiedCache::new(Duration::ZERO, Duration::ZERO);
        cache.insert(&token, found(b"sealed"), UnixMillis(0), &until(10));
        assert!(cache.get(&token, UnixMillis(0)).is_none());
        assert!(cache.last_read(&token).is_some());
        assert!(cache.last_read(&other).is_none());
        cache.remove(&SessionId([1; 32]));
        assert!(cache.last_read(&token).is_none(), "it has ended");
    }

    #[test]
    fn what_the_store_has_not_heard_of_is_not_what_it_has() {
        let token = Token([1; 32]);
        let mut cache = VerifiedCache::new(Duration::from_secs(5), Duration::ZERO);
        let insert = |cache: &mut VerifiedCache, sealed| {
            cache.insert(&token, found(sealed), UnixMillis(0), &until(10_000));
        };
        insert(&mut cache, b"");
        assert!(cache.last_read(&token).is_none(), "it was made here");
        insert(&mut cache, b"sealed");
        cache.remember_for_app(&token, "a=1");
        assert!(cache.last_read(&token).is_none());
        let session = cache.get(&token, UnixMillis(1)).unwrap();
        assert_eq!(session.attributes.as_deref(), Some("a=1"));
    }
}
