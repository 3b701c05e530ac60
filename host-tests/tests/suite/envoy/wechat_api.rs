//! WeChat's API for the backend beside what serves clients, in one Envoy: the shipped `envoy.yaml` with both listeners.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use testkit::client::{self, Connection, Request, Response};
use testkit::eventually;
use testkit::fakes::app::{Comes, FakeApp, Scripted};
use testkit::fakes::wechat::Fault;

use crate::rig::APPID;
use crate::rig::envoy_world::{EnvoyWorld, PATIENCE, error_of};

const PICTURE: &str = "/wxa/getwxacodeunlimit";
const TOKEN: &str = "/cgi-bin/stable_token";

fn backends(edge: &EnvoyWorld) -> SocketAddr {
    edge.envoy.envoy().wait_for_listener("wechat-api").unwrap()
}

fn picture() -> Request {
    Request::post(PICTURE).json(&json!({ "scene": "a=1" }))
}

fn ask(addr: SocketAddr, request: &Request) -> Response {
    client::send(addr, request, PATIENCE).unwrap()
}

#[test]
fn one_token_serves_both_listeners_and_clients_have_no_way_to_the_api() {
    let edge = EnvoyWorld::alone(|config| config);
    let session = edge.login("alice");
    let code = edge.wechat.phone("alice").phone_code();
    let phone = Request::post("/wx/phone").header("x-wx-skey", &session);
    let answer = edge.send(&phone.json(&json!({ "code": code })));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = ask(backends(&edge), &picture());
    assert_eq!((answer.status, &answer.body[..2]), (200, &b"\xff\xd8"[..]));
    assert_eq!(edge.wechat.requests_for(TOKEN), 1);
    // The same request to the other listener is one for the app, like any other.
    let (calls, seen) = (edge.wechat.requests_for(PICTURE), edge.app.take().len());
    assert_eq!((calls, seen), (1, 0));
    assert_eq!(error_of(&edge.send(&picture())), "no_session");
    assert_eq!(
        edge.send(&picture().header("x-wx-skey", &session)).status,
        200
    );
    assert_eq!(edge.app.take().len(), 1);
    assert_eq!(edge.wechat.requests_for(PICTURE), calls);
    // Nor is what clients ask for answered on the backend's.
    for path in ["/wx/login", "/wx/session", "/api/orders"] {
        let request = Request::get(path).header("x-wx-skey", &session);
        assert_eq!(error_of(&ask(backends(&edge), &request)), "api_refused");
    }
    edge.assert_sound();
}

