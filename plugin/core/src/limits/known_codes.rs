//! Codes that were logins on this worker a moment ago, so that a repeated one is worth looking for. May forget.

use alloc::vec::Vec;
use core::time::Duration;

use crate::time::UnixMillis;

/// Logins that are known to repeat.
const KNOWN: usize = 512;

/// A direct-mapped table by the hashes of the codes.
pub(crate) struct KnownCodes {
    remember: Duration,
    /// Empty until the first login.
    known: Vec<Known>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    code: u64,
    at: UnixMillis,
}

impl KnownCodes {
    /// Each is known for so long; with zero none is.
    pub(crate) fn new(remember: Duration) -> Self {
        Self {
            remember,
            known: Vec::new(),
        }
    }

    /// The clock was set back: nobody knows how long ago anything was.
    pub(crate) fn begin_anew(&mut self) {
        self.known.clear();
    }

    /// This code was a login here.
    pub(crate) fn remember(&mut self, code: &[u8; 32], now: UnixMillis) {
        if self.remember.is_zero() {
            return;
        }
        if self.known.is_empty() {
            self.known = alloc::vec![Known::default(); KNOWN];
        }
        let (code, place) = fingerprint(code);
        if let Some(known) = self.known.get_mut(place) {
            *known = Known { code, at: now };
        }
    }

    /// Whether a login here was made of this code a moment ago.
    pub(crate) fn remembers(&self, code: &[u8; 32], now: UnixMillis) -> bool {
        let (code, place) = fingerprint(code);
        let known = self.known.get(place).filter(|known| known.code == code);
        known.is_some_and(|known| now.is_within(self.remember, known.at))
    }
}

/// Of a hash: what tells it from others, and its place.
fn fingerprint(hash: &[u8; 32]) -> (u64, usize) {
    let (word, rest) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
    let place = rest
        .first_chunk()
        .map_or(0, |place| u16::from_le_bytes(*place));
    (u64::from_le_bytes(*word), usize::from(place) % KNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: u64 = 3_600_000;

    #[test]
    fn codes_that_were_logins_are_known_for_as_long_as_they_are_remembered() {
        let mut codes = KnownCodes::new(MINUTE);
        let code = |n: u8| [n; 32];
        assert!(!codes.remembers(&code(1), UnixMillis(HOUR)));
        codes.remember(&code(1), UnixMillis(HOUR));
        assert!(codes.remembers(&code(1), UnixMillis(HOUR + 59_999)));
        assert!(!codes.remembers(&code(2), UnixMillis(HOUR)));
        assert!(!codes.remembers(&code(1), UnixMillis(HOUR + 60_000)));
        assert!(!codes.remembers(&code(1), UnixMillis(0)));
    }
}
