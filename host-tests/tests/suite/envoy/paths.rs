//! Paths that have two readings. With Envoy's own normalisation and without it, the app sees only canonical ones.
//! What Envoy rewrites into a canonical path is judged as that path.

use std::time::Duration;

use testkit::client::{Request, send};

use crate::rig::envoy_world::{EnvoyWorld, bare};
use testkit::http2::pseudo;

/// What follows a route's path. Each would be another path for some app server.
const TAILS: &[&[u8]] = &[
    b"/%2fx",
    b"/..%2Fapi/x",
    b"/%5cx",
    b"/..%5Capi",
    b"/%00",
    b"/x%00.html",
    b"/x%0d%0a",
    b"//x",
    b"//",
    b"/./x",
    b"/.",
    b"/../api/x",
    b"/..",
    b"/x/../../api/x",
    b"/%2e%2e/api/x",
    b"/%2E/x",
    b"/%252e%252e/api/x",
    b"/%25%32%66x",
    b";x",
    b"/x;y=z",
    b"/..;/api/x",
    b"/.;/x",
    b"/%3bx",
    b"\\x",
    b"/\\..\\api",
    b"/x#y",
    b"#/../../api/x",
    b"/%23",
    b"/%3f",
    b"/%",
    b"/%2",
    b"/%zz",
    b"/%ff",
    b"/%c0%af",
    b"/\xff",
    b"/\xe7\x94\xa8",
    b"/x\x7f",
    b"/x\x0b",
    b"/x\ty",
];

/// Whole request targets.
const TARGETS: &[&[u8]] = &[
    b"",
    b"*",
    b"?",
    b"api/x",
    b"//api/x",
    b"\\api\\x",
    b"/\\api/x",
    b"/%2fapi/x",
    b"http://edge//api/x",
    b"http://edge/public/../api/x",
    b"http://edge/public;/x",
    b"http://edge\\api",
    b"http:/public//x",
];

fn targets() -> Vec<Vec<u8>> {
    let tails = ["/api", "/feed", "/public"].into_iter().flat_map(|route| {
        let with_tail = |tail: &&[u8]| [route.as_bytes(), tail].concat();
        TAILS.iter().map(with_tail)
    });
    let whole = TARGETS.iter().map(|target| target.to_vec());
    tails.chain(whole).collect()
}

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
fn without_envoys_normalisation_the_plugin_lets_nothing_ambiguous_pass() {
    let edge = EnvoyWorld::with(bare);
    let token = edge.login("a");
    for target in targets() {
        for (method, token) in [
            ("GET", None),
            ("GET", Some(&*token)),
            ("OPTIONS", Some(&*token)),
        ] {
            for status in statuses(&edge, method, &target, token) {
                let shown = String::from_utf8_lossy(&target);
                assert!(
                    status == 0 || (400..500).contains(&status),
                    "{method} {shown}: {status}"
                );
            }
        }
    }
    let reached: Vec<_> = edge
        .app
        .requests()
        .into_iter()
        .map(|seen| seen.path)
        .collect();
    assert_eq!(reached, [""; 0]);
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn with_envoys_normalisation_only_canonical_paths_reach_the_app() {
    let edge = EnvoyWorld::with(|config| {
        config.patch_http(&serde_json::json!({ "delayed_close_timeout": "0.01s" }))
    });
    let token = edge.login("a");
    for target in targets() {
        for token in [None, Some(&*token)] {
            statuses(&edge, "GET", &target, token);
            for seen in edge.app.take() {
                let shown = String::from_utf8_lossy(&target);
                assert!(is_canonical(&seen.path), "{shown} became {}", seen.path);
                let open = seen.path.starts_with("/public/") || seen.path.starts_with("/feed/");
                let open = open || ["/public", "/feed"].contains(&&*seen.path);
                assert!(open || token.is_some(), "{shown} became {}", seen.path);
            }
        }
    }
    edge.assert_sound();
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
