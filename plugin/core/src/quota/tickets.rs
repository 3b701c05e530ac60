//! A number of places that all workers and edges share: tickets, one store entry each. Whoever takes one has it until
//! it is given back, or its time is over. Never more are taken than there are, whoever comes at once.
//!
//! Entries of their own and not one number: two that take a ticket then seldom meet, a store without atomic numbers
//! will do, and each ticket has its own end.

use alloc::vec::Vec;
use core::time::Duration;

use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};

use super::entry::{counts, entry, put, span};
use crate::host::Host;
use crate::limits::rate_limit::FULL_FOR;
use crate::memory::keyed_lock::Guard;
use crate::memory::later::Later;
use crate::records::kinds::TICKET;
use crate::rejection::Rejection;
use crate::seal::MasterKeys;
use crate::store::{Key, Life, Store, StoreError, Write};
use crate::worker::Context;

/// How many tickets are looked at when the first one is taken. With more than that, a few may stay untaken.
const MOST_SEEN: u32 = 64;

/// How many of them at once. From 31 on, a join polls only those that have woken it, which hosts do not do.
const AT_ONCE: u32 = 16;

/// With more than these, who has found none free says so for [`FULL_FOR`] to those that come next.
const FEW: u32 = 16;

/// For how long a door is shut that nobody may have won.
const SHUT_FOR: Duration = Duration::from_secs(2);

/// How often somebody looks whether the other has done with the door.
const STEP: Duration = Duration::from_millis(1);
const STEPS: u32 = 5000;

/// How often others may be faster.
const ROUNDS: u32 = 8;

/// Tickets of one kind and one owner.
pub(crate) struct Tickets {
    /// The names of the entries come from it: nobody can tell from them whose they are.
    base: [u8; 32],
    count: u32,
    lasts: Duration,
}

/// What came of asking for one.
pub(crate) enum Taken {
    /// This one, until it is given back.
    Ticket(Key),
    /// None is left.
    Full,
}

impl Tickets {
    /// `count` tickets of `owner`. Who takes one and does not give it back has it for `lasts`. `None` without a master
    /// key.
    pub(crate) fn new(
        keys: &MasterKeys,
        label: &'static str,
        owner: &[u8],
        count: u32,
        lasts: Duration,
    ) -> Option<Self> {
        let base = keys.name(label, owner)?;
        Some(Self { base, count, lasts })
    }

    /// Takes one that is free.
    pub(crate) async fn take<H: Host>(&self, context: Context<'_, H>) -> Result<Taken, Rejection> {
        let host = context.host;
        let mut random = [0; 12];
        host.random(&mut random)?;
        let (nonce, seed) = random.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let seed = seed.first_chunk().copied().map_or(0, u32::from_le_bytes);
        let claim = async |number, found| self.claim(context, number, found, *nonce).await;
        if let Some(key) = claim(self.number(seed, 0), None).await? {
            return Ok(Taken::Ticket(key));
        }
        let store = context.store();
        let full = self.key(u32::MAX);
        let known = self.count > FEW
            && store
                .get(&full, host.now())
                .await?
                .is_some_and(|said| counts(&said, host.now()));
        if known {
            return Ok(Taken::Full);
        }
        for round in 0..ROUNDS {
            // Others begin elsewhere.
            let first = seed.rotate_left(8 * round);
            let is_free = |found: &Option<Vec<u8>>| {
                let counts = |found: &Vec<u8>| counts(found, host.now());
                !found.as_ref().is_some_and(counts)
            };
            let most = self.count.min(MOST_SEEN);
            let Some((number, found)) = self.find(context, first, most, is_free).await? else {
                if self.count > FEW {
                    let said = put(&full, FULL_FOR, host.now(), *nonce);
                    store.write(&[said]).await?;
                }
                return Ok(Taken::Full);
            };
            if let Some(key) = claim(number, found).await? {
                return Ok(Taken::Ticket(key));
            }
        }
        // Others were faster each time: that says nothing of how many there are.
        Err(StoreError::Contended.into())
    }

    /// Whether every ticket is taken for longer than these last, so that none will be given back.
    pub(crate) async fn are_all_spent<H: Host>(
        &self,
        context: Context<'_, H>,
    ) -> Result<bool, StoreError> {
        let host = context.host;
        let is_left = |found: &Option<Vec<u8>>| {
            let is_spent = |found: &Vec<u8>| {
                span(found).is_some_and(|span| span > self.lasts) && counts(found, host.now())
            };
            !found.as_ref().is_some_and(is_spent)
        };
        let left = self.find(context, 0, self.count, is_left).await?;
        Ok(left.is_none())
    }

