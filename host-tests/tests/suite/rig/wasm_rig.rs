//! The built module in the test host of the proxy-wasm ABI: virtual time, counted hostcalls, no sockets.

use std::sync::OnceLock;
use std::time::Duration;

use project::filter;
use serde_json::Value;
use testkit::fakes::app::{Comes, FakeApp};
use testkit::fakes::wechat::{Asked, FakeWechat, Transport};

use super::bridge::FakeBridge;
use super::{Ask, ENVIRONMENT, Got, OTHERS, Rig, Seen, app_answer, seen_by_app, shipped};
use proxy_wasm_host::{
    CallReply, Forwarded, Outcome, PendingCall, Plugin, Reply, SharedData, StreamId, Vm, VmConfig,
    pairs,
};

/// One worker's VM and the WeChat that it calls.
pub struct WasmRig {
    pub vm: Vm,
    wechat: FakeWechat,
    pub bridge: FakeBridge,
    app: FakeApp,
    /// The wall clock at the start of each call, to play slow answers.
    late: Vec<(Duration, PendingCall, CallReply)>,
}

/// The module, built and compiled once.
pub fn module() -> &'static Plugin {
    static MODULE: OnceLock<Plugin> = OnceLock::new();
    MODULE.get_or_init(|| Plugin::load(&filter::built().unwrap()).unwrap())
}

/// A VM of `envoy.yaml` with `patch` merged into the plugin's configuration. `seed`: of its randomness.
pub fn vm_config(patch: &Value, seed: u64) -> VmConfig {
    let shipped = shipped(patch).patch_plugin(patch);
    let mut config = VmConfig::new(shipped.plugin().to_string())
        .cluster("wechat")
        .cluster("sessions")
        .cluster("app");
    for other in OTHERS {
        config = config.cluster(other.name());
    }
    let list = &shipped.filter()["vm_config"]["capability_restriction_config"];
    let allowed = list["allowed_capabilities"].as_object().unwrap();
    config.allowed = Some(allowed.keys().cloned().collect());
    config.seed = seed;
    for (name, value) in ENVIRONMENT {
        config = config.env(name, value);
    }
    config
}

/// For so long the plugin may keep to itself what it has counted, and go by the time that it has read.
const PULSE: Duration = Duration::from_millis(100);
const STEP: Duration = Duration::from_millis(10);
const PATIENCE: u32 = 12_000;

impl WasmRig {
    pub fn start(wechat: &FakeWechat, patch: &Value) -> Self {
        Self::worker(wechat, patch, &SharedData::default(), 1)
    }

    /// One of several workers that share data.
    pub fn worker(wechat: &FakeWechat, patch: &Value, shared: &SharedData, seed: u64) -> Self {
        Self::running(module(), wechat, patch, shared, seed)
    }

    /// The same with another module.
    pub fn running(
        module: &Plugin,
        wechat: &FakeWechat,
        patch: &Value,
        shared: &SharedData,
        seed: u64,
    ) -> Self {
        let config = vm_config(patch, seed);
        wechat.set_time(Some(config.now.as_secs()));
        let vm = Vm::start(module, config, shared)
            .unwrap_or_else(|error| panic!("{} {:?}", error.why, error.log));
        Self {
            vm,
            wechat: wechat.clone(),
            bridge: FakeBridge::default(),
            app: FakeApp::without_network(),
            late: Vec::new(),
        }
    }

    /// Sends one request whole.
    pub fn send(&mut self, ask: &Ask) -> StreamId {
        let stream = self.vm.request(ask.head(), ask.body.is_none());
        if let Some(body) = &ask.body {
            self.vm.body(stream, body, true);
        }
        stream
    }

    /// What Redis has to say to a call of the plugin's just now.
    pub fn store_answer(&self, call: &PendingCall) -> CallReply {
        let header = |name: &str| call.headers.text(name).unwrap_or_default();
        let now = u64::try_from(self.vm.now().as_millis()).unwrap();
        let path = header(":path");
        let (status, body, told) = self.bridge.answer(path, header, &call.body, now);
        let mut headers = pairs([(":status", status.to_string().as_str())]);
        headers.extend(told.map(|token| ("upstash-sync-token".to_owned(), token.into_bytes())));
        CallReply::Response {
            headers,
            body: body.into_bytes(),
        }
    }

