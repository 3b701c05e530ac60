//! One connection of HTTP/1.1.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;
use testkit::client::{Connection, Request as OnWire, Response};

use super::tls::{NAME, broken, is_quiet};
use super::{Pace, Request, Tls};
use crate::answer::{Answer, Broken};

/// One that is kept for the next request, until either side closes it.
pub(super) struct Http1 {
    connection: Connection<Tls>,
    is_over: bool,
}

impl Http1 {
    pub(super) fn new(stream: Tls) -> Self {
        Self {
            connection: Connection::over(stream, NAME),
            is_over: false,
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.connection.stream().sock
    }

    pub(super) fn may_be_kept(&self) -> bool {
        !self.is_over
    }

    pub(super) fn ask(&mut self, request: &Request, reused: bool) -> Answer {
        let on_wire = on_wire(request);
        if request.pace == Pace::Leaves {
            self.is_over = true;
            // Whether it gets there is nobody's business any more.
            let _ = self.connection.write_head(&on_wire);
            let _ = self
                .connection
                .write(&request.body[..request.body.len() / 2]);
            return Answer::None(Broken::Left);
        }
        let answered = match request.pace {
            Pace::InPieces(count, pause) if !request.body.is_empty() => {
                self.send_slowly(request, &on_wire, count, pause)
            }
            _ => self.connection.send(&on_wire),
        };
        match answered {
            Ok(response) => {
                let header = |name: &str| {
                    let value = response.header(name)?;
                    Some(String::from_utf8_lossy(value).into_owned())
                };
                self.is_over |= header("connection").is_some_and(|value| value == "close");
                Answer::read(response.status, header, &response.body)
            }
            Err(error) => {
                self.is_over = true;
                let of_stream = error.chain().find_map(|cause| cause.downcast_ref());
                // Without one, it was closed before a byte had come.
                let ended = Broken::Ended { reused };
                Answer::None(of_stream.map_or(ended, |error: &io::Error| broken(error, reused)))
            }
        }
    }

    /// As a client does that listens while it speaks: an edge that has answered before the end waits for no more, and soon
    /// closes.
    fn send_slowly(
        &mut self,
        request: &Request,
        on_wire: &OnWire,
        count: usize,
        pause: Duration,
    ) -> Result<Response> {
        self.connection.write_head(on_wire)?;
        for piece in request.body.chunks(request.body.len().div_ceil(count)) {
            std::thread::sleep(pause);
            if !is_quiet(self.stream()) {
                self.is_over = true;
                return self.connection.read_response(request.method);
            }
            let size = format!("{:x}\r\n", piece.len());
            let chunk = [size.as_bytes(), piece, b"\r\n"].concat();
            self.connection.write(&chunk)?;
        }
        self.connection.write(b"0\r\n\r\n")?;
        self.connection.read_response(request.method)
    }
}

fn on_wire(request: &Request) -> OnWire {
    let mut on_wire = OnWire::new(request.method, &request.path);
    for (name, value) in &request.headers {
        on_wire = on_wire.header(name, value);
    }
    match request.pace {
        _ if request.body.is_empty() => on_wire,
        // What is sent by hand.
        Pace::InPieces(..) => on_wire.chunked([b""]),
        Pace::AtOnce | Pace::Leaves => on_wire.body(&request.body),
    }
}
