//! Locks of one worker, each by the hash of what it is for: one holder at a time, also where the store can do no more
//! than read and write.

use alloc::collections::BTreeSet;
use core::cell::RefCell;

/// One lock for each key. Has those that are held.
#[derive(Default)]
pub(crate) struct KeyedLock(RefCell<BTreeSet<[u8; 32]>>);

/// A lock that is held. Dropped, it is free again.
pub(crate) struct Guard<'a> {
    lock: &'a KeyedLock,
    hash: [u8; 32],
}

impl KeyedLock {
    /// Takes a lock. `None` while another one holds it.
    pub(crate) fn try_lock(&self, hash: [u8; 32]) -> Option<Guard<'_>> {
        let is_first = self.0.borrow_mut().insert(hash);
        // Made for the first one only: dropped, another one would free the lock of its holder.
        is_first.then(|| Guard { lock: self, hash })
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.lock.0.borrow_mut().remove(&self.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn however_many_ask_nobody_else_is_at_it_until_the_first_is_gone() {
        let locks = KeyedLock::default();
        let first = locks.try_lock([1; 32]);
        assert!(first.is_some());
        for _ in 0..3 {
            assert!(locks.try_lock([1; 32]).is_none());
        }
        assert!(locks.try_lock([2; 32]).is_some());
        drop(first);
        assert!(locks.try_lock([1; 32]).is_some());
    }
}
