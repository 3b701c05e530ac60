//! A TCP stream that leaves the last byte it has handed out in the kernel, so that it can be closed by a reset (RST).
//! It never changes the bytes: the held byte is taken before anything newer is read, and before an orderly close.
//!
//! Why: the system answers the closing of a socket that has unread bytes with RST. That is the one way to a reset that
//! needs neither `SO_LINGER` (unstable in std) nor unsafe code.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// A stream that can be closed by a reset once it has received a byte.
#[derive(Debug)]
pub(crate) struct Held {
    stream: TcpStream,
    held: bool,
    reset_on_drop: bool,
}

impl Held {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            held: false,
            reset_on_drop: false,
        }
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.stream
    }

    /// From now on dropping the stream resets the connection. False if no byte has arrived that is still unread: then
    /// the close is an ordinary one.
    pub(crate) fn reset_on_drop(&mut self) -> bool {
        self.reset_on_drop = true;
        self.held || self.has_unread()
    }

    fn has_unread(&self) -> bool {
        let ready = self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.peek(&mut [0]), Ok(n) if n > 0);
        let _ = self.stream.set_nonblocking(false);
        ready
    }

    fn take_held(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.held) {
            self.stream.read_exact(&mut [0])
        } else {
            Ok(())
        }
    }
}

impl Read for Held {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.take_held()?;
        let n = self.stream.peek(out)?;
        if n > 1 {
            self.stream.read_exact(&mut out[..n - 1])?;
        }
        self.held = n > 0;
        Ok(n)
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.reset_on_drop {
            let _ = self.take_held();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn pair() -> (TcpStream, Held) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, Held::new(listener.accept().unwrap().0))
    }

    #[test]
    fn bytes_pass_unchanged_and_an_ordinary_drop_is_a_clean_close() {
        let (mut client, mut held) = pair();
        client.write_all(b"hello").unwrap();
        let mut out = [0; 3];
        held.read_exact(&mut out).unwrap();
        assert_eq!(&out, b"hel");
        held.read_exact(&mut out[..2]).unwrap();
        assert_eq!(&out[..2], b"lo");
        drop(held);
        assert_eq!(client.read(&mut out).unwrap(), 0);
    }

    #[test]
    fn a_reset_reaches_the_peer_as_a_reset_after_the_bytes_that_were_sent() {
        let (mut client, mut held) = pair();
        client.write_all(b"hello").unwrap();
        held.read_exact(&mut [0; 5]).unwrap();
        held.write_all(b"half").unwrap();
        assert!(held.reset_on_drop());
        drop(held);
        let mut got = [0; 4];
        client.read_exact(&mut got).unwrap();
        assert_eq!(
            client.read(&mut got).unwrap_err().kind(),
            io::ErrorKind::ConnectionReset
        );
    }
}
