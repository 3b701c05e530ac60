//! Changes of one entry by compare-and-swap that meet others: how often each is tried, how long it waits in between, and what
//! the operator is told of one that is given up.

use alloc::format;
use core::time::Duration;

use crate::host::{Host, Level};
use crate::store::StoreError;
use crate::worker::Context;

/// How often a change is tried when others change the same user at the same time: with its pauses a second or two, where
/// the store is slow five to fifteen.
pub(crate) const ATTEMPTS: u32 = 20;

/// The longest pause before the second attempt; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LAST_PAUSE: Duration = Duration::from_millis(256);

/// A pause may last 4 to 64 times as long as the attempt before it. Attempts collide if one begins while another is
/// under way: in so long a pause those of thirty changes mostly do not, in a shorter one than 4 attempts even those of
/// a few do.
const IN_A_PAUSE: u32 = 64;
const LEAST_IN_A_PAUSE: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl<H: Host> Context<'_, H> {
    /// A change of a `record` is given up.
    pub(crate) fn contended(self, record: &str) -> StoreError {
        const EVENT: &str = "store_contended";
        let line = || format!(r#"{{"event":"{EVENT}","record":"{record}","attempts":{ATTEMPTS}}}"#);
        self.log(Level::Warn, (EVENT, ""), line);
        StoreError::Contended
    }
}

/// At random, so that those who met do not meet again. `took`: the last attempt.
pub(crate) fn pause(host: &impl Host, attempt: u32, took: Duration) -> Duration {
    let last = took.saturating_mul(IN_A_PAUSE);
    let most = FIRST_PAUSE
        .saturating_mul(1 << attempt.min(16))
        .max(took.saturating_mul(LEAST_IN_A_PAUSE))
        .min(last.clamp(LAST_PAUSE, LONGEST_PAUSE));
    let mut dice = [0; 2];
    // Without randomness all wait the longest.
    match host.random(&mut dice) {
        Ok(()) => most * u32::from(u16::from_le_bytes(dice)) / u32::from(u16::MAX),
        Err(_) => most,
    }
}