    /// When the app answers, and what.
    fn app_answer(&self, call: &PendingCall) -> (Duration, CallReply) {
        let path = call.headers.text(":path").unwrap_or_default();
        let seen = seen_by_app(path, call.headers.pairs().to_vec(), &call.body);
        let answer = self.app.answer(&seen);
        let status = answer.status.to_string();
        let mut headers = pairs([(":status", status.as_str())]);
        let own = answer.headers.into_iter();
        headers.extend(own.map(|(name, value)| (name, value.into_bytes())));
        let response = CallReply::Response {
            headers,
            body: answer.body.into_bytes(),
        };
        let now = self.vm.now();
        let timeout = call.timeout.unwrap_or(Duration::MAX);
        match answer.comes {
            Comes::AtOnce => (now, response),
            Comes::After(late) if late >= timeout => (
                now + timeout,
                CallReply::json(504, "upstream request timeout"),
            ),
            Comes::After(late) => (now + late, response),
            Comes::Never => (now, CallReply::json(503, "upstream connect error")),
        }
    }

    /// Answers the calls that are due, as WeChat and Redis behind Envoy clusters would.
    pub fn serve_calls(&mut self) {
        for call in self.vm.pending_calls() {
            if self.late.iter().any(|(_, own, _)| own.id == call.id) {
                continue;
            }
            if call.cluster == "sessions" {
                let reply = self.store_answer(&call);
                self.late.push((self.vm.now(), call, reply));
                continue;
            }
            if call.cluster == "app" {
                let (due, reply) = self.app_answer(&call);
                self.late.push((due, call, reply));
                continue;
            }
            let authority = call.headers.text(":authority");
            let answer = self.wechat.answer_asked(&Asked {
                method: call.headers.text(":method").unwrap(),
                target: call.headers.text(":path").unwrap(),
                host: authority,
                sni: authority,
                content_type: call.headers.text("content-type"),
                body: &call.body,
            });
            let response = CallReply::Response {
                headers: pairs([
                    (":status", answer.status.to_string().as_str()),
                    ("content-type", answer.content_type),
                ]),
                body: answer.body,
            };
            let now = self.vm.now();
            let timeout = call.timeout.unwrap_or(Duration::MAX);
            let (due, reply) = match answer.transport {
                Transport::Whole => (now, response),
                Transport::Refuse => (now, CallReply::json(503, "upstream connect error")),
                Transport::ResetMidBody => (now, CallReply::Failure),
                Transport::Slow(late) if late >= timeout => (
                    now + timeout,
                    CallReply::json(504, "upstream request timeout"),
                ),
                Transport::Slow(late) => (now + late, response),
            };
            self.late.push((due, call, reply));
        }
        self.answer_due();
    }

