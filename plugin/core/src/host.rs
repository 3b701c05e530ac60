//! What the core asks of the proxy or runtime around it. Adapters implement these two traits, and those of `store` for
//! a store of their own; they call [`handle()`](crate::handle()), [`finish`](crate::finish) and
//! [`Worker`](crate::Worker).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, ready};
use core::pin::Pin;
use core::time::Duration;

use crate::head::Head;
use crate::metrics::{Counter, Histogram};
use crate::store::Store;
use crate::time::UnixMillis;

/// What the core has of one worker's surroundings: network, clock, randomness, store, observability.
#[allow(
    async_fn_in_trait,
    reason = "every host runs a request on one thread; no future needs to be Send"
)]
pub trait Host {
    /// The store that the host itself has.
    type Store: Store;

    /// Whether its workers live for a few requests only: then limits that must hold longer live in the store. The build
    /// for another host leaves out the code for that.
    const LIMITS_IN_STORE: bool = false;

    /// The store that the host made as the configuration says. `None` if sessions live in one that the core reaches over
    /// the network.
    fn store(&self) -> Option<&Self::Store>;

    /// Sends one HTTP request and waits for the whole answer, at most `call.timeout`.
    ///
    /// # Errors
    /// Why there is no whole answer.
    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError>;

    /// Sends a request of the edge's own to the app, at once when it is first polled. What is returned needs neither the
    /// host nor the request: whoever waits for it may be gone, and the app has it all the same. A host without an app
    /// sends nothing.
    fn deliver(&self, delivery: Delivery) -> Delivering {
        let nowhere = CallError::NotSent("this host has no app".into());
        drop(delivery);
        Box::pin(ready(Err(nowhere)))
    }

    /// Waits. May take longer than asked, never less.
    async fn sleep(&self, span: Duration);

    /// The wall clock.
    fn now(&self) -> UnixMillis;

    /// The time, at most a tenth of a second late where that is cheaper: for what every request asks.
    fn recent(&self) -> UnixMillis {
        self.now()
    }

    /// Fills `bytes` from a cryptographically secure generator.
    ///
    /// # Errors
    /// When the host has no randomness to give: nothing may be minted then.
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;

    /// Adds one to a counter.
    fn count(&self, counter: Counter);

    /// Records how long something took.
    fn observe(&self, histogram: Histogram, took: Duration);

    /// The headers by which a call to the store belongs to the trace of the request: see [`Trace`](crate::Trace). Empty
    /// if there is no request, or no trace.
    fn trace(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// From here on the request runs to its end even if its client disconnects: others depend on it. Does nothing on
    /// hosts that never cancel a request.
    async fn outlive_client(&self) {}

    /// Writes one log line. The core never puts a secret, token, code or key into it.
    fn log(&self, level: Level, line: &str);
}

/// One request from a client.
#[allow(
    async_fn_in_trait,
    reason = "every host runs a request on one thread; no future needs to be Send"
)]
pub trait Request {
    /// Request line and headers, as received.
    fn head(&self) -> &Head;

    /// The client's address as the host trusts it, without port and brackets; for limits per network only. `None` if
    /// the host does not know it.
    fn client_address(&self) -> Option<String>;

    /// The whole body, if it has at most `limit` bytes. Waits no longer than `limits.body_timeout_ms`. May be called
    /// again, also after [`BodyError::TooLarge`]; with a limit of 0 it only tells whether there is a body.
    ///
    /// # Errors
    /// Longer than `limit`, too late, broken off, or no room to wait: see [`BodyError`].
    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError>;
}

/// An outgoing HTTP request. `Debug` is not derived: the path of code2Session holds the AppSecret.
pub struct HttpCall {
    /// Which upstream: a name that the host's configuration gives a meaning (a cluster, a base URL).
    pub target: String,
    /// HTTP method.
    pub method: &'static str,
    /// Host name for `:authority`.
    pub authority: String,
    /// Path with query.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body; empty for none.
    pub body: Vec<u8>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// Answers with a longer body are an error, in bytes.
    pub max_response_bytes: usize,
    /// The call uses something up that cannot be had again (a login code): once it is sent, the request is to be
    /// carried on to its end even if its client goes away, so that a repetition finds the result.
    pub must_finish: bool,
    /// A header of the answer to bring along, in lower case.
    pub wants: Option<&'static str>,
}

/// What the app makes of a [`Delivery`]. [`HttpResponse::wanted`] is its content type.
pub type Delivering = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>>>>;

/// A request of the edge's own for the app: a POST.
#[derive(Debug)]
pub struct Delivery {
    /// As of an [`HttpCall`].
    pub target: String,
    /// Host name for `:authority`, where the target has none of its own.
    pub authority: String,
    /// Path with query.
    pub path: String,
    /// Names in lower case, and values: all headers but those that frame the body.
    pub headers: Vec<(Rc<str>, Rc<str>)>,
    /// Never empty.
    pub body: Vec<u8>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// Answers with a longer body are an error, in bytes.
    pub max_response_bytes: usize,
}

/// The answer to an [`HttpCall`].
#[derive(Debug)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
    /// The header that the call wants, if it is there and text.
    pub wanted: Option<String>,
}

impl HttpResponse {
    /// The answer, if it is the upstream's.
    ///
    /// # Errors
    /// It has a status with which proxies, Envoy among them, answer for an upstream that does not.
    pub fn of_upstream(self) -> Result<Self, CallError> {
        match self.status {
            503 => Err(CallError::Broken("HTTP 503".into())),
            504 => Err(CallError::TimedOut),
            _ => Ok(self),
        }
    }
}

/// Why an [`HttpCall`] has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It was not sent, by a limit of the host's own.
    NotSent(Cause),
    /// It was not sent: there is no connection to whom it is for.
    Unreachable(Cause),
    /// It was not sent, and none will be: the host's configuration does not let calls go there.
    Forbidden(Cause),
    /// It may have been received; no answer in time.
    TimedOut,
    /// It may have been received; the connection broke.
    Broken(Cause),
    /// The answer, of this HTTP status, was longer than allowed.
    TooLarge(u16),
}

impl CallError {
    /// Whether it may have been received: then what it asks for may be done.
    #[must_use]
    pub fn may_be_received(&self) -> bool {
        !matches!(
            self,
            Self::NotSent(_) | Self::Unreachable(_) | Self::Forbidden(_)
        )
    }
}

/// In the host's own words, for the log: what happened, and what is to be done about it. Never with a path or a query.
pub type Cause = Cow<'static, str>;

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(cause) => write!(f, "not sent: {cause}"),
            Self::Unreachable(cause) => write!(f, "no connection: {cause}"),
            Self::Forbidden(cause) => write!(f, "not allowed: {cause}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Broken(cause) => write!(f, "no answer: {cause}"),
            Self::TooLarge(_) => f.write_str("the answer is too long"),
        }
    }
}

/// Why a request has no usable body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// Longer than the limit.
    TooLarge,
    /// The host could not give what the client sent.
    Unreadable,
    /// It did not come within the time that the configuration gives it. With what the host knows of the causes.
    TimedOut(&'static str),
    /// Too many requests wait, and this one has waited long for its client: see [`Crowd`](crate::Crowd).
    Crowded,
}

/// The host has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntropy;

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Part of ordinary traffic.
    Info,
    /// Somebody should look when there are many.
    Warn,
    /// Somebody must act.
    Error,
}
