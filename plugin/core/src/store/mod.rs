//! The store as the core sees it: a map of opaque values with expiry and compare-and-swap.
//!
//! Values are sealed before they come here; a store never sees an openid, a key or a token. Records carry their own
//! expiry and are checked by the session layer: what a store does with `expires_at` is housekeeping.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use sha2::{Digest, Sha256};

use crate::hex::named;
use crate::time::UnixMillis;

pub mod embedded;
mod form;
pub mod redis;

pub use form::{Form, Newer};

/// Longer than any replica of a store that works lags behind, and than clocks differ.
pub(crate) const REPLICA_LAG: Duration = Duration::from_secs(30);

/// Name of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Which kind of entry: stores may keep kinds apart, so that one cannot crowd out the other.
    pub space: Space,
    /// The prefix of its kind (`records::kinds`) and 64 hex digits.
    pub name: String,
    /// The hash that the name is made of, or of the name: stores may place entries by it. No two names have the same.
    pub(crate) hash: [u8; 32],
    /// The form of what stands there.
    pub(crate) form: &'static Form,
}

/// A kind of entry.
pub(crate) struct Kind {
    /// The form of what stands there. Its word is in what the name is made of, and the key that seals it.
    pub(crate) form: Form,
    /// What the names begin with: a letter and a colon.
    pub(crate) prefix: &'static str,
    pub(crate) space: Space,
}

impl Key {
    /// The entry of any name, whatever stands there.
    #[must_use]
    pub fn new(space: Space, name: &str) -> Self {
        let hash = Sha256::digest(name.as_bytes()).into();
        Self {
            space,
            name: name.into(),
            hash,
            form: &Form::ANY,
        }
    }

    /// The entry that `hash` names: SHA-256 of something that begins with a word of its kind.
    pub(crate) fn hashed(kind: &'static Kind, hash: [u8; 32]) -> Self {
        Self {
            space: kind.space,
            name: named(kind.prefix, &hash),
            hash,
            form: &kind.form,
        }
    }

    /// The entry of what `parts` say together. Hashed, so that the names of a store's entries are no list of openids;
    /// with their lengths, so that no two lists of parts give the same bytes.
    pub(crate) fn of_parts(kind: &'static Kind, parts: &[&str]) -> Self {
        let mut sha256 = Sha256::new().chain_update(kind.form.what.as_bytes());
        for part in parts {
            sha256.update((part.len() as u64).to_le_bytes());
            sha256.update(part.as_bytes());
        }
        Self::hashed(kind, sha256.finalize().into())
    }
}

/// Kinds of entries by how long they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Sessions, remembered codes and messages, replays, access tokens, and what limits are kept here: minutes to weeks.
    Sessions,
    /// Users: about a year.
    Users,
}

/// The store could not do it: nothing is known about the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Not reachable, or not in time.
    Unavailable,
    /// The host's configuration does not let anybody reach it: that is no outage, and does not pass.
    Forbidden,
    /// Too many others wrote the same place at once.
    Contended,
    /// The value is larger than the store takes.
    TooLarge,
    /// Only a newer release can read it.
    Newer(Newer),
    /// It is there, and no key of this edge opens it.
    Unopened,
}

impl From<Newer> for StoreError {
    fn from(newer: Newer) -> Self {
        Self::Newer(newer)
    }
}

/// One change of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which entry.
    pub key: Key,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This value, whatever was there.
    Put(Vec<u8>, Life),
    /// This value, but only if the entry is `expected` now (`None`: absent or expired).
    Swap {
        /// What the entry must be.
        expected: Option<Vec<u8>>,
        /// What it becomes.
        value: Vec<u8>,
        /// For how long.
        life: Life,
    },
    /// Nothing. Removing what is absent is no error.
    Delete,
}

/// What came of writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// All of them took place.
    All,
    /// A swap found this in place of what it expected (`None`: nothing). It is what there is, also where reads may lag
    /// behind. Each of the others may or may not have been carried out.
    Found(Option<Vec<u8>>),
}

/// Where values live. Implementations are held to one conformance suite (host-tests, `store/conformance`).
#[allow(
    async_fn_in_trait,
    reason = "every host runs a request on one thread; no future needs to be Send"
)]
pub trait Store {
    /// The value, unless absent or expired.
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError>;

    /// As [`Store::get`], but never older than a write that was answered before, whoever wrote. Where reads do not lag
    /// it is the same.
    async fn get_latest(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(key, now).await
    }

    /// Carries out all of `writes`, in one round trip where the store is far away, and in any order. After an error each
    /// may or may not have been carried out: the caller repeats them all, or gives up what they belong to.
    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError>;

    /// Both at once: `writes`, none of which is a swap, and the latest value of another entry.
    async fn write_and_get(
        &self,
        writes: &[Write],
        key: &Key,
        now: UnixMillis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if !writes.is_empty() {
            self.write(writes).await?;
        }
        self.get_latest(key, now).await
    }

    /// Whether [`Store::get`] may miss what was written a moment ago: a database with read replicas.
    fn may_lag(&self) -> bool {
        false
    }

    /// Whether a swap is one step for all that share the store. If not, somebody who read before it may write after it,
    /// and what it wrote is lost.
    fn swaps_are_atomic(&self) -> bool {
        true
    }

    /// Writes one entry, whatever was there.
    async fn put(&self, key: &Key, value: &[u8], life: Life) -> Result<(), StoreError> {
        self.write(&[Write {
            key: key.clone(),
            change: Change::Put(value.to_vec(), life),
        }])
        .await
        .map(|_| ())
    }

    /// Writes one entry if it is `expected` now (`None`: absent or expired). Whether it was.
    async fn swap(
        &self,
        key: &Key,
        expected: Option<&[u8]>,
        value: &[u8],
        life: Life,
    ) -> Result<bool, StoreError> {
        self.write(&[Write {
            key: key.clone(),
            change: Change::Swap {
                expected: expected.map(<[u8]>::to_vec),
                value: value.to_vec(),
                life,
            },
        }])
        .await
        .map(|written| written == Written::All)
    }

    /// Removes one entry. Removing what is absent is no error.
    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.write(&[Write {
            key: key.clone(),
            change: Change::Delete,
        }])
        .await
        .map(|_| ())
    }
}

/// When an entry is written and until when it is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The moment of writing.
    pub now: UnixMillis,
    /// The first moment at which it is gone.
    pub expires_at: UnixMillis,
}

impl Life {
    /// Of what is written now, and of use for `span`.
    #[must_use]
    pub fn lasting(now: UnixMillis, span: Duration) -> Self {
        Self {
            now,
            expires_at: now.after(span),
        }
    }
}
