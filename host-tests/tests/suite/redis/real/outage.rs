//! What a route does while a real Redis is away: closed, stale or anonymous, and by itself as before when it is back.
//! The rules in detail, with time that can be turned, are in `redis::outage`.

use std::time::Duration;

use serde_json::json;
use testkit::fakes::wechat::FakeWechat;

use crate::rig::backend::Backend;
use crate::rig::{APPID, Ask, EnvoyRig, Got, Login, Rig, SECRET, assert_unavailable};

/// For so long a stale route goes on, where that is looked at.
const STALE: Duration = Duration::from_secs(4);

struct EnvoyOnRedis {
    rig: EnvoyRig,
    backend: Backend,
    wechat: FakeWechat,
}

impl EnvoyOnRedis {
    /// No session is fresh for longer than an instant, so that every request asks Redis.
    fn start(backend: Backend, stale: Duration) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let patch = json!({
            "store": { "timeout_ms": 300 },
            "responses": { "session_end": true },
            "session": { "cache_ttl_s": 0, "stale_ttl_s": stale.as_secs() },
            "routes": [
                { "prefix": "/closed", "session": "required" },
                { "prefix": "/stale", "session": "required", "outage": "stale" },
                { "prefix": "/feed", "session": "optional" },
                { "prefix": "/feed-stale", "session": "optional", "outage": "stale" },
                { "prefix": "/feed-anonymous", "session": "optional", "outage": "anonymous" },
                { "prefix": "/public", "session": "public" },
            ],
        });
        let rig = backend.edge(&wechat, &patch);
        Self {
            rig,
            backend,
            wechat,
        }
    }

    fn ask(&mut self, ask: Ask) -> Got {
        self.rig.ask(vec![ask]).remove(0)
    }

    fn get(&mut self, path: &str, token: &str) -> Got {
        self.ask(Ask::get(path).token(token))
    }

    fn login(&mut self, user: &str) -> String {
        let code = self.wechat.phone(user).login();
        let got = self.ask(Ask::post("/wx/login", &json!({ "code": code })));
        Login::from(&got).token
    }

    /// Redis is away, and each route does what it says. `known` was verified here a moment ago, `unknown` never.
    fn assert_outage(&mut self, name: &str, known: &str, unknown: &str) {
        let openid = self.wechat.phone("ming").openid();
        for path in ["/stale", "/feed-stale"] {
            assert_passed(&self.get(path, known), Some(&openid), Some("stale"));
        }
        assert_unavailable(&self.get("/stale", unknown), name);
        for path in ["/closed", "/feed", "/no-rule"] {
            assert_unavailable(&self.get(path, known), name);
        }
        let forged = Ask::get("/feed-anonymous").token(known);
        let forged = forged
            .header("x-wx-openid", "forged")
            .header("x-wx-auth-status", "verified");
        assert_passed(&self.ask(forged), None, Some("unavailable"));
        // Who shows no token is judged without Redis.
        assert_passed(&self.ask(Ask::get("/feed")), None, Some("missing"));
        assert_passed(&self.ask(Ask::get("/public")), None, None);
        assert_eq!(self.ask(Ask::get("/stale")).status, 401, "{name}");
    }

    /// Redis is back: nobody is stale or anonymous any more.
    fn assert_recovers(&mut self, name: &str, known: &str) {
        let openid = self.wechat.phone("ming").openid();
        loop {
            let got = self.get("/closed", known);
            if got.status == 200 {
                break;
            }
            assert_unavailable(&got, name);
        }
        assert_passed(&self.get("/closed", known), Some(&openid), None);
        for path in ["/stale", "/feed", "/feed-stale", "/feed-anonymous"] {
            assert_passed(&self.get(path, known), Some(&openid), Some("verified"));
        }
    }
}

