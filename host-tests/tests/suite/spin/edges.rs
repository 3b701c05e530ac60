//! A Redis that Envoy and Spin share: a session minted at one edge is honoured at the other, and ends at both.

use serde_json::{Value, json};
use spin_host::{Manifest, Upstream};
use testkit::fakes::wechat::FakeWechat;

use crate::rig::backend::{Backend, Bridge};
use crate::rig::{ADMIN_TOKEN, APPID, Ask, EnvoyRig, Login, Rig, SECRET, SpinRig, Way, bridge};
use testkit::eventually;

/// Every request asks the store.
fn patch(store: Option<Value>) -> Value {
    let mut patch = json!({
        "session": { "cache_ttl_s": 0 },
        "responses": { "session_end": true },
        "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
    });
    if let Some(store) = store {
        patch["store"] = store;
    }
    patch
}

/// Through Spin's own client.
fn native(backend: &Backend, wechat: &FakeWechat, way: Way) -> SpinRig {
    let store = json!({ "kind": "spin_redis", "address": "redis://sessions:6379" });
    let redis = Upstream::plain(backend.redis.addr());
    without_key_value(wechat, way, store, ("sessions:6379", redis))
}

/// Through the bridge that Envoy uses too.
fn bridged(backend: &Backend, wechat: &FakeWechat, way: Way) -> SpinRig {
    let (mut store, bridge) = match &backend.bridge {
        Bridge::Webdis(webdis) => (bridge::webdis(), webdis.addr()),
        Bridge::Rest(rest) => (bridge::rest(), rest.addr()),
    };
    store["url"] = json!("http://sessions");
    without_key_value(wechat, way, store, ("sessions", Upstream::plain(bridge)))
}

fn without_key_value(
    wechat: &FakeWechat,
    way: Way,
    store: Value,
    (host, place): (&str, Upstream),
) -> SpinRig {
    let change = |manifest: &mut Manifest| {
        manifest.key_value_stores.clear();
        manifest.outbound.insert(host.to_owned(), place);
    };
    SpinRig::start_with(way, wechat, &patch(Some(store)), change)
}

fn login(edge: &mut dyn Rig, code: &str) -> Login {
    let ask = Ask::post("/wx/login", &json!({ "code": code }));
    Login::from(&edge.ask(vec![ask])[0])
}

/// The openid that the app behind this edge is told.
fn owner(edge: &mut dyn Rig, token: &str) -> Option<String> {
    let got = edge.ask(vec![Ask::get("/api").token(token)]).remove(0);
    let Some(seen) = got.seen else {
        assert_eq!(got.status, 401, "{}\n{}", got.json(), edge.log());
        return None;
    };
    seen.header("x-wx-openid")
}

#[track_caller]
fn assert_one<'a>(wechat: &FakeWechat, minted: &mut (dyn Rig + 'a), used: &mut (dyn Rig + 'a)) {
    let phone = wechat.phone("alice");
    let token = login(minted, &phone.login()).token;
    for edge in [&mut *used, &mut *minted] {
        assert_eq!(owner(edge, &token), Some(phone.openid()));
    }
    // What one edge has of the session's keys, the other has too.
    let data = phone.user_info();
    let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
    let decrypt = Ask::post("/wx/decrypt", &body).token(&token);
    let got = used.ask(vec![decrypt]).remove(0);
    assert_eq!(got.json()["data"]["openId"], json!(phone.openid()));
    let logout = Ask::post("/wx/logout", &json!({})).token(&token);
    assert_eq!(used.ask(vec![logout])[0].status, 200);
    for edge in [&mut *used, &mut *minted] {
        assert_eq!(owner(edge, &token), None);
    }
}

#[test]
fn envoy_and_spin_on_one_redis_are_one_edge() {
    for (_, backend) in Backend::both() {
        let wechat = FakeWechat::new(APPID, SECRET);
        let mut envoy: EnvoyRig = backend.edge(&wechat, &patch(None));
        let mut spin = native(&backend, &wechat, Way::Service);
        assert_one(&wechat, &mut envoy, &mut spin);
        assert_one(&wechat, &mut spin, &mut envoy);
        let mut middleware = native(&backend, &wechat, Way::Middleware);
        assert_one(&wechat, &mut envoy, &mut middleware);
        assert_one(&wechat, &mut middleware, &mut envoy);
    }
}

