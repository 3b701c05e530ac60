//! What real frameworks read as the name that only the edge may write: whatever one of them finds, the edge refuses.
//! `cargo xtask frameworks` installs them, starts them and runs this.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use testkit::client::{Connection, Request};

use crate::rig::{Ask, HostKind};

/// The running apps: `express 127.0.0.1:1234,flask 127.0.0.1:1235`.
const APPS: &str = "WX_FRAMEWORKS";

const TYPES: [Option<&str>; 24] = [
    None,
    Some(""),
    Some("application/json"),
    Some("application/json; charset=utf-8"),
    Some("application/json; charset=utf-16"),
    Some("application/json; x=urlencoded"),
    Some("application/json; x=multipart; boundary=b"),
    Some("application/json, application/x-www-form-urlencoded"),
    Some("application/json;application/x-www-form-urlencoded"),
    Some("application/json/x"),
    Some("application/ json"),
    Some("application/jsonp"),
    Some("application/problem+json"),
    Some("text/json"),
    Some("text/plain; x=json"),
    Some("application/x-www-form-urlencoded"),
    Some("application/x-www-form-urlencoded; x=json"),
    Some("application/x-www-form-urlencoded;application/json"),
    Some("application/x-www-form-urlencoded, application/json"),
    Some("application/x-www-form-urlencoded; charset=utf-8"),
    Some("Application/X-WWW-Form-Urlencoded ;"),
    Some("multipart/form-data; boundary=b"),
    Some("multipart/form-data; x=json; boundary=\"b\""),
    Some("multipart/mixed; boundary=b"),
];

const KEYS: [&str; 22] = [
    "openData",
    "openData[phoneNumber]",
    "openData[]",
    "openData[",
    "openData.phoneNumber",
    "detail[openData]",
    "detail.openData",
    "detail[a][openData]",
    "[openData]",
    "a[][openData]",
    "__proto__[openData]",
    " openData",
    "openData ",
    "+openData",
    "open%44ata",
    "%6F%70%65%6E%44%61%74%61",
    "openData%5Bx%5D",
    "openData%00",
    "open\\u0044ata",
    "open\\Data",
    "ｏpenData",
    "open\u{200b}Data",
];

/// Bodies around a key.
fn bodies(key: &str) -> Vec<String> {
    let part = |disposition: &str| {
        format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\nF\r\n--b--\r\n")
    };
    vec![
        format!("{key}=F"),
        format!("\"&{key}=F&\""),
        format!("{{\"a\":\"&{key}=F&\"}}"),
        format!("{{\"{key}\":\"F\"}}"),
        format!("{{\"detail\":{{\"{key}\":\"F\"}}}}"),
        part(&format!("name=\"{key}\"")),
        part(&format!("name={key}")),
        part(&format!("name='{key}'")),
        part(&format!("name*=utf-8''{key}")),
        part(&format!("name=\"{key}\"; filename=\"f\"")),
        part(&format!("name=\"{key}\"")).replace("\r\n", "\n"),
        part("name*0=\"open\"; name*1=\"Data\""),
        part("name=\"=?utf-8?B?b3BlbkRhdGE=?=\""),
        "{}".to_owned(),
    ]
}

fn is_ours(name: &str) -> bool {
    // With what is left of it where a framework does not make a tree.
    let spelled = name.trim();
    ["openData", "detail.openData", "[openData]"].contains(&spelled)
        || spelled.starts_with("openData[")
        || spelled.starts_with("openData.")
        || spelled.ends_with("[openData]")
}

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
