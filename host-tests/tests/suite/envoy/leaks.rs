//! Everything that Envoy shows to whoever may look, searched for everything that nobody may see.

use std::time::Duration;

use serde_json::json;
use testkit::client::Request;
use testkit::fakes::wechat::Fault;

use crate::rig::envoy_world::{EnvoyWorld, SECRET, login_request, token_of, with_token};
use crate::rig::shapes::Shape;
use testkit::eventually;

/// Logs, statistics and configuration as an operator's tools gather them.
fn shown(edge: &EnvoyWorld, requests: usize) -> String {
    let mut all: Vec<String> = edge
        .access_log(requests)
        .iter()
        .map(ToString::to_string)
        .collect();
    all.push(edge.envoy.log());
    for page in [
        "/stats",
        "/stats/prometheus",
        "/config_dump?include_eds",
        "/clusters",
        "/listeners",
        "/server_info",
    ] {
        all.push(edge.envoy.envoy().admin(page).unwrap());
    }
    all.join("\n")
}

/// One text in the spellings in which it may show up.
fn spellings(text: &str) -> [String; 3] {
    let encoded = text
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    [text.to_owned(), text.replace('/', "\\/"), encoded]
}

#[test]
fn no_secret_key_token_or_code_is_shown_anywhere() {
    let edge = EnvoyWorld::alone(|config| {
        let places = json!({ "session": { "cookie": "sid", "query": "skey" }, "wechat": { "timeout_ms": 200 } });
        config.patch_plugin(&places)
    });
    let phone = edge.wechat.phone("a");
    let mut hidden = vec![SECRET.to_owned()];
    let mut tokens = Vec::new();
    let mut requests = 0;
    let mut send = |request: &Request| {
        requests += 1;
        edge.send(request)
    };

    for fault in [
        Fault::Ok,
        Fault::Busy,
        Fault::Slow(Duration::from_millis(400)),
        Fault::ResetMidBody,
        Fault::Html,
        Fault::Truncated,
        Fault::Errcode(40163),
        Fault::Errcode(40125),
        Fault::RateLimited,
        Fault::Ok,
    ] {
        edge.wechat.script([fault]);
        let code = phone.login();
        let answer = send(&login_request(&code));
        if answer.status == 200 {
            tokens.push(token_of(&answer));
        }
        hidden.push(code);
    }
    let by_headers = phone.login();
    send(&Request::get("/wx/login").header("x-wx-code", &by_headers));
    hidden.push(by_headers);

    // In every place, where it is right, where it is refused, and where it does not belong.
    tokens.push("W".repeat(43));
    for token in &tokens {
        send(&with_token(token));
        send(&Request::get("/api/x").header("authorization", format!("Bearer {token}")));
        send(&Request::get("/api/x").header("cookie", format!("sid={token}")));
        for path in ["/api/x", "/public/x", "/public;x", "/wx/nowhere"] {
            send(&Request::get(format!("{path}?skey={token}")));
        }
        send(&with_token(token).header("x-3rd-session", "another"));
        for data in [
            phone.user_info().to_json(),
            json!({ "encryptedData": "A".repeat(64), "iv": token }),
        ] {
            send(
                &Request::post("/wx/decrypt")
                    .header("x-wx-skey", token)
                    .json(&data),
            );
            send(
                &Request::post("/wx/verify")
                    .header("x-wx-skey", token)
                    .json(&data),
            );
        }
    }
    hidden.extend(tokens);
    let broken = format!("{{\"code\":\"{}\"", hidden[1]);
    requests += 1;
    assert_eq!(
        Shape::Chunked
            .post(&edge, "/wx/login", &[], broken.as_bytes())
            .0,
        400
    );
    hidden.extend(phone.session_keys());

    eventually(|| edge.active_requests() == 0);
    let shown = shown(&edge, requests);
    assert!(
        shown.contains(&phone.openid()) && shown.contains("WX_SECRET"),
        "it was not searched"
    );
    for text in &hidden {
        assert!(text.len() >= 24, "{text}");
        for spelling in spellings(text) {
            let found = shown.lines().find(|line| line.contains(&spelling));
            assert_eq!(found, None, "{text}");
        }
    }
}
