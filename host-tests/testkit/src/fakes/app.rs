//! The app behind the gateway: answers everything with what it received, and remembers it. A path says with which
//! status and headers: see [`answer_to`]. A test can give it words of its own: see [`FakeApp::answer_with`].
//! It never asks who is calling: what reaches it counts as let through.

use crate::client::wire::{Headers, RequestHead, Wire, header};
use crate::listener::{Listener, locked};
use crate::serve::{self, Then, framed, says};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha1::{Digest as _, Sha1};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A running app on a loopback port. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct FakeApp {
    /// `None`: it is asked in this process alone.
    listener: Option<Listener>,
    seen: Arc<Seen>,
}

/// A request that arrived whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenByApp {
    /// As written.
    pub method: String,
    /// The request target, with the query.
    pub path: String,
    /// In the order they came, names as written. Trailers stand behind them, as servers have them that do not tell both
    /// apart.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Without its framing.
    pub body: Vec<u8>,
}

impl SeenByApp {
    /// The first header of that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        header(&self.headers, name)
    }

    /// How many headers have that name, in any case.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .count()
    }
}

/// An answer in the words of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scripted {
    /// Of HTTP.
    pub status: u16,
    /// Beside those of its body.
    pub headers: Vec<(String, String)>,
    /// JSON, unless the headers say otherwise.
    pub body: String,
    /// How it comes.
    pub comes: Comes,
}

/// How an answer comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Comes {
    /// At once.
    #[default]
    AtOnce,
    /// After a while.
    After(Duration),
    /// Never: the connection is closed.
    Never,
}

type Script = dyn Fn(&SeenByApp) -> Option<Scripted> + Send + Sync;

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<SeenByApp>>,
    count: AtomicUsize,
    bytes: AtomicU64,
    script: Mutex<Option<Arc<Script>>>,
}

impl Seen {
    fn record(&self, request: &SeenByApp) {
        self.count.fetch_add(1, Ordering::SeqCst);
        locked(&self.requests).push(request.clone());
    }

    fn say(&self, request: &SeenByApp) -> Scripted {
        let script = locked(&self.script).clone();
        let scripted = script.and_then(|script| script(request));
        scripted.unwrap_or_else(|| usual(request))
    }

    fn answer(&self, request: &SeenByApp) -> Scripted {
        self.record(request);
        self.say(request)
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests, bytes, ..
        } = self;
        f.debug_struct("Seen")
            .field("requests", requests)
            .field("bytes", bytes)
            .finish_non_exhaustive()
    }
}

impl FakeApp {
    /// Starts on a free port.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn start() -> Self {
        let seen = Arc::new(Seen::default());
        let listener = Listener::start({
            let seen = Arc::clone(&seen);
            move |stream| {
                // A peer that goes away, or sends what is not HTTP, ends its own connection only.
                let _ = serve(stream, &seen);
            }
        });
        Self {
            listener: Some(listener),
            seen,
        }
    }

    /// One that listens nowhere, and is asked by [`FakeApp::answer`].
    #[must_use]
    pub fn without_network() -> Self {
        Self {
            listener: None,
            seen: Arc::default(),
        }
    }

    /// Where it listens.
    ///
    /// # Panics
    /// If it listens nowhere.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        let listener = self.listener.as_ref();
        listener.expect("an app with a network").addr()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr().port()
    }

    /// Every request that has arrived whole.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenByApp> {
        locked(&self.seen.requests).clone()
    }

    /// As [`FakeApp::requests`], and forgets them.
    #[must_use]
    pub fn take(&self) -> Vec<SeenByApp> {
        std::mem::take(&mut locked(&self.seen.requests))
    }

    /// How many requests have arrived whole since the start, forgotten ones too.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.count.load(Ordering::SeqCst)
    }

    /// Answers a request without a network: records it, and says what comes of it.
    #[must_use]
    pub fn answer(&self, request: &SeenByApp) -> Scripted {
        self.seen.answer(request)
    }

    /// From now on what `script` says to a request is the answer; where it says nothing, the usual one is.
    pub fn answer_with(
        &self,
        script: impl Fn(&SeenByApp) -> Option<Scripted> + Send + Sync + 'static,
    ) {
        *locked(&self.seen.script) = Some(Arc::new(script));
    }

    /// Every byte read off any connection since the start, those of unfinished requests too.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.seen.bytes.load(Ordering::SeqCst)
    }
}