/// As nginx speaks by default, and as some clients of Java's offer TLS with every request.
#[test]
fn a_backend_may_speak_http_1_0_or_offer_tls() {
    let edge = EnvoyWorld::alone(|config| config);
    let offer = picture()
        .header("connection", "Upgrade")
        .header("upgrade", "TLS/1.2");
    assert_eq!(&ask(backends(&edge), &offer).body[..2], b"\xff\xd8");
    let mut old = Connection::open(backends(&edge), PATIENCE).unwrap();
    let head = format!(
        "POST {PICTURE} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
    );
    old.write(head.as_bytes()).unwrap();
    old.write(br#"{"scene":"a=1"}"#).unwrap();
    assert_eq!(old.read_response("POST").unwrap().status, 200);
    edge.assert_sound();
}

/// Nobody calls after it: the next token is asked for all the same, for other edges.
#[test]
fn a_dead_token_is_replaced_behind_a_call_that_is_too_large_to_be_sent_once_more() {
    let edge = EnvoyWorld::alone(|config| config);
    let large = json!({ "scene": "a=1", "page": "x".repeat(100_000) });
    let upload = || ask(backends(&edge), &Request::post(PICTURE).json(&large));
    assert_eq!(&upload().body[..2], b"\xff\xd8");
    edge.wechat.kill_tokens(APPID);
    assert_eq!(upload().json().unwrap()["errcode"], 40001);
    eventually(|| edge.wechat.requests_for(TOKEN) == 2);
    assert_eq!(&upload().body[..2], b"\xff\xd8");
    assert_eq!(edge.wechat.requests_for(TOKEN), 2);
    edge.assert_sound();
}

#[test]
fn wechat_is_told_nothing_of_who_calls() {
    let wechat = FakeApp::start();
    wechat.answer_with(|seen| {
        let body = r#"{"access_token":"a-token","expires_in":7200}"#;
        seen.path.starts_with(TOKEN).then(|| Scripted {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
            comes: Comes::default(),
        })
    });
    let at = wechat.addr();
    let edge = EnvoyWorld::alone(|config| {
        config
            .endpoint("wechat", at)
            .patch_cluster("wechat", &json!({ "transport_socket": null }))
    });
    let mut request = picture();
    for (name, value) in [
        ("cookie", "a=b"),
        ("authorization", "Bearer x"),
        ("x-wx-openid", "o"),
        ("x-forwarded-for", "10.0.0.1"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("accept-encoding", "gzip"),
        ("accept", "*/*"),
        ("user-agent", "backend/1"),
    ] {
        request = request.header(name, value);
    }
    assert_eq!(ask(backends(&edge), &request).status, 200);
    let seen = wechat.take().pop().unwrap();
    assert_eq!(seen.path, format!("{PICTURE}?access_token=a-token"));
    let names: BTreeSet<String> = seen.headers.iter().map(|(n, _)| n.to_lowercase()).collect();
    let expected = [
        "accept",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ];
    assert_eq!(names, expected.map(String::from).into());
    assert_eq!(seen.header("host"), Some(&b"api.weixin.qq.com"[..]));
}

#[test]
fn a_backend_that_leaves_while_its_call_is_sent_once_more_harms_nobody() {
    let edge = EnvoyWorld::alone(|config| config);
    let addr = backends(&edge);
    assert_eq!(ask(addr, &picture()).status, 200);
    for slow in [
        // The new token, and the call with it.
        vec![Fault::Slow(Duration::from_millis(400))],
        vec![Fault::Ok, Fault::Slow(Duration::from_millis(400))],
    ] {
        let before = edge.wechat.requests().len();
        edge.wechat
            .script([Fault::Errcode(40001)].into_iter().chain(slow));
        let mut connection = Connection::open(addr, PATIENCE).unwrap();
        connection.send(&picture()).unwrap();
        eventually(|| edge.wechat.requests().len() > before + 1);
        drop(connection);
        sleep(Duration::from_millis(600));
        edge.wechat.calm();
        assert_eq!(ask(addr, &picture()).status, 200);
    }
    edge.assert_sound();
}

/// Envoy has a text of its own for a call-out that nobody answers.
#[test]
fn a_second_call_that_nobody_answers_is_told_in_the_edges_words() {
    let edge = EnvoyWorld::alone(|config| config);
    let addr = backends(&edge);
    assert_eq!(ask(addr, &picture()).status, 200);
    for fault in [Fault::Refused, Fault::Slow(Duration::from_secs(5))] {
        edge.wechat
            .script([Fault::Errcode(40001), Fault::Ok, fault.clone()]);
        let answer = ask(addr, &picture());
        assert_eq!(error_of(&answer), "wechat_unavailable", "{fault:?}");
        assert_eq!(answer.status, 503, "{fault:?}");
        edge.wechat.calm();
        assert_eq!(ask(addr, &picture()).status, 200);
    }
    let log = edge.envoy.log();
    assert_eq!(log.matches("wechat_failed").count(), 2, "{log}");
    edge.assert_sound();
}

/// A body goes through as it comes: Envoy holds no more of it than its buffers have room for.
#[test]
fn large_uploads_take_no_memory() {
    const BYTES: usize = 20 << 20;
    let edge = EnvoyWorld::alone(|config| config);
    let addr = backends(&edge);
    assert_eq!(ask(addr, &picture()).status, 200);
    let before = edge.envoy.envoy().memory().unwrap();
    let upload = Request::post("/cgi-bin/message/custom/send").body(vec![b'x'; BYTES]);
    let most = std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..4).map(|_| scope.spawn(|| ask(addr, &upload))).collect();
        let mut most = before;
        while uploads.iter().any(|upload| !upload.is_finished()) {
            most = most.max(edge.envoy.envoy().memory().unwrap());
            sleep(Duration::from_millis(20));
        }
        for upload in uploads {
            // It has come whole, and is no JSON.
            assert_eq!(upload.join().unwrap().json().unwrap()["errcode"], 47001);
        }
        most
    });
    let seen = edge.wechat.requests();
    let whole = seen.iter().filter(|seen| seen.body.len() == BYTES);
    assert_eq!(whole.count(), 4);
    println!("memory {before} {most}");
    assert!(most < before + (24 << 20), "{before} {most}");
}