#[track_caller]
fn assert_passed(got: &Got, openid: Option<&str>, auth_status: Option<&str>) {
    let seen = got.seen();
    assert_eq!(seen.header("x-wx-openid").as_deref(), openid);
    assert_eq!(seen.header("x-wx-auth-status").as_deref(), auth_status);
}

#[test]
fn with_redis_killed_behind_webdis_each_route_does_what_it_says() {
    redis_is_killed("webdis", EnvoyOnRedis::start(Backend::webdis(), STALE));
}

#[test]
fn with_redis_killed_behind_rest_each_route_does_what_it_says() {
    redis_is_killed("redis_rest", EnvoyOnRedis::start(Backend::rest(), STALE));
}

fn redis_is_killed(name: &str, mut edge: EnvoyOnRedis) {
    let openid = edge.wechat.phone("ming").openid();
    // What this worker makes itself it knows.
    let (known, unknown) = (edge.login("ming"), "A".repeat(43));
    edge.backend.redis.save_rdb().unwrap();
    let got = edge.get("/stale", &known);
    assert_passed(&got, Some(&openid), Some("verified"));

    edge.backend.redis.kill9();
    edge.assert_outage(name, &known, &unknown);
    assert_eq!(edge.rig.counter("wx_session.session.stale"), 2);
    assert_eq!(edge.rig.counter("wx_session.session.anonymous"), 1);
    edge.rig.advance(STALE);
    for path in ["/stale", "/feed-stale"] {
        assert_unavailable(&edge.get(path, &known), name);
    }

    edge.backend.redis.restart(false).unwrap();
    edge.assert_recovers(name, &known);
}

#[test]
fn a_session_that_was_ended_before_the_outage_is_not_stale() {
    let mut edge = EnvoyOnRedis::start(Backend::webdis(), 15 * STALE);
    let (here, elsewhere) = (edge.login("ming"), edge.login("hong"));
    for token in [&here, &elsewhere] {
        assert_eq!(edge.get("/stale", token).status, 200);
    }
    let mut other = edge.backend.edge(&edge.wechat, &json!({}));
    let logout = |token: &str| Ask::post("/wx/logout", &json!({})).token(token);
    assert_eq!(edge.ask(logout(&here)).status, 200);
    assert_eq!(other.ask(vec![logout(&elsewhere)])[0].status, 200);
    // This edge hears of it when it asks.
    assert_eq!(edge.get("/stale", &elsewhere).status, 401);
    edge.backend.redis.kill9();
    for token in [&here, &elsewhere] {
        assert_unavailable(&edge.get("/stale", token), "ended");
    }
}

/// Redis is away for longer than an end is tried: it is told the operator, and the session is never good here.
#[test]
fn an_end_that_redis_never_heard_of_is_logged_and_counted_and_the_session_is_never_stale() {
    let mut edge = EnvoyOnRedis::start(Backend::webdis(), 300 * STALE);
    let (ended, other) = (edge.login("ming"), edge.login("hong"));
    for token in [&ended, &other] {
        assert_eq!(edge.get("/stale", token).status, 200);
    }
    edge.backend.redis.kill9();
    assert_eq!(edge.get("/stale", &ended).status, 200);
    let failed = edge.rig.counter("wx_session.store.failed");
    let end = Ask::get("/stale/answer/200?x-wx-session-end=this").token(&ended);
    assert_eq!(edge.ask(end).status, 200);
    assert_unavailable(&edge.get("/stale", &ended), "at once");
    // It is tried for about half a minute.
    let is_told = |edge: &EnvoyOnRedis| edge.rig.log().contains("session_not_ended");
    for _ in 0..600 {
        if is_told(&edge) {
            break;
        }
        edge.rig.advance(Duration::from_millis(100));
    }
    assert!(is_told(&edge), "{}", edge.rig.log());
    assert!(edge.rig.counter("wx_session.store.failed") >= failed + 4);
    assert_unavailable(&edge.get("/stale", &ended), "given up");
    // Others go on as they did.
    assert_eq!(edge.get("/stale", &other).status, 200);
}
