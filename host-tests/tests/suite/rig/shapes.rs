//! Every way in which a client can send one body, over HTTP/1.1 and HTTP/2.
//! They differ in framing and timing only, never in what is sent.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use testkit::client::{self, Piece, Request};

use super::envoy_world::{EnvoyWorld, PATIENCE};
use testkit::http2::{Http2, pseudo};

const PAUSE: Duration = Duration::from_millis(30);

/// A way of sending a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    ContentLength,
    Chunked,
    /// Three chunks with pauses between them, and one before the end.
    ChunkedWithPauses,
    ExpectContinue,
    /// One DATA frame, or as many as it takes, the last with END_STREAM.
    Http2,
    /// In two parts, and an empty DATA frame with END_STREAM after a pause.
    Http2WithPauses,
    Http2WithTrailers,
}

pub const SHAPES: [Shape; 7] = [
    Shape::ContentLength,
    Shape::Chunked,
    Shape::ChunkedWithPauses,
    Shape::ExpectContinue,
    Shape::Http2,
    Shape::Http2WithPauses,
    Shape::Http2WithTrailers,
];

/// Status and body of the answer.
pub type StatusAndBody = (u16, Vec<u8>);

impl Shape {
    /// Sends `POST path` with these headers and this body in this shape.
    pub fn post(
        self,
        edge: &EnvoyWorld,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> StatusAndBody {
        self.send(edge, "POST", path, headers, body)
    }

    /// As `post`, with any method.
    pub fn send(
        self,
        edge: &EnvoyWorld,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> StatusAndBody {
        self.send_to(edge.envoy.addr(), method, path, headers, body)
    }

    /// As `send`, to whatever listens there.
    pub fn send_to(
        self,
        addr: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> StatusAndBody {
        let mut request = Request::new(method, path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let third = body.len() / 3;
        let request = match self {
            Self::ContentLength => request.body(body),
            Self::ExpectContinue => request.body(body).expect_continue(),
            Self::Chunked => request.chunked([body]),
            Self::ChunkedWithPauses => request.chunked([
                Piece::from(&body[..third]),
                Piece::after(PAUSE, &body[third..2 * third]),
                Piece::after(PAUSE, &body[2 * third..]),
                Piece::after(PAUSE, b""),
            ]),
            _ => return self.send_http2(addr, method, path, headers, body),
        };
        let answer = client::send(addr, &request, PATIENCE).unwrap();
        (answer.status, answer.body)
    }

    fn send_http2(
        self,
        addr: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> StatusAndBody {
        let mut all = pseudo(method, path.as_bytes());
        all.extend(headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())));
        let mut connection = Http2::open(addr);
        let id = connection.request(&all, false);
        match self {
            Self::Http2WithPauses => {
                let (first, second) = body.split_at(body.len() / 2);
                connection.data(id, first, false);
                sleep(PAUSE);
                connection.data(id, second, false);
                sleep(PAUSE);
                connection.data(id, b"", true);
            }
            Self::Http2WithTrailers => {
                connection.data(id, body, false);
                connection.trailers(id, &[(b"x-checksum", b"0")]);
            }
            _ => connection.data(id, body, true),
        }
        let answer = connection.answer(id);
        (answer.status, answer.body)
    }
}
