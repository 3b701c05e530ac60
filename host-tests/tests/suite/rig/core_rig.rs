//! The core in this process: no proxy, no module, time that only moves when told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::Value;
use testkit::SplitMix64;
use testkit::fakes::app::{Comes, FakeApp};
use testkit::fakes::wechat::{Asked, FakeWechat, Transport};
use wx_session_core::config::HostKind;
use wx_session_core::{
    Action, BodyError, CallError, Changes, Config, Counter, Delivering, Delivery, Head, Histogram,
    Host, HttpCall, HttpResponse, Level, NoEntropy, OfResponse, Request, Response, Said, ToWechat,
    UnixMillis, Verdict, Worker, carry_out, finish, handle, hear, mark_if_dead, once_more,
    unanswered,
};

use super::bridge::FakeBridge;
use super::fake_store::FakeStore;
use super::{Ask, ENVIRONMENT, Got, Rig, Seen, app_answer, configuration, seen_by_app};

/// The core with its fakes.
pub struct CoreRig {
    worker: Worker,
    pub host: FakeHost,
}

/// A host whose powers are all fakes.
pub struct FakeHost {
    wechat: FakeWechat,
    pub store: FakeStore,
    pub bridge: FakeBridge,
    app: FakeApp,
    time: Rc<Time>,
    random: Cell<SplitMix64>,
    counters: RefCell<BTreeMap<&'static str, u64>>,
    log: RefCell<String>,
}

/// Virtual time.
struct Time {
    now: Cell<u64>,
    /// The earliest moment that somebody sleeps until, since the last look.
    next_wake: Cell<Option<u64>>,
}

/// Further than any scenario looks; a future that is still pending then hangs.
const PATIENCE_MS: u64 = 120_000;

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let file = project::root().join("deploy/wx-session.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// What the core makes of a document, with the secrets of all rigs.
pub(super) fn configured(document: &str) -> Config {
    let environment = BTreeMap::from(ENVIRONMENT);
    let config = Config::from_json(document, HostKind::Envoy, &|name| {
        environment.get(name).map(ToString::to_string)
    });
    config.unwrap_or_else(|error| panic!("{error}: {document}"))
}

impl CoreRig {
    pub fn start(wechat: &FakeWechat, patch: &Value) -> Self {
        let document = configuration(patch);
        // An editor that goes by the schema must not underline what works.
        let refused = SCHEMA.iter_errors(&document).next();
        assert!(refused.is_none(), "{refused:?}");
        let start_s = 1_700_000_000;
        wechat.set_time(Some(start_s));
        Self {
            worker: Worker::new(configured(&document.to_string())),
            host: FakeHost {
                wechat: wechat.clone(),
                store: FakeStore::default(),
                bridge: FakeBridge::default(),
                app: FakeApp::without_network(),
                time: Rc::new(Time {
                    now: Cell::new(start_s * 1000),
                    next_wake: Cell::new(None),
                }),
                random: Cell::new(SplitMix64(1)),
                counters: RefCell::default(),
                log: RefCell::default(),
            },
        }
    }
}

impl FakeHost {
    /// Two edges must not mint the same.
    pub fn reseed(&self, seed: u64) {
        self.random.set(SplitMix64(seed << 32));
    }

    fn set_now(&self, now: u64) {
        self.time.now.set(now);
        self.wechat.set_time(Some(now / 1000));
    }

    /// Carries out a call of the backend's as a proxy would that can send it once more.
    async fn ask_wechat(
        &self,
        worker: &Worker,
        request: &FakeRequest,
        mut call: Box<ToWechat>,
    ) -> Got {
        loop {
            let target = call.path_with_token();
            let answer = self.wechat.answer_asked(&Asked {
                method: request.head.text(":method").unwrap(),
                target: &target,
                host: Some(&call.authority),
                sni: Some(&call.authority),
                content_type: request.head.text("content-type"),
                body: &request.body,
            });
            if answer.transport != Transport::Whole {
                let error = CallError::Broken("it broke".into());
                let told = unanswered(worker, self, &call, &error);
                return replied(told.expect("it may have been received"));
            }
            let most = ToWechat::to_be_seen(
                Some(answer.content_type),
                Some(&answer.body.len().to_string()),
            );
            let dead = most > 0 && mark_if_dead(worker, self, &call, &answer.body);
            if dead
                && request.body.len() <= call.most_kept
                && let Some(again) = once_more(worker, self, &call).await
            {
                call = again;
                continue;
            }
            let content_type = answer.content_type.as_bytes().to_vec();
            return Got {
                status: answer.status,
                headers: vec![("content-type".into(), content_type)],
                body: answer.body,
                seen: None,
            };
        }
    }

    fn sleep_until(&self, until: u64) -> impl Future<Output = ()> + 'static {
        sleep_until(Rc::clone(&self.time), until)
    }
}

fn sleep_until(time: Rc<Time>, until: u64) -> impl Future<Output = ()> + 'static {
    std::future::poll_fn(move |_| {
        if time.now.get() >= until {
            return Poll::Ready(());
        }
        let next = time.next_wake.get().map_or(until, |next| next.min(until));
        time.next_wake.set(Some(next));
        Poll::Pending
    })
}