    /// Those answers that were on their way, and have come.
    fn answer_due(&mut self) {
        let now = self.vm.now();
        let (due, late) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(due, _, _)| *due <= now);
        self.late = late;
        for (_, call, reply) in due {
            self.vm.answer_call(call.id, reply);
        }
    }

    /// Lets time pass until every stream has a verdict.
    pub fn settle(&mut self, streams: &[StreamId]) {
        for _ in 0..PATIENCE {
            self.serve_calls();
            let paused = |stream: &StreamId| matches!(self.vm.outcome(*stream), Outcome::Paused);
            if !streams.iter().any(paused) {
                return;
            }
            self.advance(STEP);
        }
        panic!("a request hangs; log: {:?}", self.vm.log());
    }

    /// Lets time pass until an answer that is held back goes on.
    fn let_go(&mut self, stream: StreamId) -> Reply {
        for _ in 0..PATIENCE {
            if let Some(reply) = self.vm.responded(stream) {
                return reply;
            }
            self.serve_calls();
            self.advance(STEP);
        }
        panic!("an answer is held for ever; log: {:?}", self.vm.log());
    }

    /// What WeChat answers to a call of the backend's that went on.
    fn answered_by_wechat(&mut self, stream: StreamId, forwarded: &Forwarded) -> Got {
        let header = |name: &str| forwarded.headers.text(name);
        let answer = self.wechat.answer_asked(&Asked {
            method: header(":method").unwrap(),
            target: header(":path").unwrap(),
            host: header(":authority"),
            sni: header(":authority"),
            content_type: header("content-type"),
            body: &forwarded.body,
        });
        let length = answer.body.len().to_string();
        let headers = pairs([
            ("content-type", answer.content_type),
            ("content-length", &*length),
        ]);
        self.vm
            .begin_response(stream, answer.status, headers, &answer.body);
        let reply = self.let_go(stream);
        self.vm.complete(stream);
        assert!(
            self.vm.violations().is_empty(),
            "{:?}",
            self.vm.violations()
        );
        Got {
            status: reply.status,
            headers: reply.headers.pairs().to_vec(),
            body: reply.body,
            seen: None,
        }
    }

    /// Sends requests whole, and waits for the answers.
    pub fn answers(&mut self, asks: Vec<Ask>) -> Vec<Got> {
        let streams: Vec<StreamId> = asks.iter().map(|ask| self.send(ask)).collect();
        self.settle(&streams);
        streams.into_iter().map(|stream| self.got(stream)).collect()
    }

    /// The next beat of the plugin: for it the process goes on, and the clock on the wall stands still.
    fn let_it_tell(&mut self) {
        let now = self.vm.now();
        self.vm.advance(PULSE);
        self.vm.set_wall_clock(now);
    }

    pub fn got(&mut self, stream: StreamId) -> Got {
        let got = match self.vm.outcome(stream) {
            Outcome::Replied(reply) => Got {
                status: reply.status,
                headers: reply.headers.pairs().to_vec(),
                body: reply.body,
                seen: None,
            },
            Outcome::Forwarded(forwarded) => {
                let path = forwarded.headers.text(":path").unwrap().to_string();
                let authority = forwarded.headers.text(":authority");
                if authority == Some("api.weixin.qq.com") {
                    return self.answered_by_wechat(stream, &forwarded);
                }
                let (status, headers) = app_answer(&path);
                let answer = self.vm.respond(stream, status, headers, b"{}");
                Got {
                    status: answer.status,
                    headers: answer.headers.pairs().to_vec(),
                    body: answer.body,
                    seen: Some(Seen {
                        path,
                        headers: forwarded.headers.pairs().to_vec(),
                        body: forwarded.body,
                    }),
                }
            }
            other => panic!("{other:?}; trapped: {:?}", self.vm.trapped()),
        };
        self.vm.complete(stream);
        assert!(
            self.vm.violations().is_empty(),
            "{:?}",
            self.vm.violations()
        );
        got
    }
}

impl Rig for WasmRig {
    fn ask(&mut self, asks: Vec<Ask>) -> Vec<Got> {
        let mut answers = self.answers(asks);
        self.let_it_tell();
        let asked = self.app.take();
        if let [answer] = answers.as_mut_slice()
            && let Some(own) = asked.into_iter().next_back()
        {
            answer.seen = Some(own.into());
        }
        answers
    }

    fn advance(&mut self, span: Duration) {
        self.vm.advance(span);
        self.answer_due();
        self.wechat.set_time(Some(self.vm.now().as_secs()));
    }

    fn set_back(&mut self, span: Duration) {
        self.vm.set_wall_clock(self.vm.now() - span);
        self.let_it_tell();
    }

    fn counter(&self, name: &str) -> u64 {
        self.vm.metric(name).unwrap_or(0)
    }

    fn receiver(&self) -> &FakeApp {
        &self.app
    }

    fn log(&self) -> String {
        let lines = self
            .vm
            .log()
            .iter()
            .map(|(level, line)| format!("{level:?} {line}\n"));
        lines.collect()
    }
}
