//! What a route does while the store cannot be asked. Unavailable is not unauthorised: never a 401, never a pass that
//! the route does not ask for.

use serde_json::json;
use testkit::fakes::wechat::FakeWechat;

use crate::rig::{
    ADMIN_TOKEN, APPID, Ask, CoreRig, Got, Login, Rig, SECRET, assert_unavailable, bridge,
};

struct CoreOnRedis {
    rig: CoreRig,
    wechat: FakeWechat,
}

impl CoreOnRedis {
    /// No session is fresh for longer than an instant, so that every request asks the store.
    fn start() -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let patch = json!({
            "store": bridge::rest(),
            "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
            "responses": { "session_end": true, "attributes": true },
            "session": { "cache_ttl_s": 0, "stale_ttl_s": 60 },
            "routes": [
                { "prefix": "/closed", "session": "required" },
                { "prefix": "/stale", "session": "required", "outage": "stale" },
                { "prefix": "/feed", "session": "optional" },
                { "prefix": "/feed-stale", "session": "optional", "outage": "stale" },
                { "prefix": "/feed-anonymous", "session": "optional", "outage": "anonymous" },
                { "prefix": "/open-anonymous", "session": "optional", "outage": "anonymous", "open_data": "body" },
                { "prefix": "/public", "session": "public" },
                { "prefix": "/watched", "session": "required", "mode": "observe" },
                { "prefix": "/remembered", "session": "required", "outage": "stale", "mode": "observe" },
            ],
        });
        let rig = CoreRig::start(&wechat, &patch);
        Self { rig, wechat }
    }

    fn get(&mut self, path: &str, token: &str) -> Got {
        self.rig.ask(vec![Ask::get(path).token(token)]).remove(0)
    }

    fn login(&mut self, user: &str) -> String {
        let code = self.wechat.phone(user).login();
        let ask = Ask::post("/wx/login", &json!({ "code": code }));
        Login::from(&self.rig.ask(vec![ask])[0]).token
    }

    fn store_is_down(&self, down: bool) {
        self.rig.host.bridge.fail(down);
    }

    fn seconds(&mut self, seconds: u64) {
        self.rig.advance(std::time::Duration::from_secs(seconds));
    }
}

#[track_caller]
fn assert_passed(got: &Got, openid: Option<&str>, auth_status: Option<&str>) {
    let seen = got.seen();
    assert_eq!(seen.header("x-wx-openid").as_deref(), openid);
    assert_eq!(seen.header("x-wx-auth-status").as_deref(), auth_status);
}

#[test]
fn calls_to_wechat_go_on_without_the_store() {
    const TOKEN: &str = "/cgi-bin/stable_token";
    let wechat = FakeWechat::new(APPID, SECRET);
    let patch = json!({
        "store": bridge::rest(),
        "wechat_api": { "allow": ["/wxa/getwxacodeunlimit"] },
    });
    let mut rig = CoreRig::start(&wechat, &patch);
    rig.host.bridge.fail(true);
    let works = |rig: &mut CoreRig| {
        let ask = Ask::post("/wxa/getwxacodeunlimit", &json!({ "scene": "a" }));
        let got = rig.ask(vec![ask]).remove(0);
        assert_eq!(got.header("content-type").as_deref(), Some("image/jpeg"));
    };
    works(&mut rig);
    works(&mut rig);
    assert_eq!(wechat.requests_for(TOKEN), 1);
    wechat.kill_tokens(APPID);
    works(&mut rig);
    assert_eq!(wechat.requests_for(TOKEN), 2);
}

#[test]
fn by_default_nobody_with_a_token_passes_and_it_recovers_by_itself() {
    let mut edge = CoreOnRedis::start();
    let token = edge.login("ming");
    edge.store_is_down(true);
    for path in ["/closed", "/feed", "/no-rule", "/wx/session", "/wx/user"] {
        assert_unavailable(&edge.get(path, &token), "down");
    }
    // Who shows no token is judged without the store.
    let anonymous = edge.rig.ask(vec![Ask::get("/feed"), Ask::get("/public")]);
    assert_passed(&anonymous[0], None, Some("missing"));
    assert_passed(&anonymous[1], None, None);
    edge.store_is_down(false);
    assert_eq!(edge.get("/closed", &token).status, 200);
}

