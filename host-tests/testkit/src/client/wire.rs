//! Reads HTTP/1.1 messages off a byte stream, for the client and for the fake servers.
//! It never writes, and never judges: what httparse accepts is passed on as it came.

use std::io::{self, Read};

/// Headers in the order they came, names as they were written.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

const MAX_HEADERS: usize = 256;

/// How a message says where its body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length(usize),
    Chunked,
    UntilClose,
}

#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Headers,
}

#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
}

/// A stream with the bytes that were read from it but not yet used.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    unused: Vec<u8>,
    /// Of the chunked body that was read last.
    trailers: Headers,
}

/// The first header of that name, in any case.
pub(crate) fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_slice())
}

fn declared(headers: &Headers) -> io::Result<Option<Framing>> {
    if let Some(coding) = header(headers, "transfer-encoding") {
        let chunked = String::from_utf8_lossy(coding)
            .to_ascii_lowercase()
            .contains("chunked");
        return if chunked {
            Ok(Some(Framing::Chunked))
        } else {
            Err(invalid("transfer-encoding"))
        };
    }
    header(headers, "content-length")
        .map(|length| {
            let length = std::str::from_utf8(length)
                .ok()
                .and_then(|text| text.trim().parse().ok());
            length
                .map(Framing::Length)
                .ok_or_else(|| invalid("content-length"))
        })
        .transpose()
}

impl RequestHead {
    pub(crate) fn framing(&self) -> io::Result<Framing> {
        Ok(declared(&self.headers)?.unwrap_or(Framing::None))
    }
}

impl ResponseHead {
    pub(crate) fn framing(&self, to_head_request: bool) -> io::Result<Framing> {
        if to_head_request || matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Framing::None);
        }
        Ok(declared(&self.headers)?.unwrap_or(Framing::UntilClose))
    }
}

impl<S: Read> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            unused: Vec::new(),
            trailers: Vec::new(),
        }
    }

    /// The trailers behind the chunked body that was read last, once.
    pub(crate) fn take_trailers(&mut self) -> Headers {
        std::mem::take(&mut self.trailers)
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    pub(crate) fn stream_ref(&self) -> &S {
        &self.stream
    }

    /// Whether something was read and not used.
    pub(crate) fn has_unused(&self) -> bool {
        !self.unused.is_empty()
    }

    /// The next request's head; `None` if the peer closed between two requests.
    pub(crate) fn request_head(&mut self) -> io::Result<Option<RequestHead>> {
        self.head(|bytes| {
            let mut room = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut parsed = httparse::Request::new(&mut room);
            let used = match parsed.parse(bytes).map_err(invalid)? {
                httparse::Status::Partial => return Ok(None),
                httparse::Status::Complete(used) => used,
            };
            let method = parsed.method.unwrap_or_default().to_owned();
            let target = parsed.path.unwrap_or_default().to_owned();
            Ok(Some((
                used,
                RequestHead {
                    method,
                    target,
                    headers: owned(parsed.headers),
                },
            )))
        })
    }

    /// The next answer's head; `None` if the peer closed without a byte.
    pub(crate) fn response_head(&mut self) -> io::Result<Option<ResponseHead>> {
        self.head(|bytes| {
            let mut room = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut parsed = httparse::Response::new(&mut room);
            let used = match parsed.parse(bytes).map_err(invalid)? {
                httparse::Status::Partial => return Ok(None),
                httparse::Status::Complete(used) => used,
            };
            Ok(Some((
                used,
                ResponseHead {
                    status: parsed.code.unwrap_or_default(),
                    headers: owned(parsed.headers),
                },
            )))
        })
    }

    pub(crate) fn body(&mut self, framing: Framing) -> io::Result<Vec<u8>> {
        match framing {
            Framing::None => Ok(Vec::new()),
            Framing::Length(length) => self.take(length),
            Framing::Chunked => self.chunks(),
            Framing::UntilClose => {
                while self.fill()? > 0 {}
                Ok(std::mem::take(&mut self.unused))
            }
        }
    }

    /// Whatever is there: what was read before and not used, else one read from the stream. Empty at the end.
    pub(crate) fn some(&mut self) -> io::Result<Vec<u8>> {
        if self.unused.is_empty() {
            self.fill()?;
        }
        Ok(std::mem::take(&mut self.unused))
    }

    /// Exactly `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.unused.len() < length {
            self.fill_more()?;
        }
        Ok(self.unused.drain(..length).collect())
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = match httparse::parse_chunk_size(&self.unused) {
                Err(_) => return Err(invalid("chunk size")),
                Ok(httparse::Status::Partial) => {
                    self.fill_more()?;
                    continue;
                }
                Ok(httparse::Status::Complete((used, size))) => {
                    self.unused.drain(..used);
                    usize::try_from(size).map_err(invalid)?
                }
            };
            if size == 0 {
                loop {
                    let line = self.line()?;
                    if line.is_empty() {
                        return Ok(body);
                    }
                    self.trailers.push(field(&line));
                }
            }
            body.extend(self.take(size)?);
            if !self.line()?.is_empty() {
                return Err(invalid("a chunk longer than its size"));
            }
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.unused.windows(2).position(|pair| pair == b"\r\n") {
                let mut line = self.take(end + 2)?;
                line.truncate(end);
                return Ok(line);
            }
            self.fill_more()?;
        }
    }

    fn head<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> io::Result<Option<(usize, T)>>,
    ) -> io::Result<Option<T>> {
        loop {
            if let Some((used, head)) = parse(&self.unused)? {
                self.unused.drain(..used);
                return Ok(Some(head));
            }
            if self.fill()? == 0 {
                return if self.unused.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    fn fill_more(&mut self) -> io::Result<()> {
        if self.fill()? == 0 {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(())
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut room = [0; 16 * 1024];
        let n = self.stream.read(&mut room)?;
        self.unused.extend_from_slice(&room[..n]);
        Ok(n)
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    headers
        .iter()
        .map(|h| (h.name.to_owned(), h.value.to_vec()))
        .collect()
}

/// A line as a name and a value, without the spaces around it.
fn field(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(colon.unwrap_or(line.len()));
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    (String::from_utf8_lossy(name).into_owned(), value.to_vec())
}

fn invalid(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

#[cfg(test)]
mod tests;
