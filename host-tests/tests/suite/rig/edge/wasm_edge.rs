//! The built module as such a worker, in the test host of the proxy-wasm ABI.

use std::time::Duration;

use super::{Answer, Call, CallEnd, Edge, Fate, Pairs, Passed};
use crate::rig::Ask;
use proxy_wasm_host::{CallId, CallReply, FaultKind, FaultOutcome, Outcome, StreamId, Vm};

pub struct WasmEdge {
    vm: Vm,
    streams: Vec<StreamId>,
    log_read: usize,
}

impl WasmEdge {
    pub fn new(vm: Vm) -> Self {
        Self {
            vm,
            streams: Vec::new(),
            log_read: 0,
        }
    }
}

impl Edge for WasmEdge {
    fn request(&mut self, ask: &Ask) -> usize {
        let stream = self.vm.request(ask.head(), ask.body.is_none());
        self.streams.push(stream);
        self.streams.len() - 1
    }

    fn body(&mut self, request: usize, piece: &[u8], last: bool) {
        self.vm.body(self.streams[request], piece, last);
    }

    fn trailers(&mut self, request: usize, trailers: Pairs) {
        self.vm.trailers(self.streams[request], trailers);
    }

    fn leave(&mut self, request: usize) {
        self.vm.reset(self.streams[request]);
    }

    fn is_undecided(&self, request: usize) -> bool {
        self.vm.is_undecided(self.streams[request])
    }

    fn fate(&self, request: usize) -> Fate {
        match self.vm.outcome(self.streams[request]) {
            // Of one that is stuck the VM has trapped, which is found apart.
            Outcome::Paused | Outcome::Stuck => Fate::Undecided,
            Outcome::Reset => Fate::Gone,
            Outcome::Replied(reply) => Fate::Replied(Answer {
                status: reply.status,
                headers: reply.headers.into_pairs(),
                body: reply.body,
            }),
            Outcome::Forwarded(forwarded) => Fate::Passed(Passed {
                headers: forwarded.headers.into_pairs(),
                body: forwarded.body,
                trailers: forwarded
                    .trailers
                    .map_or_else(Vec::new, |own| own.into_pairs()),
                complete: forwarded.complete,
            }),
        }
    }

    fn respond(&mut self, request: usize, answer: Answer) {
        let stream = self.streams[request];
        self.vm
            .begin_response(stream, answer.status, answer.headers, &answer.body);
    }

    fn answered(&self, request: usize) -> Option<Answer> {
        let reply = self.vm.responded(self.streams[request])?;
        Some(Answer {
            status: reply.status,
            headers: reply.headers.into_pairs(),
            body: reply.body,
        })
    }

    fn calls(&self) -> Vec<Call> {
        let calls = self.vm.pending_calls().into_iter();
        let call = |call: proxy_wasm_host::PendingCall| Call {
            id: call.id.0,
            method: call.headers.text(":method").unwrap_or_default().to_owned(),
            path: call.headers.text(":path").unwrap_or_default().to_owned(),
            headers: call.headers.into_pairs(),
            body: call.body,
            timeout: call.timeout.unwrap_or(Duration::MAX),
            cluster: call.cluster,
        };
        calls.map(call).collect()
    }

    fn end_call(&mut self, call: u32, end: CallEnd) {
        let reply = match end {
            CallEnd::Broken => CallReply::Failure,
            CallEnd::TimedOut => CallReply::json(504, "upstream request timeout"),
            CallEnd::Answered(answer) => {
                let status = (":status".to_owned(), answer.status.to_string().into_bytes());
                CallReply::Response {
                    headers: std::iter::once(status).chain(answer.headers).collect(),
                    body: answer.body,
                }
            }
        };
        self.vm.answer_call(CallId(call), reply);
    }

    fn advance(&mut self, span: Duration) {
        self.vm.advance(span);
    }

    fn until_next(&self) -> Option<Duration> {
        self.vm.until_tick()
    }

    fn set_wall_clock(&mut self, now: Duration) {
        self.vm.set_wall_clock(now);
    }

    fn fail_host(&mut self, nth: u64, way: usize) {
        self.vm
            .fail_hostcall(nth, FaultKind::ALL[way % FaultKind::ALL.len()]);
    }

    fn calm(&mut self) -> Option<String> {
        let failure = self.take_failure();
        self.vm.disarm_fault();
        failure
    }

    fn take_failure(&mut self) -> Option<String> {
        let FaultOutcome::Injected { hostcall } = self.vm.fault() else {
            return None;
        };
        self.vm.disarm_fault();
        Some(hostcall.to_owned())
    }

    fn take_log(&mut self) -> Vec<String> {
        let lines = &self.vm.log()[self.log_read..];
        let lines = lines.iter().map(|(_, line)| line.clone()).collect();
        self.log_read = self.vm.log().len();
        lines
    }

    fn misdeed(&self) -> Option<String> {
        if let Some(trap) = self.vm.trapped() {
            return Some(format!("the VM has trapped: {trap}"));
        }
        let violations = self.vm.violations();
        (!violations.is_empty()).then(|| format!("{violations:?}"))
    }
}
