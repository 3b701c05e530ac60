//! A load of a chosen rate, to see how long single requests take: wrk knows only "as fast as possible".
//! Never sends a request late in a burst: what could not be sent in time is left out, and the rate says so.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::PATIENCE;
use super::running_arm::RunningArm;

/// Each has one connection, sleeps until its turn, and waits for its answer: nothing spins, so that a server on the
/// same core gets its share.
const THREADS: u32 = 16;

/// What the requests took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Requests per second that were really sent.
    pub(super) rate: f64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// How many requests.
    pub(super) requests: u64,
}

/// Sends `rate` requests a second for `time`, evenly spread.
pub(super) fn run(edge: &RunningArm, rate: f64, time: Duration) -> Result<Times> {
    let gap = Duration::from_secs_f64(f64::from(THREADS) / rate);
    let started = Instant::now();
    let took = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let first = started + gap * number / THREADS;
                scope.spawn(move || one_connection(edge, first, gap, started + time))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread that returns its errors"))
            .collect::<Result<Vec<_>>>()
    })?;
    let elapsed = started.elapsed().as_secs_f64();
    let mut took = took.concat();
    took.sort_unstable();
    let requests = u32::try_from(took.len())?;
    ensure!(requests > 0, "no request was sent");
    Ok(Times {
        rate: f64::from(requests) / elapsed,
        p50: percentile(&took, 50),
        p99: percentile(&took, 99),
        requests: requests.into(),
    })
}

/// From the whole request written to the whole answer read, for each request.
fn one_connection(
    edge: &RunningArm,
    first: Instant,
    gap: Duration,
    end: Instant,
) -> Result<Vec<Duration>> {
    let addr = edge.envoy.addr();
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = edge.request().head_bytes(&addr.to_string());
    let status_line = format!("HTTP/1.1 {} ", edge.arm.status);
    let mut buffer = [0; 4096];
    let mut took = Vec::new();
    let mut due = first;
    while due < end {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        stream.write_all(&request)?;
        let answer = read_answer(&mut stream, &mut buffer)?;
        took.push(sent.elapsed());
        ensure!(
            answer.starts_with(status_line.as_bytes()),
            "an answer that is not {}",
            edge.arm.status
        );
        while due <= Instant::now() {
            due += gap;
        }
    }
    Ok(took)
}

/// Reads exactly one answer: there is never a second request under way.
fn read_answer<'a>(stream: &mut TcpStream, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
    let mut held = 0;
    loop {
        let more = stream.read(&mut buffer[held..])?;
        ensure!(more > 0, "closed, or an answer that is too long");
        held += more;
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut headers);
        if let httparse::Status::Complete(length) = head.parse(&buffer[..held])? {
            let body = head
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case("content-length"))
                .and_then(|header| {
                    std::str::from_utf8(header.value)
                        .ok()?
                        .parse::<usize>()
                        .ok()
                })
                .context("an answer without content-length")?;
            if held == length + body {
                return Ok(&buffer[..held]);
            }
        }
    }
}

/// Of sorted times.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[at - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let sorted: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&sorted, 50), Duration::from_micros(100));
        assert_eq!(percentile(&sorted, 99), Duration::from_micros(198));
        assert_eq!(percentile(&sorted[..1], 99), Duration::from_micros(1));
    }
}
