//! A proxy in front of a bridge of HTTP to Redis (webdis, [`super::RestServer`]) that spoils what passes, as told.
//! It works on whole exchanges of HTTP/1.1, and never changes what it passes on unspoiled.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::wire::RequestHead;
use crate::client::{Connection, Request, Response};
use crate::listener::{Listener, locked};
use crate::reset::reset_on_drop;
use crate::serve::{Then, serve};

/// How long the bridge may be silent before its connection and the client's are closed.
const BRIDGE_TIMEOUT: Duration = Duration::from_secs(30);

/// What happens to one exchange.
///
/// Those that take the bridge's answer and harm it let the request have its effect. Those that make an answer up, or
/// give none, keep the request from the bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BridgeFault {
    /// Nothing.
    Pass,
    /// New connections are closed at once; a kept one is closed at its next request. No byte, no effect.
    Refuse,
    /// The request is read, and nothing comes until the client closes. No effect.
    Hang,
    /// Takes effect; the head and half of the body, then a reset (RST).
    ResetMidBody,
    /// Takes effect; half of the body, with the `content-length` of that half.
    Truncated,
    /// 200 `{}`. No effect.
    EmptyObject,
    /// 200 with this JSON: a wrong type, say. No effect.
    Body(String),
    /// 200 with a JSON string of 1 MB. No effect.
    BigBody,
    /// 200 with an HTML page. No effect.
    Html,
    /// 503 with nothing, as webdis answers without Redis. No effect.
    Status503,
    /// Takes effect; the body comes a byte at a time, with this pause before each.
    SlowDrip(Duration),
    /// Takes effect at once; the answer comes after this time.
    Delay(Duration),
    /// Takes effect; the whole answer is read, and the client's connection closed without a byte.
    LoseAnswer,
}

/// A running proxy. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct FaultyProxy {
    listener: Listener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bridge: SocketAddr,
    plan: Mutex<Plan>,
}

#[derive(Debug)]
struct Plan {
    standing: BridgeFault,
    next: VecDeque<BridgeFault>,
    bodies: Vec<Vec<u8>>,
}

impl FaultyProxy {
    /// Starts on a free port, and passes everything at first.
    #[must_use]
    pub fn start(bridge: SocketAddr) -> Self {
        let plan = Mutex::new(Plan {
            standing: BridgeFault::Pass,
            next: VecDeque::new(),
            bodies: Vec::new(),
        });
        let shared = Arc::new(Shared { bridge, plan });
        let listener = Listener::start({
            let shared = Arc::clone(&shared);
            move |stream| {
                if !shared.refuses() {
                    // Whoever goes away ends this connection only.
                    let _ = pass_on(stream, &shared);
                }
            }
        });
        Self { listener, shared }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// What happens from now on, to requests that are not yet read whole. Forgets what [`FaultyProxy::script`] left.
    pub fn set(&self, fault: BridgeFault) {
        let mut plan = locked(&self.shared.plan);
        plan.standing = fault;
        plan.next.clear();
    }

    /// What happens to the next exchanges, one each; afterwards what was set.
    pub fn script(&self, faults: impl IntoIterator<Item = BridgeFault>) {
        locked(&self.shared.plan).next.extend(faults);
    }

    /// The bodies of the requests that have arrived whole, whatever became of them.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        let text = |body: &Vec<u8>| String::from_utf8_lossy(body).into_owned();
        locked(&self.shared.plan).bodies.iter().map(text).collect()
    }
}

impl Shared {
    /// Whether a new connection is closed before a byte is read.
    fn refuses(&self) -> bool {
        let mut plan = locked(&self.plan);
        match plan.next.front() {
            Some(BridgeFault::Refuse) => plan.next.pop_front().is_some(),
            Some(_) => false,
            None => plan.standing == BridgeFault::Refuse,
        }
    }

    fn fault_for(&self, body: &[u8]) -> BridgeFault {
        let mut plan = locked(&self.plan);
        plan.bodies.push(body.to_vec());
        let next = plan.next.pop_front();
        next.unwrap_or_else(|| plan.standing.clone())
    }
}

/// Exchanges until either side, or the fault, ends the connection.
fn pass_on(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    serve(stream, |wire, head, body| {
        let fault = shared.fault_for(&body);
        let answer = match &fault {
            BridgeFault::Refuse => return Ok(Then::Close),
            BridgeFault::Hang => {
                while !wire.some()?.is_empty() {}
                return Ok(Then::Close);
            }
            BridgeFault::EmptyObject => json(&head.target, "{}"),
            BridgeFault::Body(body) => json(&head.target, body),
            BridgeFault::BigBody => json(&head.target, &format!("\"{}\"", "x".repeat(1 << 20))),
            BridgeFault::Html => made_up(200, "text/html", "<html><body>Welcome!</body></html>"),
            BridgeFault::Status503 => made_up(503, "text/plain", ""),
            _ => match from_bridge(shared.bridge, &head, &body) {
                Ok(answer) => answer,
                Err(_) => return Ok(Then::Close),
            },
        };
        deliver(wire.stream(), answer, &fault)
    })
}

fn deliver(stream: &mut TcpStream, mut answer: Response, fault: &BridgeFault) -> io::Result<Then> {
    let half = answer.body.len() / 2;
    if *fault == BridgeFault::Truncated {
        answer.body.truncate(half);
    }
    let head = head_of(&answer);
    match fault {
        BridgeFault::LoseAnswer => return Ok(Then::Close),
        BridgeFault::ResetMidBody => {
            stream.write_all(&[&head, &answer.body[..half]].concat())?;
            reset_on_drop(stream);
            return Ok(Then::Close);
        }
        BridgeFault::SlowDrip(pause) => {
            stream.write_all(&head)?;
            for byte in &answer.body {
                std::thread::sleep(*pause);
                stream.write_all(&[*byte])?;
            }
            return Ok(Then::Next);
        }
        BridgeFault::Delay(delay) => std::thread::sleep(*delay),
        _ => {}
    }
    stream.write_all(&[head, answer.body].concat())?;
    Ok(Then::Next)
}

/// Each exchange has a connection of its own to the bridge, so that no idle one can have died.
fn from_bridge(bridge: SocketAddr, head: &RequestHead, body: &[u8]) -> anyhow::Result<Response> {
    let mut request = Request::new(&head.method, &head.target).without_host();
    for (name, value) in &head.headers {
        if !frames(name) {
            request = request.header(name, value);
        }
    }
    Connection::open(bridge, BRIDGE_TIMEOUT)?.send(&request.body(body))
}

fn frames(name: &str) -> bool {
    ["content-length", "transfer-encoding", "connection"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

fn head_of(answer: &Response) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Bridge\r\n", answer.status).into_bytes();
    for (name, value) in &answer.headers {
        if !frames(name) {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
    }
    head.extend(format!("content-length: {}\r\n\r\n", answer.body.len()).into_bytes());
    head
}

/// As JSONP where the request asks webdis for it.
fn json(target: &str, body: &str) -> Response {
    match target.split_once("?jsonp=") {
        Some((_, callback)) => made_up(
            200,
            "application/javascript",
            &format!("{callback}({body});"),
        ),
        None => made_up(200, "application/json", body),
    }
}

fn made_up(status: u16, content_type: &str, body: &str) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), content_type.into())],
        body: body.into(),
        interim: Vec::new(),
    }
}
