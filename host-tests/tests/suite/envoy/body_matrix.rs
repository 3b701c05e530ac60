//! Bodies against verdicts: whatever a client does with its body, the app sees none of it before the verdict.
//! No request of the embedded store waits for its verdict and is then forwarded; the endpoints are what waits here.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::client::Request;
use testkit::fakes::wechat::Fault;

use crate::rig::APPID;
use crate::rig::envoy_world::{EnvoyWorld, with_token};
use crate::rig::shapes::SHAPES;
use testkit::eventually;
use testkit::http2::pseudo;

const BODY: &[u8] = b"an order that nobody may place";
const SLOW: Duration = Duration::from_millis(100);
/// `limits.body_bytes` of the plugin, which `envoy.yaml` leaves at its default.
const LIMIT: usize = 16_384;

fn json(answer: &[u8]) -> Value {
    serde_json::from_slice(answer).unwrap_or_default()
}

#[test]
fn no_byte_of_a_body_reaches_the_app_without_a_session() {
    let edge = EnvoyWorld::start();
    let invalid = "A".repeat(43);
    for shape in SHAPES {
        for headers in [
            &[][..],
            &[("x-wx-skey", "short")],
            &[("x-wx-skey", &invalid)],
        ] {
            for body in [BODY, b"", &[7; 20_000]] {
                let (status, answer) = shape.post(&edge, "/api/orders", headers, body);
                assert_eq!(status, 401, "{shape:?} {headers:?}");
                assert_eq!(json(&answer)["action"], "relogin", "{shape:?} {headers:?}");
            }
        }
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_client_that_holds_its_body_back_is_refused_all_the_same() {
    let edge = EnvoyWorld::start();
    let request = Request::post("/api/orders").body(BODY);
    let mut http1 = edge.connect();
    http1.write_head(&request).unwrap();
    http1.write(&BODY[..5]).unwrap();
    assert_eq!(http1.read_response("POST").unwrap().status, 401);

    let mut http2 = edge.connect_http2();
    let id = http2.request(&pseudo("POST", b"/api/orders"), false);
    http2.data(id, &BODY[..5], false);
    assert_eq!(http2.answer(id).status, 401);

    assert_eq!(edge.app.bytes_received(), 0);
    drop((http1, http2));
    edge.assert_sound();
}

#[test]
fn with_a_session_the_app_gets_every_body_byte_for_byte() {
    let edge = EnvoyWorld::start();
    let token = edge.login("a");
    let pattern = |size: usize| (0..=250).cycle().take(size).collect::<Vec<u8>>();
    for shape in SHAPES {
        // The last one is many times what Envoy holds for one connection (32 KiB).
        for size in [0, 1, BODY.len(), 20_000, 1 << 20] {
            let body = pattern(size);
            let (status, _) = shape.post(&edge, "/api/orders", &[("x-wx-skey", &token)], &body);
            assert_eq!(status, 200, "{shape:?} {size}");
            let seen = edge.app.take();
            assert_eq!(seen.len(), 1, "{shape:?} {size}");
            assert!(
                seen[0].body == body,
                "{shape:?} {size}: {}",
                seen[0].body.len()
            );
            assert_eq!(seen[0].count("x-wx-openid"), 1);
        }
    }
    edge.assert_sound();
}

#[test]
fn a_login_takes_its_body_in_every_shape_and_the_app_sees_none_of_it() {
    let edge = EnvoyWorld::start();
    let phone = edge.wechat.phone("a");
    for shape in SHAPES {
        edge.wechat.script([Fault::Slow(SLOW)]);
        let body = json!({ "code": phone.login() }).to_string();
        // A parameter in a header beside it takes the place of none.
        let headers = [("x-wx-app", APPID)];
        let (status, answer) = shape.post(&edge, "/wx/login", &headers, body.as_bytes());
        assert_eq!(
            status,
            200,
            "{shape:?} {}",
            String::from_utf8_lossy(&answer)
        );
        assert_eq!(json(&answer)["data"]["token"].as_str().unwrap().len(), 43);
    }
    assert_eq!(edge.wechat.requests().len(), SHAPES.len());
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_decrypt_takes_its_body_in_every_shape_and_the_app_sees_none_of_it() {
    let edge = EnvoyWorld::start();
    let token = edge.login("a");
    let data = edge.wechat.phone("a").user_info().to_json().to_string();
    for shape in SHAPES {
        let headers = [("x-wx-skey", &*token)];
        let (status, answer) = shape.post(&edge, "/wx/decrypt", &headers, data.as_bytes());
        assert_eq!(
            status,
            200,
            "{shape:?} {}",
            String::from_utf8_lossy(&answer)
        );
        assert_eq!(
            json(&answer)["data"]["openId"],
            edge.wechat.phone("a").openid()
        );
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_login_by_headers_may_have_a_body_that_is_still_under_way() {
    let edge = EnvoyWorld::start();
    let phone = edge.wechat.phone("a");
    for shape in SHAPES {
        edge.wechat.script([Fault::Slow(SLOW)]);
        let code = phone.login();
        let (status, _) = shape.send(&edge, "GET", "/wx/login", &[("x-wx-code", &code)], BODY);
        assert_eq!(status, 200, "{shape:?}");
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn wechat_is_not_asked_before_the_whole_body_is_there() {
    let edge = EnvoyWorld::start();
    let body = json!({ "code": edge.wechat.phone("a").login() }).to_string();
    let mut connection = edge.connect();
    connection
        .write_head(&Request::post("/wx/login").body(&body))
        .unwrap();
    let (most, last) = body.as_bytes().split_at(body.len() - 1);
    connection.write(most).unwrap();
    eventually(|| edge.active_requests() == 1);
    std::thread::sleep(SLOW);
    assert_eq!(edge.wechat.requests().len(), 0);
    connection.write(last).unwrap();
    assert_eq!(connection.read_response("POST").unwrap().status, 200);
}

#[test]
fn a_body_over_the_plugins_limit_gets_the_plugins_413() {
    let edge = EnvoyWorld::start();
    let filled = |size: usize| {
        let code = edge.wechat.phone("a").login();
        let body = json!({ "code": code, "padding": "" }).to_string();
        let padding = "x".repeat(size - body.len());
        json!({ "code": code, "padding": padding }).to_string()
    };
    for shape in SHAPES {
        let (status, answer) = shape.post(&edge, "/wx/login", &[], filled(LIMIT).as_bytes());
        assert_eq!(
            status,
            200,
            "{shape:?} {}",
            String::from_utf8_lossy(&answer)
        );
        let (status, answer) = shape.post(&edge, "/wx/login", &[], filled(LIMIT + 1).as_bytes());
        assert_eq!(status, 413, "{shape:?}");
        assert_eq!(json(&answer)["error"], "body_too_large", "{shape:?}");
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_body_over_envoys_own_limit_gets_413_too() {
    let edge = EnvoyWorld::with(|config| {
        config.patch_plugin(&json!({ "limits": { "body_bytes": 1 << 20 } }))
    });
    for shape in SHAPES {
        let (status, _) = shape.post(&edge, "/wx/login", &[], &[b' '; 200_000]);
        assert_eq!(status, 413, "{shape:?}");
    }
    assert_eq!(edge.wechat.requests().len(), 0);
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

/// Envoy answers while the plugin waits: the call-out's answer then finds nobody.
#[test]
fn envoys_413_in_the_middle_of_a_call_to_wechat_ends_the_request_once() {
    let edge = EnvoyWorld::start();
    for shape in SHAPES {
        edge.wechat.script([Fault::Slow(3 * SLOW)]);
        let code = edge.wechat.phone("a").login();
        let headers = [("x-wx-code", &*code)];
        let (status, _) = shape.send(&edge, "GET", "/wx/login", &headers, &[b' '; 200_000]);
        assert_eq!(status, 413, "{shape:?}");
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_connection_serves_on_after_each_kind_of_answer() {
    let edge = EnvoyWorld::start();
    let token = edge.login("a");
    let mut connection = edge.connect();
    for _ in 0..2 {
        assert_eq!(connection.send(&with_token("short")).unwrap().status, 401);
        let code = edge.wechat.phone("b").login();
        let login = Request::post("/wx/login").json(&json!({ "code": code }));
        assert_eq!(connection.send(&login).unwrap().status, 200);
        let passed = Request::post("/api/orders").header("x-wx-skey", &token);
        assert_eq!(
            connection.send(&passed.chunked([BODY])).unwrap().status,
            200
        );
    }
}
