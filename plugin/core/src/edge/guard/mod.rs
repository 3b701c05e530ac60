//! What keeps strangers from burning the app's quota at WeChat, as one worker knows it: a limit on codes per client
//! network, and a breaker per app. Where workers do not live long, `quota` keeps the same in the store beside it.

pub(crate) mod breaker;
pub(crate) mod network;

use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use sha2::{Digest, Sha256};

use self::breaker::Breaker;
use self::network::Network;
use super::tickets::FULL_FOR;
use crate::host::Host;
use crate::rejection::{Reason, Rejection};
use crate::time::UnixMillis;

/// Networks that fall into one set share its places.
const WAYS: usize = 4;
const SETS: usize = 256;
/// Logins that are known to repeat.
const KNOWN: usize = 512;

/// For how long a refused code counts.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// One worker's memory of recent trouble, bounded. Which networks meet in one set depends on a key that nobody
/// outside knows, and a count that is younger than a minute is never given up: when all places of a set have one, a
/// further network shares one of them, always the same.
pub(crate) struct Guard {
    per_minute: u16,
    remember: Duration,
    key: Option<[u8; 16]>,
    /// Empty until the first code comes.
    places: Vec<Place>,
    known: Vec<Known>,
    breakers: Vec<Breaker>,
}

/// A minute is counted in so many parts: a code counts for a minute, at most one part less.
const PARTS: usize = 6;
const PART: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
struct Place {
    network: Network,
    /// When the newest part began.
    since: UnixMillis,
    /// Codes that are being asked about, and those that were refused, newest part first.
    taken: [u32; PARTS],
    /// When the store last said that there is no room.
    full: UnixMillis,
}

const FREE: Place = Place {
    network: Network::Unknown,
    since: UnixMillis(0),
    taken: [0; PARTS],
    full: UnixMillis(0),
};

impl Place {
    /// Goes on to the part that `now` is in. What lies further back than a minute, or ahead, counts no more.
    fn turn(&mut self, now: UnixMillis) {
        let parts = now.since(self.since).as_millis() / PART.as_millis();
        let parts = usize::try_from(parts).unwrap_or(PARTS);
        if now < self.since || parts >= PARTS {
            (self.since, self.taken) = (now, [0; PARTS]);
        } else {
            self.since = (0..parts).fold(self.since, |since, _| since.after(PART));
            self.taken.rotate_right(parts);
            self.taken.iter_mut().take(parts).for_each(|part| *part = 0);
        }
    }

    fn codes(&self) -> u32 {
        self.taken.iter().sum()
    }

    fn is_full(&self, now: UnixMillis) -> bool {
        now.is_within(FULL_FOR, self.full)
    }

    /// Whether another network may have it.
    fn is_free(&self, now: UnixMillis) -> bool {
        self.codes() == 0 && !self.is_full(now)
    }

    /// The part that began at `since`, if it still counts.
    fn part(&mut self, since: UnixMillis) -> Option<&mut u32> {
        let at = (0..PARTS).scan(since, |at, _| {
            let part = *at;
            *at = at.after(PART);
            Some(part)
        });
        let number = at.enumerate().find(|(_, at)| *at == self.since)?.0;
        self.taken.get_mut(number)
    }
}

/// A code that was a login on this worker.
#[derive(Clone, Copy, Default)]
struct Known {
    code: u64,
    at: UnixMillis,
}

/// A client network's places for one code, given back when dropped: also when the request ends before its answer.
pub(crate) struct Admission<'a> {
    guard: &'a RefCell<Guard>,
    held: [Option<Held>; 2],
}

#[derive(Clone, Copy)]
struct Held {
    place: usize,
    /// Of which part.
    since: UnixMillis,
}

impl Guard {
    pub(crate) fn new(per_minute: u16, remember: Duration, apps: usize) -> Self {
        Self {
            per_minute,
            remember,
            key: None,
            places: Vec::new(),
            known: Vec::new(),
            breakers: alloc::vec![Breaker::default(); apps],
        }
    }

    /// The clock was set back: nobody knows how long ago anything was. What is under way counts no more.
    pub(crate) fn begin_anew(&mut self) {
        self.places.fill(FREE);
        self.known.clear();
        for breaker in &mut self.breakers {
            breaker.begin_anew();
        }
    }

    pub(crate) fn breaker(&mut self, app: usize) -> Option<&mut Breaker> {
        self.breakers.get_mut(app)
    }

