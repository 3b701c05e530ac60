//! Bodies of any size whose requests wait for the store: Envoy reads no more of them than its buffer takes, and the client
//! waits. Nothing is refused for its size, and nothing reaches the app before the verdict.

use serde_json::json;

use super::sending::{assert_arrived, send_all};
use crate::redis::real::slow_store::SlowStore;
use crate::rig::backend::Backend;
use crate::rig::envoy_world::with_token;
use crate::rig::shapes::SHAPES;

/// What the listener buffers, a byte more, and far more: bytes.
const SIZES: [usize; 4] = [32_768, 65_537, 200_000, 20 << 20];

#[test]
fn an_upload_of_any_size_waits_for_the_store_and_arrives_whole() {
    let edge = SlowStore::start();
    let token = edge.login("ming");
    let asked = edge.asked();
    let held = edge.hold();
    let all = send_all(&edge, &token, &SHAPES, &SIZES, || {
        edge.until_waiting(asked, SIZES.len() * SHAPES.len());
        assert_eq!(edge.rig.app.bytes_received(), 0);
        drop(held);
    });
    assert_arrived(&edge, &all, "ming");
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
    let all = send_all(&edge, &token, &SHAPES, &SIZES[..3], || {});
    drop(held);
    assert_arrived(&edge, &all, "ming");
    edge.assert_sound();
}
