//! What the store remembers of the open data that a session has shown, where none is to be taken twice. Never anything of
//! what stood in it.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use super::kinds::REPLAY;
use super::token::SessionId;
use crate::store::Key;

/// One piece of data.
pub(crate) type Mark = [u8; 8];

/// The entry that remembers what data a session has shown.
pub(crate) fn replay_key(session: &SessionId) -> Key {
    let digest = Sha256::new()
        .chain_update(b"replay")
        .chain_update(session.0)
        .finalize();
    Key::hashed(&REPLAY, digest.into())
}

/// What such an entry holds of one piece of data. The last block stands for all of it: it depends on every block
/// before, while leading blocks can be cut off without anybody noticing.
pub(crate) fn mark(session: &SessionId, ciphertext: &[u8]) -> Mark {
    let last_block = ciphertext.rchunks(16).next().unwrap_or_default();
    let digest = Sha256::new()
        .chain_update(b"shown")
        .chain_update(session.0)
        .chain_update(last_block)
        .finalize();
    digest.first_chunk().copied().unwrap_or_default()
}

/// All that an entry holds.
pub(crate) fn read(entry: &[u8]) -> &[Mark] {
    let version = REPLAY.form.version(entry).ok().flatten();
    let (_, marks) = version.unwrap_or_default();
    marks.as_chunks().0
}

/// The entry with one more.
pub(crate) fn entry(known: &[Mark], new: Mark) -> Vec<u8> {
    let mut entry = Vec::from([REPLAY.form.written]);
    entry.extend_from_slice(known.as_flattened());
    entry.extend_from_slice(&new);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let first = entry(&[], [7; 8]);
        assert_eq!(read(&first), [[7; 8]]);
        assert_eq!(read(&entry(read(&first), [8; 8])), [[7; 8], [8; 8]]);
        assert!(read(&[]).is_empty());
    }
}
