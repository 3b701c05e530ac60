//! Call-outs: what the plugin asked for, and what can be answered.

use std::time::Duration;

use super::headers::{HeaderMap, Pairs};

/// Envoy's token for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// A call that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCall {
    pub id: CallId,
    pub cluster: String,
    /// With the pseudo headers, and the `content-length` that Envoy sets.
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Pairs,
    /// `None` where the plugin gave 0.
    pub timeout: Option<Duration>,
    /// Since the Unix epoch.
    pub started: Duration,
}

/// How a call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallReply {
    /// With `:status` among the headers. Timeouts and refused connections come like this too, made by Envoy.
    Response { headers: Pairs, body: Vec<u8> },
    /// As `Response`, with trailers.
    WithTrailers {
        headers: Pairs,
        body: Vec<u8>,
        trailers: Pairs,
    },
    /// `onHttpCallFailure` (a reset): no headers, no body.
    Failure,
}

impl CallReply {
    /// A JSON response.
    pub fn json(status: u16, body: &str) -> Self {
        Self::Response {
            headers: vec![
                (":status".to_owned(), status.to_string().into_bytes()),
                ("content-type".to_owned(), b"application/json".to_vec()),
            ],
            body: body.as_bytes().to_vec(),
        }
    }
}

/// What Envoy did with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// `proxy_on_http_call_response` ran.
    Delivered,
    /// No such call is under way (never made, or answered before): `onHttpCallSuccess` drops it, the plugin sees
    /// nothing.
    Dropped,
}

/// The response whose callback is running.
#[derive(Debug)]
pub(super) struct ReplyInFlight {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
}
