//! The call to WeChat over real TLS: who is told the secret, and what a client is told when the call goes wrong.
//! A code that WeChat may have received is never sent again.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::client::Request;
use testkit::fakes::wechat::{FakeWechat, Fault};

use super::impostor::Impostor;
use crate::rig::envoy_world::{
    APPID, EnvoyWorld, SECRET, error_of, login_request, pem_file, with_token,
};
use testkit::eventually;

/// Below the timeout of the call, with room for a busy machine.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// A login, its status, its error and how long it took.
fn login(edge: &EnvoyWorld) -> (u16, String, Duration) {
    let request = login_request(&edge.wechat.phone("a").login());
    let started = Instant::now();
    let answer = edge.send(&request);
    (answer.status, error_of(&answer), started.elapsed())
}

fn assert_unavailable_at_once(edge: &EnvoyWorld) {
    let (status, error, took) = login(edge);
    assert_eq!((status, &*error), (503, "wechat_unavailable"));
    assert!(took < AT_ONCE, "{took:?}");
}

fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

#[test]
fn wechat_is_asked_by_its_own_name_and_with_the_four_parameters() {
    let edge = EnvoyWorld::start();
    let code = edge.wechat.phone("a").login();
    assert_eq!(edge.send(&login_request(&code)).status, 200);
    let asked = edge.wechat.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].sni.as_deref(), Some("api.weixin.qq.com"));
    assert_eq!(asked[0].host.as_deref(), Some("api.weixin.qq.com"));
    assert_eq!(
        (&*asked[0].method, &*asked[0].path),
        ("GET", "/sns/jscode2session")
    );
    let query = [
        ("appid", APPID),
        ("secret", SECRET),
        ("js_code", &code),
        ("grant_type", "authorization_code"),
    ];
    assert_eq!(
        asked[0].query,
        query.map(|(n, v)| (n.to_owned(), v.to_owned()))
    );
}

#[test]
fn a_server_with_another_name_in_its_certificate_is_not_told_the_secret() {
    let impostor = Impostor::start("api.weixin.qq.com.example");
    let ca = pem_file(&impostor.ca_pem);
    let edge = EnvoyWorld::with(|config| config.wechat(impostor.addr, ca.path()));
    assert_unavailable_at_once(&edge);
    assert_eq!((impostor.connections() > 0, impostor.bytes()), (true, 0));
    assert_still_serving(&edge);
}

#[test]
fn a_server_from_an_unknown_authority_is_not_told_the_secret() {
    let stranger = FakeWechat::new(APPID, SECRET);
    let server = stranger.serve();
    let edge = EnvoyWorld::with(|config| config.endpoint("wechat", server.addr()));
    assert_unavailable_at_once(&edge);
    assert_eq!(stranger.requests(), []);
    assert_still_serving(&edge);
}

#[test]
fn a_wechat_that_is_down_is_unavailable_at_once() {
    let edge = EnvoyWorld::with(|config| config.endpoint("wechat", closed_port()));
    assert_unavailable_at_once(&edge);
    assert_still_serving(&edge);
}

#[test]
fn a_cluster_that_envoy_does_not_know_is_the_operators_fault_and_named_in_the_log() {
    let edge = EnvoyWorld::with(|config| {
        config.patch_plugin(&json!({ "wechat": { "cluster": "nowhere" } }))
    });
    let (status, error, took) = login(&edge);
    assert_eq!((status, &*error), (500, "internal_error"));
    assert!(took < AT_ONCE, "{took:?}");
    assert!(edge.envoy.log().contains("nowhere"), "{}", edge.envoy.log());
    assert_eq!(edge.send(&Request::get("/public/x")).status, 200);
    assert_eq!((edge.active_requests(), edge.reloads()), (0, 0));
}

#[test]
fn a_full_circuit_breaker_is_unavailable_at_once_and_spends_no_code() {
    let full = json!({ "circuit_breakers": { "thresholds": [
        { "max_connections": 0, "max_pending_requests": 0, "max_requests": 0 },
    ] } });
    let edge = EnvoyWorld::with(|config| config.patch_cluster("wechat", &full));
    assert_unavailable_at_once(&edge);
    assert_eq!(edge.wechat.requests(), []);
    assert_still_serving(&edge);
}

