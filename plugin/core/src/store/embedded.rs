//! The embedded store: a bounded one over a map that knows only get and compare-and-set, has no delete, no expiry and no listing.
//!
//! A fixed number of slots; a key's hash names its slot, and a slot holds a few entries of that hash in one value.
//! So memory is bounded by slots × slot size, one compare-and-set commits a change, and no committed entry is lost
//! to a race: who comes second reads again. A full slot gives up the entries closest to their expiry.
//! The first half of the slots holds sessions, the second half users.
//!
//! The map may outlive the module that fills it: a proxy gets another one while it runs, and for a while both are there. So a
//! slot begins with its version, and one that a newer module has written is left as it is: whoever looks for something in it
//! gets an error, also after a way back to an older module, until the process starts anew. To empty it would end sessions
//! and users of the newer module beside this one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize, Serializer};

use super::{Change, Form, Key, Space, Store, StoreError, Write, Written};
use crate::time::UnixMillis;

/// The map beneath, shared by all workers of one process.
#[allow(
    async_fn_in_trait,
    reason = "async only so that tests can interleave two workers between any two steps"
)]
pub trait SharedMap {
    /// Value and version of `name`; `None` if it was never set.
    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError>;

    /// Sets `name` if its version is still `version` (`None`: it was never set). Whether it was.
    async fn compare_and_set(
        &self,
        name: &str,
        value: &[u8],
        version: Option<Version>,
    ) -> Result<bool, StoreError>;
}

/// Changes with every write of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u32);

/// The embedded store: slots of at most `slot_bytes` each.
#[derive(Debug)]
pub struct EmbeddedStore<M> {
    map: M,
    /// Half the number of slots: as many hold sessions as hold users.
    half: u32,
    slot_bytes: usize,
}

/// Of a slot.
pub(crate) const SLOT: Form = Form {
    what: "slot",
    written: 1,
    newest: 1,
};

/// How often a write is tried when others write the same slot at the same time.
const ATTEMPTS: usize = 32;

#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    /// The first half of the key's hash: long enough that two keys never meet.
    id: [u8; 16],
    expires_at: UnixMillis,
    #[serde(borrow, serialize_with = "as_bytes")]
    value: &'a [u8],
}

/// As one piece: serde's own way takes a slice byte by byte. The encoding is the same.
fn as_bytes<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(value)
}

impl<M: SharedMap> EmbeddedStore<M> {
    /// At most `count` slots: an odd number is rounded down. Fewer than two are two.
    pub fn new(map: M, count: u32, slot_bytes: usize) -> Self {
        Self {
            map,
            half: (count / 2).max(1),
            slot_bytes,
        }
    }

    fn locate(&self, key: &Key) -> (String, [u8; 16]) {
        let (id, rest) = key.hash.split_at(16);
        let mut word = [0; 4];
        word.copy_from_slice(rest.get(..4).unwrap_or(&[0; 4]));
        let offset = match key.space {
            Space::Sessions => 0,
            Space::Users => self.half,
        };
        let number = offset + u32::from_le_bytes(word) % self.half;
        (
            format!("wx-session/slot:{number}"),
            id.try_into().unwrap_or_default(),
        )
    }