/// In milliseconds.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap()
}

impl Rig for CoreRig {
    fn ask(&mut self, asks: Vec<Ask>) -> Vec<Got> {
        let (worker, host) = (&self.worker, &self.host);
        let mut running: Vec<Pin<Box<dyn Future<Output = Got>>>> = Vec::new();
        for ask in asks {
            running.push(Box::pin(async move {
                let request = FakeRequest {
                    head: Head::from_pairs(ask.head()),
                    body: ask.body.clone().unwrap_or_default(),
                };
                let mut verdict = handle(worker, host, &request).await;
                let pending = verdict.pending.take();
                if let Action::Forward(changes) = &mut verdict.action
                    && let Some(call) = changes.take_to_wechat()
                {
                    let mut got = host.ask_wechat(worker, &request, call).await;
                    finish(worker, host, None).await;
                    let of_response = std::mem::take(&mut changes.response);
                    let of_response = *of_response.unwrap();
                    change_response(got.status, &mut got.headers, of_response, host.now());
                    return got;
                }
                let (got, said) = got(&ask, &request, verdict, host.now());
                finish(worker, host, pending).await;
                if let Some(said) = said
                    && hear(worker, host, &said)
                {
                    carry_out(worker, host, &said).await;
                }
                got
            }));
        }
        let deadline = host.time.now.get() + PATIENCE_MS;
        let mut answers: Vec<Option<Got>> = running.iter().map(|_| None).collect();
        while answers.iter().any(Option::is_none) {
            for (future, answer) in running.iter_mut().zip(&mut answers) {
                if answer.is_some() {
                    continue;
                }
                let polled = future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(got) = polled {
                    *answer = Some(got);
                }
            }
            if let Some(wake) = host.time.next_wake.take() {
                host.set_now(wake.max(host.time.now.get()));
            }
            assert!(host.time.now.get() < deadline, "a request hangs");
        }
        let mut answers: Vec<Got> = answers.into_iter().flatten().collect();
        let asked = self.host.app.take();
        if let [answer] = answers.as_mut_slice()
            && let Some(own) = asked.into_iter().next_back()
        {
            answer.seen = Some(own.into());
        }
        answers
    }

    fn advance(&mut self, span: Duration) {
        self.host
            .set_now(self.host.time.now.get() + u64::try_from(span.as_millis()).unwrap());
    }

    fn set_back(&mut self, span: Duration) {
        let back = u64::try_from(span.as_millis()).unwrap();
        self.host.time.now.set(self.host.time.now.get() - back);
    }

    fn counter(&self, name: &str) -> u64 {
        self.host.counters.borrow().get(name).copied().unwrap_or(0)
    }

    fn log(&self) -> String {
        self.host.log.borrow().clone()
    }

    fn receiver(&self) -> &FakeApp {
        &self.host.app
    }
}

/// What a client gets of an answer of the core's.
fn replied(response: Response) -> Got {
    Got {
        status: response.status,
        headers: owned(response.headers),
        body: response.body,
        seen: None,
    }
}

/// The headers of the core's answers and calls, as they are sent.
pub(super) fn owned<N: AsRef<str>, V: AsRef<str>>(
    headers: impl IntoIterator<Item = (N, V)>,
) -> Vec<(String, Vec<u8>)> {
    let owned = |(name, value): (N, V)| {
        let (name, value) = (name.as_ref(), value.as_ref());
        (name.to_owned(), value.as_bytes().to_vec())
    };
    headers.into_iter().map(owned).collect()
}

/// Carries out a verdict as a proxy would. Also what the app has said of the session.
fn got(ask: &Ask, request: &FakeRequest, verdict: Verdict, now: UnixMillis) -> (Got, Option<Said>) {
    match verdict.action {
        Action::Reply(response) => (replied(response), None),
        Action::Forward(changes) => {
            let headers = changed(&request.head, &changes);
            let path = headers.iter().find(|(name, _)| name == ":path");
            let path = String::from_utf8_lossy(&path.unwrap().1).into_owned();
            let (status, mut answer) = app_answer(&path);
            let said = changes
                .response
                .and_then(|of_response| change_response(status, &mut answer, *of_response, now));
            let got = Got {
                status,
                headers: answer,
                body: b"{}".to_vec(),
                seen: Some(Seen {
                    path,
                    headers,
                    body: changes
                        .body
                        .unwrap_or_else(|| ask.body.clone().unwrap_or_default()),
                }),
            };
            (got, said)
        }
    }
}

/// The headers of a request, changed as told.
pub(super) fn changed(head: &Head, changes: &Changes) -> Vec<(String, Vec<u8>)> {
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    let pairs = head.pairs();
    let mut headers: Vec<_> = pairs.map(|(n, v)| (text(n), v.to_vec())).collect();
    headers.retain(|(name, _)| !changes.remove.iter().any(|own| **own == **name));
    for (name, value) in &changes.set {
        headers.retain(|(own, _)| **own != **name);
        headers.push((name.to_string(), value.as_bytes().to_vec()));
    }
    headers
}

