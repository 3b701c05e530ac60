//! An app as some are: slow to answer, silent, and quick to close what is idle. It answers GET and POST by the last
//! part of the path: `download` (with a length), `events` (an event stream), `silent` (never), anything else (at once).
//! It never remembers a request.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::client::wire::Wire;
use crate::listener::Listener;

/// Pieces of a slow answer come so often.
const PACE: Duration = Duration::from_millis(250);

/// One piece of a download.
const PIECE: &[u8] = &[b'.'; 1024];

/// What [`AwkwardApp`] does with time.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// How long a `download` or `events` takes.
    pub takes: Duration,
    /// How long a connection may be idle. It is given up silently: who sends a request on it later gets a reset, as one
    /// does whose request crosses the app's close.
    pub keeps_alive: Duration,
}

/// A running app on a loopback port. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct AwkwardApp {
    listener: Listener,
    habits: Habits,
}

impl AwkwardApp {
    /// Starts on a free port.
    #[must_use]
    pub fn start(habits: Habits) -> Self {
        let listener = Listener::start(move |stream| {
            // A peer that goes away ends its own connection only.
            let _ = serve(stream, habits);
        });
        Self { listener, habits }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// How many bytes a `download` has.
    #[must_use]
    pub fn download_bytes(&self) -> usize {
        pieces(self.habits) * PIECE.len()
    }

    /// How many events `events` sends.
    #[must_use]
    pub fn events(&self) -> usize {
        pieces(self.habits)
    }
}

fn pieces(habits: Habits) -> usize {
    usize::try_from(habits.takes.as_millis() / PACE.as_millis()).expect("a test is not so long")
}

fn serve(stream: TcpStream, habits: Habits) -> io::Result<()> {
    let idle = stream.try_clone()?;
    let mut wire = Wire::new(stream);
    loop {
        idle.set_read_timeout(Some(habits.keeps_alive))?;
        if idle.peek(&mut [0]).is_err() {
            idle.set_read_timeout(None)?;
            // What has come is left unread: that makes the close a reset.
            idle.peek(&mut [0])?;
            return Ok(());
        }
        idle.set_read_timeout(None)?;
        let Some(head) = wire.request_head()? else {
            return Ok(());
        };
        wire.body(head.framing()?)?;
        let path = head.target.rsplit('/').next().unwrap_or_default();
        match path {
            "download" => {
                let length = pieces(habits) * PIECE.len();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                wire.stream().write_all(head.as_bytes())?;
                slowly(habits, |_| wire.stream().write_all(PIECE))?;
            }
            "events" => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                            transfer-encoding: chunked\r\n\r\n";
                wire.stream().write_all(head.as_bytes())?;
                slowly(habits, |number| {
                    let event = format!("data: {number}\n\n");
                    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
                    wire.stream().write_all(chunk.as_bytes())
                })?;
                wire.stream().write_all(b"0\r\n\r\n")?;
            }
            // Until the peer has had enough.
            "silent" => while !wire.some()?.is_empty() {},
            _ => wire
                .stream()
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?,
        }
    }
}

/// One piece after the other, over the whole time that an answer takes.
fn slowly(habits: Habits, mut write: impl FnMut(usize) -> io::Result<()>) -> io::Result<()> {
    let started = Instant::now();
    let all = pieces(habits);
    for number in 0..all {
        write(number)?;
        let next = PACE * u32::try_from(number + 1).expect("a test is not so long");
        std::thread::sleep(next.saturating_sub(started.elapsed()));
    }
    Ok(())
}
