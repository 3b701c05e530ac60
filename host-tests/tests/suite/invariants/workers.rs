//! What holds between the workers of one process, and what one turn of a worker may do at most.

use std::time::Duration;

use host_tests::fakes::wechat::{FakeWechat, Source};
use serde_json::json;

use super::Stage;
use crate::rig::{APPID, Ask, Login, Rig, SECRET, WasmRig};
use crate::wasm_host::{Outcome, SharedData, pairs};

#[test]
fn the_failure_cap_of_a_session_holds_on_every_worker() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"workers");
    let shared = SharedData::default();
    let mut here = WasmRig::worker(&wechat, &json!({}), &shared, 1);
    let mut there = WasmRig::worker(&wechat, &json!({}), &shared, 2);
    let alice = wechat.phone("alice");
    let login = Ask::post("/wx/login", &json!({ "code": alice.login() }));
    let token = Login::from(&here.ask(vec![login])[0]).token;
    // In the caches of both.
    for rig in [&mut here, &mut there] {
        assert_eq!(rig.ask(vec![Ask::get("/api").token(&token)])[0].status, 200);
    }
    let bad = alice.open_data(Source::UserInfo).bad_padding().build();
    let guess = Ask::post("/wx/decrypt", &bad.to_json()).token(&token);
    for _ in 0..5 {
        assert_eq!(here.ask(vec![guess.clone()])[0].status, 422);
    }
    for rig in [&mut here, &mut there] {
        let got = rig.ask(vec![guess.clone()]).remove(0);
        assert_eq!(
            (got.status, got.json()["error"].as_str()),
            (401, Some("invalid_token"))
        );
    }
}

/// Envoy sends the replies of one callback one inside the other; hundreds overflow the stack of the VM.
#[test]
fn one_tick_wakes_a_few_dozen_at_most() {
    let mut stage = Stage::new(&json!({ "login": { "failures_per_minute": 0 } }));
    let logins: Vec<_> = (0..200)
        .map(|n| {
            stage.rig.send(&Ask::post(
                "/wx/login",
                &json!({ "code": format!("code{n}") }),
            ))
        })
        .collect();
    let before = stage.rig.vm.pending_calls().len();
    stage.rig.vm.tick();
    let asked = stage.rig.vm.pending_calls().len() - before;
    assert!((1..=32).contains(&asked), "{asked} in one tick");
    stage.rig.settle(&logins);
    for stream in logins {
        assert!(matches!(stage.rig.vm.outcome(stream), Outcome::Replied(_)));
    }
    stage.rig.advance(Duration::from_secs(1));
}

#[test]
fn identity_in_trailers_does_not_reach_the_app() {
    let mut stage = Stage::new(&json!({}));
    for (path, token) in [("/api", stage.token.clone()), ("/public", String::new())] {
        let ask = Ask::new("POST", path).token(&token);
        let stream = stage.rig.vm.request(ask.head(), false);
        stage.rig.vm.body(stream, b"body", false);
        let trailers = [
            ("x-wx-openid", "admin"),
            ("x_wx_openid", "admin"),
            ("x-checksum", "1"),
        ];
        stage.rig.vm.trailers(stream, pairs(trailers));
        let trailers = stage.rig.vm.outcome(stream).forwarded().trailers.unwrap();
        assert_eq!(*trailers.pairs(), pairs([("x-checksum", "1")]), "{path}");
    }
}
