//! The response path and the end of a stream: local replies, upstream responses, log and delete.
//! Never sends anything: what the client would see is kept in the stream.

use super::headers::{HeaderMap, Pairs};
use super::stream::{Reply, Response, StreamId, Violation};
use super::vm::Vm;

impl Vm {
    /// The upstream answers a forwarded request. Returns what the client sees after the response callbacks.
    ///
    /// # Panics
    /// Where the request was not forwarded.
    #[track_caller]
    pub fn respond(&mut self, id: StreamId, status: u16, headers: Pairs, body: &[u8]) -> Reply {
        self.begin_response(id, status, headers, body);
        self.must_go_on(id)
    }

    /// As [`Vm::respond`], but the plugin may hold the response back: see [`Vm::responded`].
    ///
    /// # Panics
    /// Where the request was not forwarded.
    #[track_caller]
    pub fn begin_response(&mut self, id: StreamId, status: u16, headers: Pairs, body: &[u8]) {
        assert!(
            self.stream(id).forwarded.is_some(),
            "no upstream has that request: {:?}",
            self.outcome(id)
        );
        self.encode(id, status, HeaderMap::new(headers), body.to_vec());
    }

    /// What the client sees of the upstream's response. `None` while there is none, or it is held back.
    pub fn responded(&self, id: StreamId) -> Option<Reply> {
        let response = self.stream(id).response.as_ref();
        response.filter(|own| !own.held).map(Response::seen)
    }

    /// The stream ends: a forwarded request without a response is given an empty 200 first.
    pub fn complete(&mut self, id: StreamId) {
        let stream = self.stream(id);
        if stream.forwarded.is_some() && stream.response.is_none() && !stream.closed() {
            self.respond(id, 200, Pairs::new(), b"");
        }
        self.destroy(id);
    }

    /// `sendLocalReply`, with the headers that Envoy's `Utility::sendLocalReply` sets. The response callbacks run.
    pub(super) fn local_reply(
        &mut self,
        id: StreamId,
        status: u32,
        headers: Pairs,
        body: Vec<u8>,
        from_plugin: bool,
    ) {
        let stream = self.stream(id);
        if stream.gone || stream.stuck {
            return;
        }
        let violation = if stream.reply.is_some() {
            Some(Violation::SecondReply(id))
        } else if stream.forwarded.is_some() {
            Some(Violation::ReplyAfterForward(id))
        } else {
            None
        };
        if let Some(violation) = violation {
            self.host_mut().violations.push(violation);
            return;
        }
        let mut headers = HeaderMap::new(headers);
        if body.is_empty() {
            headers.remove("content-length");
            headers.remove("content-type");
        } else {
            headers.replace("content-length", body.len().to_string().into_bytes());
            if headers.get("content-type").is_none() {
                headers.add("content-type", b"text/plain".to_vec());
            }
        }
        let status = u16::try_from(status).unwrap_or(0);
        // Closed before the callbacks run, so that a reply from within them is a second one.
        let early = Reply {
            status,
            headers: headers.clone(),
            body: body.clone(),
            from_plugin,
        };
        self.stream_mut(id).reply = Some(early);
        self.encode(id, status, headers, body);
        let reply = self.must_go_on(id);
        self.stream_mut(id).reply = Some(Reply {
            from_plugin,
            ..reply
        });
    }

    fn encode(&mut self, id: StreamId, status: u16, headers: HeaderMap, body: Vec<u8>) {
        let mut pairs = vec![(":status".to_owned(), status.to_string().into_bytes())];
        pairs.extend(headers.into_pairs());
        let count = u32::try_from(pairs.len()).unwrap();
        let size = u32::try_from(body.len()).unwrap();
        let headers = HeaderMap::new(pairs);
        self.stream_mut(id).response = Some(Response {
            headers,
            body,
            headers_available: true,
            body_available: false,
            held: false,
        });
        let returned = self.call(
            "proxy_on_response_headers",
            id.0,
            &[id.0, count, u32::from(size == 0)],
        );
        let mut paused = returned.status != 0;
        if let Some(response) = &mut self.stream_mut(id).response {
            response.headers_available = paused;
            response.body_available = true;
        }
        if size != 0 {
            // A body that goes on takes with it headers that were held.
            paused = self
                .call("proxy_on_response_body", id.0, &[id.0, size, 1])
                .status
                != 0;
        }
        // A dead VM is not asked (failure_local_reply_sent_): the response goes its way.
        if paused && self.trapped().is_none() {
            if let Some(response) = &mut self.stream_mut(id).response {
                response.held = true;
            }
        } else {
            self.resume_response(id);
        }
    }

    /// `continueEncoding`: what was held of the response goes on.
    pub(super) fn resume_response(&mut self, id: StreamId) {
        if let Some(response) = &mut self.stream_mut(id).response {
            response.held = false;
            response.headers_available = false;
            response.body_available = false;
        }
    }

    /// What the client sees of a response that nobody expects to be held.
    fn must_go_on(&mut self, id: StreamId) -> Reply {
        let response = self.stream(id).response.as_ref();
        if response.is_some_and(|own| own.held) {
            self.host_mut()
                .violations
                .push(Violation::ResponsePaused(id));
            self.resume_response(id);
        }
        self.responded(id).expect("it has a response")
    }

    /// `doDeferredStreamDestroy`: the log callback, then done and delete. Calls under way live on.
    pub(super) fn destroy(&mut self, id: StreamId) {
        if self.stream(id).gone {
            return;
        }
        if self.stream(id).stuck {
            self.stream_mut(id).gone = true;
            return;
        }
        self.stream_mut(id).logging = true;
        self.call("proxy_on_log", id.0, &[id.0]);
        self.stream_mut(id).logging = false;
        self.call("proxy_on_done", id.0, &[id.0]);
        self.call("proxy_on_delete", id.0, &[id.0]);
        self.stream_mut(id).gone = true;
    }
}