    /// The first of `most` tickets after `first` that is as `wanted`, and what it is.
    async fn find<H: Host>(
        &self,
        context: Context<'_, H>,
        first: u32,
        most: u32,
        wanted: impl Fn(&Option<Vec<u8>>) -> bool,
    ) -> Result<Option<(u32, Option<Vec<u8>>)>, StoreError> {
        let store = context.store();
        let mut step = 0;
        while step < most {
            let end = most.min(step.saturating_add(AT_ONCE));
            let seen = try_join_all((step..end).map(async |step| {
                let number = self.number(first, step);
                // One that a replica has not heard of would be claimed in vain.
                let key = self.key(number);
                let found = store.get_latest(&key, context.host.now()).await?;
                Ok::<_, StoreError>((number, found))
            }));
            let seen = seen.await?;
            if let Some(found) = seen.into_iter().find(|(_, found)| wanted(found)) {
                return Ok(Some(found));
            }
            step = end;
        }
        Ok(None)
    }

    /// The write that has ticket `number` taken for `span`.
    pub(crate) fn spent(&self, number: u32, span: Duration, host: &impl Host) -> Write {
        put(&self.key(number), span, host.now(), [0; 8])
    }

    /// Takes ticket `number` if it is still as it was `found`.
    async fn claim<H: Host>(
        &self,
        context: Context<'_, H>,
        number: u32,
        found: Option<Vec<u8>>,
        nonce: [u8; 8],
    ) -> Result<Option<Key>, StoreError> {
        let key = self.key(number);
        let store = context.store();
        let won = if store.swaps_are_atomic() {
            let now = context.host.now();
            let (own, life) = (
                entry(now, self.lasts, nonce),
                Life::lasting(now, self.lasts),
            );
            let swapped = store.swap(&key, found.as_deref(), &own, life).await;
            if swapped.is_err() {
                // It may have been carried out, and its answer be late.
                let disclaimed = Later::Disclaim(key.clone(), own);
                context.worker.later.borrow_mut().push(disclaimed);
            }
            swapped
        } else {
            self.split(context, &key, found, nonce).await
        };
        Ok(won?.then_some(key))
    }

    /// Of all that come at once at most one wins, on a store that can only read and write: who finds the door open
    /// after having written its name, and its name still there after having shut the door (Lamport's splitter,
    /// <https://doi.org/10.1145/7351.7352>). If nobody wins, the door opens again after a moment.
    async fn split<H: Host>(
        &self,
        context: Context<'_, H>,
        door: &Key,
        found: Option<Vec<u8>>,
        nonce: [u8; 8],
    ) -> Result<bool, StoreError> {
        let (host, store) = (context.host, context.store());
        let name = self.beside(door);
        let _guard = lock(context, door).await?;
        let is_open = async || Ok::<_, StoreError>(store.get(door, host.now()).await? == found);
        // Before anything is written: most that come find it shut.
        if !is_open().await? {
            return Ok(false);
        }
        let now = host.now();
        let own = entry(now, SHUT_FOR, nonce);
        store.put(&name, &own, Life::lasting(now, SHUT_FOR)).await?;
        if !is_open().await? {
            return Ok(false);
        }
        store.put(door, &own, Life::lasting(now, SHUT_FOR)).await?;
        if store.get(&name, host.now()).await? != Some(own) {
            return Ok(false);
        }
        let own = entry(now, self.lasts, nonce);
        store
            .put(door, &own, Life::lasting(now, self.lasts))
            .await?;
        Ok(true)
    }

    fn number(&self, first: u32, step: u32) -> u32 {
        let number = u64::from(first) + u64::from(step);
        let number = number.checked_rem(self.count.into());
        number.map_or(0, |number| u32::try_from(number).unwrap_or(0))
    }

    fn key(&self, number: u32) -> Key {
        self.hashed(&number.to_le_bytes())
    }

    /// The entry for the names of those that come to a door.
    fn beside(&self, door: &Key) -> Key {
        self.hashed(door.name.as_bytes())
    }

    fn hashed(&self, what: &[u8]) -> Key {
        let hash = Sha256::new().chain_update(self.base).chain_update(what);
        Key::hashed(&TICKET, hash.finalize().into())
    }
}

/// Whoever of this worker is at a door. They wait for each other, so that doors are shut in vain only by others; but for no
/// store that keeps the first one waiting for ever.
async fn lock<'a, H: Host>(context: Context<'a, H>, door: &Key) -> Result<Guard<'a>, StoreError> {
    let Context { worker, host } = context;
    for _ in 0..STEPS {
        if let Some(guard) = worker.ticket_locks.try_lock(door.hash) {
            return Ok(guard);
        }
        host.sleep(STEP).await;
    }
    Err(StoreError::Unavailable)
}

#[cfg(test)]
mod tests;
