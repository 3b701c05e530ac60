//! What real frameworks read as the name that only the edge may write: whatever one of them finds, the edge refuses.
//! `cargo xtask frameworks` installs them, starts them and runs this.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use testkit::client::{Connection, Request};

use super::tables::{KEYS, TYPES, bodies, is_ours};
use crate::rig::{Ask, HostKind};

/// The running apps: `express 127.0.0.1:1234,flask 127.0.0.1:1235`.
const APPS: &str = "WX_FRAMEWORKS";

/// The names that a framework finds; none where it refuses the request.
fn found(app: SocketAddr, kind: Option<&str>, target: &str, body: &str) -> Vec<String> {
    let request = Request::post(target).body(body);
    let request = match kind {
        Some(kind) => request.header("content-type", kind),
        None => request,
    };
    let mut connection = Connection::open(app, Duration::from_secs(10)).unwrap();
    let answer = connection
        .send(&request.header("connection", "close"))
        .unwrap();
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

#[test]
#[ignore = "needs the frameworks: cargo xtask frameworks"]
fn whatever_a_framework_finds_under_the_name_is_refused() {
    let apps = std::env::var(APPS).expect("cargo xtask frameworks sets it");
    let apps: Vec<(&str, SocketAddr)> = apps
        .split(',')
        .map(|app| app.split_once(' ').unwrap())
        .map(|(name, address)| (name, address.parse().unwrap()))
        .collect();
    assert!(apps.len() >= 3, "{apps:?}");
    let mut world = HostKind::Core.start(json!({ "routes": [
        { "path": "/strict", "session": "required", "open_data": "body" },
        { "path": "/pass", "session": "required", "open_data": "body", "open_data_other_types": "pass" },
    ] }));
    let token = world.login(&world.wechat.phone("alice")).token;
    let mut finds = vec![0; apps.len()];
    let mut cases = Vec::new();
    for key in KEYS {
        let query = key
            .replace(' ', "%20")
            .replace(['\\', 'ｏ', '\u{200b}'], "");
        cases.push((
            Some("application/json"),
            format!("?{query}=F"),
            "{}".to_owned(),
        ));
        for kind in TYPES {
            cases.extend(
                bodies(key)
                    .into_iter()
                    .map(|body| (kind, String::new(), body)),
            );
        }
    }
    for (kind, query, body) in &cases {
        let mut by_whom = Vec::new();
        for (number, (name, app)) in apps.iter().enumerate() {
            let names = found(*app, *kind, &format!("/strict{query}"), body);
            if names.iter().any(|name| is_ours(name)) {
                finds[number] += 1;
                by_whom.push(*name);
            }
        }
        if by_whom.is_empty() {
            continue;
        }
        for path in ["/strict", "/pass"] {
            let ask = Ask::new("POST", format!("{path}{query}"))
                .token(&token)
                .body(body);
            let got = world.ask(match kind {
                Some(kind) => ask.header("content-type", kind),
                None => ask,
            });
            assert!(
                got.seen.is_none(),
                "{by_whom:?} read {kind:?} {query} {body:?}, and {path} let it pass"
            );
            assert!((400..500).contains(&got.status));
        }
    }
    // Each of them is really asked.
    assert!(finds.iter().all(|found| *found > 60), "{apps:?} {finds:?}");
}
