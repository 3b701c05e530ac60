//! TwoEdges that do the same thing at the same instant: nothing is lost, nothing is done twice, nobody is refused.
//! Each race is shown to have been one: somebody came second.

mod store;

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::{Value as Json, json};
use testkit::fakes::wechat::{FakeWechat, Fault, KeyAge, OpenData, Phone};
use testkit::redis::{BridgeFault, Server, Value};

use super::ask;
use crate::rig::backend::{Backend, names};
use crate::rig::{APPID, Ask, EnvoyRig, Got, Login, Rig, SECRET};
use testkit::eventually;

/// How late Redis answers while edges race. What it was asked has taken effect: both edges read before either writes.
const LATE: Duration = Duration::from_millis(8);

/// Two edges on one Redis.
struct TwoEdges {
    a: EnvoyRig,
    b: EnvoyRig,
    wechat: FakeWechat,
    backend: Backend,
}

impl TwoEdges {
    fn start(backend: Backend, patch: &Json) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let edge = |()| {
            let mut edge = backend.edge_through_proxy(&wechat, patch);
            // So that it need not connect to anybody when it races.
            let got = ask(&mut edge, login(&wechat.phone("nobody").login()));
            assert_eq!(got.status, 200);
            edge
        };
        let [a, b] = [(); 2].map(edge);
        Self {
            a,
            b,
            wechat,
            backend,
        }
    }

    /// At A.
    fn login(&mut self, phone: &Phone) -> String {
        Login::from(&ask(&mut self.a, login(&phone.login()))).token
    }

    /// One request at each edge, at the same instant, while Redis answers late.
    fn race(&mut self, asks: [Ask; 2]) -> [Got; 2] {
        self.backend.proxy.set(BridgeFault::Delay(LATE));
        let start = &Barrier::new(2);
        let [to_a, to_b] = asks;
        let (a, b) = (&mut self.a, &mut self.b);
        let answers = thread::scope(|scope| {
            let racers = [(a, to_a), (b, to_b)].map(|(edge, to)| {
                scope.spawn(move || {
                    start.wait();
                    ask(edge, to)
                })
            });
            racers.map(|racer| racer.join().unwrap())
        });
        self.backend.proxy.set(BridgeFault::Pass);
        answers
    }

    /// The status at each edge, and the user that the app saw there.
    fn check(&mut self, token: &str) -> [(u16, Option<String>); 2] {
        [&mut self.a, &mut self.b].map(|edge| check(edge, token))
    }

    #[track_caller]
    fn assert_passes(&mut self, token: &str, phone: &Phone) {
        let passes = (200, Some(phone.openid()));
        assert_eq!(self.check(token), [passes.clone(), passes]);
    }

    #[track_caller]
    fn assert_ended(&mut self, token: &str) {
        assert_eq!(self.check(token), [(401, None), (401, None)]);
    }
}

fn check(edge: &mut EnvoyRig, token: &str) -> (u16, Option<String>) {
    let got = ask(edge, Ask::get("/api").token(token));
    (
        got.status,
        got.seen.and_then(|seen| seen.header("x-wx-openid")),
    )
}

fn login(code: &str) -> Ask {
    Ask::post("/wx/login", &json!({ "code": code }))
}

fn decrypt(token: &str, data: &OpenData) -> Ask {
    Ask::post("/wx/decrypt", &data.to_json()).token(token)
}

fn logout_everywhere(token: &str) -> Ask {
    Ask::post("/wx/logout", &json!({ "everywhere": true })).token(token)
}

/// How many compare-and-swaps of a value have been asked of Redis, as they look at each bridge.
fn swaps(backend: &Backend) -> u64 {
    let is_swap = |body: &String| {
        ["local v=", "local%20v%3D"]
            .iter()
            .any(|text| body.contains(text))
    };
    backend
        .proxy
        .bodies()
        .iter()
        .filter(|body| is_swap(body))
        .count() as u64
}

