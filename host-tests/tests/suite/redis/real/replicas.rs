//! A database with a read replica, over real servers: a real Envoy, and the component for Spin.

use std::thread;
use std::time::Duration;

use serde_json::json;
use spin_host::{Manifest, Upstream};
use testkit::fakes::wechat::FakeWechat;

use crate::rig::backend::{Backend, Bridge};
use crate::rig::{APPID, Ask, Login, Rig, SECRET, SpinRig, Way, bridge};

const LAG: Duration = Duration::from_secs(1);

fn login(edge: &mut dyn Rig, wechat: &FakeWechat) -> String {
    let code = wechat.phone("ming").login();
    let ask = Ask::post("/wx/login", &json!({ "code": code }));
    Login::from(&edge.ask(vec![ask])[0]).token
}

fn check(edge: &mut dyn Rig, token: &str) -> u16 {
    edge.ask(vec![Ask::get("/api").token(token)])[0].status
}

#[test]
fn envoy_and_spin_before_one_lagging_replica_honour_each_others_logins_at_once() {
    let backend = Backend::replicated(LAG);
    let wechat = FakeWechat::new(APPID, SECRET);
    let no_cache = json!({ "cache_ttl_s": 0 });
    let mut envoy = backend.edge(&wechat, &json!({ "session": no_cache }));
    let Bridge::Rest(rest) = &backend.bridge else {
        panic!("not the REST dialect");
    };
    let mut store = bridge::rest();
    store["url"] = json!("http://sessions");
    let patch = json!({ "session": no_cache, "store": store });
    let mut spin = SpinRig::start_with(Way::Service, &wechat, &patch, |manifest: &mut Manifest| {
        let at = Upstream::plain(rest.addr());
        manifest.outbound.insert("sessions".into(), at);
    });
    let mut tokens = Vec::new();
    for _ in 0..2 {
        tokens.push(login(&mut envoy, &wechat));
        tokens.push(login(&mut spin, &wechat));
        for token in &tokens {
            assert_eq!(check(&mut envoy, token), 200);
            assert_eq!(check(&mut spin, token), 200);
        }
    }
    let out = Ask::post("/wx/logout", &json!({ "everywhere": true })).token(&tokens[0]);
    let got = spin.ask(vec![out]).remove(0);
    assert_eq!(got.json()["data"]["ended"], 4);
    for token in &tokens {
        assert_eq!(check(&mut spin, token), 401, "where it happened");
    }
    thread::sleep(LAG + Duration::from_millis(300));
    for token in &tokens {
        assert_eq!(check(&mut envoy, token), 401);
    }
}
