//! A raw HTTP/2 client: says what it is told to, legal or not, one frame at a time.
//! It never compresses, repairs or checks a header.

pub mod hpack;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hpack::{literal, spelled, status};

/// Headers to send, pseudo headers first.
pub type Headers<'a> = [(&'a [u8], &'a [u8])];

/// With which a client begins.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// SETTINGS_HEADER_TABLE_SIZE of 0: the peer keeps no table either, and every answer spells its headers out.
pub const NO_TABLE: [u8; 6] = [0, 1, 0, 0, 0, 0];
const MAX_FRAME: usize = 16 * 1024;
/// Until the peer's settings and updates say otherwise (RFC 9113, 6.9.2).
const FIRST_WINDOW: i64 = 65_535;

/// Frame types (RFC 9113, 6).
#[allow(missing_docs, reason = "the RFC's own names")]
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames (RFC 9113, 6).
#[allow(missing_docs, reason = "the RFC's own names")]
pub mod flag {
    pub const END_STREAM: u8 = 1;
    pub const ACK: u8 = 1;
    pub const END_HEADERS: u8 = 4;
    pub const PADDED: u8 = 8;
    pub const PRIORITY: u8 = 0x20;
}

use flag::{ACK, END_HEADERS, END_STREAM};
use kind::{DATA, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE};

/// One frame (RFC 9113, 4.1).
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A frame as it came: kind, flags, stream and payload.
pub type Frame = (u8, u8, u32, Vec<u8>);

/// The next frame.
///
/// # Errors
/// The connection ends before the frame does, or says nothing for longer than it waits.
pub fn read_frame(stream: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload)?;
    Ok((head[3], head[4], id, payload))
}

/// The pseudo headers of a request, for more headers to follow.
pub fn pseudo<'a>(method: &'a str, path: &'a [u8]) -> Vec<(&'a [u8], &'a [u8])> {
    vec![
        (b":method", method.as_bytes()),
        (b":scheme", b"http"),
        (b":authority", b"edge"),
        (b":path", path),
    ]
}

/// What came on one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Http2Answer {
    /// 0 if the stream or the connection was ended without an answer.
    pub status: u16,
    /// Those that the answer spells out: see [`super::hpack::spelled`].
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Nothing more will come.
    over: bool,
}

impl Http2Answer {
    /// The header of this name, which is there once.
    #[track_caller]
    pub fn only(&self, name: &str) -> String {
        let found: Vec<_> = self.headers.iter().filter(|(own, _)| own == name).collect();
        assert_eq!(found.len(), 1, "{name} in {:?}", self.headers);
        found[0].1.clone()
    }
}

/// A connection: over TCP, or over what [`Http2::over`] was given.
#[derive(Debug)]
pub struct Http2<S = TcpStream> {
    stream: S,
    next: u32,
    first_window: i64,
    /// Room to send, by stream; stream 0 is the connection.
    windows: HashMap<u32, i64>,
    answers: HashMap<u32, Http2Answer>,
    /// The last stream that the peer will answer, once it has said that it goes.
    last: Option<u32>,
    closed: bool,
}

impl Http2 {
    /// Connects with prior knowledge.
    pub fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Self::over(stream)
    }
}

impl<S: Read + Write> Http2<S> {
    /// Speaks over a stream that is open, such as one of TLS. Its own timeouts are the only ones.
    pub fn over(stream: S) -> Self {
        let mut connection = Self {
            stream,
            next: 1,
            first_window: FIRST_WINDOW,
            windows: HashMap::from([(0, FIRST_WINDOW)]),
            answers: HashMap::new(),
            last: None,
            closed: false,
        };
        // A peer that has closed shows when it is read from.
        let _ = connection.stream.write_all(PREFACE);
        connection.frame(SETTINGS, 0, 0, &NO_TABLE);
        connection
    }

    /// The stream itself.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// How many requests have been made.
    #[must_use]
    pub fn requests(&self) -> u32 {
        (self.next - 1) / 2
    }

