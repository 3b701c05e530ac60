//! Sends rows and gathers what came of them: at Envoy many at a time, each from an address of its own, by which the app's
//! side of it is known; at the host that stands in for Spin one after the other.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testkit::fakes::app::{FakeApp, SeenByApp};
use testkit::http2::pseudo;

use super::invariants::{SENT_FROM, Sent};
use super::known::Known;
use super::row::{Door, Row, Says};
use super::talk::Talk;
use super::{http1, http2};

/// How many rows are under way at a time. Most of them wait for an edge that waits for them.
const LANES: usize = 24;

/// For so long an answer is waited for where there may be none: one of many at a time, and one of one.
const MOMENT: Duration = Duration::from_millis(400);
const SOON: Duration = Duration::from_millis(40);

/// A row at a door, in one of its protocols.
pub struct Attempt<'a> {
    row: &'a Row,
    door: Door,
    in_http2: bool,
}

/// All ways in which `rows` are tried at `doors`.
pub fn attempts<'a>(rows: &'a [Row], doors: &[Door]) -> Vec<Attempt<'a>> {
    let mut attempts: Vec<Attempt<'a>> = Vec::new();
    for row in rows {
        for door in row.doors.iter().filter(|door| doors.contains(door)) {
            let protocols: &[bool] = match row.says {
                Says::Http2(_) if *door == Door::Spin => &[],
                // There is no other.
                _ if *door == Door::Spin => &[false],
                Says::Message(_) if row.in_both => &[false, true],
                Says::Message(_) => &[[false], [true]][attempts.len() % 2],
                Says::Http1(_) => &[false],
                Says::Http2(_) => &[true],
            };
            attempts.extend(protocols.iter().map(|in_http2| Attempt {
                row,
                door: *door,
                in_http2: *in_http2,
            }));
        }
    }
    attempts
}

impl Attempt<'_> {
    /// Sends it.
    fn talk(&self, known: &Known, from: Ipv4Addr, to: SocketAddr, mark: &str) -> Talk {
        let token = &known.victim.token;
        let fill = |text: &[u8]| known.fill(text);
        if self.in_http2 {
            let frames = match &self.row.says {
                Says::Message(message) => message.http2(fill, 1),
                Says::Http1(bytes) | Says::Http2(bytes) => fill(bytes),
            };
            let mut good = pseudo("GET", mark.as_bytes());
            good.push((b"x-wx-skey", token.as_bytes()));
            return http2::talk(self.row, from, to, &frames, &good);
        }
        let bytes = match &self.row.says {
            Says::Message(message) => message.http1(fill),
            Says::Http1(bytes) | Says::Http2(bytes) => fill(bytes),
        };
        let good = format!("GET {mark} HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {token}\r\n\r\n");
        let moment = if self.door == Door::Spin {
            SOON
        } else {
            MOMENT
        };
        http1::talk(self.row, moment, from, to, &bytes, good.as_bytes(), mark)
    }

    fn sent<'a>(&'a self, from: Ipv4Addr, mark: String, talk: Talk) -> Sent<'a> {
        Sent {
            row: self.row,
            door: self.door,
            in_http2: self.in_http2,
            from,
            talk,
            seen: Vec::new(),
            mark,
        }
    }
}

/// The address of a number, and the path of the good request behind it.
fn own(number: usize) -> (Ipv4Addr, String) {
    let [_, high, middle, low] = u32::try_from(number).unwrap().to_be_bytes();
    (
        Ipv4Addr::new(127, 66 + high, middle, low),
        format!("/good/{number}"),
    )
}

/// At doors of an Envoy. `heard`: all that came of it behind Envoy, once that is settled.
pub fn at_envoy<'a>(
    attempts: &'a [Attempt<'_>],
    known: &Known,
    addr: impl Fn(Door) -> SocketAddr + Sync,
    heard: impl FnOnce() -> Vec<SeenByApp>,
) -> Vec<Sent<'a>> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(attempt) = attempts.get(number) else {
                        break;
                    };
                    let (from, mark) = own(number);
                    let talk = attempt.talk(known, from, addr(attempt.door), &mark);
                    all.lock().unwrap().push(attempt.sent(from, mark, talk));
                }
            });
        }
    });
    let mut seen: HashMap<String, Vec<SeenByApp>> = HashMap::new();
    for request in heard() {
        let from = request.header(SENT_FROM).unwrap_or_default();
        let from = String::from_utf8_lossy(from).into_owned();
        seen.entry(from).or_default().push(request);
    }
    let mut all = all.into_inner().unwrap();
    for sent in &mut all {
        sent.seen = seen.remove(&sent.from.to_string()).unwrap_or_default();
    }
    // The app hears of nobody else.
    assert!(seen.is_empty(), "{seen:?}");
    all
}

/// At one door, whose app cannot be told who has sent something.
pub fn one_by_one<'a>(
    attempts: &'a [Attempt<'_>],
    known: &Known,
    app: &FakeApp,
    addr: SocketAddr,
    settled: impl Fn(),
) -> Vec<Sent<'a>> {
    let mut all = Vec::new();
    for (number, attempt) in attempts.iter().enumerate() {
        let (from, mark) = own(number);
        let talk = attempt.talk(known, from, addr, &mark);
        let mut sent = attempt.sent(from, mark, talk);
        // What the client has given up may still be on its way to the app.
        if sent.talk.good.is_none() {
            settled();
        }
        sent.seen = app.take();
        all.push(sent);
    }
    all
}
