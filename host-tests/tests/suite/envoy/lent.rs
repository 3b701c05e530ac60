//! The Envoy that tests have one after the other: what one of them left is nothing to the next.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use testkit::client::Request;
use testkit::eventually;

use crate::rig::envoy_world::{EnvoyWorld, PLUGIN_LINE, with_token};

/// With a change that no other test makes, and so an Envoy that none of them has. Nobody had it a moment ago.
fn edge(flushes: &str) -> EnvoyWorld {
    sleep(Duration::from_millis(300));
    EnvoyWorld::with(|config| config.patch(&json!({ "stats_flush_interval": flushes })))
}

/// Logs a user in, is refused once, and gives the token.
fn play(edge: &EnvoyWorld) -> String {
    let token = edge.login("alice");
    assert_eq!(edge.send(&with_token(&token)).status, 200);
    assert_eq!(edge.send(&with_token("short")).status, 401);
    token
}

fn assert_only_this_was_seen(edge: &EnvoyWorld) {
    let statuses: Vec<_> = edge
        .access_log(3)
        .iter()
        .map(|entry| entry["status"].as_u64())
        .collect();
    assert_eq!(statuses, [Some(200), Some(200), Some(401)]);
    assert_eq!(edge.counter("login.ok"), 1);
    assert_eq!(edge.counter("session.denied"), 1);
    let lines = || edge.envoy.log().matches(PLUGIN_LINE).count();
    eventually(|| lines() == 1);
}

#[test]
fn an_envoy_that_was_used_before_knows_nothing_of_it() {
    let first = edge("0.09s");
    let process = first.envoy.envoy().pid();
    let token = play(&first);
    assert_only_this_was_seen(&first);
    drop(first);

    let second = edge("0.09s");
    assert_eq!(second.envoy.envoy().pid(), process);
    assert_eq!(second.active_requests(), 0);
    play(&second);
    assert_only_this_was_seen(&second);
    assert_eq!(second.send(&with_token(&token)).status, 401);
}

#[test]
fn an_envoy_in_which_something_is_under_way_is_lent_to_nobody() {
    let first = edge("0.11s");
    let process = first.envoy.envoy().pid();
    // It waits for the rest of a body.
    let mut client = first.connect();
    let login = Request::post("/wx/login").body(br#"{"code":"0123456789"}"#);
    client.write_head(&login).unwrap();
    eventually(|| first.active_requests() == 1);
    drop(first);

    let second = edge("0.11s");
    assert_ne!(second.envoy.envoy().pid(), process);
    assert_eq!(second.active_requests(), 0);
    drop(client);
}