#[test]
fn two_logins_of_one_user_at_once_lose_neither_a_session_nor_a_key() {
    const USERS: [&str; 5] = ["ada", "bo", "chen", "dan", "eva"];
    /// With the first login, as many sessions as a user may have.
    const ROUNDS: usize = 7;
    for (kind, backend) in Backend::both() {
        let patch = json!({ "session": { "cache_ttl_s": 0, "max_per_user": 1 + 2 * ROUNDS } });
        let mut edges = TwoEdges::start(backend, &patch);
        let mut lost_swaps = 0;
        for user in USERS {
            let phone = edges.wechat.phone(user);
            // It makes the user: from now on a login is one compare-and-swap, or more.
            let mut tokens = vec![edges.login(&phone)];
            let swaps_before = swaps(&edges.backend);
            for _ in 0..ROUNDS {
                let codes = [(); 2].map(|()| phone.login());
                let answers = edges.race(codes.map(|code| login(&code)));
                let pair = answers.map(|got| Login::from(&got).token);
                for token in &pair {
                    edges.assert_passes(token, &phone);
                }
                let [current, previous] = [KeyAge::Current, KeyAge::Previous]
                    .map(|age| phone.user_info_under(age))
                    .map(|data| ask(&mut edges.a, decrypt(&pair[0], &data)));
                assert_eq!([current.status, previous.status], [200; 2], "{kind}");
                let mut keys = [&current, &previous].map(|got| got.json()["key"].to_string());
                keys.sort();
                assert_eq!(keys, ["\"current\"", "\"previous\""], "{kind}");
                tokens.extend(pair);
            }
            lost_swaps += swaps(&edges.backend) - swaps_before - 2 * ROUNDS as u64;
            let got = ask(&mut edges.b, logout_everywhere(&tokens[0]));
            assert_eq!(got.json()["data"]["ended"], tokens.len(), "{kind}");
            for token in &tokens {
                edges.assert_ended(token);
            }
        }
        assert!(lost_swaps > 0, "{kind}: they never met");
    }
}

#[test]
fn one_code_at_two_edges_at_once_is_one_login() {
    let mut edges = TwoEdges::start(Backend::rest(), &json!({}));
    let mut asked_by_both = 0;
    for round in 0..10 {
        let phone = edges.wechat.phone(&format!("user {round}"));
        if round % 2 == 0 {
            // Spent at once, told late: the other is refused long before there is anything to repeat.
            let late = Duration::from_millis(50);
            edges.wechat.script([Fault::Slow(late)]);
        }
        let code = phone.login();
        let [a, b] = edges.race([login(&code), login(&code)]);
        assert_eq!(a.json(), b.json());
        let token = Login::from(&a).token;
        edges.assert_passes(&token, &phone);
        assert_eq!(phone.session_keys().len(), 1);
        asked_by_both += usize::from(edges.wechat.code_requests(&code) == 2);
    }
    assert!(asked_by_both > 0, "they never met");
}

