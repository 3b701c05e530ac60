//! Time as a value. Nothing here reads a clock: `now` always comes from the host.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment further ahead than this was written before the clock was set back.
const APART: Duration = Duration::from_secs(1);

/// A moment, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The moment `span` later; the far end of time if that does not fit.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// The moment `span` earlier; the beginning of time if that does not fit.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// Whether this lies after `moment`, and not in the future either: what does was written before the clock was set
    /// back.
    #[must_use]
    pub fn is_since(self, moment: Self, now: Self) -> bool {
        self > moment && self <= now.after(APART)
    }

    /// How long ago `earlier` was; zero if it lies in the future (clocks step back).
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whether less than `span` has gone by since `start`. A start that lies ahead is one that this clock was set back
    /// behind: that is over, for nobody knows how long ago it was, and nothing may last longer than it was meant to.
    #[must_use]
    pub fn is_within(self, span: Duration, start: Self) -> bool {
        self >= start && self.since(start) < span
    }

    /// As [`UnixMillis::is_within`], for a start that another machine's clock wrote: it may lie ahead by as much again.
    #[must_use]
    pub fn is_near(self, span: Duration, start: Self) -> bool {
        self.since(start) < span && start.since(self) < span
    }

    /// Whole seconds since the epoch, as WeChat's watermark and JWTs count.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// A span in whole milliseconds, saturating.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn what_began_in_the_future_is_over_unless_another_clock_may_have_written_it() {
        let (start, minute) = (UnixMillis(1_000_000), Duration::from_secs(60));
        for (now, within, near) in [
            (1_000_000, true, true),
            (1_059_999, true, true),
            (1_060_000, false, false),
            (4_600_000, false, false),
            (999_999, false, true),
            (940_001, false, true),
            (940_000, false, false),
            (0, false, false),
        ] {
            assert_eq!(UnixMillis(now).is_within(minute, start), within, "{now}");
            assert_eq!(UnixMillis(now).is_near(minute, start), near, "{now}");
        }
    }
}