struct Counted<'a> {
    stream: TcpStream,
    bytes: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(out)?;
        self.bytes.fetch_add(n as u64, Ordering::SeqCst);
        Ok(n)
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn serve(stream: TcpStream, seen: &Seen) -> io::Result<()> {
    let counted = Counted {
        stream,
        bytes: &seen.bytes,
    };
    serve::serve(counted, |wire, head, body| answer(wire, head, body, seen))
}

fn answer(
    wire: &mut Wire<Counted<'_>>,
    head: RequestHead,
    body: Vec<u8>,
    seen: &Seen,
) -> io::Result<Then> {
    let (upgrades, closes) = (
        says(&head, "upgrade", "websocket"),
        says(&head, "connection", "close"),
    );
    let mut headers = head.headers;
    headers.extend(wire.take_trailers());
    let request = SeenByApp {
        method: head.method,
        path: head.target,
        headers,
        body,
    };
    // Recorded before the answer: whoever has the answer finds the request.
    seen.record(&request);
    if upgrades {
        let switching = switching(&request.headers);
        wire.stream().write_all(switching.as_bytes())?;
        echo(wire)?;
        return Ok(Then::Close);
    }
    let Scripted {
        status,
        headers,
        body: text,
        comes,
    } = seen.say(&request);
    match comes {
        Comes::AtOnce => {}
        Comes::After(span) => std::thread::sleep(span),
        Comes::Never => return Ok(Then::Close),
    }
    let is_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
    let mut lines = String::new();
    if !headers.iter().any(is_type) {
        lines += "content-type: application/json\r\n";
    }
    for (name, value) in headers {
        lines += &format!("{name}: {value}\r\n");
    }
    let mut answer = framed(&format!("{status} OK"), &lines, &text);
    if request.method == "HEAD" || status == 304 {
        answer.truncate(answer.len() - text.len());
    }
    wire.stream().write_all(answer.as_bytes())?;
    Ok(if closes { Then::Close } else { Then::Next })
}

fn usual(request: &SeenByApp) -> Scripted {
    let (status, headers) = answer_to(&request.path);
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Scripted {
        status,
        headers: headers.into_iter().map(owned).collect(),
        body: description(request).to_string(),
        comes: Comes::AtOnce,
    }
}

/// The status and the headers, beside those of its body, with which the app answers a target:
/// `…/answer/503?x-one=1&x-two=2`; else 200 and none.
#[must_use]
pub fn answer_to(target: &str) -> (u16, Vec<(&str, &str)>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let status = path
        .split_once("/answer/")
        .and_then(|(_, status)| status.parse().ok());
    let headers = query.split('&').filter_map(|pair| pair.split_once('='));
    status.map_or((200, Vec::new()), |status| (status, headers.collect()))
}

fn description(request: &SeenByApp) -> serde_json::Value {
    let length = request.body.len();
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(value)))
        .collect();
    json!({ "method": request.method, "path": request.path, "headers": headers, "body_length": length })
}

/// RFC 6455, section 4.2.2.
fn switching(headers: &Headers) -> String {
    let mut hash = Sha1::new();
    hash.update(header(headers, "sec-websocket-key").unwrap_or_default());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(hash.finalize());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    )
}

fn echo(wire: &mut Wire<Counted<'_>>) -> io::Result<()> {
    loop {
        let bytes = wire.some()?;
        if bytes.is_empty() {
            return Ok(());
        }
        wire.stream().write_all(&bytes)?;
    }
}

#[cfg(test)]
mod tests;
