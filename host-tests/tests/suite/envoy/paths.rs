//! Targets that look as if they had two readings and have one: they go on as they are. Those that have two are in the
//! tables of attacks.

use std::time::Duration;

use testkit::client::{Request, send};

use crate::rig::envoy_world::{EnvoyWorld, bare};
use testkit::http2::pseudo;

/// Sends a target in both protocols: both statuses, 0 where the connection was closed instead.
fn statuses(edge: &EnvoyWorld, method: &str, target: &[u8], token: Option<&str>) -> [u16; 2] {
    let mut request = Request::new(method, target);
    let mut fields = pseudo(method, target);
    if let Some(token) = token {
        request = request.header("x-wx-skey", token);
        fields.push((b"x-wx-skey", token.as_bytes()));
    }
    let http1 = send(edge.envoy.addr(), &request, Duration::from_secs(10));
    let mut connection = edge.connect_http2();
    let id = connection.request(&fields, true);
    [
        http1.map_or(0, |answer| answer.status),
        connection.answer(id).status,
    ]
}

/// One reading only: plain characters (Envoy encodes 用 as %E7%94%A8), no empty and no dot segment.
fn is_canonical(target: &str) -> bool {
    let path = target
        .split('?')
        .next()
        .unwrap_or_default()
        .replace("%E7%94%A8", "");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let tail = path.strip_prefix('/').unwrap_or("//");
    let mut segments = tail.split('/').rev().skip(1);
    path.chars().all(plain)
        && segments.all(|segment| !["", ".", ".."].contains(&segment))
        && !path.ends_with("/.")
        && !path.ends_with("/..")
}

#[test]
fn a_query_may_hold_what_a_path_may_not() {
    let edge = EnvoyWorld::with(bare);
    let target = "/public/x?next=//a/../b;c=%2f%00&d=\\";
    assert_eq!(statuses(&edge, "GET", target.as_bytes(), None), [200, 200]);
    let seen = edge.app.requests();
    assert!(seen.iter().all(|seen| seen.path == target), "{seen:?}");
}

#[test]
fn an_absolute_target_is_judged_by_its_path() {
    let edge = EnvoyWorld::with(bare);
    let token = edge.login("a");
    for (target, without, with) in [
        ("http://elsewhere/public/x", 200, 200),
        ("http://elsewhere/api/x", 401, 200),
        ("http://elsewhere", 401, 200),
        ("http://elsewhere/wx/session", 200, 200),
    ] {
        let request = Request::get(target);
        assert_eq!(edge.send(&request).status, without, "{target}");
        let request = request.header("x-wx-skey", &token);
        assert_eq!(edge.send(&request).status, with, "{target}");
    }
    let seen = edge.app.requests();
    assert!(seen.iter().all(|seen| is_canonical(&seen.path)), "{seen:?}");
}
