//! Loopback ports for programs that cannot choose one themselves.
//! Never holds a port: another may be faster, and then the next is tried.

use std::net::TcpListener;
use std::ops::Range;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::process::START_TIMEOUT;

const POLL: Duration = Duration::from_millis(10);
const PORTS_TO_TRY: usize = 8;

/// Below those that Linux gives to whoever asks for any, and to every connection (`ip_local_port_range`): one of these would
/// be somebody else's by the time that a program listens there, and a test talk to another one's server.
/// <https://docs.kernel.org/networking/ip-sysctl.html>
const PORTS: Range<u32> = 10_240..32_768;
const TAKEN: &str = "Address already in use";

/// Starts something on a free port, on another one if somebody else is faster to take it.
pub(crate) fn on_a_free_port<T>(mut start: impl FnMut(u16) -> Result<T>) -> Result<T> {
    let mut outcome = start(free_port()?);
    for _ in 1..PORTS_TO_TRY {
        match outcome {
            Err(error) if is_taken(&error) => outcome = start(free_port()?),
            other => return other,
        }
    }
    outcome
}

/// Starts something again on the port that it had; a connection that was made meanwhile may hold it for a while.
pub(crate) fn on_the_same_port<T>(mut start: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        match start() {
            Err(error) if is_taken(&error) && Instant::now() < deadline => std::thread::sleep(POLL),
            other => return other,
        }
    }
}

fn is_taken(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains(TAKEN)
}

/// A port that nobody listens at, and that no other call of this process gives.
pub(crate) fn free_port() -> Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Processes that run side by side begin apart.
    let first = process::id().wrapping_mul(997);
    let next = || first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
    let count = PORTS.end - PORTS.start;
    (0..count)
        .filter_map(|_| u16::try_from(PORTS.start + next() % count).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free port on 127.0.0.1")
}
