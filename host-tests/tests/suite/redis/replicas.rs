//! A database with read replicas (Upstash regions): what was written a moment ago is not at the replica that answers
//! reads. Two edges on one such database, each the core in this process or the built module; time moves when told.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::{FakeWechat, Phone};

use crate::rig::bridge::{self, FakeBridge};
use crate::rig::{APPID, Ask, CoreRig, Got, Login, Rig, SECRET, WasmRig};

/// Longer than the hundredths of a second that a few requests take here.
const LAGS: [u64; 2] = [300, 1000];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Core,
    Wasm,
}

struct TwoEdges {
    a: Box<dyn Rig>,
    b: Box<dyn Rig>,
    bridge: FakeBridge,
    wechat: FakeWechat,
}

impl TwoEdges {
    fn start(host: Kind, lag: u64, cache_ttl_s: u64) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let bridge = FakeBridge::default();
        bridge.replicate(lag);
        let session = json!({ "cache_ttl_s": cache_ttl_s });
        let patch = json!({ "store": bridge::rest(), "session": session });
        let edge = |seed| -> Box<dyn Rig> {
            match host {
                Kind::Core => {
                    let mut edge = CoreRig::start(&wechat, &patch);
                    edge.host.bridge = bridge.clone();
                    edge.host.reseed(seed);
                    Box::new(edge)
                }
                Kind::Wasm => {
                    let shared = Default::default();
                    let mut edge = WasmRig::worker(&wechat, &patch, &shared, seed);
                    edge.bridge = bridge.clone();
                    Box::new(edge)
                }
            }
        };
        Self {
            a: edge(1),
            b: edge(2),
            bridge,
            wechat,
        }
    }

    fn advance(&mut self, millis: u64) {
        self.a.advance(Duration::from_millis(millis));
        self.b.advance(Duration::from_millis(millis));
    }
}

fn everywhere(check: impl Fn(Kind, u64)) {
    for host in [Kind::Core, Kind::Wasm] {
        for lag in LAGS {
            println!("{host:?}, {lag} ms");
            check(host, lag);
        }
    }
}

fn one(edge: &mut Box<dyn Rig>, ask: Ask) -> Got {
    edge.ask(vec![ask]).remove(0)
}

fn login(edge: &mut Box<dyn Rig>, phone: &Phone, old: Option<&str>) -> Login {
    let body = json!({ "code": phone.login(), "token": old });
    Login::from(&one(edge, Ask::post("/wx/login", &body)))
}

fn check(edge: &mut Box<dyn Rig>, token: &str) -> u16 {
    one(edge, Ask::get("/api").token(token)).status
}

fn logout(edge: &mut Box<dyn Rig>, token: &str, everywhere: bool) -> Value {
    let ask = Ask::post("/wx/logout", &json!({ "everywhere": everywhere }));
    let got = one(edge, ask.token(token));
    assert_eq!(got.status, 200);
    got.json()["data"]["ended"].clone()
}

#[test]
fn a_session_is_good_at_once_where_it_was_made_and_at_the_next_edge() {
    everywhere(|host, lag| {
        for cache in [0, 5] {
            let mut edges = TwoEdges::start(host, lag, cache);
            let phone = edges.wechat.phone("ming");
            let token = login(&mut edges.a, &phone, None).token;
            assert_eq!(check(&mut edges.a, &token), 200, "where it was made");
            assert_eq!(check(&mut edges.b, &token), 200, "at the next edge");
            let again = login(&mut edges.b, &phone, Some(&token));
            assert_eq!(again.data["event"], "returning");
            assert_eq!(check(&mut edges.a, &again.token), 200);
            edges.advance(lag + 5000);
            assert_eq!(check(&mut edges.a, &token), 401, "the old one has ended");
            assert_eq!(check(&mut edges.a, &again.token), 200);
        }
    });
}

#[test]
fn a_session_made_here_is_asked_for_nowhere() {
    let mut edges = TwoEdges::start(Kind::Wasm, 300, 5);
    let phone = edges.wechat.phone("ming");
    let token = login(&mut edges.a, &phone, None).token;
    edges.bridge.take_requests();
    assert_eq!(check(&mut edges.a, &token), 200);
    assert!(edges.bridge.take_requests().is_empty());
}

