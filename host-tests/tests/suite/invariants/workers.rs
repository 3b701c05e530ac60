//! What holds between the workers of one process, and what one turn of a worker may do at most.

use std::time::Duration;

use serde_json::json;
use testkit::fakes::wechat::{FakeWechat, Fault, Source};

use crate::rig::wasm_world::WasmWorld;
use crate::rig::{APPID, Ask, Login, Rig, SECRET, WasmRig, assert_refusal};
use proxy_wasm_host::{Outcome, SharedData, pairs};

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

/// It was ended elsewhere a moment ago, and passes here from the cache: until its client wants it ended here too.
#[test]
fn a_session_whose_client_has_logged_out_or_in_anew_passes_no_more_at_that_worker_whoever_has_ended_it()
 {
    for logs_in in [true, false] {
        let wechat = FakeWechat::seeded(APPID, SECRET, b"elsewhere");
        let shared = SharedData::default();
        let patch = json!({ "session": { "cache_ttl_s": 60 } });
        let mut here = WasmRig::worker(&wechat, &patch, &shared, 1);
        let mut there = WasmRig::worker(&wechat, &patch, &shared, 2);
        let alice = wechat.phone("alice");
        let login = |old: &str| {
            let body = json!({ "code": alice.login(), "token": old });
            Ask::post("/wx/login", &body)
        };
        let token = Login::from(&here.ask(vec![login("")])[0]).token;
        let logout = Ask::post("/wx/logout", &json!({})).token(&token);
        let ended = there.ask(vec![logout.clone()]).remove(0);
        assert_eq!(ended.json()["data"]["ended"], 1);
        let check = Ask::get("/api").token(&token);
        assert_eq!(
            here.ask(vec![check.clone()])[0].status,
            200,
            "as documented"
        );
        let ask = if logs_in { login(&token) } else { logout };
        assert_eq!(here.ask(vec![ask])[0].status, 200);
        let got = here.ask(vec![check]).remove(0);
        assert_refusal(&got, 401, "invalid_token");
    }
}

/// One that was ended elsewhere a moment ago is on no list any more; but nobody who has logged out everywhere expects it.
#[test]
fn after_a_logout_everywhere_none_of_the_users_sessions_passes_at_that_worker() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"everywhere");
    let shared = SharedData::default();
    let mut here = WasmRig::worker(&wechat, &json!({}), &shared, 1);
    let mut there = WasmRig::worker(&wechat, &json!({}), &shared, 2);
    let login = |rig: &mut WasmRig, user: &str| {
        let code = wechat.phone(user).login();
        let login = Ask::post("/wx/login", &json!({ "code": code }));
        Login::from(&rig.ask(vec![login])[0]).token
    };
    let status = |rig: &mut WasmRig, token: &str| {
        let check = Ask::get("/api").token(token);
        rig.ask(vec![check]).remove(0).status
    };
    let (one, other, bobs) = (
        login(&mut here, "alice"),
        login(&mut here, "alice"),
        login(&mut here, "bob"),
    );
    let logout = |everywhere: bool| json!({ "everywhere": everywhere });
    there.ask(vec![Ask::post("/wx/logout", &logout(false)).token(&one)]);
    // It is in the cache here, which may not know yet.
    assert_eq!(status(&mut here, &one), 200);
    here.ask(vec![Ask::post("/wx/logout", &logout(true)).token(&other)]);
    assert_eq!(status(&mut here, &one), 401);
    assert_eq!(status(&mut here, &other), 401);
    assert_eq!(status(&mut here, &bobs), 200);
}

#[test]
fn sessions_of_an_app_that_is_configured_no_longer_are_unknown() {
    const OTHER: &str = "wx00000000000000ff";
    let wechat = FakeWechat::seeded(APPID, SECRET, b"apps");
    wechat.add_app(OTHER, SECRET);
    let shared = SharedData::default();
    let apps = |ids: &[&str]| {
        let app = |id: &&str| json!({ "appid": id, "secret": { "env": "WX_SECRET" } });
        json!({ "apps": ids.iter().map(app).collect::<Vec<_>>() })
    };
    let mut before = WasmRig::worker(&wechat, &apps(&[APPID, OTHER]), &shared, 1);
    let phone = wechat.phone_in(OTHER, "alice");
    let code = json!({ "code": phone.login(), "appid": OTHER });
    let token = Login::from(&before.ask(vec![Ask::post("/wx/login", &code)])[0]).token;
    let data = phone.user_info().to_json();
    let check = Ask::get("/api").token(&token);
    assert_eq!(before.ask(vec![check.clone()])[0].status, 200);

    let mut after = WasmRig::worker(&wechat, &apps(&[APPID]), &shared, 2);
    for ask in [
        check.clone(),
        Ask::get("/wx/user").token(&token),
        Ask::post("/wx/decrypt", &data).token(&token),
        Ask::post("/wx/verify", &data).token(&token),
        Ask::post("/wx/register", &data).token(&token),
    ] {
        let got = after.ask(vec![ask]).remove(0);
        assert_refusal(&got, 401, "invalid_token");
    }
    let state = after
        .ask(vec![Ask::get("/wx/session").token(&token)])
        .remove(0);
    assert_eq!(state.json()["data"]["hasSession"], json!(false));
    let feed = after.ask(vec![Ask::get("/feed").token(&token)]).remove(0);
    let status = feed.seen().header("x-wx-auth-status");
    assert_eq!(status.as_deref(), Some("invalid"));
    let ended = after.ask(vec![Ask::post("/wx/logout", &json!({})).token(&token)]);
    assert_eq!(ended[0].json()["data"]["ended"], json!(0));
    // As the old session of a login it is nobody's.
    let code = wechat.phone("alice").login();
    let login = Ask::post("/wx/login", &json!({ "code": code, "token": token }));
    let login = Login::from(&after.ask(vec![login])[0]);
    assert_eq!(login.data["event"], json!("new"));
    // Where the app still is, nothing has happened to it.
    assert_eq!(before.ask(vec![check])[0].status, 200);
}

