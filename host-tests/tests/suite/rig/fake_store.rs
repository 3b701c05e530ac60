//! A store in memory, shared by its clones. It fails when told and counts what it is asked.
//! It never hands out an expired entry, never evicts, and reads no clock: `now` comes with every call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use wx_session_core::UnixMillis;
use wx_session_core::store::{Change, Key, Life, Store, StoreError, Write, Written};

/// A handle on one store: clones share its entries, its faults and its count.
#[derive(Clone, Debug, Default)]
pub struct FakeStore(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<Key, (Vec<u8>, UnixMillis)>,
    operations: usize,
    /// Operations that still work before the failing ones.
    working: usize,
    /// Operations that fail after those.
    failing: usize,
    /// Every swap comes second.
    contended: bool,
}

impl FakeStore {
    /// The next `working` operations work; the `count` after them fail as [`StoreError::Unavailable`] and change nothing.
    pub fn fail_after(&self, working: usize, count: usize) {
        let mut inner = self.inner();
        inner.working = working;
        inner.failing = count;
    }

    /// From now on somebody else is always first: no swap finds what it expects. Or (`false`) that is over.
    pub fn contend(&self, contended: bool) {
        self.inner().contended = contended;
    }

    /// Operations asked for so far, those that failed included.
    pub fn operations(&self) -> usize {
        self.inner().operations
    }

    /// Every entry with its value and expiry, expired ones too: what someone who steals the store would read.
    pub fn dump(&self) -> Vec<(Key, Vec<u8>, UnixMillis)> {
        self.inner()
            .entries
            .iter()
            .map(|(key, (value, expires_at))| (key.clone(), value.clone(), *expires_at))
            .collect()
    }

    /// Forgets every entry, as a store without persistence does at a restart.
    pub fn clear(&self) {
        self.inner().entries.clear();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// Counts an operation and says whether it works this time.
    fn operation(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let mut inner = self.inner();
        inner.operations += 1;
        if inner.working > 0 {
            inner.working -= 1;
        } else if inner.failing > 0 {
            inner.failing -= 1;
            return Err(StoreError::Unavailable);
        }
        Ok(inner)
    }
}

impl Inner {
    fn live(&self, key: &Key, now: UnixMillis) -> Option<&[u8]> {
        let (value, expires_at) = self.entries.get(key)?;
        (now < *expires_at).then_some(value.as_slice())
    }

    fn write(&mut self, key: &Key, value: &[u8], life: Life) {
        self.entries
            .insert(key.clone(), (value.to_vec(), life.expires_at));
    }
}

impl Store for FakeStore {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.operation()?.live(key, now).map(<[u8]>::to_vec))
    }

    /// One after the other, as an operation each: the first refused swap or error ends it.
    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        for Write { key, change } in writes {
            let mut inner = self.operation()?;
            match change {
                Change::Put(value, life) => inner.write(key, value, *life),
                Change::Swap {
                    expected,
                    value,
                    life,
                } => {
                    let found = inner.live(key, life.now);
                    if found != expected.as_deref() || inner.contended {
                        return Ok(Written::Found(found.map(<[u8]>::to_vec)));
                    }
                    inner.write(key, value, *life);
                }
                Change::Delete => {
                    inner.entries.remove(key);
                }
            }
        }
        Ok(Written::All)
    }
}