/// What the app or an operator says at one edge holds at the other.
#[test]
fn what_is_said_on_spin_holds_on_envoy_and_the_other_way_round() {
    let backend = Backend::webdis();
    let wechat = FakeWechat::new(APPID, SECRET);
    let mut envoy: EnvoyRig = backend.edge(&wechat, &patch(None));
    let phone = wechat.phone("alice");
    for way in Way::BOTH {
        let mut spin = native(&backend, &wechat, way);
        let mut edges: [&mut dyn Rig; 2] = [&mut envoy, &mut spin];
        for _ in 0..2 {
            edges.reverse();
            let [here, there] = &mut edges;
            let token = login(&mut **there, &phone.login()).token;
            let end = Ask::get("/api/answer/200?x-wx-session-end=this").token(&token);
            assert_eq!(here.ask(vec![end])[0].status, 200, "{way:?}");
            assert_eq!(owner(&mut **here, &token), None, "{way:?}");
            eventually(|| owner(&mut **there, &token).is_none());
            let token = login(&mut **there, &phone.login()).token;
            let all = Ask::post("/wx-admin/end-all", &json!({ "openid": phone.openid() }));
            let all = all.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
            let got = here.ask(vec![all]).remove(0);
            assert_eq!(got.json()["data"], json!({ "ended": 1 }), "{way:?}");
            for edge in &mut edges {
                assert_eq!(owner(&mut **edge, &token), None, "{way:?}");
            }
        }
    }
}

#[test]
fn sessions_of_an_app_that_only_the_other_edge_knows_are_unknown() {
    const OTHER: &str = "wx00000000000000ff";
    let backend = Backend::webdis();
    let wechat = FakeWechat::new(APPID, SECRET);
    wechat.add_app(OTHER, SECRET);
    let app = |id| json!({ "appid": id, "secret": { "env": "WX_SECRET" } });
    let mut both = patch(None);
    both["apps"] = json!([app(APPID), app(OTHER)]);
    let mut envoy: EnvoyRig = backend.edge(&wechat, &both);
    let phone = wechat.phone_in(OTHER, "alice");
    let code = json!({ "code": phone.login(), "appid": OTHER });
    let token = Login::from(&envoy.ask(vec![Ask::post("/wx/login", &code)])[0]).token;
    assert_eq!(owner(&mut envoy, &token), Some(phone.openid()));
    for way in Way::BOTH {
        let mut spin = native(&backend, &wechat, way);
        assert_eq!(owner(&mut spin, &token), None, "{way:?}");
        let data = phone.user_info().to_json();
        let got = spin.ask(vec![Ask::post("/wx/decrypt", &data).token(&token)]);
        assert_eq!(got[0].json()["error"], "invalid_token", "{way:?}");
    }
}

#[test]
fn spins_client_and_the_bridges_write_the_same() {
    for (_, backend) in Backend::both() {
        let wechat = FakeWechat::new(APPID, SECRET);
        let mut by_bridge = bridged(&backend, &wechat, Way::Service);
        let mut by_client = native(&backend, &wechat, Way::Middleware);
        assert_one(&wechat, &mut by_bridge, &mut by_client);
        assert_one(&wechat, &mut by_client, &mut by_bridge);
    }
}

#[test]
fn without_redis_nothing_passes_and_with_it_again_everything_does() {
    let backend = Backend::webdis();
    let wechat = FakeWechat::new(APPID, SECRET);
    let edges: [fn(&Backend, &FakeWechat, Way) -> SpinRig; 2] = [native, bridged];
    for start in edges {
        let mut edge = start(&backend, &wechat, Way::Service);
        let phone = wechat.phone("alice");
        let token = login(&mut edge, &phone.login()).token;
        backend.redis.stop_process().unwrap();
        let got = edge.ask(vec![Ask::get("/api").token(&token)]).remove(0);
        assert!(got.seen.is_none());
        let error = got.json()["error"].clone();
        assert_eq!((got.status, error), (503, json!("store_unavailable")));
        assert!(edge.log().contains("store_failed"), "{}", edge.log());
        backend.redis.continue_process().unwrap();
        // webdis may first give its late answer to whoever comes next, which is an outage once more.
        let ask = Ask::get("/api").token(&token);
        eventually(|| edge.ask(vec![ask.clone()])[0].status == 200);
        assert_eq!(owner(&mut edge, &token), Some(phone.openid()));
    }
}
