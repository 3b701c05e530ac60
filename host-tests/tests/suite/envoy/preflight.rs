//! Preflights on the wire: what has a body in HTTP/2 or in chunks is none, whatever its headers say.

use serde_json::json;
use testkit::client::Request;

use super::headers::Field;
use crate::rig::envoy_world::{EnvoyWorld, error_of};
use testkit::http2::pseudo;

fn on() -> EnvoyWorld {
    EnvoyWorld::with(|config| config.patch_plugin(&json!({ "cors_preflight": true })))
}

const PREFLIGHT: [Field<'_>; 2] = [
    (b"origin", b"https://example.com"),
    (b"access-control-request-method", b"POST"),
];

fn head() -> Vec<Field<'static>> {
    [pseudo("OPTIONS", b"/api/orders"), PREFLIGHT.to_vec()].concat()
}

#[test]
fn a_body_in_data_frames_makes_it_a_request_that_needs_a_session() {
    let edge = on();
    for pieces in [&[&b"x"[..]][..], &[b"one", b"two"], &[&[b'x'; 20_000]]] {
        let mut connection = edge.connect_http2();
        let stream = connection.request(&head(), false);
        for piece in pieces {
            connection.data(stream, piece, false);
        }
        connection.data(stream, b"", true);
        let answer = connection.answer(stream);
        assert_eq!(answer.status, 401);
    }
    let request = Request::new("OPTIONS", "/api/orders")
        .header("origin", "https://example.com")
        .header("access-control-request-method", "POST");
    for pieces in [vec!["x"], vec!["one", "two"]] {
        let answer = edge.send(&request.clone().chunked(pieces));
        assert_eq!((answer.status, &*error_of(&answer)), (401, "no_session"));
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn nothing_that_ends_late_is_a_preflight_still() {
    let edge = on();
    let mut connection = edge.connect_http2();
    let stream = connection.request(&head(), true);
    assert_eq!(connection.answer(stream).status, 200);

    let stream = connection.request(&head(), false);
    connection.data(stream, b"", true);
    assert_eq!(connection.answer(stream).status, 200);

    let stream = connection.request(&head(), false);
    connection.trailers(stream, &[(b"x-wx-openid", b"forged"), (b"x-sum", b"1")]);
    assert_eq!(connection.answer(stream).status, 200);

    let seen = edge.app.take();
    assert_eq!(seen.len(), 3);
    assert!(
        seen.iter()
            .all(|seen| seen.method == "OPTIONS" && seen.body.is_empty())
    );
    edge.assert_sound();
}

#[test]
fn one_whose_stream_stays_open_is_given_up_in_time() {
    let edge = EnvoyWorld::with(|config| {
        config.patch_plugin(&json!({
            "cors_preflight": true,
            "limits": { "body_timeout_ms": 300 },
            "routes": [{ "prefix": "/api", "session": "public" }],
        }))
    });
    let mut connection = edge.connect_http2();
    let stream = connection.request(&head(), false);
    assert_eq!(connection.answer(stream).status, 408);
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}