#[test]
fn where_it_is_observed_a_request_goes_on_without_its_session() {
    let mut edge = CoreOnRedis::start();
    let (openid, token) = (edge.wechat.phone("ming").openid(), edge.login("ming"));
    let (verified, stale) = (Some("verified"), Some("stale"));
    for path in ["/watched", "/remembered"] {
        assert_passed(&edge.get(path, &token), Some(&openid), verified);
    }
    edge.store_is_down(true);
    let got = edge.get("/watched", &token);
    assert_passed(&got, None, Some("unavailable"));
    let told = got.seen().header("x-wx-would-refuse");
    assert_eq!(told.as_deref(), Some("store_unavailable"));
    let counter = "wx_session.observed.store_unavailable";
    assert_eq!(edge.rig.counter(counter), 1);
    let got = edge.get("/remembered", &token);
    assert_passed(&got, Some(&openid), stale);
    assert!(!got.seen().has("x-wx-would-refuse"));
}

#[test]
fn the_log_says_why_and_the_client_is_not_told() {
    let mut edge = CoreOnRedis::start();
    let token = edge.login("ming");
    edge.store_is_down(true);
    let got = edge.get("/closed", &token);
    assert!(got.json().get("detail").is_none());
    let log = edge.rig.log();
    assert!(log.contains(r#"{"event":"store_failed","target":"sessions","problem":"HTTP 503"}"#));
    assert!(!log.contains(&token));
    assert!(!log.contains(bridge::TOKEN.1));
}

#[test]
fn a_stale_route_goes_on_with_sessions_verified_a_short_while_ago() {
    let mut edge = CoreOnRedis::start();
    let openid = edge.wechat.phone("ming").openid();
    let known = edge.login("ming");
    // What this worker makes itself it knows.
    let unknown = "A".repeat(43);
    assert_passed(&edge.get("/stale", &known), Some(&openid), Some("verified"));
    edge.store_is_down(true);
    edge.seconds(59);
    assert_passed(&edge.get("/stale", &known), Some(&openid), Some("stale"));
    assert_passed(
        &edge.get("/feed-stale", &known),
        Some(&openid),
        Some("stale"),
    );
    assert_eq!(edge.rig.counter("wx_session.session.stale"), 2);
    // Verified by nobody here, or on a route that does not want it, or too long ago.
    assert_unavailable(&edge.get("/stale", &unknown), "down");
    assert_unavailable(&edge.get("/closed", &known), "down");
    edge.seconds(1);
    assert_unavailable(&edge.get("/stale", &known), "down");
    edge.store_is_down(false);
    assert_passed(&edge.get("/stale", &known), Some(&openid), Some("verified"));
}

#[test]
fn a_session_that_has_ended_is_not_stale_but_gone() {
    let mut edge = CoreOnRedis::start();
    let (here, elsewhere) = (edge.login("ming"), edge.login("hong"));
    for token in [&here, &elsewhere] {
        assert_eq!(edge.get("/stale", token).status, 200);
    }
    let logout = Ask::post("/wx/logout", &json!({})).token(&here);
    assert_eq!(edge.rig.ask(vec![logout])[0].status, 200);
    // Another edge ends the second one, and this edge hears of it when it is asked.
    edge.rig.host.bridge.delete_all();
    assert_eq!(edge.get("/stale", &elsewhere).status, 401);
    edge.store_is_down(true);
    for token in [&here, &elsewhere] {
        assert_unavailable(&edge.get("/stale", token), "down");
    }
}

#[test]
fn a_stale_session_does_not_outlive_its_own_end() {
    let mut edge = CoreOnRedis::start();
    let token = edge.login("ming");
    edge.seconds(7200 - 10);
    // Not renewed: the store fails before it could be.
    edge.store_is_down(true);
    edge.seconds(11);
    assert_unavailable(&edge.get("/stale", &token), "down");
}

#[test]
fn an_anonymous_route_goes_on_without_identity_and_says_so() {
    let mut edge = CoreOnRedis::start();
    let token = edge.login("ming");
    edge.store_is_down(true);
    let spoofed = Ask::get("/feed-anonymous")
        .token(&token)
        .header("x-wx-openid", "forged");
    assert_passed(&edge.rig.ask(vec![spoofed])[0], None, Some("unavailable"));
    assert_eq!(edge.rig.counter("wx_session.session.anonymous"), 1);
    edge.store_is_down(false);
    let openid = edge.wechat.phone("ming").openid();
    let got = edge.get("/feed-anonymous", &token);
    assert_passed(&got, Some(&openid), Some("verified"));
}

/// A route that looks into bodies is for every spelling of its path, and another than its own needs a session.
#[test]
fn another_spelling_of_an_anonymous_route_does_not_pass() {
    let mut edge = CoreOnRedis::start();
    let token = edge.login("ming");
    edge.store_is_down(true);
    let own = edge.get("/open-anonymous/a", &token);
    assert_passed(&own, None, Some("unavailable"));
    assert_unavailable(&edge.get("/OPEN-anonymous/a", &token), "down");
}

#[test]
fn a_login_during_an_outage_does_not_spend_its_code() {
    let mut edge = CoreOnRedis::start();
    edge.store_is_down(true);
    let code = edge.wechat.phone("ming").login();
    let ask = || Ask::post("/wx/login", &json!({ "code": code }));
    assert_unavailable(&edge.rig.ask(vec![ask()])[0], "down");
    edge.store_is_down(false);
    assert_eq!(edge.rig.ask(vec![ask()])[0].status, 200);
}

#[test]
fn an_edge_without_the_master_key_says_so_in_its_log() {
    let mut edge = CoreOnRedis::start();
    let token = edge.login("ming");
    let patch = json!({ "store": bridge::rest(), "master_keys": [{ "env": "WX_MASTER_KEY" }] });
    let mut other = CoreRig::start(&edge.wechat, &patch);
    other.host.bridge = edge.rig.host.bridge.clone();
    let got = other.ask(vec![Ask::get("/api").token(&token)]);
    assert_eq!(got[0].json()["error"], "invalid_token");
    let line = r#"{"event":"record_not_opened","record":"session"}"#;
    assert!(other.log().contains(line));
    // In one second only so many, however often it comes.
    other.ask(vec![Ask::get("/api").token(&token); 60]);
    assert_eq!(other.log().matches(line).count(), 20);
    assert_eq!(edge.get("/closed", &token).status, 200);
    assert!(!edge.rig.log().contains("record_not_opened"));
}

/// It can end nothing that it cannot read, and does not say that there was nothing to end.
#[test]
fn an_operator_of_an_edge_without_the_master_key_is_told_that_nothing_was_done() {
    let mut edge = CoreOnRedis::start();
    let token = edge.login("ming");
    let patch = json!({
        "store": bridge::rest(),
        "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
        "master_keys": [{ "env": "WX_MASTER_KEY" }],
    });
    let mut other = CoreRig::start(&edge.wechat, &patch);
    other.host.bridge = edge.rig.host.bridge.clone();
    let openid = edge.wechat.phone("ming").openid();
    let about = json!({ "openid": openid, "session": "feaff134", "attributes": "uid=42" });
    for action in ["sessions", "end", "end-all", "attributes", "reset-key"] {
        let ask = Ask::post(format!("/wx-admin/{action}"), &about);
        let ask = ask.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        assert_unavailable(&other.ask(vec![ask])[0], action);
    }
    let line = r#"{"event":"record_not_opened","record":"user"}"#;
    assert!(other.log().contains(line));
    assert_eq!(edge.wechat.requests_for("/wxa/resetusersessionkey"), 0);
    assert_eq!(edge.get("/closed", &token).status, 200);
}

#[test]
fn an_answer_to_another_request_is_an_outage_and_no_session_ends_for_it() {
    let wechat = FakeWechat::new(APPID, SECRET);
    let patch = json!({ "store": bridge::webdis(), "session": { "cache_ttl_s": 0 } });
    let rig = CoreRig::start(&wechat, &patch);
    let mut edge = CoreOnRedis { rig, wechat };
    let (ming, hong) = (edge.login("ming"), edge.login("hong"));
    assert_eq!(edge.get("/closed", &ming).status, 200);
    // Now every answer is the one to the request before: another user's session, which would open for nobody here.
    edge.rig.host.bridge.answer_late(true);
    assert_unavailable(&edge.get("/closed", &hong), "down");
    let code = edge.wechat.phone("ming").login();
    let login = Ask::post("/wx/login", &json!({ "code": code }));
    assert_unavailable(&edge.rig.ask(vec![login])[0], "down");
    assert!(edge.rig.log().contains("an answer to something else"));
    edge.rig.host.bridge.answer_late(false);
    for token in [&ming, &hong] {
        assert_eq!(edge.get("/closed", token).status, 200);
    }
}

#[test]
fn an_operator_is_told_that_the_store_is_down_and_asks_again() {
    let mut edge = CoreOnRedis::start();
    let openid = edge.wechat.phone("ming").openid();
    let token = edge.login("ming");
    assert_eq!(edge.get("/stale", &token).status, 200);
    let about = json!({ "openid": openid, "session": "feaff134", "attributes": "uid=42" });
    let ask = |action: &str| {
        let ask = Ask::post(format!("/wx-admin/{action}"), &about);
        ask.header("authorization", format!("Bearer {ADMIN_TOKEN}"))
    };
    edge.store_is_down(true);
    for action in ["sessions", "end", "end-all", "attributes", "reset-key"] {
        let got = edge.rig.ask(vec![ask(action)]).remove(0);
        assert_unavailable(&got, action);
        let line = format!(r#""action":"{action}","by":"tokens[0]""#);
        assert_eq!(edge.rig.log().matches(&line).count(), 1, "{action}");
    }
    assert_eq!(edge.rig.counter("wx_session.admin.failed"), 5);
    assert_eq!(edge.wechat.requests_for("/wxa/resetusersessionkey"), 0);
    assert!(edge.rig.log().contains(r#""outcome":"store_unavailable""#));
    // What was to end is not what this worker remembers any more.
    assert_unavailable(&edge.get("/stale", &token), "it was to end");
    edge.store_is_down(false);
    let got = edge.rig.ask(vec![ask("end-all")]).remove(0);
    assert_eq!(got.json()["data"], json!({ "ended": 1 }));
    assert_eq!(edge.get("/closed", &token).status, 401);
}

/// Longer than it is tried: an end that cannot be written is told the operator, and the session is never good here
/// without the store.
#[test]
fn an_end_that_the_store_never_heard_of_is_logged_and_the_session_is_never_stale() {
    let mut edge = CoreOnRedis::start();
    for word in ["this", "all"] {
        let token = edge.login("ming");
        assert_eq!(edge.get("/stale", &token).status, 200);
        edge.store_is_down(true);
        assert_passed(
            &edge.get("/stale/x", &token),
            Some(&edge.wechat.phone("ming").openid()),
            Some("stale"),
        );
        let failed = edge.rig.counter("wx_session.store.failed");
        let logged = edge.rig.log().matches("session_not_ended").count();
        // The rig carries out what the app has said to its end, on a clock of its own.
        let path = format!("/stale/answer/200?x-wx-session-end={word}");
        edge.get(&path, &token);
        assert_unavailable(&edge.get("/stale", &token), "it was to end");
        assert_eq!(
            edge.rig.log().matches("session_not_ended").count(),
            logged + 1
        );
        assert!(edge.rig.counter("wx_session.store.failed") >= failed + 4);
        edge.seconds(5);
        assert_unavailable(&edge.get("/stale", &token), "nor later");
        edge.store_is_down(false);
    }
    assert_eq!(edge.rig.counter("wx_session.session.ended_by_app"), 0);
    assert_eq!(edge.rig.counter("wx_session.session.not_ended"), 2);
}