/// `assert_sound` logs in, which cannot succeed where WeChat is out of reach.
fn assert_still_serving(edge: &EnvoyWorld) {
    for _ in 0..3 {
        assert_eq!(login(edge).0, 503);
        assert_eq!(edge.send(&Request::get("/public/x")).status, 200);
    }
    assert_eq!(edge.active_requests(), 0);
    assert_eq!(edge.reloads(), 0);
}

#[test]
fn a_slow_wechat_costs_the_client_no_more_than_the_configured_time() {
    let edge =
        EnvoyWorld::with(|config| config.patch_plugin(&json!({ "wechat": { "timeout_ms": 300 } })));
    edge.wechat.script([Fault::Slow(Duration::from_secs(2))]);
    let (status, error, took) = login(&edge);
    assert_eq!((status, &*error), (504, "wechat_unavailable"));
    let expected = Duration::from_millis(290)..Duration::from_millis(1900);
    assert!(expected.contains(&took), "{took:?}");
    assert_eq!(edge.wechat.requests().len(), 1);
    edge.assert_sound();
}

#[test]
fn an_answer_that_is_none_of_wechats_is_unavailable_and_the_code_is_not_sent_again() {
    let edge = EnvoyWorld::start();
    for (fault, calls) in [
        (Fault::Refused, 0),
        (Fault::ResetMidBody, 1),
        (Fault::Html, 1),
        (Fault::BigBody, 1),
        (Fault::EmptyBody, 1),
        (Fault::Http500, 1),
        (Fault::Truncated, 1),
        (Fault::EmptyObject, 1),
    ] {
        edge.wechat.script([fault.clone()]);
        let code = edge.wechat.phone("a").login();
        let answer = edge.send(&login_request(&code));
        assert_eq!(
            (answer.status, &*error_of(&answer)),
            (503, "wechat_unavailable"),
            "{fault:?}"
        );
        assert_eq!(answer.header("retry-after"), Some(&b"2"[..]), "{fault:?}");
        assert_eq!(edge.wechat.code_requests(&code), calls, "{fault:?}");
        assert_eq!(edge.wechat.faults_left(), 0);
    }
    assert_eq!(edge.wechat.refusals(), 1);
    edge.assert_sound();
}

#[test]
fn a_busy_wechat_is_asked_up_to_three_times_with_growing_pauses() {
    let edge = EnvoyWorld::start();
    edge.wechat.script([Fault::Busy, Fault::Busy]);
    let (status, _, took) = login(&edge);
    assert_eq!((status, edge.wechat.requests().len()), (200, 3));
    // 100 ms, then 300 ms, counted in ticks of 10 ms.
    let expected = Duration::from_millis(400)..Duration::from_millis(2000);
    assert!(expected.contains(&took), "{took:?}");
    edge.assert_sound();
}

#[test]
fn a_wechat_that_stays_busy_is_asked_three_times_and_no_more() {
    let edge = EnvoyWorld::start();
    edge.wechat.script([Fault::Busy, Fault::Busy, Fault::Busy]);
    let answer = edge.send(&login_request(&edge.wechat.phone("a").login()));
    assert_eq!((answer.status, &*error_of(&answer)), (503, "wechat_busy"));
    assert_eq!(answer.json().unwrap()["action"], "retry_after");
    assert_eq!(answer.json().unwrap()["errcode"], -1);
    assert_eq!(answer.header("retry-after"), Some(&b"2"[..]));
    assert_eq!(edge.wechat.requests().len(), 3);
    edge.assert_sound();
}

#[test]
fn logins_that_wait_for_a_slow_wechat_hold_up_nobody_else() {
    let edge = EnvoyWorld::start();
    let token = edge.login("a");
    edge.wechat.script([Fault::Slow(AT_ONCE), Fault::Busy]);
    std::thread::scope(|scope| {
        let logins = ["b", "c"].map(|user| {
            let request = login_request(&edge.wechat.phone(user).login());
            scope.spawn(|| edge.send(&{ request }).status)
        });
        eventually(|| edge.active_requests() == 2);
        let started = Instant::now();
        for _ in 0..20 {
            assert_eq!(edge.send(&with_token(&token)).status, 200);
        }
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
        assert_eq!(logins.map(|login| login.join().unwrap()), [200, 200]);
    });
}
