//! One request as it will stand on the wire, byte for byte.
//! It never adds a header except `host` (unless told not to) and the one that frames the body.

use std::time::Duration;

/// A request under construction. Header names and values are raw bytes: doubled and non-UTF-8 ones are sent as given.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: String,
    pub(super) target: Vec<u8>,
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) body: Body,
    pub(super) awaits_continue: bool,
    adds_host: bool,
}

/// How the body is sent.
#[derive(Debug, Clone)]
pub enum Body {
    /// No body and no framing header.
    None,
    /// `content-length` and these bytes.
    Length(Vec<u8>),
    /// `transfer-encoding: chunked`, one chunk for each piece.
    Chunked(Vec<Piece>),
}

/// One chunk of a chunked body.
#[derive(Debug, Clone)]
pub struct Piece {
    /// How long to wait before it is sent.
    pub pause: Duration,
    /// Its bytes; an empty piece sends nothing (a chunk of size 0 would end the body).
    pub bytes: Vec<u8>,
}

impl<B: AsRef<[u8]>> From<B> for Piece {
    fn from(bytes: B) -> Self {
        Self::after(Duration::ZERO, bytes)
    }
}

impl Piece {
    /// A piece that is sent after a pause.
    #[must_use]
    pub fn after(pause: Duration, bytes: impl AsRef<[u8]>) -> Self {
        Self {
            pause,
            bytes: bytes.as_ref().to_vec(),
        }
    }
}

impl Request {
    /// A request without a body. The target is sent as it is, whether or not it is a legal one.
    #[must_use]
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.as_ref().to_vec(),
            headers: Vec::new(),
            body: Body::None,
            awaits_continue: false,
            adds_host: true,
        }
    }

    /// `GET target`.
    #[must_use]
    pub fn get(target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", target)
    }

    /// `POST target`, without a body until one is given.
    #[must_use]
    pub fn post(target: impl AsRef<[u8]>) -> Self {
        Self::new("POST", target)
    }

    /// Appends a header; the same name twice is sent twice.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// Sends no `host` header but those given by [`Request::header`].
    #[must_use]
    pub fn without_host(mut self) -> Self {
        self.adds_host = false;
        self
    }

    /// A body with a `content-length`.
    #[must_use]
    pub fn body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body = Body::Length(bytes.as_ref().to_vec());
        self
    }

    /// A JSON body with its `content-type`.
    #[must_use]
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.header("content-type", "application/json")
            .body(value.to_string())
    }

    /// A chunked body.
    #[must_use]
    pub fn chunked(mut self, pieces: impl IntoIterator<Item = impl Into<Piece>>) -> Self {
        self.body = Body::Chunked(pieces.into_iter().map(Into::into).collect());
        self
    }

    /// Adds `expect: 100-continue` and holds the body back until the peer asks for it; if the peer answers at once, the
    /// body is never sent.
    #[must_use]
    pub fn expect_continue(mut self) -> Self {
        self.awaits_continue = true;
        self
    }

    /// The request line and headers, with the empty line at the end.
    #[must_use]
    pub fn head_bytes(&self, host: &str) -> Vec<u8> {
        let mut out = [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\n"].concat();
        let mut line =
            |name: &[u8], value: &[u8]| out.extend([name, b": ", value, b"\r\n"].concat());
        if self.adds_host
            && !self
                .headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(b"host"))
        {
            line(b"host", host.as_bytes());
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if self.awaits_continue {
            line(b"expect", b"100-continue");
        }
        match &self.body {
            Body::None => {}
            Body::Length(bytes) => line(b"content-length", bytes.len().to_string().as_bytes()),
            Body::Chunked(_) => line(b"transfer-encoding", b"chunked"),
        }
        out.extend(b"\r\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_go_out_in_order_doubled_and_with_raw_bytes() {
        let request = Request::post("/a")
            .header("x", "1")
            .header("X", [0xff, 0xfe])
            .body("hi");
        let expected =
            b"POST /a HTTP/1.1\r\nhost: h\r\nx: 1\r\nX: \xff\xfe\r\ncontent-length: 2\r\n\r\n";
        assert_eq!(request.head_bytes("h"), expected);
    }

    #[test]
    fn a_host_of_ones_own_is_the_only_one() {
        let head = Request::get("/").header("Host", "mine").head_bytes("h");
        assert_eq!(head, b"GET / HTTP/1.1\r\nHost: mine\r\n\r\n");
        assert_eq!(
            Request::get("/").without_host().head_bytes("h"),
            b"GET / HTTP/1.1\r\n\r\n"
        );
    }
}
