//! The answers to call-outs that the test gives. Never answers by itself, not even after the timeout: a test that wants
//! a timeout answers with what Envoy makes of it (a 504 response).

use super::calls::{CallId, CallReply, Delivery, PendingCall, ReplyInFlight};
use super::headers::HeaderMap;
use super::host::{Deferred, ROOT};
use super::stream::Via;
use super::vm::Vm;

impl Vm {
    /// Calls under way, oldest first. A call outlives the stream that made it, because it belongs to the root context.
    pub fn pending_calls(&self) -> Vec<PendingCall> {
        self.host().calls.clone()
    }

    /// Ends a call.
    pub fn answer_call(&mut self, id: CallId, reply: CallReply) -> Delivery {
        let calls = &mut self.host_mut().calls;
        let Some(position) = calls.iter().position(|call| call.id == id) else {
            return Delivery::Dropped;
        };
        calls.remove(position);
        let reply = match reply {
            CallReply::Failure => None,
            CallReply::Response { headers, body } => Some((headers, body, None)),
            CallReply::WithTrailers {
                headers,
                body,
                trailers,
            } => Some((headers, body, Some(trailers))),
        };
        let reply = reply.map(|(headers, body, trailers)| ReplyInFlight {
            headers: HeaderMap::new(headers),
            body,
            trailers: trailers.map(HeaderMap::new),
        });
        let sizes = reply.as_ref().map_or([0; 3], |reply| {
            [
                reply.headers.len(),
                reply.body.len(),
                reply.trailers.as_ref().map_or(0, HeaderMap::len),
            ]
        });
        let [headers, body, trailers] = sizes.map(|size| u32::try_from(size).unwrap());
        self.host_mut().call_reply = reply;
        let returned = self.enter(
            "proxy_on_http_call_response",
            ROOT,
            &[ROOT, id.0, headers, body, trailers],
        );
        self.host_mut().call_reply = None;
        self.run_deferred(returned.deferred);
        Delivery::Delivered
    }

    /// From now on dispatching to the cluster fails at once with `InternalFailure`, as where it has no healthy host
    /// or its circuit breaker is open.
    pub fn break_cluster(&mut self, name: &str) {
        self.host_mut().broken_clusters.insert(name.to_owned());
    }

    pub fn mend_cluster(&mut self, name: &str) {
        self.host_mut().broken_clusters.remove(name);
    }

    pub(super) fn run_deferred(&mut self, deferred: Vec<Deferred>) {
        for action in deferred {
            match action {
                Deferred::Continue(stream) => self.resume(stream, Via::Resume),
                Deferred::ContinueResponse(stream) => self.resume_response(stream),
                Deferred::Close(stream) => self.destroy(stream),
                Deferred::Reply {
                    stream,
                    status,
                    headers,
                    body,
                } => {
                    self.local_reply(stream, status, headers, body, true);
                }
            }
        }
    }
}
