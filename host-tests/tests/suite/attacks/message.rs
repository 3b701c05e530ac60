//! One request that is a request, in both protocols: its parts are bytes, legal or not, and nothing is added but a host
//! and what frames the body.

use testkit::http2::flag::{END_HEADERS, END_STREAM};
use testkit::http2::hpack::literal;
use testkit::http2::kind::{DATA, HEADERS};
use testkit::http2::{frame, pseudo};

type Field = (Vec<u8>, Vec<u8>);

/// A request.
#[derive(Clone)]
pub struct Message {
    method: Vec<u8>,
    target: Vec<u8>,
    fields: Vec<Field>,
    body: Body,
}

#[derive(Clone)]
enum Body {
    None,
    Length(Vec<u8>),
    Chunked(Vec<u8>),
}

impl Message {
    pub fn new(method: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.as_ref().into(),
            target: target.as_ref().into(),
            fields: Vec::new(),
            body: Body::None,
        }
    }

    pub fn get(target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", target)
    }

    pub fn post(target: impl AsRef<[u8]>, kind: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", target)
            .field("content-type", kind)
            .body(body)
    }

    /// The same by another method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    /// The same to another target.
    pub fn to(mut self, target: impl AsRef<[u8]>) -> Self {
        self.target = target.as_ref().into();
        self
    }

    pub fn field(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.fields
            .push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Body::Length(body.as_ref().into());
        self
    }

    pub fn chunked(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Body::Chunked(body.as_ref().into());
        self
    }

    /// The same with another word in the place of this one in its body.
    pub fn without(mut self, word: &str) -> Self {
        if let Body::Length(body) | Body::Chunked(body) = &mut self.body {
            *body = String::from_utf8_lossy(body)
                .replace(word, "-")
                .into_bytes();
        }
        self
    }

    pub fn is_head(&self) -> bool {
        self.method == b"HEAD"
    }

    /// As it stands on a connection of HTTP/1.1, with what `fill` makes of each part.
    pub fn http1(&self, fill: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let mut out = [&fill(&self.method)[..], b" ", &fill(&self.target)].concat();
        out.extend(b" HTTP/1.1\r\n");
        let mut line = |name: &[u8], value: &[u8]| {
            out.extend([&fill(name)[..], b": ", &fill(value), b"\r\n"].concat());
        };
        let is_host = |(name, _): &Field| name.eq_ignore_ascii_case(b"host");
        if !self.fields.iter().any(is_host) {
            line(b"host", b"edge");
        }
        for (name, value) in &self.fields {
            line(name, value);
        }
        match &self.body {
            Body::None => out.extend(b"\r\n"),
            Body::Length(body) => {
                let body = fill(body);
                out.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
                out.extend(body);
            }
            Body::Chunked(body) => {
                let body = fill(body);
                out.extend(b"transfer-encoding: chunked\r\n\r\n");
                out.extend(format!("{:x}\r\n", body.len()).bytes());
                out.extend([&body[..], b"\r\n0\r\n\r\n"].concat());
            }
        }
        out
    }

    /// As frames of one stream of HTTP/2.
    pub fn http2(&self, fill: impl Fn(&[u8]) -> Vec<u8>, stream: u32) -> Vec<u8> {
        let (method, target) = (fill(&self.method), fill(&self.target));
        let filled: Vec<Field> = self
            .fields
            .iter()
            .map(|(name, value)| (fill(name), fill(value)))
            .collect();
        let mut fields = pseudo("", &target);
        fields[0].1 = &method;
        fields.extend(filled.iter().map(|(name, value)| (&name[..], &value[..])));
        let (body, length) = match &self.body {
            Body::None => {
                return frame(HEADERS, END_HEADERS | END_STREAM, stream, &literal(&fields));
            }
            Body::Length(body) => (fill(body), true),
            Body::Chunked(body) => (fill(body), false),
        };
        let size = body.len().to_string();
        if length {
            fields.push((b"content-length", size.as_bytes()));
        }
        let mut out = frame(HEADERS, END_HEADERS, stream, &literal(&fields));
        for piece in body.chunks(16_384) {
            out.extend(frame(DATA, 0, stream, piece));
        }
        out.extend(frame(DATA, END_STREAM, stream, b""));
        out
    }
}
