//! Locks of one worker, each by the hash of what it is for: one holder at a time, also where the store can do no more
//! than read and write.

use alloc::collections::BTreeSet;
use core::cell::RefCell;

/// The locks that are held.
#[derive(Default)]
pub(crate) struct Busy(RefCell<BTreeSet<[u8; 32]>>);

/// A lock that is held. Dropped, it is free again.
pub(crate) struct Alone<'a> {
    busy: &'a Busy,
    hash: [u8; 32],
}

impl Busy {
    /// Takes a lock. `None` while another one holds it.
    pub(crate) fn take(&self, hash: [u8; 32]) -> Option<Alone<'_>> {
        let is_first = self.0.borrow_mut().insert(hash);
        // Made for the first one only: dropped, another one would free the lock of its holder.
        is_first.then(|| Alone { busy: self, hash })
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.busy.0.borrow_mut().remove(&self.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn however_many_ask_nobody_else_is_at_it_until_the_first_is_gone() {
        let busy = Busy::default();
        let first = busy.take([1; 32]);
        assert!(first.is_some());
        for _ in 0..3 {
            assert!(busy.take([1; 32]).is_none());
        }
        assert!(busy.take([2; 32]).is_some());
        drop(first);
        assert!(busy.take([1; 32]).is_some());
    }
}