    /// Reads a slot, decides what becomes of this key's entry, and commits it.
    async fn change(&self, write: &Write) -> Result<Written, StoreError> {
        let (name, id) = self.locate(&write.key);
        for _ in 0..ATTEMPTS {
            let found = self.map.get(&name).await?;
            let (bytes, version) = match &found {
                Some((bytes, version)) => (bytes.as_slice(), Some(*version)),
                None => (&[][..], None),
            };
            let mut entries = decode(bytes)?;
            if let Change::Put(_, life) | Change::Swap { life, .. } = &write.change {
                entries.retain(|entry| life.now < entry.expires_at);
            }
            let own = entries.iter().find(|entry| entry.id == id);
            let own = own.map(|entry| entry.value);
            let entry = |value, expires_at| Entry {
                id,
                expires_at,
                value,
            };
            let written = match &write.change {
                Change::Delete if own.is_none() => return Ok(Written::All),
                Change::Delete => None,
                Change::Put(value, life) => Some(entry(value, life.expires_at)),
                Change::Swap {
                    expected,
                    value,
                    life,
                } => {
                    if own != expected.as_deref() {
                        return Ok(Written::Found(own.map(<[u8]>::to_vec)));
                    }
                    Some(entry(value, life.expires_at))
                }
            };
            entries.retain(|entry| entry.id != id);
            let value = self.fit(entries, written)?;
            if self.map.compare_and_set(&name, &value, version).await? {
                return Ok(Written::All);
            }
        }
        Err(StoreError::Contended)
    }

    /// Encodes the slot, giving up entries closest to expiry until it fits. Never gives up the one being written.
    fn fit<'a>(
        &self,
        mut entries: Vec<Entry<'a>>,
        written: Option<Entry<'a>>,
    ) -> Result<Vec<u8>, StoreError> {
        let kept = usize::from(written.is_some());
        entries.sort_by_key(|entry| core::cmp::Reverse(entry.expires_at));
        if let Some(entry) = written {
            entries.insert(0, entry);
        }
        let mut bytes: usize = entries.iter().map(size).sum();
        // A slot is encoded as its version, the number of its entries, and these.
        while 1 + size(&entries.len()) + bytes > self.slot_bytes && entries.len() > kept {
            bytes -= entries.pop().as_ref().map_or(0, size);
        }
        let slot =
            postcard::to_allocvec(&(SLOT.written, &entries)).map_err(|_| StoreError::TooLarge)?;
        if slot.len() > self.slot_bytes {
            return Err(StoreError::TooLarge);
        }
        Ok(slot)
    }
}

/// Bytes of `part` of a slot, counted and not written: a crowded slot is encoded once, whatever it gives up.
fn size(part: &impl Serialize) -> usize {
    // Entries lie in memory already, so their sizes do not overflow, and counting them cannot fail.
    postcard::serialize_with_flavor(part, postcard::ser_flavors::Size::default()).unwrap_or(0)
}

/// A damaged slot counts as empty: only this code writes slots, under a name that no other uses.
///
/// # Errors
/// A newer module has written it.
fn decode(bytes: &[u8]) -> Result<Vec<Entry<'_>>, StoreError> {
    let entries = SLOT.version(bytes)?;
    let entries = entries.and_then(|(_, entries)| postcard::from_bytes(entries).ok());
    Ok(entries.unwrap_or_default())
}

/// The one entry of a key, as [`decode`] gives it, without a look at those behind it.
///
/// # Errors
/// As there.
fn find(bytes: &[u8], id: [u8; 16]) -> Result<Option<Entry<'_>>, StoreError> {
    let entries = SLOT.version(bytes)?;
    Ok(entries.and_then(|(_, entries)| first(entries, id)))
}

fn first(entries: &[u8], id: [u8; 16]) -> Option<Entry<'_>> {
    let (number, mut rest) = postcard::take_from_bytes::<usize>(entries).ok()?;
    for _ in 0..number {
        let (entry, behind) = postcard::take_from_bytes::<Entry<'_>>(rest).ok()?;
        if entry.id == id {
            return Some(entry);
        }
        rest = behind;
    }
    None
}

impl<M: SharedMap> Store for EmbeddedStore<M> {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        let (name, id) = self.locate(key);
        let Some((bytes, _)) = self.map.get(&name).await? else {
            return Ok(None);
        };
        Ok(find(&bytes, id)?
            .filter(|entry| now < entry.expires_at)
            .map(|entry| entry.value.to_vec()))
    }

    /// One after the other: the first refused swap or error ends it.
    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        for write in writes {
            let written = self.change(write).await?;
            if written != Written::All {
                return Ok(written);
            }
        }
        Ok(Written::All)
    }
}
