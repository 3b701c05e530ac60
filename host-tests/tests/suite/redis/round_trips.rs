//! How often a request goes to Redis: a session check once, a login twice after WeChat has answered, a renewal behind
//! the request's back.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::FakeWechat;

use crate::rig::{APPID, Ask, Login, Rig, SECRET, WasmRig, bridge};
use proxy_wasm_host::{Outcome, StreamId};

struct WasmOnRedis {
    rig: WasmRig,
    wechat: FakeWechat,
}

impl WasmOnRedis {
    fn start(store: Value) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let patch = json!({ "store": store, "session": { "cache_ttl_s": 0 } });
        let rig = WasmRig::start(&wechat, &patch);
        Self { rig, wechat }
    }

    fn login(&mut self, old: Option<&str>) -> Ask {
        let code = self.wechat.phone("ming").login();
        Ask::post("/wx/login", &json!({ "code": code, "token": old }))
    }

    /// The clusters that are called together, step by step, until the request has a verdict.
    fn steps(&mut self, ask: &Ask) -> (Vec<Vec<String>>, StreamId) {
        let stream = self.rig.send(ask);
        let mut steps = Vec::new();
        while matches!(self.rig.vm.outcome(stream), Outcome::Paused) {
            let calls = self.rig.vm.pending_calls();
            if calls.is_empty() {
                self.rig.advance(Duration::from_millis(1));
            } else {
                steps.push(calls.into_iter().map(|call| call.cluster).collect());
                self.rig.serve_calls();
            }
            assert!(steps.len() < 20, "{steps:?}");
        }
        (steps, stream)
    }
}

const STORE: &str = "sessions";
const WECHAT: &str = "wechat";

#[test]
fn a_session_check_is_one_round_trip() {
    for store in [bridge::rest(), bridge::webdis()] {
        let mut edge = WasmOnRedis::start(store);
        let ask = edge.login(None);
        let token = Login::from(&edge.rig.ask(vec![ask])[0]).token;
        edge.rig.advance(Duration::from_secs(60));
        edge.rig.bridge.take_requests();
        let (steps, _) = edge.steps(&Ask::get("/api").token(&token));
        assert_eq!(steps, [[STORE]]);
        assert_eq!(edge.rig.bridge.take_requests(), ["GET"]);
    }
}

#[test]
fn a_login_is_two_round_trips_after_wechat_has_answered_and_one_to_end_the_old_session() {
    // What is done while the user is read, what changes the user, and what must not be done before. The pipeline is one
    // request; webdis takes one for each command, sent together. Before a database that may have replicas, the user is read by
    // a script.
    let webdis = [vec!["SET", "GET"], vec!["EVAL", "SET"], vec!["DEL"]];
    for (store, steps_after, said) in [
        (
            bridge::rest(),
            [1, 1, 1],
            vec!["SET EVAL", "EVAL SET", "DEL"],
        ),
        (bridge::webdis(), [2, 2, 1], webdis.concat()),
    ] {
        let mut edge = WasmOnRedis::start(store);
        let first = edge.login(None);
        let old = Login::from(&edge.rig.ask(vec![first])[0]).token;
        edge.rig.advance(Duration::from_secs(60));
        edge.rig.bridge.take_requests();
        let again = edge.login(Some(&old));
        let (steps, stream) = edge.steps(&again);
        let requests = edge.rig.bridge.take_requests();
        assert_eq!(
            Login::from(&edge.rig.got(stream)).data["event"],
            "returning"
        );
        // The code's memory and the old session, then WeChat, then the user, then every write, then the end.
        let together = steps_after.map(|count| vec![STORE; count]);
        let expected = [vec![STORE, STORE], vec![WECHAT]]
            .into_iter()
            .chain(together);
        assert_eq!(steps, expected.collect::<Vec<_>>());
        assert_eq!(requests[..2], ["GET"; 2]);
        assert_eq!(requests[2..], said);
    }
}

#[test]
fn a_renewal_does_not_delay_its_request() {
    for store in [bridge::rest(), bridge::webdis()] {
        let mut edge = WasmOnRedis::start(store);
        let ask = edge.login(None);
        let token = Login::from(&edge.rig.ask(vec![ask])[0]).token;
        edge.rig.advance(Duration::from_secs(3600));
        let (steps, stream) = edge.steps(&Ask::get("/api").token(&token));
        assert_eq!(steps, [[STORE]]);
        assert!(matches!(edge.rig.vm.outcome(stream), Outcome::Forwarded(_)));
        // It is on its way, and takes effect though the request is over.
        assert_eq!(edge.rig.vm.pending_calls().len(), 1);
        edge.rig.got(stream);
        edge.rig.bridge.take_requests();
        edge.rig.serve_calls();
        assert_eq!(edge.rig.bridge.take_requests(), ["EVAL"]);
        edge.rig.advance(Duration::from_secs(6000));
        let later = edge.rig.ask(vec![Ask::get("/api").token(&token)]);
        assert_eq!(later[0].status, 200);
    }
}
