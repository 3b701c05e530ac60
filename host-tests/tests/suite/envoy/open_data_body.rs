//! Bodies that are opened on their way to the app, in every way in which a client can send one, cut off and too large
//! ones too.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::client::{Connection, Request};

use crate::rig::envoy_world::EnvoyWorld;
use crate::rig::shapes::SHAPES;
use testkit::eventually;
use testkit::http2::pseudo;

/// `limits.body_bytes` of the plugin, which `envoy.yaml` leaves at its default.
const LIMIT: usize = 16_384;
const MOMENT: Duration = Duration::from_millis(50);
const JSON: (&str, &str) = ("content-type", "application/json");

fn start() -> EnvoyWorld {
    EnvoyWorld::with(|config| {
        let routes =
            json!([{ "path": "/api/profile", "session": "required", "open_data": "body" }]);
        config.patch_plugin(&json!({ "routes": routes }))
    })
}

/// A body with open data of user `a`, and what the app is to get.
fn body(edge: &EnvoyWorld, filling: &str) -> (String, String) {
    let phone = edge.wechat.phone("a");
    let plain = format!(
        r#"{{"nickName":"小明🎉","watermark":{{"timestamp":{},"appid":"{}"}}}}"#,
        edge.wechat.now(),
        phone.appid()
    );
    let data = phone.open_data(testkit::fakes::wechat::Source::UserProfile);
    let data = data.plaintext(&plain).build();
    let (encrypted, iv) = (data.encrypted_data, data.iv);
    (
        format!(r#"{{"n":1.0,"encryptedData":"{encrypted}","iv":"{iv}","😀":"{filling}"}}"#),
        format!(r#"{{"n":1.0,"openData":{plain},"😀":"{filling}"}}"#),
    )
}

#[track_caller]
fn assert_seen(edge: &EnvoyWorld, expected: &[u8], what: &str) {
    let seen = edge.app.take();
    assert_eq!(seen.len(), 1, "{what}");
    assert_eq!(
        String::from_utf8_lossy(&seen[0].body),
        String::from_utf8_lossy(expected),
        "{what}"
    );
    assert_eq!(seen[0].count("x-wx-openid"), 1, "{what}");
}

#[test]
fn open_data_is_opened_in_every_shape_and_size() {
    let edge = start();
    let token = edge.login("a");
    let headers = [("x-wx-skey", &*token), JSON];
    let empty = body(&edge, "").0.len();
    for shape in SHAPES {
        for filling in [0, 1, 3000, LIMIT - empty] {
            let (sent, expected) = body(&edge, &"x".repeat(filling));
            let (status, _) = shape.post(&edge, "/api/profile", &headers, sent.as_bytes());
            let what = format!("{shape:?} {filling}");
            assert_eq!(status, 200, "{what}");
            let seen = edge.app.requests();
            assert_eq!(seen[0].count("content-length"), 1, "{what}");
            assert_eq!(seen[0].count("transfer-encoding"), 0, "{what}");
            assert_seen(&edge, expected.as_bytes(), &what);
        }
    }
    edge.assert_sound();
}

#[test]
fn other_bodies_come_through_in_every_shape_as_they_were_sent() {
    let edge = start();
    let token = edge.login("a");
    let headers = [("x-wx-skey", &*token), JSON];
    let large = format!("[{}]", " ".repeat(LIMIT - 2));
    for shape in SHAPES {
        for body in ["", "{}", r#"{"iv" : 9007199254740993}"#, &large] {
            let (status, _) = shape.post(&edge, "/api/profile", &headers, body.as_bytes());
            assert_eq!(status, 200, "{shape:?} {}", body.len());
            assert_seen(&edge, body.as_bytes(), &format!("{shape:?}"));
        }
    }
    edge.assert_sound();
}

/// The pieces end within characters, names and values.
#[test]
fn a_body_in_odd_pieces_is_opened() {
    let edge = start();
    let token = edge.login("a");
    let (sent, expected) = body(&edge, "🎉");
    for size in [1, 7, 64, 250] {
        let pieces: Vec<&[u8]> = sent.as_bytes().chunks(size).collect();
        let request = Request::post("/api/profile").header("x-wx-skey", &token);
        let request = request.header(JSON.0, JSON.1).chunked(pieces);
        assert_eq!(edge.send(&request).status, 200, "{size}");
        assert_seen(&edge, expected.as_bytes(), &size.to_string());

        let mut connection = edge.connect_http2();
        let mut headers = pseudo("POST", b"/api/profile");
        headers.push((b"x-wx-skey", token.as_bytes()));
        headers.push((b"content-type", b"application/json"));
        let id = connection.request(&headers, false);
        for piece in sent.as_bytes().chunks(size.max(7)) {
            connection.data(id, piece, false);
        }
        connection.trailers(id, &[(b"content-digest", b"sha-256=:old:")]);
        assert_eq!(connection.answer(id).status, 200, "{size}");
        assert_seen(&edge, expected.as_bytes(), &size.to_string());
    }
    edge.assert_sound();
}

#[test]
fn what_is_refused_is_refused_in_every_shape_and_the_app_sees_none_of_it() {
    let edge = start();
    let token = edge.login("a");
    let headers = [("x-wx-skey", &*token), JSON];
    let forged = r#"{"openData":{"openId":"admin"}}"#.to_owned();
    let half = r#"{"encryptedData":"AAAAAAAAAAAAAAAAAAAAAA=="}"#.to_owned();
    let closed = json!({ "encryptedData": "A".repeat(64), "iv": "A".repeat(22) + "==" });
    let large = format!("[{}]", " ".repeat(LIMIT - 1));
    for shape in SHAPES {
        // Five that do not open end a session.
        let token = edge.login("a");
        for (body, expected) in [
            (&forged, (400, "invalid_parameter")),
            (&half, (400, "missing_parameter")),
            (&closed.to_string(), (422, "session_key_stale")),
            (&large, (413, "body_too_large")),
        ] {
            let headers = [("x-wx-skey", &*token), JSON];
            let (status, answer) = shape.post(&edge, "/api/profile", &headers, body.as_bytes());
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            let got = (status, answer["error"].as_str().unwrap_or_default());
            assert_eq!(got, expected, "{shape:?}");
        }
    }
    let text = [headers[0], ("content-type", "text/plain")];
    for shape in SHAPES {
        let (status, _) = shape.post(&edge, "/api/profile", &text, b"{}");
        assert_eq!(status, 415, "{shape:?}");
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

fn begin(edge: &EnvoyWorld, token: &str, body: &str) -> Connection {
    let mut connection = edge.connect();
    let request = Request::post("/api/profile").header("x-wx-skey", token);
    let request = request.header(JSON.0, JSON.1).body(body);
    connection.write_head(&request).unwrap();
    connection
}

#[test]
fn no_byte_reaches_the_app_before_the_last_has_come() {
    let edge = start();
    let token = edge.login("a");
    for (sent, expected) in [body(&edge, "x"), ("{\"a\":1}".into(), "{\"a\":1}".into())] {
        let before = edge.app.bytes_received();
        let mut connection = begin(&edge, &token, &sent);
        let (most, last) = sent.as_bytes().split_at(sent.len() - 1);
        connection.write(most).unwrap();
        eventually(|| edge.active_requests() == 1);
        sleep(MOMENT);
        assert_eq!(edge.app.bytes_received(), before);
        connection.write(last).unwrap();
        assert_eq!(connection.read_response("POST").unwrap().status, 200);
        assert_seen(&edge, expected.as_bytes(), &sent);
    }
    edge.assert_sound();
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_body_is_forgotten() {
    let edge = start();
    let token = edge.login("a");
    let (sent, _) = body(&edge, "x");
    for size in [0, 1, sent.len() / 2, sent.len() - 1] {
        let mut connection = begin(&edge, &token, &sent);
        connection.write(&sent.as_bytes()[..size]).unwrap();
        eventually(|| edge.active_requests() == 1);
        drop(connection);
        eventually(|| edge.active_requests() == 0);

        let mut connection = edge.connect_http2();
        let mut headers = pseudo("POST", b"/api/profile");
        headers.push((b"x-wx-skey", token.as_bytes()));
        let id = connection.request(&headers, false);
        connection.data(id, &sent.as_bytes()[..size], false);
        eventually(|| edge.active_requests() == 1);
        connection.reset(id);
        eventually(|| edge.active_requests() == 0);
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_body_of_another_type_or_too_large_is_refused_before_its_end() {
    let edge = start();
    let token = edge.login("a");
    let large = " ".repeat(2 * LIMIT);
    for (kind, sent, expected) in [("text/plain", 1, 415), ("application/json", LIMIT + 1, 413)] {
        let mut connection = edge.connect();
        let request = Request::post("/api/profile").header("x-wx-skey", &token);
        let request = request.header("content-type", kind).body(&large);
        connection.write_head(&request).unwrap();
        connection.write(&large.as_bytes()[..sent]).unwrap();
        assert_eq!(connection.read_response("POST").unwrap().status, expected);
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}