#[test]
fn a_session_sealed_under_another_master_key_does_not_open_and_an_old_key_still_does() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"master keys");
    let shared = SharedData::default();
    let keys = |names: &[&str]| {
        let keys: Vec<_> = names.iter().map(|name| json!({ "env": name })).collect();
        json!({ "master_keys": keys })
    };
    let mut old = WasmRig::worker(&wechat, &keys(&["WX_OLD_MASTER_KEY"]), &shared, 1);
    let alice = wechat.phone("alice");
    let login = Ask::post("/wx/login", &json!({ "code": alice.login() }));
    let token = Login::from(&old.ask(vec![login])[0]).token;
    let check = Ask::get("/api").token(&token);

    let mut foreign = WasmRig::worker(&wechat, &keys(&["WX_MASTER_KEY"]), &shared, 2);
    let got = foreign.ask(vec![check.clone()]).remove(0);
    assert_eq!(
        (got.status, got.json()["error"].as_str()),
        (401, Some("invalid_token"))
    );

    let both = keys(&["WX_MASTER_KEY", "WX_OLD_MASTER_KEY"]);
    let mut rotated = WasmRig::worker(&wechat, &both, &shared, 3);
    let got = rotated.ask(vec![check]).remove(0);
    assert_eq!(got.seen().header("x-wx-openid"), Some(alice.openid()));
    // A login there is sealed under the new key, so the foreign worker opens it, and the old one no more.
    let relogin = Ask::post(
        "/wx/login",
        &json!({ "code": alice.login(), "token": token }),
    );
    let login = Login::from(&rotated.ask(vec![relogin])[0]);
    assert_eq!(login.data["event"], "returning");
    let check = Ask::get("/api").token(&login.token);
    assert_eq!(foreign.ask(vec![check.clone()])[0].status, 200);
    assert_eq!(old.ask(vec![check])[0].status, 401);
}

/// Envoy sends the replies of one callback one inside the other; hundreds overflow the stack of the VM.
#[test]
fn one_tick_wakes_a_few_dozen_at_most() {
    let mut stage = WasmWorld::new(&json!({ "login": { "failures_per_minute": 0 } }));
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
    let mut stage = WasmWorld::new(&json!({}));
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

#[test]
fn a_wall_clock_that_is_set_back_keeps_nobody_waiting() {
    let mut stage = WasmWorld::new(&json!({}));
    stage.wechat.script([Fault::Busy]);
    let ask = Ask::post("/wx/login", &json!({ "code": stage.alice.login() }));
    let stream = stage.rig.send(&ask);
    let hour_ago = stage.rig.vm.now() - Duration::from_secs(3600);
    stage.rig.vm.set_wall_clock(hour_ago);
    stage.rig.advance(Duration::from_millis(10));
    let call = stage.rig.vm.pending_calls().remove(0);
    assert!(
        call.timeout.unwrap() <= Duration::from_secs(3),
        "{:?}",
        call.timeout
    );
    for _ in 0..100 {
        stage.rig.serve_calls();
        stage.rig.advance(Duration::from_millis(10));
    }
    let got = stage.rig.got(stream);
    assert_eq!(got.status, 200, "{:?}", got.json());
}

#[test]
fn a_call_that_was_never_sent_says_nothing_about_wechat() {
    let mut stage = WasmWorld::new(&json!({ "wechat": { "timeout_ms": 500 } }));
    let login = |stage: &mut WasmWorld| {
        let ask = Ask::post("/wx/login", &json!({ "code": stage.alice.login() }));
        stage.rig.ask(vec![ask]).remove(0)
    };
    stage
        .wechat
        .script(std::iter::repeat_n(Fault::Slow(Duration::from_secs(5)), 10));
    for _ in 0..9 {
        assert_eq!(login(&mut stage).status, 504);
    }
    // The host's own limit, between two timeouts: neither counts nor resets.
    stage.rig.vm.break_cluster("wechat");
    assert_eq!(login(&mut stage).status, 503);
    stage.rig.vm.mend_cluster("wechat");
    assert_eq!(login(&mut stage).status, 504);
    let asked = stage.wechat.requests().len();
    let got = login(&mut stage);
    assert_eq!(
        (got.status, got.header("retry-after").as_deref()),
        (504, Some("5"))
    );
    assert_eq!(stage.wechat.requests().len(), asked, "the breaker is open");
}

#[test]
fn what_was_counted_is_told_at_the_next_beat_or_at_the_end() {
    let count = |stage: &WasmWorld| stage.rig.counter("wx_session.session.absent");
    let refused = |stage: &mut WasmWorld| {
        let before = stage.rig.vm.counts().total_hostcalls();
        stage.rig.answers(vec![Ask::get("/api")]);
        stage.rig.vm.counts().total_hostcalls() - before
    };
    let mut stage = WasmWorld::new(&json!({}));
    // The first after a while reads the clock and asks for the tick.
    stage.rig.advance(Duration::from_secs(1));
    let (first, second) = (refused(&mut stage), refused(&mut stage));
    assert!(second < first, "{second} hostcalls after {first}");
    assert_eq!(count(&stage), 0);
    stage.rig.advance(Duration::from_millis(100));
    assert_eq!(count(&stage), 2);
    // Two beats later nobody ticks for nobody.
    assert!(stage.rig.vm.advance(Duration::from_secs(60)) <= 1);
    refused(&mut stage);
    stage.rig.vm.shutdown();
    assert_eq!(count(&stage), 3);
}
