//! A login against a logout everywhere on webdis, which takes one command in a request and has no transactions: in every
//! order in which the commands of both may arrive, and with an edge that dies in the middle.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::{Asked, FakeWechat, Phone, Platform};
use wx_session_core::config::HostKind;
use wx_session_core::{
    Action, BodyError, CallError, Config, Counter, Head, Histogram, Host, HttpCall, HttpResponse,
    Level, NoEntropy, Request, UnixMillis, Worker, handle,
};

use crate::rig::bridge::{self, FakeBridge};
use crate::rig::fake_store::FakeStore;
use crate::rig::schedule::{every_order, step_aside};
use crate::rig::{APPID, Ask, ENVIRONMENT, SECRET, configuration};

const NOW_S: u64 = 1_700_000_000;

/// Commands that were sent, and the answers of those that have arrived.
#[derive(Default)]
struct Wire {
    sent: RefCell<Vec<(usize, HttpCall)>>,
    answers: RefCell<BTreeMap<usize, HttpResponse>>,
    next: Cell<usize>,
}

/// Two edges, one webdis, and whatever is on its way to it.
struct TwoCores {
    wire: Wire,
    bridge: FakeBridge,
    wechat: FakeWechat,
    edges: [Worker; 2],
    seed: Cell<u64>,
}

type Task<'a> = Pin<Box<dyn Future<Output = (u16, Value)> + 'a>>;

impl TwoCores {
    fn start(patch: &Value) -> Self {
        let mut patch = patch.clone();
        patch["store"] = bridge::webdis();
        let document = configuration(&patch).to_string();
        let environment = BTreeMap::from(ENVIRONMENT);
        let secret = |name: &str| environment.get(name).map(ToString::to_string);
        let edge =
            |()| Worker::new(Config::from_json(&document, HostKind::Envoy, &secret).unwrap());
        let wechat = FakeWechat::new(APPID, SECRET);
        wechat.set_time(Some(NOW_S));
        Self {
            wire: Wire::default(),
            bridge: FakeBridge::default(),
            wechat,
            edges: [(), ()].map(edge),
            seed: Cell::new(1),
        }
    }

    fn task(&self, edge: usize, ask: Ask) -> Task<'_> {
        Box::pin(async move {
            let request = Sent {
                head: Head::from_pairs(ask.head()),
                body: ask.body.unwrap_or_default(),
            };
            let verdict = handle(&self.edges[edge], self, &request).await;
            match verdict.action {
                Action::Reply(response) => (
                    response.status,
                    serde_json::from_slice(&response.body).unwrap(),
                ),
                Action::Forward(_) => (200, Value::Null),
            }
        })
    }

    /// The command at this place in what was sent arrives, and is answered.
    fn deliver(&self, place: usize) {
        let (id, call) = self.wire.sent.borrow_mut().remove(place);
        let header = |name: &str| {
            let found = call.headers.iter().find(|(own, _)| *own == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        let now = NOW_S * 1000;
        let (status, body, wanted) = self.bridge.answer(&call.path, header, &call.body, now);
        let answer = HttpResponse {
            status,
            body: body.into_bytes(),
            wanted,
        };
        self.wire.answers.borrow_mut().insert(id, answer);
    }

    fn run(
        &self,
        tasks: Vec<Task<'_>>,
        choose: &mut dyn FnMut(usize) -> usize,
    ) -> Vec<(u16, Value)> {
        let mut tasks: Vec<_> = tasks.into_iter().map(Some).collect();
        let mut done: Vec<_> = tasks.iter().map(|_| (0, Value::Null)).collect();
        for _ in 0..10_000 {
            for (task, done) in tasks.iter_mut().zip(&mut done) {
                if let Some(running) = task
                    && let Poll::Ready(answer) = poll(running)
                {
                    *done = answer;
                    *task = None;
                }
            }
            if tasks.iter().all(Option::is_none) {
                return done;
            }
            let sent = self.wire.sent.borrow().len();
            match sent {
                0 => {}
                1 => self.deliver(0),
                sent => self.deliver(choose(sent)),
            }
        }
        panic!("a request hangs");
    }

    fn one(&self, edge: usize, ask: Ask) -> (u16, Value) {
        self.run(vec![self.task(edge, ask)], &mut |_| 0).remove(0)
    }

    fn login(&self, edge: usize, phone: &Phone) -> String {
        token(&self.one(edge, login(&phone.login()))).unwrap()
    }

    /// What `token` gets at both edges, from the store.
    fn check(&self, token: &str) -> [u16; 2] {
        [0, 1].map(|edge| self.one(edge, Ask::get("/api").token(token)).0)
    }
}

fn poll(task: &mut Task<'_>) -> Poll<(u16, Value)> {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn login(code: &str) -> Ask {
    Ask::post("/wx/login", &json!({ "code": code }))
}

fn logout_everywhere(token: &str) -> Ask {
    Ask::post("/wx/logout", &json!({ "everywhere": true })).token(token)
}

fn token((status, body): &(u16, Value)) -> Option<String> {
    let token = body["data"]["token"].as_str().map(str::to_owned);
    token.filter(|_| *status == 200)
}

struct Sent {
    head: Head,
    body: Vec<u8>,
}

impl Request for Sent {
    fn head(&self) -> &Head {
        &self.head
    }

    fn client_address(&self) -> Option<String> {
        None
    }

    async fn body(&self, _: usize) -> Result<Vec<u8>, BodyError> {
        Ok(self.body.clone())
    }
}

impl Host for TwoCores {
    type Store = FakeStore;

    fn store(&self) -> Option<&FakeStore> {
        None
    }

    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError> {
        if call.target != "sessions" {
            let content_type = call
                .headers
                .iter()
                .find(|(name, _)| *name == "content-type");
            let answer = self.wechat.answer_asked(&Asked {
                method: call.method,
                target: &call.path,
                host: Some(&call.authority),
                sni: None,
                content_type: content_type.map(|(_, value)| value.as_str()),
                body: &call.body,
            });
            return Ok(HttpResponse {
                status: answer.status,
                body: answer.body,
                wanted: None,
            });
        }
        let id = self.wire.next.get();
        self.wire.next.set(id + 1);
        self.wire.sent.borrow_mut().push((id, call));
        let arrived = std::future::poll_fn(|_| match self.wire.answers.borrow_mut().remove(&id) {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        });
        Ok(arrived.await)
    }

    async fn sleep(&self, _: Duration) {
        step_aside().await;
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(NOW_S * 1000)
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            let seed = self
                .seed
                .get()
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(1);
            self.seed.set(seed);
            *byte = seed.to_be_bytes()[0];
        }
        Ok(())
    }

    fn count(&self, _: Counter) {}

    fn observe(&self, _: Histogram, _: Duration) {}

    fn log(&self, _: Level, _: &str) {}
}