#[test]
fn one_piece_of_open_data_at_two_edges_at_once_is_taken_once() {
    let patch = json!({ "open_data": { "refuse_replay": true } });
    let mut edges = TwoEdges::start(Backend::webdis(), &patch);
    let phone = edges.wechat.phone("ming");
    let token = edges.login(&phone);
    for _ in 0..10 {
        let data = phone.user_info();
        let answers = edges.race([(); 2].map(|()| decrypt(&token, &data)));
        let mut statuses = answers.map(|got| got.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
}

#[test]
fn a_login_beyond_the_most_a_user_may_have_ends_the_oldest_at_every_edge() {
    let patch = json!({ "session": { "cache_ttl_s": 1, "max_per_user": 1 } });
    let mut edges = TwoEdges::start(Backend::webdis(), &patch);
    let phone = edges.wechat.phone("ming");
    let first = edges.login(&phone);
    edges.assert_passes(&first, &phone);

    let second = Login::from(&ask(&mut edges.b, login(&phone.login()))).token;
    assert_eq!(
        check(&mut edges.b, &first),
        (401, None),
        "where it happened"
    );
    edges.a.advance(Duration::from_secs(1));
    edges.assert_ended(&first);
    edges.assert_passes(&second, &phone);

    for _ in 0..10 {
        let codes = [(); 2].map(|()| phone.login());
        let answers = edges.race(codes.map(|code| login(&code)));
        // Each edge knows what it has made itself, for as long as its cache does.
        edges.a.advance(Duration::from_secs(1));
        let checked = answers.map(|got| edges.check(&Login::from(&got).token));
        let passes = (200, Some(phone.openid()));
        let mut expected = [[(401, None), (401, None)], [passes.clone(), passes]];
        if checked[0] == expected[1] {
            expected.reverse();
        }
        assert_eq!(checked, expected, "of two at once one lives");
    }
}

#[test]
fn logout_everywhere_at_one_edge_ends_all_sessions_at_every_edge() {
    let patch = json!({ "session": { "cache_ttl_s": 1 } });
    let mut edges = TwoEdges::start(Backend::rest(), &patch);
    let (phone, other) = (edges.wechat.phone("ming"), edges.wechat.phone("hong"));
    let mut tokens: Vec<String> = (0..3).map(|_| edges.login(&phone)).collect();
    tokens.push(Login::from(&ask(&mut edges.b, login(&phone.login()))).token);
    let others = edges.login(&other);
    for token in &tokens {
        edges.assert_passes(token, &phone);
    }

    let got = ask(&mut edges.b, logout_everywhere(&tokens[1]));
    assert_eq!(got.json()["data"]["ended"], 4);
    for token in &tokens {
        assert_eq!(check(&mut edges.b, token), (401, None), "where it happened");
    }
    edges.a.advance(Duration::from_secs(1));
    for token in &tokens {
        edges.assert_ended(token);
    }
    edges.assert_passes(&others, &other);
}

#[test]
fn renewals_at_the_instant_of_another_or_of_a_logout_refuse_nobody_and_bring_nobody_back() {
    let patch = json!({ "session": { "cache_ttl_s": 0, "idle_timeout_s": 9 } });
    let mut edges = TwoEdges::start(Backend::rest(), &patch);
    let [stays, leaves] = ["ming", "hong"].map(|user| edges.wechat.phone(user));
    let renewed: Vec<String> = (0..8).map(|_| edges.login(&stays)).collect();
    let ends_before = session_ends(&edges.backend.redis);
    let ended: Vec<String> = (0..8).map(|_| edges.login(&leaves)).collect();
    let swaps_before = swaps(&edges.backend);
    // A third of the idle time: the next use renews.
    edges.a.advance(Duration::from_secs(3));

    for token in &renewed {
        let answers = edges.race([(); 2].map(|()| Ask::get("/api").token(token)));
        assert_eq!(answers.map(|got| got.status), [200; 2]);
    }
    // More than one for each session: then two began with the same, and one came second.
    eventually(|| swaps(&edges.backend) - swaps_before > renewed.len() as u64);
    eventually(|| {
        let now = session_ends(&edges.backend.redis);
        let later = |(name, end)| ends_before.get(name).is_some_and(|before| end > before);
        now.iter().filter(|entry| later(*entry)).count() == renewed.len()
    });

    for token in &ended {
        let logout = Ask::post("/wx/logout", &json!({})).token(token);
        let [_, logout] = edges.race([Ask::get("/api").token(token), logout]);
        assert_eq!(logout.status, 200);
    }
    for token in &ended {
        edges.assert_ended(token);
    }
    for token in &renewed {
        edges.assert_passes(token, &stays);
    }
}

/// When Redis lets go of each session, in Unix milliseconds.
fn session_ends(redis: &Server) -> BTreeMap<String, i64> {
    let sessions = names(redis).into_iter();
    let sessions = sessions.filter(|name| name.starts_with("wx:s:"));
    let end = |name: String| match redis.command(&["PEXPIRETIME", &name]) {
        Ok(Value::Int(end)) => (name, end),
        other => panic!("{name}: {other:?}"),
    };
    sessions.map(end).collect()
}

#[test]
fn thirty_logins_of_one_user_at_once_are_all_answered_and_no_more_live_than_may() {
    for (kind, backend) in Backend::both() {
        let mut edges = TwoEdges::start(backend, &json!({ "session": { "cache_ttl_s": 0 } }));
        let phone = edges.wechat.phone("ming");
        let logins = || (0..15).map(|_| login(&phone.login())).collect::<Vec<_>>();
        let (to_a, to_b) = (logins(), logins());
        let (a, b) = (&mut edges.a, &mut edges.b);
        let answers = thread::scope(|scope| {
            let racers = [(a, to_a), (b, to_b)].map(|(edge, asks)| scope.spawn(|| edge.ask(asks)));
            racers.map(|racer| racer.join().unwrap())
        });
        let answers = answers.concat();
        let tokens = answers.iter().map(|got| Login::from(got).token);
        let tokens: Vec<String> = tokens.collect();
        let living = |edges: &mut TwoEdges| {
            let lives = |token: &&String| check(&mut edges.a, token).0 == 200;
            tokens.iter().filter(lives).cloned().collect::<Vec<_>>()
        };
        let live = living(&mut edges);
        assert!((1..=10).contains(&live.len()), "{kind}: {}", live.len());
        let got = ask(&mut edges.b, logout_everywhere(&live[0]));
        assert_eq!(got.status, 200, "{kind}");
        assert_eq!(living(&mut edges), Vec::<String>::new(), "{kind}");
    }
}
