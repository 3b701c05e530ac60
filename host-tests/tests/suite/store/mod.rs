//! Stores: one conformance suite, every interleaving of the slot table's workers, and a model to compare it with.
//! No test here knows how a slot is encoded.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "fakes and helpers offer more than the tests of today ask for"
)]

pub mod conformance;
mod eviction;
pub mod fake_shared_map;
mod faults;
mod history;
mod interleavings;
mod model;

use wx_session_core::UnixMillis;
use wx_session_core::store::embedded::EmbeddedStore;
use wx_session_core::store::{Key, Life, Space};

use fake_shared_map::FakeSharedMap;

/// The slot table over the fake of Envoy's shared data.
pub type FakeSlots = EmbeddedStore<FakeSharedMap>;

/// A session's key.
pub fn session(name: &str) -> Key {
    Key::new(Space::Sessions, name)
}

/// A user's key.
pub fn user(name: &str) -> Key {
    Key::new(Space::Users, name)
}

/// Written at `now_ms`, gone `ttl_ms` later.
pub fn life(now_ms: u64, ttl_ms: u64) -> Life {
    Life {
        now: UnixMillis(now_ms),
        expires_at: UnixMillis(now_ms + ttl_ms),
    }
}
