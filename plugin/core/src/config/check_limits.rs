//! Checks the limits on what waits, and for how long.

use core::time::Duration;

use super::model::{Checked, WaitingLimits, wrong};
use super::raw;

pub(super) struct Limits {
    pub(super) body_bytes: usize,
    pub(super) body_timeout: Duration,
    pub(super) waiting: WaitingLimits,
}

pub(super) fn limits(raw: &raw::Limits) -> Checked<Limits> {
    if !(1024..=1_048_576).contains(&raw.body_bytes) {
        return wrong("limits.body_bytes", "must be between 1024 and 1048576");
    }
    if !(100..=60_000).contains(&raw.body_timeout_ms) {
        return wrong("limits.body_timeout_ms", "must be between 100 and 60000");
    }
    // There is no "no limit": whoever opens requests without end would have all memory.
    if !(16..=65_536).contains(&raw.waiting_requests) {
        return wrong("limits.waiting_requests", "must be between 16 and 65536");
    }
    if !(262_144..=1_073_741_824).contains(&raw.waiting_bytes) {
        return wrong(
            "limits.waiting_bytes",
            "must be between 262144 and 1073741824",
        );
    }
    // The last quarter is the room in which a newcomer's body must fit.
    if raw.waiting_bytes / 4 < raw.body_bytes {
        return wrong(
            "limits.waiting_bytes",
            "must be at least four times limits.body_bytes",
        );
    }
    Ok(Limits {
        body_bytes: raw.body_bytes,
        body_timeout: Duration::from_millis(raw.body_timeout_ms),
        waiting: WaitingLimits {
            requests: raw.waiting_requests,
            bytes: raw.waiting_bytes,
        },
    })
}