/// The primary is far away, and whoever makes up tokens must not be able to send anybody there.
#[test]
fn only_a_token_that_was_minted_a_moment_ago_is_asked_for_twice() {
    everywhere(|host, lag| {
        let mut edges = TwoEdges::start(host, lag, 0);
        let phone = edges.wechat.phone("ming");
        let token = login(&mut edges.a, &phone, None).token;
        let requests = |edges: &mut TwoEdges, token: &str| {
            edges.bridge.take_requests();
            let status = check(&mut edges.b, token);
            (status, edges.bridge.take_requests().join(" "))
        };
        let found = (200, "GET EVAL".to_owned());
        assert_eq!(requests(&mut edges, &token), found, "not there yet");
        let unknown = (401, "GET".to_owned());
        let made_up = ["A".repeat(43), format!("{}A", &token[..42])];
        for made_up in made_up.iter().filter(|made_up| **made_up != token) {
            assert_eq!(requests(&mut edges, made_up), unknown, "{made_up}");
        }
        // The clocks of the two are not quite the same.
        edges.advance(lag + 1000);
        assert_eq!(requests(&mut edges, &token), (200, "GET".to_owned()));
        logout(&mut edges.a, &token, false);
        edges.advance(30_000);
        assert_eq!(requests(&mut edges, &token), unknown, "old by now");
    });
}

#[test]
fn what_was_ended_here_has_ended_here_at_once_and_elsewhere_when_it_is_heard_of() {
    everywhere(|host, lag| {
        for everywhere in [false, true] {
            let mut edges = TwoEdges::start(host, lag, 0);
            let phone = edges.wechat.phone("ming");
            let token = login(&mut edges.a, &phone, None).token;
            edges.advance(60_000);
            assert_eq!(check(&mut edges.b, &token), 200);
            assert_eq!(logout(&mut edges.b, &token, everywhere), 1);
            assert_eq!(check(&mut edges.b, &token), 401, "where it was ended");
            edges.advance(lag + 1000);
            assert_eq!(check(&mut edges.a, &token), 401, "elsewhere");
        }
    });
}

#[test]
fn logins_of_one_user_within_the_lag_lose_nothing_and_a_logout_everywhere_ends_all() {
    everywhere(|host, lag| {
        let mut edges = TwoEdges::start(host, lag, 0);
        let phone = edges.wechat.phone("ming");
        let mut tokens = Vec::new();
        for _ in 0..3 {
            tokens.push(login(&mut edges.a, &phone, None).token);
            tokens.push(login(&mut edges.b, &phone, None).token);
        }
        for token in &tokens {
            assert_eq!(check(&mut edges.a, token), 200);
            assert_eq!(check(&mut edges.b, token), 200);
        }
        let last = login(&mut edges.a, &phone, None).token;
        assert_eq!(logout(&mut edges.b, &last, true), 7);
        edges.advance(lag + 1000);
        for token in &tokens {
            assert_eq!(check(&mut edges.a, token), 401);
            assert_eq!(check(&mut edges.b, token), 401);
        }
    });
}

#[test]
fn what_comes_right_after_a_login_finds_its_user_at_the_next_edge() {
    everywhere(|host, lag| {
        let mut edges = TwoEdges::start(host, lag, 0);
        let phone = edges.wechat.phone("ming");
        login(&mut edges.a, &phone, None);
        edges.advance(60_000);
        let token = login(&mut edges.a, &phone, None).token;
        let data = phone.user_info();
        let got = one(
            &mut edges.b,
            Ask::post("/wx/decrypt", &data.to_json()).token(&token),
        );
        assert_eq!(got.status, 200, "the key of the new login");

        let newcomer = edges.wechat.phone("hong");
        let token = login(&mut edges.a, &newcomer, None).token;
        let got = one(&mut edges.b, Ask::get("/wx/user").token(&token));
        assert_eq!(got.json()["data"]["registered"], false);
        let data = newcomer.user_info();
        let got = one(
            &mut edges.b,
            Ask::post("/wx/register", &data.to_json()).token(&token),
        );
        assert_eq!(got.json()["data"]["registered"], true);
    });
}

#[test]
fn a_code_that_comes_again_at_the_next_edge_is_the_same_login() {
    everywhere(|host, lag| {
        let mut edges = TwoEdges::start(host, lag, 0);
        let code = edges.wechat.phone("ming").login();
        let ask = || Ask::post("/wx/login", &json!({ "code": code }));
        let first = one(&mut edges.a, ask()).json();
        assert_eq!(one(&mut edges.b, ask()).json(), first);
        assert_eq!(one(&mut edges.a, ask()).json(), first);
    });
}
