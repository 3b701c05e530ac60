//! The store on Spin's key-value stores: each entry is `version ‖ expiry (7 bytes) ‖ value`. Spin's stores know neither
//! expiry nor compare-and-swap.
//!
//! An expired entry is deleted when it is met; one that nobody asks for again stays until the store is emptied.
//! A swap reads, compares and writes, and within this instance nobody comes between. Another instance may: then one
//! of two simultaneous changes of one entry is lost, and the core, which is told so, looks whether its own was.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use spin_sdk::key_value::{Error, Store as SpinStore};
use spin_sdk::time::sleep;
use wx_session_core::UnixMillis;
use wx_session_core::store::{Change, Form, Key, Life, Store, StoreError, Write, Written};

use crate::log::store_failed;
use crate::outbound::within;

/// A store on the network may hang. (Of one that hangs later Spin knows nothing: a limit of ours for each operation costs
/// more than the operation.)
const TIMEOUT: Duration = Duration::from_secs(5);

/// Of an entry.
const ENTRY: Form = Form {
    what: "entry",
    written: 1,
    newest: 1,
};

/// How often somebody looks whether an entry is free again. Not a wake-up from one request to another, for
/// wit-bindgen has none without its feature `inter-task-wakeup`: waking would trap.
const STEP: Duration = Duration::from_millis(1);

/// And no longer than whoever opens the store waits for it.
const STEPS: u32 = 5000;

/// The latest moment that seven bytes hold, in milliseconds: in two million years.
const LATEST: u64 = (1 << 56) - 1;

pub(crate) struct KeyValue {
    label: String,
    store: SpinStore,
    /// Entries that a request of this instance is changing.
    busy: RefCell<BTreeSet<String>>,
}

impl KeyValue {
    pub(crate) async fn open(label: &str) -> Result<Self, String> {
        let opened = within(TIMEOUT, SpinStore::open(label)).await;
        let opened =
            opened.ok_or_else(|| format!("the key-value store {label} does not answer"))?;
        let store = opened.map_err(|error| match error {
            Error::AccessDenied | Error::NoSuchStore => format!(
                "the key-value store {label} is not there for this component: the manifest must name it in \
                 `key_value_stores`, for a middleware in those of the app and in `inherit_configuration`"
            ),
            error => format!("the key-value store {label}: {error}"),
        })?;
        Ok(Self {
            label: label.to_owned(),
            store,
            busy: RefCell::default(),
        })
    }

    /// The entry's place, once no other request of this instance has it: one that hangs has it for ever.
    async fn lock(&self, name: &str) -> Result<Guard<'_>, StoreError> {
        for _ in 0..STEPS {
            if self.busy.borrow_mut().insert(name.to_owned()) {
                return Ok(Guard {
                    busy: &self.busy,
                    name: name.to_owned(),
                });
            }
            sleep(STEP).await;
        }
        store_failed(
            &self.label,
            "another request waits for this entry, and has no answer",
        );
        Err(StoreError::Unavailable)
    }

    /// The cause goes to the log only: to a client an outage looks like any other.
    fn done<T>(&self, result: Result<T, Error>) -> Result<T, StoreError> {
        result.map_err(|error| {
            store_failed(&self.label, &error.to_string());
            StoreError::Unavailable
        })
    }

    async fn read(&self, name: &str, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(entry) = self.done(self.store.get(name).await)? else {
            return Ok(None);
        };
        match parse(&entry)? {
            Some((expires_at, value)) if now < expires_at => Ok(Some(value.to_vec())),
            // Expired, or not ours.
            _ => {
                self.done(self.store.delete(name).await)?;
                Ok(None)
            }
        }
    }

    /// One change, with nobody of this instance between its steps.
    async fn change(&self, name: &str, change: &Change) -> Result<Written, StoreError> {
        let _guard = self.lock(name).await?;
        match change {
            Change::Put(value, life) => self.set(name, value, life).await?,
            Change::Swap {
                expected,
                value,
                life,
            } => {
                let found = self.read(name, life.now).await?;
                if found != *expected {
                    return Ok(Written::Found(found));
                }
                self.set(name, value, life).await?;
            }
            Change::Delete => self.done(self.store.delete(name).await)?,
        }
        Ok(Written::All)
    }

    async fn set(&self, name: &str, value: &[u8], life: &Life) -> Result<(), StoreError> {
        let expires_at = life.expires_at.0.min(LATEST);
        let mut entry = expires_at.to_be_bytes().to_vec();
        // In the place of a byte that no moment up to then has.
        entry.splice(..1, [ENTRY.written]);
        entry.extend_from_slice(value);
        self.done(self.store.set(name, entry).await)
    }
}

impl Store for KeyValue {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(entry) = self.done(self.store.get(&key.name).await)? else {
            return Ok(None);
        };
        if let Some((expires_at, value)) = parse(&entry)?
            && now < expires_at
        {
            return Ok(Some(value.to_vec()));
        }
        // Read again, alone: it may have been written anew in the meantime.
        let _guard = self.lock(&key.name).await?;
        self.read(&key.name, now).await
    }

    /// One after the other: the first refused swap or error ends it.
    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        for Write { key, change } in writes {
            let written = self.change(&key.name, change).await?;
            if written != Written::All {
                return Ok(written);
            }
        }
        Ok(Written::All)
    }

    fn swaps_are_atomic(&self) -> bool {
        false
    }
}

/// Held while an entry is read and written; also a request that is dropped gives it back.
struct Guard<'a> {
    busy: &'a RefCell<BTreeSet<String>>,
    name: String,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.busy.borrow_mut().remove(&self.name);
    }
}

/// `None` if it is not ours.
fn parse(entry: &[u8]) -> Result<Option<(UnixMillis, &[u8])>, StoreError> {
    let entry = ENTRY.version(entry)?;
    let entry = entry.and_then(|(_, entry)| entry.split_first_chunk::<7>());
    Ok(entry.map(|(expires_at, value)| {
        let expires_at = expires_at.iter();
        let expires_at = expires_at.fold(0, |all, byte| all << 8 | u64::from(*byte));
        (UnixMillis(expires_at), value)
    }))
}
