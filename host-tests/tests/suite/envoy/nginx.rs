//! A real nginx that caches, before a real Envoy: whatever the app says of caches, no token is served to a stranger.

use std::time::Duration;

use serde_json::json;
use testkit::client::{Request, Response, send};
use testkit::nginx::Nginx;

use crate::rig::envoy_world::{EnvoyWorld, PATIENCE};

/// As an operator writes it who wants the app to say what is kept.
fn cache_before(edge: &EnvoyWorld) -> Nginx {
    let http = format!(
        "proxy_cache_path cache keys_zone=answers:1m;
         server {{
             listen LISTEN;
             location / {{
                 proxy_pass http://{};
                 proxy_http_version 1.1;
                 proxy_cache answers;
                 add_header X-Cache $upstream_cache_status;
             }}
         }}",
        edge.envoy.addr()
    );
    Nginx::start(&http).unwrap()
}

fn ask(nginx: &Nginx, request: &Request) -> Response {
    send(nginx.addr(), request, PATIENCE).unwrap()
}

fn from_cache(answer: &Response) -> bool {
    answer.header("x-cache") == Some(&b"HIT"[..])
}

/// What an app may say that makes nginx keep an answer.
const SAYINGS: [&str; 4] = [
    "X-Accel-Expires=600",
    "Expires=Thu,31Dec2037%2023:55:55GMT",
    "Cache-Control=public,max-age=600",
    "X-Accel-Expires=600&Cache-Control=public,max-age=600&Surrogate-Control=max-age=600",
];

#[test]
fn an_answer_with_a_token_is_kept_by_no_cache() {
    let edge = EnvoyWorld::with(|config| {
        config.patch_plugin(&json!({ "session": { "piggyback": true, "cache_ttl_s": 0 } }))
    });
    let nginx = cache_before(&edge);
    let phone = edge.wechat.phone("alice");
    for (at, said) in SAYINGS.into_iter().enumerate() {
        let path = format!("/api/answer/200?{at}&{said}");
        let mine = Request::get(&path).header("x-wx-code", phone.login());
        let mine = ask(&nginx, &mine);
        assert_eq!(mine.status, 200, "{said}");
        assert_eq!(mine.header("x-wx-skey").unwrap().len(), 43, "{said}");
        std::thread::sleep(Duration::from_millis(100));

        let theirs = ask(&nginx, &Request::get(&path));
        assert_eq!(theirs.status, 401, "{said}");
        assert!(!from_cache(&theirs), "{said}");
    }
    // This nginx does keep what it may.
    let path = "/public/answer/200?X-Accel-Expires=600";
    assert!(!from_cache(&ask(&nginx, &Request::get(path))));
    let again = ask(&nginx, &Request::get(path));
    assert!(from_cache(&again), "{}", nginx.log());
}
