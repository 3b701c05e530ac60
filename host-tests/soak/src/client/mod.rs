//! A user's connections to both edges: TLS, HTTP/1.1 and HTTP/2, kept and closed as clients do.
//! Never sends a request twice, but one of which the edge says itself that it has not looked at it.

mod http1;
mod http2;
mod tls;

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use crate::answer::{Answer, Broken};
use crate::ask::Protocol;
use crate::weather::EdgeName;

pub(crate) use tls::{NAME, Trust};

/// How long anybody waits for the next byte: longer than any fault lasts.
const PATIENCE: Duration = Duration::from_secs(40);
/// A connection that was not used for so long is not used again.
const KEPT: Duration = Duration::from_secs(2);
/// Then a new connection is made: what came on one fits into the window that a client has at first.
const MOST_ON_ONE: u32 = 60;

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// In capitals.
    pub(crate) method: &'static str,
    /// With its query.
    pub(crate) path: String,
    /// Small letters.
    pub(crate) headers: Vec<(String, String)>,
    /// None, if it is empty.
    pub(crate) body: Vec<u8>,
    /// How it is sent.
    pub(crate) pace: Pace,
}

/// How a client sends what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At once.
    AtOnce,
    /// The body in so many pieces, with a pause before each.
    InPieces(usize, Duration),
    /// The client goes away before it has an answer: in the middle of the body, if there is one.
    Leaves,
}

/// Where an edge is, and how often it has been started.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Counted up when a process has ended: connections of before are none any more.
    pub(crate) generation: Arc<AtomicU64>,
}

/// The connections of one user.
pub(crate) struct Client {
    edges: [Address; 2],
    trust: Trust,
    http1: [Option<Kept<http1::Http1>>; 2],
    http2: [Option<Kept<http2::Http2>>; 2],
}

/// A connection that may be used again.
struct Kept<C> {
    connection: C,
    generation: u64,
    used: Instant,
}

impl Client {
    /// Without a connection yet.
    #[must_use]
    pub(crate) fn new(edges: [Address; 2], trust: Trust) -> Self {
        Self {
            edges,
            trust,
            http1: [None, None],
            http2: [None, None],
        }
    }

    /// Sends requests at the same time, over HTTP/1.1 one after the other, and waits for what comes.
    pub(crate) fn ask(
        &mut self,
        edge: EdgeName,
        protocol: Protocol,
        requests: &[Request],
        mut answered: impl FnMut(usize, Answer),
    ) {
        match protocol {
            Protocol::Http1 => {
                for (number, request) in requests.iter().enumerate() {
                    answered(number, self.over_http1(edge, request));
                }
            }
            Protocol::Http2 => self.over_http2(edge, requests, answered),
        }
    }

    fn over_http1(&mut self, edge: EdgeName, request: &Request) -> Answer {
        let place = edge as usize;
        let generation = self.edges[place].generation.load(Ordering::SeqCst);
        let kept = self.http1[place].take();
        let kept = kept.filter(|kept| kept.is_good(generation, kept.connection.stream()));
        let reused = kept.is_some();
        let opened = kept.map_or_else(
            || {
                let stream = self.open(edge, Protocol::Http1)?;
                Ok(http1::Http1::new(stream))
            },
            |kept| Ok(kept.connection),
        );
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(broken) => return Answer::None(broken),
        };
        let answer = connection.ask(request, reused);
        if connection.may_be_kept() {
            self.http1[place] = Some(Kept {
                connection,
                generation,
                used: Instant::now(),
            });
        }
        answer
    }

    fn over_http2(
        &mut self,
        edge: EdgeName,
        requests: &[Request],
        mut answered: impl FnMut(usize, Answer),
    ) {
        let place = edge as usize;
        let mut left: Vec<(usize, &Request)> = requests.iter().enumerate().collect();
        // What the edge says that it has passed over is sent once more on another connection; there it is not going away.
        for last in [false, true] {
            let generation = self.edges[place].generation.load(Ordering::SeqCst);
            let kept = self.http2[place].take();
            let kept = kept.filter(|kept| {
                let stream = kept.connection.stream();
                kept.is_good(generation, stream) && kept.connection.requests() < MOST_ON_ONE
            });
            let reused = kept.is_some();
            let opened = match kept {
                Some(kept) => Ok(kept.connection),
                None => self.open(edge, Protocol::Http2).map(http2::Http2::new),
            };
            let mut connection = match opened {
                Ok(connection) => connection,
                Err(broken) => {
                    for (number, _) in left {
                        answered(number, Answer::None(broken.clone()));
                    }
                    return;
                }
            };
            left = connection.ask(left, reused, last, &mut answered);
            if connection.may_be_kept() {
                self.http2[place] = Some(Kept {
                    connection,
                    generation,
                    used: Instant::now(),
                });
            }
            if left.is_empty() {
                return;
            }
        }
    }

    fn open(&self, edge: EdgeName, protocol: Protocol) -> Result<Tls, Broken> {
        self.trust
            .open(self.edges[edge as usize].addr, protocol, PATIENCE)
    }
}

impl<C> Kept<C> {
    /// The edge was not started anew, it was used a moment ago, and the edge has not closed it.
    fn is_good(&self, generation: u64, stream: &TcpStream) -> bool {
        self.generation == generation && self.used.elapsed() < KEPT && tls::is_quiet(stream)
    }
}
