//! Waiting for what must come soon, on a machine that may be busy with many tests.
//! Never waits for a fixed time.

use std::time::{Duration, Instant};

/// How long anything that is awaited may take.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// Looks again and again until it holds.
///
/// # Panics
/// When it does not come true in time.
#[track_caller]
pub fn eventually(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it did not come true in time");
        std::thread::sleep(POLL);
    }
}
