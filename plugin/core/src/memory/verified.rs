//! Sessions verified in the last seconds, in this worker's own memory: no store, no unsealing, no hash.
//!
//! A direct-mapped table: a token's own random bits are its place, so it is bounded, needs no eviction and cannot be
//! filled by tokens that were not minted here. Ended sessions leave it at once on this worker, and elsewhere when
//! their entry is older than the cache time. An older entry is of use only while the store is down, to routes that
//! would rather go on with it.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::records::record::{SessionRecord, kept};
use crate::records::token::{SessionId, Token};
use crate::time::UnixMillis;

/// Number of places; a power of two. An entry takes about 250 bytes with its record.
const PLACES: usize = 1024;

pub(crate) struct VerifiedCache {
    lifetime: Duration,
    stale_lifetime: Duration,
    generation: u64,
    places: Vec<Option<Entry>>,
}

struct Entry {
    token: Token,
    id: SessionId,
    looked_up_at: UnixMillis,
    /// When the session ends if it is not renewed.
    ends_at: UnixMillis,
    session: Rc<SessionRecord>,
}

impl VerifiedCache {
    /// A `lifetime` of zero never gives a session out, a `stale_lifetime` of zero no stale one.
    pub(crate) fn new(lifetime: Duration, stale_lifetime: Duration) -> Self {
        let off = lifetime.is_zero() && stale_lifetime.is_zero();
        let places = if off { 0 } else { PLACES };
        Self {
            lifetime,
            stale_lifetime,
            generation: 0,
            places: core::iter::repeat_with(|| None).take(places).collect(),
        }
    }

    pub(crate) fn get(&self, token: &Token, now: UnixMillis) -> Option<Rc<SessionRecord>> {
        self.within(self.lifetime, token, now)
    }

    /// The session as it was when the store could last be asked about it.
    pub(crate) fn stale(&self, token: &Token, now: UnixMillis) -> Option<Rc<SessionRecord>> {
        self.within(self.stale_lifetime, token, now)
    }

    fn within(
        &self,
        lifetime: Duration,
        token: &Token,
        now: UnixMillis,
    ) -> Option<Rc<SessionRecord>> {
        let entry = self.places.get(place(token))?.as_ref()?;
        let fresh = now >= entry.looked_up_at
            && now.since(entry.looked_up_at) < lifetime
            && now < entry.ends_at;
        (fresh && entry.token.same(token)).then(|| Rc::clone(&entry.session))
    }

    pub(crate) fn insert(
        &mut self,
        token: &Token,
        id: SessionId,
        session: Rc<SessionRecord>,
        now: UnixMillis,
        ends_at: UnixMillis,
    ) {
        if let Some(slot) = self.places.get_mut(place(token)) {
            *slot = Some(Entry {
                token: token.clone(),
                id,
                looked_up_at: now,
                ends_at,
                session,
            });
        }
    }

    /// What the session of `token` remembers for its app from now on. Who is looking it up has read it before.
    pub(crate) fn remember_for_app(&mut self, token: &Token, text: &str) {
        self.generation = self.generation.wrapping_add(1);
        if let Some(Some(entry)) = self.places.get_mut(place(token))
            && entry.token.same(token)
        {
            Rc::make_mut(&mut entry.session).attributes = kept(text);
        }
    }

    /// All sessions of this user have ended.
    pub(crate) fn remove_all_of(&mut self, appid: &str, openid: &str) {
        self.generation = self.generation.wrapping_add(1);
        for slot in &mut self.places {
            let session = slot.as_ref().map(|entry| &entry.session);
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
            if slot.as_ref().is_some_and(|entry| entry.id == *ended) {
                *slot = None;
            }
        }
    }
}

fn place(token: &Token) -> usize {
    let [a, b, ..] = token.0;
    usize::from(u16::from_le_bytes([a, b])) % PLACES
}
