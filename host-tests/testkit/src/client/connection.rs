//! One connection under full control: keep-alive, raw bytes, half-close, reset.
//! It never reconnects and never sends a byte it was not told to.

use super::wire::Wire;
use super::{Body, Request, Response, source};
use crate::reset::reset_on_drop;
use anyhow::{Context as _, bail};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A connection that speaks HTTP/1.1 when asked to: over TCP, or over what [`Connection::over`] was given.
#[derive(Debug)]
pub struct Connection<S = TcpStream> {
    wire: Wire<S>,
    host: String,
}

/// How the peer ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// An orderly close.
    Closed,
    /// A reset.
    Reset,
    /// Still open when the timeout ran out.
    Open,
}

/// Everything that came until the end.
#[derive(Debug)]
pub struct Drained {
    /// The bytes, unparsed.
    pub bytes: Vec<u8>,
    /// What followed them.
    pub end: End,
}

impl Connection {
    /// Connects. `timeout` also bounds each later wait for bytes or for room to write.
    ///
    /// # Errors
    /// The peer cannot be reached in time.
    pub fn open(addr: SocketAddr, timeout: Duration) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, timeout)
            .with_context(|| format!("connect to {addr}"))?;
        Self::on(stream, addr, timeout)
    }

    fn on(stream: TcpStream, addr: SocketAddr, timeout: Duration) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Self {
            wire: Wire::new(stream),
            host: addr.to_string(),
        })
    }

    /// The same from an address of this machine, such as any of 127.0.0.0/8: clients of many networks are on one machine.
    ///
    /// # Errors
    /// As [`Connection::open`]; or the address is not of this machine.
    pub fn open_from(
        source: Ipv4Addr,
        addr: SocketAddr,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let stream = source::connect(source, addr)
            .with_context(|| format!("connect from {source} to {addr}"))?;
        Self::on(stream, addr, timeout)
    }

    /// The address of this end.
    ///
    /// # Errors
    /// The system no longer knows the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.wire.stream_ref().local_addr()
    }

    /// Says that no more will be sent; answers can still be read.
    ///
    /// # Errors
    /// The connection is already gone.
    pub fn half_close(&mut self) -> io::Result<()> {
        self.wire.stream_ref().shutdown(Shutdown::Write)
    }

    /// Throws the connection away: the peer sees a reset.
    pub fn abort(self) {
        reset_on_drop(self.wire.stream_ref());
    }

    /// Whether the peer says something more within this time, or that it has no more to say.
    ///
    /// # Errors
    /// The connection is already gone.
    pub fn is_heard(&self, within: Duration) -> io::Result<bool> {
        let stream = self.wire.stream_ref();
        if self.wire.has_unused() {
            return Ok(true);
        }
        let patience = stream.read_timeout()?;
        stream.set_read_timeout(Some(within))?;
        let heard = stream.peek(&mut [0]);
        stream.set_read_timeout(patience)?;
        match heard {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

impl<S: Read + Write> Connection<S> {
    /// Speaks over a stream that is open, such as one of TLS. Its own timeouts are the only ones.
    pub fn over(stream: S, host: &str) -> Self {
        Self {
            wire: Wire::new(stream),
            host: host.to_owned(),
        }
    }

    /// The stream itself.
    pub fn stream(&self) -> &S {
        self.wire.stream_ref()
    }

    /// Sends a request and reads its final answer. A peer that answers before it has read the whole body, and closes,
    /// gets its answer read all the same.
    ///
    /// # Errors
    /// As [`super::send`].
    pub fn send(&mut self, request: &Request) -> anyhow::Result<Response> {
        let mut interim = Vec::new();
        let head = request.head_bytes(&self.host);
        let mut written = self.write(&head);
        if request.awaits_continue && written.is_ok() {
            while interim.last() != Some(&100) {
                let mut first = self
                    .read_response(&request.method)
                    .context("waiting for 100 Continue")?;
                if first.is_final() {
                    first.interim = interim;
                    return Ok(first);
                }
                interim.push(first.status);
            }
        }
        if written.is_ok() {
            written = self.write_body(&request.body);
        }
        loop {
            match (self.read_response(&request.method), written) {
                (Ok(answer), outcome) if !answer.is_final() => {
                    interim.push(answer.status);
                    written = outcome;
                }
                (Ok(mut answer), _) => {
                    answer.interim = interim;
                    return Ok(answer);
                }
                (Err(_), Err(error)) => return Err(error).context("sending the request"),
                (Err(error), Ok(())) => return Err(error),
            }
        }
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// The peer has gone or takes nothing for the timeout.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.stream().write_all(bytes)
    }

    /// Writes the request line and headers only, so that the body can be written by hand, late, in part or never.
    ///
    /// # Errors
    /// As [`Connection::write`].
    pub fn write_head(&mut self, request: &Request) -> io::Result<()> {
        let head = request.head_bytes(&self.host);
        self.write(&head)
    }

    /// Reads the next answer, interim ones included; `method` is that of the request (an answer to HEAD has no body).
    ///
    /// # Errors
    /// The peer closes before a whole answer, sends something that is not HTTP/1.1, or is silent for the timeout.
    pub fn read_response(&mut self, method: &str) -> anyhow::Result<Response> {
        let Some(head) = self.wire.response_head().context("reading an answer")? else {
            bail!("the peer closed without an answer");
        };
        let framing = head.framing(method == "HEAD")?;
        let body = self
            .wire
            .body(framing)
            .with_context(|| format!("reading the body of a {}", head.status))?;
        Ok(Response::new(head.status, head.headers, body, Vec::new()))
    }

    /// Reads exactly `length` raw bytes, for what follows a 101.
    ///
    /// # Errors
    /// Fewer came before the end or the timeout.
    pub fn read_exact(&mut self, length: usize) -> io::Result<Vec<u8>> {
        self.wire.take(length)
    }

    /// Reads raw bytes until the peer ends the connection or is silent for the timeout.
    pub fn drain(&mut self) -> Drained {
        let mut bytes = Vec::new();
        loop {
            let end = match self.wire.some() {
                Ok(more) if !more.is_empty() => {
                    bytes.extend(more);
                    continue;
                }
                Ok(_) => End::Closed,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    End::Open
                }
                Err(_) => End::Reset,
            };
            return Drained { bytes, end };
        }
    }

    fn write_body(&mut self, body: &Body) -> io::Result<()> {
        let pieces = match body {
            Body::None => return Ok(()),
            Body::Length(bytes) => return self.write(bytes),
            Body::Chunked(pieces) => pieces,
        };
        for piece in pieces {
            std::thread::sleep(piece.pause);
            if !piece.bytes.is_empty() {
                self.write(
                    &[
                        format!("{:x}\r\n", piece.bytes.len()).as_bytes(),
                        &piece.bytes,
                        b"\r\n",
                    ]
                    .concat(),
                )?;
            }
        }
        self.write(b"0\r\n\r\n")
    }
}

#[cfg(test)]
mod tests;
