//! One request as Envoy's filter manager and the plugin's context hold it, and what became of it.
//! Holds state only: `decode` and `encode` move it.

use std::collections::BTreeMap;
use std::fmt;

use super::headers::{Escaped, HeaderMap, Pairs};

/// Names a stream for the test; the number is the plugin's context id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(super) u32);

/// What a client or an upstream would see now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No verdict yet.
    Paused,
    Forwarded(Forwarded),
    Replied(Reply),
    /// The client went away, or the stream was closed, before any verdict.
    Reset,
    /// The VM died before any verdict: nothing will ever come. (Where the trap was in the stream's own callback,
    /// Envoy with a fail-closed policy would answer 503.)
    Stuck,
}

impl Outcome {
    /// The reply.
    ///
    /// # Panics
    /// Where there is none, with the outcome in the message.
    #[track_caller]
    pub fn reply(self) -> Reply {
        match self {
            Self::Replied(reply) => reply,
            other => panic!("expected a reply, got {other:?}"),
        }
    }

    /// The forwarded request.
    ///
    /// # Panics
    /// Where there is none, with the outcome in the message.
    #[track_caller]
    pub fn forwarded(self) -> Forwarded {
        match self {
            Self::Forwarded(forwarded) => forwarded,
            other => panic!("expected a forwarded request, got {other:?}"),
        }
    }
}

/// What let a request go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The request headers callback returned Continue.
    Headers,
    /// `proxy_continue_stream`.
    Resume,
    /// A body callback returned Continue while the headers were held: an authentication bypass, unless the plugin
    /// had come to its verdict in that very callback.
    Body,
    /// As `Body`, by the trailers callback.
    Trailers,
    /// The module exports no callback for the headers.
    NoCallback,
}

/// What the upstream has received so far.
#[derive(Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// With the pseudo headers.
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
    /// The upstream has seen the end of the request.
    pub complete: bool,
    pub via: Via,
}

/// What the client has received.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Without `:status`; with the `content-length` and `content-type` that Envoy sets on a local reply.
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// False where Envoy answered by itself (413: the body did not fit its buffer).
    pub from_plugin: bool,
}

impl fmt::Debug for Forwarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarded")
            .field("headers", &self.headers)
            .field("body", &Escaped(&self.body))
            .field("trailers", &self.trailers)
            .field("complete", &self.complete)
            .field("via", &self.via)
            .finish()
    }
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &Escaped(&self.body))
            .field("from_plugin", &self.from_plugin)
            .finish()
    }
}

/// What a plugin must not do, though Envoy may let it pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    SecondReply(StreamId),
    ReplyAfterForward(StreamId),
    ContinueAfterReply(StreamId),
    /// Nothing was held: a second continue, or one before the pause. Envoy asserts that this does not happen.
    ContinueWithoutPause(StreamId),
    /// A reply or continue whose effective context is not a live stream: Envoy says Ok and does nothing.
    NoStream(&'static str),
    /// The response callbacks held back a response that nobody may hold.
    ResponsePaused(StreamId),
    /// A header name or value with CR, LF or NUL handed to Envoy.
    InvalidHeader(String),
}

/// Envoy's `IterationState` of the decoder filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Iteration {
    Continue,
    StopSingle,
    StopAll,
}

/// The response on its way to the client.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The callbacks may read it.
    pub headers_available: bool,
    pub body_available: bool,
    /// Until the plugin lets it go on.
    pub held: bool,
}

impl Response {
    /// As the client sees it now.
    pub(crate) fn seen(&self) -> Reply {
        let mut headers = self.headers.clone();
        let status = headers
            .get(":status")
            .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        headers.remove(":status");
        Reply {
            status: status.unwrap_or(0),
            headers,
            body: self.body.clone(),
            from_plugin: false,
        }
    }
}

#[derive(Debug)]
pub(super) struct Stream {
    /// `request_headers_`; hidden from the plugin once it has continued.
    pub head: HeaderMap,
    pub head_available: bool,
    pub trailers: Option<HeaderMap>,
    pub trailers_available: bool,
    /// Envoy's decoding buffer.
    pub buffer: Vec<u8>,
    /// `buffering_request_body_`: the last body callback paused.
    pub buffering: bool,
    /// `request_body_buffer_`: the chunk of the running body callback, where it is not in `buffer`.
    pub chunk: Option<Vec<u8>>,
    pub iteration: Iteration,
    /// The client has sent everything.
    pub ended: bool,
    pub forwarded: Option<Forwarded>,
    pub reply: Option<Reply>,
    pub response: Option<Response>,
    pub properties: BTreeMap<String, Vec<u8>>,
    /// `access_log_phase_`.
    pub logging: bool,
    /// The context was deleted.
    pub gone: bool,
    pub stuck: bool,
}

impl Stream {
    pub(crate) fn new(head: Pairs, ended: bool) -> Self {
        Self {
            head: HeaderMap::new(head),
            head_available: false,
            trailers: None,
            trailers_available: false,
            buffer: Vec::new(),
            buffering: false,
            chunk: None,
            iteration: Iteration::Continue,
            ended,
            forwarded: None,
            reply: None,
            response: None,
            properties: BTreeMap::new(),
            logging: false,
            gone: false,
            stuck: false,
        }
    }

    /// The first verdict counts; a later one is a violation.
    pub(crate) fn outcome(&self) -> Outcome {
        if let Some(forwarded) = &self.forwarded {
            Outcome::Forwarded(forwarded.clone())
        } else if let Some(reply) = &self.reply {
            Outcome::Replied(reply.clone())
        } else if self.stuck {
            Outcome::Stuck
        } else if self.gone {
            Outcome::Reset
        } else {
            Outcome::Paused
        }
    }

    /// No verdict yet, and there may still be one.
    pub(crate) fn is_undecided(&self) -> bool {
        self.forwarded.is_none() && self.reply.is_none() && !self.stuck && !self.gone
    }

    /// Nothing more of the request reaches the filter.
    pub(crate) fn closed(&self) -> bool {
        self.reply.is_some() || self.gone || self.stuck
    }

    /// `HttpRequestBody`: empty where there is none, never absent.
    pub(crate) fn visible_body(&self) -> &[u8] {
        if self.buffering {
            &self.buffer
        } else {
            self.chunk.as_deref().unwrap_or_default()
        }
    }

    /// The same, to be changed; absent where a callback has none.
    pub(crate) fn visible_body_mut(&mut self) -> Option<&mut Vec<u8>> {
        if self.buffering {
            Some(&mut self.buffer)
        } else {
            self.chunk.as_mut()
        }
    }
}