    /// Whether no more requests can be made.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.closed || self.last.is_some()
    }

    /// Whether the peer has said of this request that it has not looked at it, and never will.
    #[must_use]
    pub fn was_passed_over(&self, id: u32) -> bool {
        self.last.is_some_and(|last| id > last)
    }

    /// Sends a HEADERS frame on a new stream and gives the stream's number.
    pub fn request(&mut self, headers: &Headers<'_>, end: bool) -> u32 {
        let id = self.next;
        self.next += 2;
        self.windows.insert(id, self.first_window);
        let flags = END_HEADERS | if end { END_STREAM } else { 0 };
        self.frame(HEADERS, flags, id, &literal(headers));
        id
    }

    /// Sends DATA frames as the peer makes room for them. An empty one is sent only to end the stream: Envoy takes
    /// more than one of the others for an attack.
    pub fn data(&mut self, id: u32, mut bytes: &[u8], end: bool) {
        while end || !bytes.is_empty() {
            let room = self.windows[&0].min(self.windows[&id]);
            let size = bytes.len().min(MAX_FRAME);
            if usize::try_from(room).unwrap_or(0) < size {
                self.receive();
                if self.closed || self.answers.get(&id).is_some_and(|answer| answer.over) {
                    return;
                }
                continue;
            }
            let (now, later) = bytes.split_at(size);
            let flags = if end && later.is_empty() {
                END_STREAM
            } else {
                0
            };
            self.frame(DATA, flags, id, now);
            for window in [0, id] {
                *self.windows.get_mut(&window).unwrap() -= i64::try_from(size).unwrap();
            }
            bytes = later;
            if bytes.is_empty() {
                return;
            }
        }
    }

    /// Ends a stream with trailers.
    pub fn trailers(&mut self, id: u32, headers: &Headers<'_>) {
        self.frame(HEADERS, END_HEADERS | END_STREAM, id, &literal(headers));
    }

    /// Ends a stream by RST_STREAM with CANCEL, as a client does that has lost interest.
    pub fn reset(&mut self, id: u32) {
        self.frame(RST_STREAM, 0, id, &8_u32.to_be_bytes());
    }

    /// Waits for the whole answer to a stream.
    pub fn answer(&mut self, id: u32) -> Http2Answer {
        self.first_bytes(id, usize::MAX)
    }

    /// Waits for an answer until it is over or its body has `size` bytes.
    pub fn first_bytes(&mut self, id: u32, size: usize) -> Http2Answer {
        let enough = |answer: &Http2Answer| answer.over || answer.body.len() >= size;
        while !self.closed && !self.answers.get(&id).is_some_and(enough) {
            self.receive();
        }
        self.answers.remove(&id).unwrap_or_default()
    }

    /// A peer that has closed shows when it is read from.
    fn frame(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let _ = self.stream.write_all(&frame(kind, flags, id, payload));
    }

    fn receive(&mut self) {
        let Ok((kind, flags, id, payload)) = read_frame(&mut self.stream) else {
            self.closed = true;
            return;
        };
        match kind {
            SETTINGS if flags & ACK == 0 => {
                for setting in payload
                    .chunks_exact(6)
                    .filter(|setting| setting[..2] == [0, 4])
                {
                    let size = i64::from(u32::from_be_bytes(setting[2..].try_into().unwrap()));
                    let more = size - self.first_window;
                    self.first_window = size;
                    let streams = self.windows.iter_mut().filter(|(id, _)| **id != 0);
                    streams.for_each(|(_, window)| *window += more);
                }
                self.frame(SETTINGS, ACK, 0, &[]);
            }
            PING if flags & ACK == 0 => self.frame(PING, ACK, 0, &payload),
            GOAWAY => self.goes_away(&payload),
            WINDOW_UPDATE => {
                let more = u32::from_be_bytes(payload[..4].try_into().unwrap());
                *self.windows.entry(id).or_default() += i64::from(more);
            }
            HEADERS | DATA | RST_STREAM => {
                let answer = self.answers.entry(id).or_default();
                match kind {
                    DATA => answer.body.extend(&payload),
                    HEADERS if matches!(answer.status, 0 | 100..=199) => {
                        answer.status = status(&payload);
                        answer.headers = spelled(&payload);
                    }
                    _ => {}
                }
                answer.over = kind == RST_STREAM || flags & END_STREAM != 0;
            }
            _ => {}
        }
    }

    /// One without a fault lets the streams that it names come to their end. Envoy sends the other for a request that it
    /// does not take, and then waits a second.
    fn goes_away(&mut self, payload: &[u8]) {
        let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
        let last = number(&payload[..4]) & (u32::MAX >> 1);
        self.last = Some(last);
        self.closed |= number(&payload[4..8]) != 0;
        for id in self.windows.keys().filter(|id| **id > last) {
            self.answers.entry(*id).or_default().over = true;
        }
    }
}
