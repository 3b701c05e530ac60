//! The limit on codes per client network, as one worker counts them: how many of its codes are being asked about or were
//! refused within a minute. Never says who a client is.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use sha2::{Digest, Sha256};

use super::network::Network;
use crate::host::Host;
use crate::rejection::{Reason, Rejection};
use crate::time::UnixMillis;

/// Networks that fall into one set share its windows.
const WAYS: usize = 4;
const SETS: usize = 256;

/// For how long a refused code counts.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// For how long a network is held for one that has used up its minute because the store has said so. Short, for what it
/// has taken there is given back.
pub(crate) const FULL_FOR: Duration = Duration::from_secs(1);

/// The counts of one worker, bounded. Which networks meet in one set depends on a key that nobody outside knows, and a
/// count that is younger than a minute is never given up: when all windows of a set have one, a further network shares
/// one of them, always the same.
pub(crate) struct RateLimit {
    per_minute: u16,
    key: Option<[u8; 16]>,
    /// Empty until the first code comes.
    windows: Vec<Window>,
}

/// A minute is counted in so many parts: a code counts for a minute, at most one part less.
const PARTS: usize = 6;
const PART: Duration = Duration::from_secs(10);

/// The count of one network, for the last minute.
#[derive(Clone, Copy)]
struct Window {
    network: Network,
    /// When the newest part began.
    since: UnixMillis,
    /// Codes that are being asked about, and those that were refused, newest part first.
    taken: [u32; PARTS],
    /// When the store last said that there is no room.
    full: UnixMillis,
}

/// A window that no network has.
const FREE: Window = Window {
    network: Network::Unknown,
    since: UnixMillis(0),
    taken: [0; PARTS],
    full: UnixMillis(0),
};

impl Window {
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
        let begins = |number: &usize| {
            let at = (0..*number).fold(since, |at, _| at.after(PART));
            at == self.since
        };
        let number = (0..PARTS).find(begins)?;
        self.taken.get_mut(number)
    }
}

/// What a code of a client takes of the counts of its networks, given back when dropped: also when the request ends
/// before its answer.
pub(crate) struct Permit<'a> {
    limit: &'a RefCell<RateLimit>,
    held: [Option<Held>; 2],
}

#[derive(Clone, Copy)]
struct Held {
    window: usize,
    /// Of which part.
    since: UnixMillis,
}

impl RateLimit {
    /// Zero for no limit.
    pub(crate) fn new(per_minute: u16) -> Self {
        Self {
            per_minute,
            key: None,
            windows: Vec::new(),
        }
    }

    /// The clock was set back: nobody knows how long ago anything was.
    pub(crate) fn begin_anew(&mut self) {
        self.windows.fill(FREE);
    }

    /// Nothing is admitted without a key: with one that can be guessed, a client chooses whose window it takes.
    fn make_ready(&mut self, host: &impl Host) -> Result<(), Rejection> {
        if self.key.is_none() {
            let mut key = [0; 16];
            host.random(&mut key)?;
            self.key = Some(key);
            self.windows = alloc::vec![FREE; WAYS * SETS];
        }
        Ok(())
    }

    /// The window of `network`: its own, a free one, or one of its set that it shares.
    fn window(&mut self, network: Network, now: UnixMillis) -> Option<(usize, &mut Window)> {
        let hash = Sha256::new()
            .chain_update(self.key?)
            .chain_update(network.bytes())
            .finalize();
        let set = usize::from(u16::from_le_bytes(*hash.first_chunk()?)) % SETS;
        let shared = hash.last().map_or(0, |byte| usize::from(*byte) % WAYS);
        let windows = self.windows.chunks_exact_mut(WAYS).nth(set)?;
        windows.iter_mut().for_each(|window| window.turn(now));
        let is_own = |window: &Window| window.network == network && !window.is_free(now);
        let own = windows.iter().position(is_own);
        let free = || windows.iter().position(|window| window.is_free(now));
        let way = own.or_else(free).unwrap_or(shared);
        let window = windows.get_mut(way)?;
        if window.is_free(now) {
            *window = Window {
                network,
                since: now,
                ..FREE
            };
        }
        Some((set * WAYS + way, window))
    }

    fn take(&mut self, network: Network, now: UnixMillis) -> Option<Held> {
        let limit = network.limit(self.per_minute);
        let (index, window) = self.window(network, now)?;
        if window.codes() >= limit || window.is_full(now) {
            return None;
        }
        let [newest, ..] = &mut window.taken;
        *newest += 1;
        Some(Held {
            window: index,
            since: window.since,
        })
    }

    /// The store says that this network has used up its minute: it is not asked again for a moment.
    pub(crate) fn hold_off(&mut self, network: Network, now: UnixMillis) {
        // A window that it shares is not its own to fill.
        if let Some((_, window)) = self
            .window(network, now)
            .filter(|(_, own)| own.network == network)
        {
            window.full = now;
        }
    }
}

impl<'a> Permit<'a> {
    /// Takes the windows for one code of a client at `address`.
    ///
    /// # Errors
    /// When one of its networks has used up its minute, and when there is no randomness for the key.
    pub(crate) fn take(
        limit: &'a RefCell<RateLimit>,
        host: &impl Host,
        address: Option<&str>,
    ) -> Result<Self, Rejection> {
        let mut permit = Self {
            limit,
            held: [None, None],
        };
        let now = host.now();
        let mut windows = limit.borrow_mut();
        if windows.per_minute == 0 {
            return Ok(permit);
        }
        windows.make_ready(host)?;
        let (network, site) = Network::of(address);
        let networks = [Some(network), site];
        let mut limited = false;
        for (held, network) in permit.held.iter_mut().zip(networks) {
            if let Some(network) = network {
                *held = windows.take(network, now);
                limited |= held.is_none();
            }
        }
        drop(windows);
        if limited {
            // What was taken is given back.
            return Err(Reason::LoginRateLimited.into());
        }
        Ok(permit)
    }

    /// The code was refused: its windows stay taken for the rest of the minute.
    pub(crate) fn used_up(mut self) {
        self.held = [None, None];
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut limit = self.limit.borrow_mut();
        for held in self.held.into_iter().flatten() {
            // Its minute may be over.
            let window = limit.windows.get_mut(held.window);
            if let Some(part) = window.and_then(|window| window.part(held.since)) {
                *part = part.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
