//! Requests that would turn a connection into something that nobody looks at any more: CONNECT and `Upgrade`.
//! Passed only where a route names the protocol, and there only with a session.

use serde_json::json;
use testkit::client::{Connection, Request, Response};
use testkit::envoy::Config;

use crate::rig::envoy_world::{EnvoyWorld, bare};
use testkit::http2::pseudo;

/// `/ws` takes WebSockets with a session; nothing else takes an upgrade.
fn with_websockets(config: Config) -> Config {
    bare(config).patch_plugin(&json!({ "routes": [
        { "prefix": "/ws", "session": "required", "upgrades": ["websocket"] },
        { "prefix": "/feed", "session": "optional" },
        { "prefix": "/public", "session": "public" },
    ] }))
}

fn upgrade(path: &str, protocol: &str) -> Request {
    Request::get(path)
        .header("connection", "Upgrade")
        .header("upgrade", protocol)
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

fn opened(edge: &EnvoyWorld, request: &Request) -> (Connection, Response) {
    let mut connection = edge.connect();
    let answer = connection.send(request).unwrap();
    (connection, answer)
}

#[test]
fn a_websocket_passes_end_to_end_where_a_route_names_it_and_a_session_is_shown() {
    let edge = EnvoyWorld::with(with_websockets);
    let token = edge.login("a");
    let request = upgrade("/ws/chat", "WebSocket").header("x-wx-skey", &token);
    let (mut connection, answer) = opened(&edge, &request);
    assert_eq!(answer.status, 101);
    assert_eq!(
        answer.header("sec-websocket-accept"),
        Some(&b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="[..])
    );
    for message in [&b"\x81\x02hi"[..], &[0; 50_000]] {
        connection.write(message).unwrap();
        assert_eq!(connection.read_exact(message.len()).unwrap(), message);
    }
    let seen = edge.app.requests();
    let openid = edge.wechat.phone("a").openid();
    assert_eq!(seen[0].header("x-wx-openid"), Some(openid.as_bytes()));
    assert_eq!(seen[0].header("x-wx-skey"), None);
    drop(connection);
    edge.assert_sound();
}

#[test]
fn a_websocket_without_a_session_is_refused_with_401() {
    let edge = EnvoyWorld::with(with_websockets);
    for request in [
        upgrade("/ws/chat", "websocket"),
        upgrade("/ws/chat", "websocket").header("x-wx-skey", "short"),
    ] {
        let (mut connection, answer) = opened(&edge, &request);
        assert_eq!(answer.status, 401, "{}", answer.text());
        connection.write(b"\x81\x02hi").ok();
        connection.drain();
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

/// A running system has WebSockets on paths that no route names yet.
#[test]
fn a_websocket_that_no_route_names_passes_end_to_end_while_it_is_observed() {
    let edge = EnvoyWorld::with(|config| {
        with_websockets(config).patch_plugin(&json!({ "mode": "observe" }))
    });
    let token = edge.login("a");
    let openid = edge.wechat.phone("a").openid();
    for (path, token, openid) in [
        ("/chat", Some(&token), Some(openid.as_bytes())),
        ("/chat", None, None),
        ("/public/chat", None, None),
    ] {
        let mut request = upgrade(path, "websocket").header("x-wx-openid", "admin");
        if let Some(token) = token {
            request = request.header("x-wx-skey", token);
        }
        let (mut connection, answer) = opened(&edge, &request);
        assert_eq!(answer.status, 101, "{path}");
        connection.write(b"\x81\x02hi").unwrap();
        assert_eq!(connection.read_exact(4).unwrap(), b"\x81\x02hi");
        let seen = edge.app.take().remove(0);
        assert_eq!(seen.header("x-wx-openid"), openid);
        let told = seen.header("x-wx-would-refuse");
        assert_eq!(told, Some(&b"upgrade_refused"[..]));
        assert_eq!(seen.header("x-wx-skey"), None);
    }
    // After any other protocol nobody would look at what is asked for.
    for protocol in ["websocket, h2c", "other"] {
        let status = opened(&edge, &upgrade("/chat", protocol)).1.status;
        assert_eq!(status, 403, "{protocol}");
    }
    let status = opened(&edge, &upgrade("/ws/chat", "websocket")).1.status;
    assert_eq!(status, 101);
    edge.assert_sound();
}

#[test]
fn a_websocket_over_http2_is_held_to_the_same_rules() {
    let edge = EnvoyWorld::with(with_websockets);
    let token = edge.login("a");
    for (path, token, status) in [
        (&b"/ws/chat"[..], Some(&token), 200),
        (b"/ws/chat", None, 401),
        (b"/api/x", Some(&token), 403),
        (b"/feed/x", Some(&token), 403),
    ] {
        let mut fields = pseudo("CONNECT", path);
        fields.push((b":protocol", b"websocket"));
        fields.push((b"sec-websocket-version", b"13"));
        fields.extend(token.map(|token| (&b"x-wx-skey"[..], token.as_bytes())));
        let mut connection = edge.connect_http2();
        let id = connection.request(&fields, false);
        connection.data(id, b"hi", false);
        let answer = connection.first_bytes(id, 2);
        assert_eq!(answer.status, status, "{path:?}");
        assert!(status != 200 || answer.body == b"hi", "{answer:?}");
    }
    assert_eq!(edge.app.requests().len(), 1);
    edge.assert_sound();
}
