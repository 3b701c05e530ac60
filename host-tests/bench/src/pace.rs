//! A load of a chosen rate, to see how long single requests take: wrk knows only "as fast as possible".
//! Never sends a request late in a burst: what could not be sent in time is left out, and the rate says so.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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
    let requests = Requests::of(edge, rate, time)?;
    let started = Instant::now();
    let took = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let first = started + gap * number / THREADS;
                let requests = &requests;
                scope.spawn(move || one_connection(requests, first, gap, started + time))
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

/// What all connections send, and what they must be answered.
struct Requests {
    addr: SocketAddr,
    /// As they stand on the wire. One is sent again and again, and several once each.
    bytes: Vec<Vec<u8>>,
    next: AtomicUsize,
    status_line: String,
    says: &'static str,
}

impl Requests {
    fn of(edge: &RunningArm, rate: f64, time: Duration) -> Result<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of requests"
        )]
        let count = (rate * time.as_secs_f64()).ceil() as usize;
        let addr = edge.envoy.addr();
        let sent = edge.make(count + THREADS as usize * 2)?;
        let head = |request: testkit::client::Request| request.head_bytes(&addr.to_string());
        let mut bytes: Vec<Vec<u8>> = sent
            .iter()
            .map(|sent| [head(edge.of(sent)), sent.body.clone().into_bytes()].concat())
            .collect();
        if bytes.is_empty() {
            bytes.push(head(edge.request()));
        }
        Ok(Self {
            addr,
            bytes,
            next: AtomicUsize::new(0),
            status_line: format!("HTTP/1.1 {} ", edge.arm.status),
            says: edge.arm.says,
        })
    }

    fn next(&self) -> Result<&[u8]> {
        if let [only] = self.bytes.as_slice() {
            return Ok(only);
        }
        let next = self.bytes.get(self.next.fetch_add(1, Relaxed));
        Ok(next.context("more requests than were made")?)
    }

    fn is_answered_by(&self, answer: &[u8]) -> bool {
        answer.starts_with(self.status_line.as_bytes())
            && String::from_utf8_lossy(answer).contains(self.says)
    }
}

/// From the whole request written to the whole answer read, for each request.
fn one_connection(
    requests: &Requests,
    first: Instant,
    gap: Duration,
    end: Instant,
) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect_timeout(&requests.addr, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = [0; 4096];
    let mut took = Vec::new();
    let mut due = first;
    while due < end {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let request = requests.next()?;
        let sent = Instant::now();
        stream.write_all(request)?;
        let answer = read_answer(&mut stream, &mut buffer)?;
        took.push(sent.elapsed());
        ensure!(
            requests.is_answered_by(answer),
            "an answer that is not {}and {:?}",
            requests.status_line,
            requests.says
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