/// Changes the app's answer as told, and says what it says of the session.
pub(super) fn change_response(
    status: u16,
    headers: &mut Vec<(String, Vec<u8>)>,
    mut changes: OfResponse,
    now: UnixMillis,
) -> Option<Said> {
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), &**value));
    let said = changes.said(|| now, status, pairs);
    headers.retain(|(name, _)| !changes.takes_off(name));
    for (name, value) in changes.set {
        headers.retain(|(own, _)| **own != *name);
        headers.push((name.to_string(), value.as_bytes().to_vec()));
    }
    let cookie = changes.cookie;
    headers.extend(cookie.map(|cookie| ("set-cookie".to_owned(), cookie.as_bytes().to_vec())));
    said
}

struct FakeRequest {
    head: Head,
    body: Vec<u8>,
}

impl Request for FakeRequest {
    fn head(&self) -> &Head {
        &self.head
    }

    fn client_address(&self) -> Option<String> {
        Some("192.0.2.1".into())
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        if self.body.len() > limit {
            return Err(BodyError::TooLarge);
        }
        Ok(self.body.clone())
    }
}

impl Host for FakeHost {
    type Store = FakeStore;

    fn store(&self) -> Option<&FakeStore> {
        Some(&self.store)
    }

    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError> {
        let started = self.time.now.get();
        // The answer comes later than the question, so that others get their turn.
        self.sleep_until(started + 1).await;
        if call.target == "sessions" {
            let header = |name: &str| {
                let found = call.headers.iter().find(|(own, _)| *own == name);
                found.map_or("", |(_, value)| value.as_str())
            };
            let now = self.time.now.get();
            let (status, body, told) = self.bridge.answer(&call.path, header, &call.body, now);
            return Ok(HttpResponse {
                status,
                body: body.into_bytes(),
                wanted: told.filter(|_| call.wants == Some("upstash-sync-token")),
            });
        }
        let authority = Some(call.authority.as_str());
        let content_type = call
            .headers
            .iter()
            .find(|(name, _)| *name == "content-type");
        let answer = self.wechat.answer_asked(&Asked {
            method: call.method,
            target: &call.path,
            host: authority,
            sni: authority,
            content_type: content_type.map(|(_, value)| value.as_str()),
            body: &call.body,
        });
        match answer.transport {
            Transport::Refuse | Transport::ResetMidBody => {
                return Err(CallError::Broken("reset".into()));
            }
            Transport::Slow(late) if late >= call.timeout => {
                let timeout = u64::try_from(call.timeout.as_millis()).unwrap();
                self.sleep_until(started + timeout).await;
                return Err(CallError::TimedOut);
            }
            Transport::Slow(late) => {
                let late = u64::try_from(late.as_millis()).unwrap();
                self.sleep_until(started + late).await;
            }
            Transport::Whole => {}
        }
        if answer.body.len() > call.max_response_bytes {
            return Err(CallError::TooLarge(answer.status));
        }
        Ok(HttpResponse {
            status: answer.status,
            body: answer.body,
            wanted: None,
        })
    }

    fn deliver(&self, delivery: Delivery) -> Delivering {
        let seen = seen_by_app(&delivery.path, owned(delivery.headers), &delivery.body);
        let (time, limit) = (Rc::clone(&self.time), millis(delivery.timeout));
        assert_eq!(delivery.target, "app");
        // As a network, it has it whether or not somebody waits.
        let answer = self.app.answer(&seen);
        Box::pin(async move {
            let began = time.now.get();
            let late = match answer.comes {
                Comes::AtOnce => 1,
                Comes::After(span) => millis(span),
                Comes::Never => return Err(CallError::Broken("reset".into())),
            };
            sleep_until(Rc::clone(&time), began + late.min(limit)).await;
            if late > limit {
                return Err(CallError::TimedOut);
            }
            if answer.body.len() > delivery.max_response_bytes {
                return Err(CallError::TooLarge(answer.status));
            }
            let own = answer.headers.into_iter();
            let mut own = own.filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            Ok(HttpResponse {
                status: answer.status,
                body: answer.body.into_bytes(),
                wanted: own.next().map(|(_, value)| value),
            })
        })
    }

    async fn sleep(&self, span: Duration) {
        let until = self.now().after(span).0;
        self.sleep_until(until).await;
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.time.now.get())
    }

    /// Different bytes each time, the same in every run.
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        let mut random = self.random.get();
        random.fill(bytes);
        self.random.set(random);
        Ok(())
    }

    fn count(&self, counter: Counter) {
        *self
            .counters
            .borrow_mut()
            .entry(counter.name())
            .or_default() += 1;
    }

    fn observe(&self, _: Histogram, _: Duration) {}

    fn log(&self, level: Level, line: &str) {
        use std::fmt::Write as _;
        writeln!(self.log.borrow_mut(), "{level:?} {line}").unwrap();
    }
}
