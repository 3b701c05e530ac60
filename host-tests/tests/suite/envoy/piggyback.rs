//! Login on the way with a real Envoy: the token comes over HTTP/1.1 and HTTP/2, and with Envoy's own answers too.

use std::net::{SocketAddr, TcpListener};

use serde_json::json;
use testkit::client::Request;
use testkit::envoy::Config;

use crate::rig::envoy_world::EnvoyWorld;
use testkit::http2::pseudo;

fn on(config: Config) -> Config {
    config.patch_plugin(&json!({ "session": { "piggyback": true } }))
}

fn nobody() -> SocketAddr {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    closed.local_addr().unwrap()
}

#[test]
fn the_token_comes_over_http2_and_is_good() {
    let edge = EnvoyWorld::with(on);
    let phone = edge.wechat.phone("alice");
    let code = phone.login();
    let path = b"/api/answer/404?x-wx-skey=of-the-app&cache-control=public";
    let mut headers = pseudo("GET", path);
    headers.push((b"x-wx-code", code.as_bytes()));
    let mut connection = edge.connect_http2();
    let stream = connection.request(&headers, true);
    let answer = connection.answer(stream);
    assert_eq!(answer.status, 404);
    assert_eq!(answer.only("cache-control"), "no-store");
    assert_eq!(answer.only("x-wx-skey-expires-in"), "7200");
    let token = answer.only("x-wx-skey");

    let mut headers = pseudo("GET", b"/api/answer/200");
    headers.push((b"x-wx-skey", token.as_bytes()));
    // A connection of its own, where no header came before.
    let mut connection = edge.connect_http2();
    let stream = connection.request(&headers, true);
    let answer = connection.answer(stream);
    assert_eq!(answer.status, 200);
    assert!(answer.headers.iter().all(|(name, _)| name != "x-wx-skey"));
    edge.assert_sound();
}

#[test]
fn where_the_app_is_down_envoys_own_answer_carries_the_token() {
    let edge = EnvoyWorld::with(|config| on(config).endpoint("app", nobody()));
    let phone = edge.wechat.phone("alice");
    let answer = edge.send(&Request::get("/api").header("x-wx-code", phone.login()));
    assert_eq!(answer.status, 503);
    let token = answer.header("x-wx-skey").unwrap().to_vec();
    assert_eq!(answer.header("cache-control"), Some(&b"no-store"[..]));
    let checked = edge.send(&Request::get("/wx/session").header("x-wx-skey", &token));
    assert_eq!(checked.json().unwrap()["data"]["hasSession"], true);

    let mut connection = edge.connect_http2();
    let code = phone.login();
    let mut headers = pseudo("GET", b"/api");
    headers.push((b"x-wx-code", code.as_bytes()));
    let stream = connection.request(&headers, true);
    let answer = connection.answer(stream);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.only("x-wx-skey").len(), 43);
}

#[test]
fn the_answer_to_an_upgrade_carries_the_token() {
    let edge = EnvoyWorld::with(|config| {
        let config =
            config.patch_http(&json!({ "upgrade_configs": [{ "upgrade_type": "websocket" }] }));
        let route = json!({ "path": "/socket", "session": "required", "upgrades": ["websocket"] });
        on(config).patch_plugin(&json!({ "routes": [route] }))
    });
    let code = edge.wechat.phone("alice").login();
    let request = Request::get("/socket")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-version", "13")
        .header("x-wx-code", &code);
    let answer = edge.connect().send(&request).unwrap();
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("x-wx-skey").unwrap().len(), 43);
}
