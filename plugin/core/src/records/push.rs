//! What the store remembers of a push, so that a repetition is not delivered again: which one it was, and how it went.
//! Never anything of what stood in it.

use alloc::vec::Vec;

use super::kinds::PUSH;
use crate::store::Key;
use crate::time::UnixMillis;

/// How the delivery of a push went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushState {
    /// Somebody is at it, and has it for a short while.
    UnderWay,
    /// The app has it, or WeChat was told so.
    Delivered,
    /// The app did not take it: the next one is to try again.
    Failed,
}

/// The entry of one push to an app, of which `parts` tell it from all others.
pub(crate) fn push_key(appid: &str, parts: [&str; 2]) -> Key {
    let [kind, id] = parts;
    Key::of_parts(&PUSH, &[appid, kind, id])
}

/// What the entry holds. `nonce` tells two that came at the same moment.
pub(crate) fn entry(state: PushState, now: UnixMillis, nonce: [u8; 8]) -> Vec<u8> {
    let state = match state {
        PushState::UnderWay => 1,
        PushState::Delivered => 2,
        PushState::Failed => 3,
    };
    let mut entry = Vec::from([PUSH.form.written, state]);
    entry.extend_from_slice(&now.0.to_be_bytes());
    entry.extend_from_slice(&nonce);
    entry
}

/// What an entry says, and since when.
pub(crate) fn read(entry: &[u8]) -> Option<(PushState, UnixMillis)> {
    let (_, entry) = PUSH.form.version(entry).ok()??;
    let (state, rest) = entry.split_first()?;
    let since = UnixMillis(u64::from_be_bytes(*rest.first_chunk()?));
    let state = match state {
        1 => PushState::UnderWay,
        2 => PushState::Delivered,
        3 => PushState::Failed,
        _ => return None,
    };
    Some((state, since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn an_entry_is_read_as_it_was_written_and_nothing_else_is_one() {
        for state in [PushState::UnderWay, PushState::Delivered, PushState::Failed] {
            let written = entry(state, UnixMillis(7), [1; 8]);
            assert_eq!(read(&written), Some((state, UnixMillis(7))));
            assert_eq!(read(&written[..9]), None);
        }
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[1, 9, 9, 9, 9, 9, 9, 9, 9, 9]), None);
    }
}