/// Whoever may pass is on the list of its user: so the next logout everywhere ends it. And who was there before the one
/// that was answered is ended by it.
#[test]
fn no_session_outlives_a_logout_everywhere_in_whatever_order_the_commands_arrive() {
    let patch = json!({ "session": { "cache_ttl_s": 0 }, "login": { "remember_s": 0 } });
    let (alive, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let orders = every_order(|choose| {
        let stage = TwoCores::start(&patch);
        let phone = stage.wechat.phone("ming");
        let before = stage.login(0, &phone);
        let tasks = vec![
            stage.task(0, login(&phone.login())),
            stage.task(1, logout_everywhere(&before)),
        ];
        let answers = stage.run(tasks, choose);
        let made = token(&answers[0]).unwrap();
        assert_eq!(answers[1].0, 200);
        assert_eq!(stage.check(&before), [401; 2]);
        let count = match stage.check(&made) {
            [200, 200] => &alive,
            [401, 401] => &ended,
            other => panic!("{other:?}"),
        };
        count.set(count.get() + 1);
        let last = stage.login(1, &phone);
        assert_eq!(stage.one(0, logout_everywhere(&last)).0, 200);
        assert_eq!(stage.check(&made), [401; 2], "on no list");
    });
    println!(
        "{orders} orders: {} alive, {} ended",
        alive.get(),
        ended.get()
    );
    assert!(alive.get() > 10 && ended.get() > 10);
}

/// The login's edge is gone after some of its commands; those it had sent may still arrive, at any time or never.
#[test]
fn no_session_outlives_a_logout_everywhere_when_the_edge_of_a_login_dies() {
    let patch = json!({ "session": { "cache_ttl_s": 0, "max_per_user": 2 } });
    let found = Rc::new(Cell::new(0));
    for arrived in 0..9 {
        every_order(|choose| {
            let stage = TwoCores::start(&patch);
            let phone = stage.wechat.phone("ming");
            let old = [(); 2].map(|()| stage.login(0, &phone));
            let code = phone.login();
            let mut dying = stage.task(0, login(&code));
            for _ in 0..arrived {
                if poll(&mut dying).is_ready() {
                    break;
                }
                let sent = stage.wire.sent.borrow().len();
                match sent {
                    0 => continue,
                    1 => {}
                    sent => {
                        let place = choose(sent);
                        stage.wire.sent.borrow_mut().swap(0, place);
                    }
                }
                stage.deliver(0);
            }
            drop(dying);
            // One of the two may have made room for the new one.
            let ends = old
                .iter()
                .find(|token| stage.check(token) == [200; 2])
                .unwrap();
            let answers = stage.run(vec![stage.task(1, logout_everywhere(ends))], choose);
            assert_eq!(answers[0].0, 200);
            for token in &old {
                assert_eq!(stage.check(token), [401; 2], "{arrived}");
            }
            // The client asks again with its code, and may get the session that was made.
            if let Some(token) = token(&stage.one(1, login(&code))) {
                found.set(found.get() + 1);
                assert_eq!(stage.check(&token), [200; 2]);
                assert_eq!(stage.one(0, logout_everywhere(&token)).0, 200);
                assert_eq!(stage.check(&token), [401; 2], "{arrived}");
            }
        });
    }
    println!("found again {} times", found.get());
}

/// The same code at two edges: the platform refuses it to the second, which finds the login of the first. Also where the
/// platform does not say that it was used.
#[test]
fn a_code_that_another_edge_has_just_used_gives_its_login_on_every_platform() {
    for (platform, appid) in [
        (Platform::Wechat, APPID),
        (Platform::Qq, "1108292182"),
        (Platform::Douyin, "tt01"),
        (Platform::Kuaishou, "ks01"),
    ] {
        let stage = TwoCores::start(&json!({ "apps": [
            { "platform": platform.name(), "appid": appid, "secret": { "env": "WX_SECRET" } },
        ] }));
        let server = match platform {
            Platform::Wechat => stage.wechat.clone(),
            other => stage.wechat.beside(other, appid, SECRET),
        };
        let code = server.phone("ming").login();
        let tasks = [0, 1].map(|edge| stage.task(edge, login(&code)));
        let answers = stage.run(tasks.into(), &mut |_| 0);
        assert_eq!(
            server.code_requests(&code),
            2,
            "{platform:?}: both have asked"
        );
        let tokens = [0, 1].map(|edge| token(&answers[edge]));
        assert!(
            tokens[0].is_some() && tokens[0] == tokens[1],
            "{platform:?} {answers:?}"
        );
    }
}
