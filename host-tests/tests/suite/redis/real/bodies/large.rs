//! What Envoy can hold of a body until the verdict is bounded: what becomes of larger ones, and how to let them through.

use serde_json::json;
use testkit::envoy::Config;

use super::sending::{assert_arrived, assert_too_large, send_all};
use crate::redis::real::slow_store::SlowStore;
use crate::rig::backend::Backend;
use crate::rig::envoy_world::with_token;
use crate::rig::shapes::{SHAPES, Shape};
use testkit::eventually;

/// Larger than what Envoy holds.
const LARGE: [usize; 2] = [200_000, 2 << 20];

/// The example for webdis without `request_body_buffer_limit`.
fn without_a_limit() -> SlowStore {
    let backend = Backend::webdis();
    let config = Config::read("examples/webdis/envoy.yaml").unwrap();
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": "app" } });
    let hosts = json!([{ "name": "app", "domains": ["*"], "routes": [route] }]);
    let config = config
        .sessions(backend.proxy.addr())
        .patch_http(&json!({ "route_config": { "virtual_hosts": hosts } }));
    SlowStore::on(config, backend)
}

/// `per_connection_buffer_limit_bytes` of the listener for HTTP/1, `initial_stream_window_size` for HTTP/2.
#[test]
fn envoy_holds_32_kib_of_a_body_on_http1_and_64_kib_on_http2_until_the_verdict() {
    let edge = without_a_limit();
    let token = edge.login("ming");
    for (shape, limit) in [
        (Shape::ContentLength, 32_768),
        (Shape::ExpectContinue, 32_768),
        (Shape::Http2, 65_536),
        (Shape::Http2WithTrailers, 65_536),
    ] {
        let received = edge.received();
        let held = edge.hold();
        let all = send_all(&edge, &token, &[shape], &[limit], || {
            eventually(|| edge.received() >= received + limit as u64);
            drop(held);
        });
        assert_arrived(&edge, &all, "ming");

        let seen_before = edge.rig.app.bytes_received();
        let held = edge.hold();
        let all = send_all(&edge, &token, &[shape], &[limit + 1], || {});
        drop(held);
        assert_too_large(&all);
        assert_eq!(edge.rig.app.bytes_received(), seen_before);
    }
    edge.assert_sound();
}

/// No flow control: a client that sends on is not slowed down but refused, however soon the store would answer.
#[test]
fn a_larger_upload_that_comes_before_the_verdict_gets_413_and_the_app_nothing() {
    let edge = without_a_limit();
    let token = edge.login("ming");
    let held = edge.hold();
    let all = send_all(&edge, &token, &SHAPES, &LARGE, || {});
    drop(held);
    assert_too_large(&all);
    assert_eq!(edge.rig.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn an_upload_of_any_size_passes_when_the_session_was_verified_a_moment_ago() {
    let patch = json!({ "session": { "cache_ttl_s": 60 } });
    let edge = SlowStore::with(Backend::webdis(), &patch);
    let token = edge.login("ming");
    assert_eq!(edge.send(&with_token(&token)).status, 200);
    drop(edge.rig.app.take());
    let held = edge.hold();
    let all = send_all(&edge, &token, &SHAPES, &LARGE, || {});
    drop(held);
    assert_arrived(&edge, &all, "ming");
    edge.assert_sound();
}

/// The examples give each request that waits a megabyte.
#[test]
fn the_examples_hold_a_megabyte_of_a_body_until_the_verdict() {
    let limit = 1 << 20;
    let edge = SlowStore::start();
    let token = edge.login("ming");
    let asked = edge.asked();
    let held = edge.hold();
    let all = send_all(&edge, &token, &SHAPES, &[LARGE[0], limit], || {
        edge.until_waiting(asked, 2 * SHAPES.len());
        assert_eq!(edge.rig.app.bytes_received(), 0);
        drop(held);
    });
    assert_arrived(&edge, &all, "ming");
    let held = edge.hold();
    let all = send_all(&edge, &token, &SHAPES, &[limit + 1], || {});
    drop(held);
    assert_too_large(&all);
    edge.assert_sound();
}