    /// Nothing is admitted without a key: with one that can be guessed, a client chooses whose place it takes.
    fn make_ready(&mut self, host: &impl Host) -> Result<(), Rejection> {
        if self.key.is_none() {
            let mut key = [0; 16];
            host.random(&mut key)?;
            self.key = Some(key);
            self.places = alloc::vec![FREE; WAYS * SETS];
        }
        Ok(())
    }

    /// The place of `network`: its own, a free one, or one of its set that it shares.
    fn place(&mut self, network: Network, now: UnixMillis) -> Option<(usize, &mut Place)> {
        let hash = Sha256::new()
            .chain_update(self.key?)
            .chain_update(network.bytes())
            .finalize();
        let set = usize::from(u16::from_le_bytes(*hash.first_chunk()?)) % SETS;
        let shared = hash.last().map_or(0, |byte| usize::from(*byte) % WAYS);
        let places = self.places.chunks_exact_mut(WAYS).nth(set)?;
        places.iter_mut().for_each(|place| place.turn(now));
        let is_own = |place: &Place| place.network == network && !place.is_free(now);
        let own = places.iter().position(is_own);
        let free = || places.iter().position(|place| place.is_free(now));
        let way = own.or_else(free).unwrap_or(shared);
        let place = places.get_mut(way)?;
        if place.is_free(now) {
            *place = Place {
                network,
                since: now,
                ..FREE
            };
        }
        Some((set * WAYS + way, place))
    }

    fn take(&mut self, network: Network, now: UnixMillis) -> Option<Held> {
        let limit = network.limit(self.per_minute);
        let (index, place) = self.place(network, now)?;
        if place.codes() >= limit || place.is_full(now) {
            return None;
        }
        let [newest, ..] = &mut place.taken;
        *newest += 1;
        Some(Held {
            place: index,
            since: place.since,
        })
    }

    /// The store says that this network has used up its minute: it is not asked again for a moment.
    pub(crate) fn hold_off(&mut self, network: Network, now: UnixMillis) {
        // A place that it shares is not its own to fill.
        if let Some((_, place)) = self
            .place(network, now)
            .filter(|(_, own)| own.network == network)
        {
            place.full = now;
        }
    }

    /// This code was a login here.
    pub(crate) fn remember(&mut self, code: &[u8; 32], now: UnixMillis) {
        if self.remember.is_zero() {
            return;
        }
        if self.known.is_empty() {
            self.known = alloc::vec![Known::default(); KNOWN];
        }
        let (code, place) = fingerprint(code);
        if let Some(known) = self.known.get_mut(place) {
            *known = Known { code, at: now };
        }
    }

    /// Whether a login here was made of this code a moment ago, so that it is worth looking for. May forget.
    pub(crate) fn remembers(&self, code: &[u8; 32], now: UnixMillis) -> bool {
        let (code, place) = fingerprint(code);
        let known = self.known.get(place).filter(|known| known.code == code);
        known.is_some_and(|known| now.is_within(self.remember, known.at))
    }
}

/// Of a hash: what tells it from others, and its place.
fn fingerprint(hash: &[u8; 32]) -> (u64, usize) {
    let (word, rest) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
    let place = rest
        .first_chunk()
        .map_or(0, |place| u16::from_le_bytes(*place));
    (u64::from_le_bytes(*word), usize::from(place) % KNOWN)
}

impl<'a> Admission<'a> {
    /// Takes the places for one code of a client at `address`.
    ///
    /// # Errors
    /// When one of its networks has used up its minute, and when there is no randomness for the key.
    pub(crate) fn take(
        guard: &'a RefCell<Guard>,
        host: &impl Host,
        address: Option<&str>,
    ) -> Result<Self, Rejection> {
        let mut admission = Self {
            guard,
            held: [None, None],
        };
        let now = host.now();
        let mut places = guard.borrow_mut();
        if places.per_minute == 0 {
            return Ok(admission);
        }
        places.make_ready(host)?;
        let (network, site) = Network::of(address);
        let networks = [Some(network), site];
        let mut limited = false;
        for (held, network) in admission.held.iter_mut().zip(networks) {
            if let Some(network) = network {
                *held = places.take(network, now);
                limited |= held.is_none();
            }
        }
        drop(places);
        if limited {
            // What was taken is given back.
            return Err(Reason::LoginRateLimited.into());
        }
        Ok(admission)
    }

    /// The code was refused: its places stay taken for the rest of the minute.
    pub(crate) fn used_up(mut self) {
        self.held = [None, None];
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let mut guard = self.guard.borrow_mut();
        for held in self.held.into_iter().flatten() {
            // Its minute may be over.
            let place = guard.places.get_mut(held.place);
            if let Some(part) = place.and_then(|place| place.part(held.since)) {
                *part = part.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
