//! The request path of Envoy's filter manager, for one filter (filter_manager.cc and Context::decode* in
//! context.cc). Never decides anything about a request: it does what the callbacks return.

use super::headers::{HeaderMap, Pairs};
use super::host::ROOT;
use super::stream::{Forwarded, Iteration, Outcome, Stream, StreamId, Via, Violation};
use super::vm::{Returned, Vm};

const CONTINUE: u32 = 0;
const STOP: u32 = 1;

impl Vm {
    /// A request whose headers have arrived; `end_of_stream` where it has neither body nor trailers.
    pub fn request(&mut self, head: Pairs, end_of_stream: bool) -> StreamId {
        let id = StreamId(self.next_context_id());
        self.host_mut()
            .streams
            .insert(id.0, Stream::new(head, end_of_stream));
        if self.trapped().is_some() {
            self.stream_mut(id).stuck = true;
            return id;
        }
        self.call("proxy_on_context_create", id.0, &[id.0, ROOT]);
        self.stream_mut(id).head_available = true;
        let count = u32::try_from(self.stream(id).head.len()).unwrap();
        let returned = self.call(
            "proxy_on_request_headers",
            id.0,
            &[id.0, count, u32::from(end_of_stream)],
        );
        let via = if self.exports("proxy_on_request_headers") {
            Via::Headers
        } else {
            Via::NoCallback
        };
        let held = self.host().config.allow_on_headers_stop_iteration;
        let stream = self.stream_mut(id);
        match returned {
            Returned {
                status: CONTINUE,
                stopped: false,
                ..
            } => {
                stream.head_available = false;
                self.pass_headers(id, via);
            }
            Returned {
                status: STOP,
                stopped: false,
                ..
            } if held => stream.iteration = Iteration::StopSingle,
            _ => stream.iteration = Iteration::StopAll,
        }
        id
    }

    /// A piece of the request's body.
    pub fn body(&mut self, id: StreamId, chunk: &[u8], end_of_stream: bool) {
        let stream = self.stream_mut(id);
        stream.ended |= end_of_stream;
        if stream.closed() {
            return;
        }
        if stream.iteration == Iteration::StopAll {
            stream.buffer.extend(chunk);
            return;
        }
        self.decode_data(id, chunk.to_vec(), end_of_stream);
    }

    /// The request's trailers, which end it.
    pub fn trailers(&mut self, id: StreamId, trailers: Pairs) {
        let stream = self.stream_mut(id);
        stream.ended = true;
        if stream.closed() {
            return;
        }
        stream.trailers = Some(HeaderMap::new(trailers));
        if stream.iteration != Iteration::StopAll {
            self.decode_trailers(id);
        }
    }

    /// The client goes away.
    pub fn reset(&mut self, id: StreamId) {
        self.destroy(id);
    }

    /// Whether nothing became of the request so far.
    pub fn is_undecided(&self, id: StreamId) -> bool {
        self.stream(id).is_undecided()
    }

    /// What became of the request so far.
    pub fn outcome(&self, id: StreamId) -> Outcome {
        self.stream(id).outcome()
    }

    fn decode_data(&mut self, id: StreamId, chunk: Vec<u8>, end: bool) {
        let limit = self.host().config.buffer_limit;
        let stream = self.stream_mut(id);
        if stream.buffering {
            stream.buffer.extend(chunk);
            if stream.buffer.len() > limit {
                return self.too_large(id);
            }
        } else {
            stream.chunk = Some(chunk);
        }
        let size = u32::try_from(stream.visible_body().len()).unwrap();
        let returned = self.call("proxy_on_request_body", id.0, &[id.0, size, u32::from(end)]);
        let stream = self.stream_mut(id);
        stream.buffering = false;
        if stream.closed() {
            return;
        }
        let chunk = stream.chunk.take().unwrap_or_default();
        match returned {
            Returned {
                status: CONTINUE,
                stopped: false,
                ..
            } => {
                stream.buffer.extend(chunk);
                if stream.iteration == Iteration::StopSingle {
                    self.resume(id, Via::Body);
                } else {
                    self.pass_body(id, end);
                }
            }
            Returned {
                status: STOP,
                stopped: false,
                ..
            } => {
                stream.iteration = Iteration::StopSingle;
                stream.buffering = true;
                stream.buffer.extend(chunk);
                if stream.buffer.len() > limit {
                    self.too_large(id);
                }
            }
            // StopIterationNoBuffer: after a local reply, the rest of the request is dropped.
            _ => stream.iteration = Iteration::StopSingle,
        }
    }

