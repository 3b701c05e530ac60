//! Sessions that end by the clock on the wall, and how long the verified cache outlives a logout.
//! The finer rules are core's, under a clock that tests move; here the clock is Envoy's.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::client::Request;

use crate::rig::envoy_world::{EnvoyWorld, error_of, with_token};

fn with_session(session: Value) -> EnvoyWorld {
    EnvoyWorld::with(|config| config.patch_plugin(&json!({ "session": session })))
}

fn status(edge: &EnvoyWorld, token: &str) -> u16 {
    edge.send(&with_token(token)).status
}

#[test]
fn an_idle_session_ends_and_its_client_is_told_that_it_expired() {
    let edge = with_session(json!({ "idle_timeout_s": 1, "cache_ttl_s": 5 }));
    let token = edge.login("a");
    assert_eq!(status(&edge, &token), 200);
    sleep(Duration::from_millis(1100));
    let answer = edge.send(&with_token(&token));
    assert_eq!(
        (answer.status, &*error_of(&answer)),
        (401, "session_expired")
    );
    let data = &answer.json().unwrap()["data"];
    assert_eq!(*data, json!({ "hasSession": true, "expired": true }));
    assert_eq!(edge.counter("session.expired"), 1);
}

#[test]
fn a_session_in_use_outlives_its_idle_time_but_not_its_absolute_time() {
    let session = json!({ "idle_timeout_s": 3, "absolute_timeout_s": 7, "cache_ttl_s": 0 });
    let edge = with_session(session);
    let started = Instant::now();
    let token = edge.login("a");
    // Uses more often than every 2 s, on a busy machine too: renewal comes with the first use after a third of the idle time.
    while started.elapsed() < Duration::from_millis(6000) {
        assert_eq!(status(&edge, &token), 200, "{:?}", started.elapsed());
        sleep(Duration::from_millis(200));
    }
    assert!(edge.counter("session.renewed") >= 3);
    sleep(Duration::from_millis(7100).saturating_sub(started.elapsed()));
    assert_eq!(status(&edge, &token), 401);
}

#[test]
fn a_cached_session_does_not_outlive_its_idle_time_in_the_cache() {
    let edge = with_session(json!({ "idle_timeout_s": 1, "cache_ttl_s": 60 }));
    let token = edge.login("a");
    // While it is used, it lasts.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(2500) {
        assert_eq!(status(&edge, &token), 200, "{:?}", started.elapsed());
    }
    sleep(Duration::from_millis(1200));
    assert_eq!(status(&edge, &token), 401);
}

#[test]
fn a_cache_of_zero_seconds_asks_the_store_every_time() {
    let edge = with_session(json!({ "cache_ttl_s": 0 }));
    let token = edge.login("a");
    for _ in 0..3 {
        assert_eq!(status(&edge, &token), 200);
    }
    assert_eq!(
        (edge.counter("session.hit"), edge.counter("session.miss")),
        (0, 3)
    );
}

#[test]
fn a_cache_of_one_second_asks_the_store_again_after_it() {
    let edge = with_session(json!({ "cache_ttl_s": 1 }));
    let token = edge.login("a");
    for _ in 0..2 {
        assert_eq!(status(&edge, &token), 200);
    }
    assert_eq!(
        (edge.counter("session.hit"), edge.counter("session.miss")),
        (2, 0)
    );
    sleep(Duration::from_millis(1050));
    assert_eq!(status(&edge, &token), 200);
    assert_eq!(
        (edge.counter("session.hit"), edge.counter("session.miss")),
        (2, 1)
    );
}

#[test]
fn a_logout_is_final_at_once_on_its_own_worker_whatever_the_cache_holds() {
    let edge = with_session(json!({ "cache_ttl_s": 60 }));
    let token = edge.login("a");
    assert_eq!(status(&edge, &token), 200);
    let logout = Request::post("/wx/logout").header("x-wx-skey", &token);
    assert_eq!(edge.send(&logout).status, 200);
    assert_eq!(status(&edge, &token), 401);
}