    fn decode_trailers(&mut self, id: StreamId) {
        let stream = self.stream_mut(id);
        stream.trailers_available = true;
        let count = u32::try_from(stream.trailers.as_ref().map_or(0, HeaderMap::len)).unwrap();
        let returned = self.call("proxy_on_request_trailers", id.0, &[id.0, count]);
        let stream = self.stream_mut(id);
        if stream.closed() {
            return;
        }
        if returned.status == CONTINUE && !returned.stopped {
            stream.trailers_available = false;
            if stream.iteration == Iteration::StopSingle {
                self.resume(id, Via::Trailers);
            } else {
                self.pass_trailers(id);
            }
        } else {
            stream.iteration = Iteration::StopSingle;
        }
    }

    /// `commonContinue`: lets everything that was held go on.
    pub(super) fn resume(&mut self, id: StreamId, via: Via) {
        let stream = self.stream_mut(id);
        if stream.gone || stream.stuck {
            return;
        }
        if stream.reply.is_some() {
            self.host_mut()
                .violations
                .push(Violation::ContinueAfterReply(id));
            return;
        }
        let from_this_filter = stream.iteration == Iteration::StopAll;
        if stream.iteration == Iteration::Continue {
            self.host_mut()
                .violations
                .push(Violation::ContinueWithoutPause(id));
        }
        self.stream_mut(id).iteration = Iteration::Continue;
        self.pass_headers(id, via);
        let stream = self.stream_mut(id);
        let (ended, has_trailers) = (stream.ended, stream.trailers.is_some());
        if from_this_filter {
            let held = std::mem::take(&mut stream.buffer);
            if !held.is_empty() {
                self.decode_data(id, held, ended && !has_trailers);
            }
            if has_trailers && self.stream(id).iteration != Iteration::StopAll {
                self.decode_trailers(id);
            }
        } else {
            self.pass_body(id, ended && !has_trailers);
            if has_trailers {
                self.pass_trailers(id);
            }
        }
    }

    fn pass_headers(&mut self, id: StreamId, via: Via) {
        let stream = self.stream_mut(id);
        if stream.forwarded.is_some() || stream.closed() {
            return;
        }
        let complete = stream.ended && stream.buffer.is_empty() && stream.trailers.is_none();
        let headers = stream.head.clone();
        stream.forwarded = Some(Forwarded {
            headers,
            body: Vec::new(),
            trailers: None,
            complete,
            via,
        });
    }

    fn pass_body(&mut self, id: StreamId, end: bool) {
        let stream = self.stream_mut(id);
        let body = std::mem::take(&mut stream.buffer);
        if let Some(forwarded) = &mut stream.forwarded {
            forwarded.body.extend(body);
            forwarded.complete |= end;
        }
    }

    fn pass_trailers(&mut self, id: StreamId) {
        let stream = self.stream_mut(id);
        let trailers = stream.trailers.clone();
        if let Some(forwarded) = &mut stream.forwarded {
            forwarded.trailers = trailers;
            forwarded.complete = true;
        }
    }

    fn too_large(&mut self, id: StreamId) {
        self.local_reply(id, 413, Pairs::new(), b"Payload Too Large".to_vec(), false);
    }
}
