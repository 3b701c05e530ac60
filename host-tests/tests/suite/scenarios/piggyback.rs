//! Login on the way: a request for the app that brings a code, at an edge with `session.piggyback: true`.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::{Fault, KeyAge, OpenData};

use super::gate::{identity, owned};
use crate::rig::{Ask, Got, HostKind, World};

fn on() -> Value {
    json!({ "session": { "piggyback": true } })
}

fn with_code(path: &str, code: &str) -> Ask {
    Ask::get(path).header("X-WX-Code", code)
}

/// The token that came with the app's answer.
#[track_caller]
fn token(got: &Got) -> String {
    let token = got.header("x-wx-skey").expect("no token");
    assert_eq!(token.len(), 43);
    assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(got.header("x-wx-skey-expires-in").as_deref(), Some("7200"));
    token
}

#[track_caller]
fn assert_no_token(got: &Got) {
    assert_eq!(got.header("x-wx-skey"), None);
    assert_eq!(got.header("x-wx-skey-expires-in"), None);
}

pub fn a_request_with_a_code_is_logged_in_and_goes_on(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let openid = phone.openid();
    let ask = Ask::post("/api/orders?page=2", &json!({ "item": 1 }));
    let got = world.ask(ask.clone().header("X-WX-Code", phone.login()));
    assert_eq!(got.status, 200);
    assert_eq!(got.seen().path, "/api/orders?page=2");
    assert_eq!(Some(&got.seen().body), ask.body.as_ref());
    let expected = [
        ("x-wx-appid", "wx0123456789abcdef"),
        ("x-wx-login-event", "new"),
        ("x-wx-openid", &openid),
        ("x-wx-source", "wx_client"),
    ];
    assert_eq!(identity(got.seen()), owned(&expected));
    let token = token(&got);
    assert_eq!(world.counter("wx_session.login.ok"), 1);

    let again = world.get("/api/orders", &token);
    assert_eq!(again.seen().header("x-wx-openid"), Some(openid));
    assert!(!again.seen().has("x-wx-login-event"));
    assert_no_token(&again);
    assert!(!world.log().contains(&token));
}

pub fn user_data_sent_with_the_code_registers_and_stays_at_the_edge(host: HostKind) {
    let encoded = |raw: &str| -> String {
        let escaped = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        raw.bytes().map(escaped).collect()
    };
    let signed = |ask: Ask, data: &OpenData| {
        ask.header("X-WX-RawData", encoded(&data.raw_data))
            .header("X-WX-Signature", &data.signature)
    };
    let encrypted = |ask: Ask, data: &OpenData| {
        ask.header("X-WX-Encrypted-Data", &data.encrypted_data)
            .header("X-WX-IV", &data.iv)
    };
    let mut world = host.start(on());
    for user in ["alice", "bob"] {
        let phone = world.wechat.phone(user);
        let ask = with_code("/api", &phone.login());
        let data = phone.user_info_under(KeyAge::Next);
        let got = world.ask(if user == "alice" {
            signed(ask, &data)
        } else {
            encrypted(ask, &data)
        });
        let names: Vec<_> = identity(got.seen())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let ours = [
            "x-wx-appid",
            "x-wx-login-event",
            "x-wx-openid",
            "x-wx-source",
        ];
        assert_eq!(names, ours);
        let raw: Value = serde_json::from_str(&data.raw_data).unwrap();
        let profile = world.get("/wx/user", &token(&got)).json();
        assert_eq!(profile["data"]["nickName"], raw["nickName"], "{profile}");
    }
}

pub fn whatever_the_app_answers_carries_the_token(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    for status in [200, 201, 302, 400, 401, 404, 429, 500, 503] {
        let path = format!("/api/answer/{status}?x-of-the-app=1");
        let got = world.ask(with_code(&path, &phone.login()));
        assert_eq!(got.status, status);
        assert_eq!(got.header("x-of-the-app").as_deref(), Some("1"));
        assert!(!got.body.is_empty());
        let token = token(&got);
        world.assert_passes(&token, &phone.openid());
    }
    // The app's own words under these names are replaced, and only then.
    let path = "/api/answer/200?X-WX-Skey=of-the-app&cache-control=public";
    let got = world.ask(with_code(path, &phone.login()));
    let token = token(&got);
    let got = world.get(path, &token);
    assert_eq!(got.header("x-wx-skey").as_deref(), Some("of-the-app"));
    assert_eq!(got.header("cache-control").as_deref(), Some("public"));
}

pub fn no_cache_is_told_to_keep_an_answer_with_a_token(host: HostKind) {
    const INVITING: [&str; 11] = [
        "X-Accel-Expires",
        "X-Accel-Buffering",
        "Surrogate-Control",
        "Surrogate-Key",
        "CDN-Cache-Control",
        "Cloudflare-CDN-Cache-Control",
        "Vercel-CDN-Cache-Control",
        "X-LiteSpeed-Cache-Control",
        "Edge-Control",
        "Expires",
        "Pragma",
    ];
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let said: String = INVITING.iter().map(|name| format!("{name}=600&")).collect();
    let path = format!("/api/answer/200?{said}cache-control=public&ETag=kept");
    let got = world.ask(with_code(&path, &phone.login()));
    let token = token(&got);
    for name in INVITING {
        assert_eq!(got.header(name), None, "{name}");
    }
    assert_eq!(got.header("etag").as_deref(), Some("kept"));
    // An answer without a token is the app's own business.
    let got = world.get(&path, &token);
    for name in INVITING {
        assert_eq!(got.header(name).as_deref(), Some("600"), "{name}");
    }
}

pub fn what_is_no_code_asks_for_no_login(host: HostKind) {
    let mut world = host.start(on());
    for nothing in ["", "undefined", "null", "[object Object]", "%22%22"] {
        world.assert_refused(with_code("/api", nothing), 401, "no_session");
        let got = world.ask(with_code("/feed", nothing));
        assert!(!got.seen().has("x-wx-code"), "{nothing}");
    }
    assert!(world.wechat.requests().is_empty());
}

pub fn the_app_is_told_who_logged_in_as_seen_from_the_phone(host: HostKind) {
    let session = json!({ "piggyback": true, "idle_timeout_s": 2, "cache_ttl_s": 0 });
    let mut world = host.start(json!({ "session": session }));
    let mut phone = world.wechat.phone("alice");
    let event = |got: &Got| got.seen().header("x-wx-login-event").unwrap();
    let got = world.ask(with_code("/api", &phone.login()));
    assert_eq!(event(&got), "new");
    let first = got.header("x-wx-skey").unwrap();
    world.seconds(3);
    let got = world.ask(with_code("/api", &phone.login()).token(&first));
    assert_eq!(event(&got), "returning");
    let second = got.header("x-wx-skey").unwrap();
    assert_eq!(got.header("x-wx-skey-expires-in").as_deref(), Some("2"));
    // The old session is gone, and not only expired.
    world.assert_token_refused(&first, "invalid_token");
    world.seconds(3);
    phone.switch_user("bob");
    let got = world.ask(with_code("/api", &phone.login()).token(&second));
    assert_eq!(event(&got), "switched");
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    world.assert_token_refused(&second, "invalid_token");
}

pub fn a_client_cannot_say_what_login_it_was(host: HostKind) {
    for patch in [json!({}), on()] {
        let mut world = host.start(patch);
        let login = world.login(&world.wechat.phone("alice"));
        for name in ["X-WX-Login-Event", "x_wx_login_event", "x.wx.login.event"] {
            for ask in [
                Ask::get("/api").token(&login.token),
                Ask::get("/feed"),
                Ask::get("/public"),
            ] {
                let got = world.ask(ask.header(name, "new"));
                assert!(!got.seen().has(name), "{name}");
            }
        }
    }
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    world.login(&phone);
    let ask = with_code("/api", &phone.login()).header("X-WX-Login-Event", "switched");
    let got = world.ask(ask.header("x_wx_login_event", "switched"));
    let told = identity(got.seen());
    let told = told.iter().filter(|(name, _)| name == "x-wx-login-event");
    let told: Vec<_> = told.map(|(_, event)| event.as_str()).collect();
    assert_eq!(told, ["returning"]);
}

pub fn a_code_beside_a_good_session_is_not_spent(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let code = phone.login();
    for path in ["/api", "/feed"] {
        let got = world.ask(with_code(path, &code).token(&login.token));
        assert!(got.seen().has("x-wx-openid") && !got.seen().has("x-wx-code"));
        assert!(!got.seen().has("x-wx-login-event"));
        assert_no_token(&got);
    }
    assert_eq!(world.wechat.code_requests(&code), 0);
    token(&world.ask(with_code("/api", &code)));
}

pub fn a_public_route_and_a_preflight_log_nobody_in(host: HostKind) {
    let mut world = host.start(json!({ "session": { "piggyback": true }, "cors_preflight": true }));
    let code = world.wechat.phone("alice").login();
    let preflight = Ask::new("OPTIONS", "/api")
        .header("Origin", "https://example.com")
        .header("Access-Control-Request-Method", "GET");
    for ask in [Ask::get("/public"), Ask::get("/healthz"), preflight] {
        let got = world.ask(ask.header("X-WX-Code", &code).header("x_wx_code", &code));
        assert_eq!(identity(got.seen()), owned(&[]));
        assert_no_token(&got);
    }
    assert_eq!(world.wechat.code_requests(&code), 0);
    // An OPTIONS that is no preflight is a request like others.
    token(&world.ask(Ask::new("OPTIONS", "/api").header("X-WX-Code", &code)));
}

pub fn an_optional_route_logs_in_who_asks_for_it(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let got = world.ask(with_code("/feed", &phone.login()));
    let status = got.seen().header("x-wx-auth-status");
    assert_eq!(status.as_deref(), Some("verified"));
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    token(&got);
    for ask in [Ask::get("/feed"), with_code("/feed", "")] {
        let got = world.ask(ask);
        let status = got.seen().header("x-wx-auth-status");
        assert_eq!(status.as_deref(), Some("missing"));
        assert!(!got.seen().has("x-wx-code"));
        assert_no_token(&got);
    }
}

pub fn where_it_is_off_a_code_is_a_header_like_others(host: HostKind) {
    let mut world = host.start(json!({}));
    let code = world.wechat.phone("alice").login();
    world.assert_refused(with_code("/api", &code), 401, "no_session");
    for path in ["/feed", "/public"] {
        let got = world.ask(with_code(path, &code));
        assert_eq!(got.seen().header("x-wx-code"), Some(code.clone()));
        assert!(!got.seen().has("x-wx-openid"));
        assert_no_token(&got);
    }
    assert_eq!(world.wechat.code_requests(&code), 0);
}

pub fn a_login_that_is_refused_is_answered_at_the_edge(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let good = phone.login();
    for path in ["/api", "/feed"] {
        let good = || with_code(path, &good);
        for (ask, status, error) in [
            (with_code(path, "0badc0de"), 401, "invalid_code"),
            (with_code(path, ""), 401, "no_session"),
            (
                good().header("X-WX-Code", "0badc0de"),
                400,
                "invalid_header",
            ),
            (with_code(path, "one,two"), 400, "invalid_parameter"),
            (
                with_code(path, "x%0d%0ax-wx-skey: y"),
                400,
                "invalid_parameter",
            ),
        ] {
            if path == "/feed" && error == "no_session" {
                continue;
            }
            let got = world.ask(ask);
            crate::rig::assert_refusal(&got, status, error);
            assert_no_token(&got);
        }
    }
    world.wechat.script([Fault::Http500]);
    let ask = with_code("/api", &phone.login());
    world.assert_refused(ask, 503, "wechat_unavailable");
    // None of the others has cost it.
    token(&world.ask(with_code("/api", &good)));
}

pub fn requests_with_the_same_code_share_one_session(host: HostKind) {
    let mut world = host.start(on());
    // Slow, so that the others come while the first is under way on every host.
    let slow = Fault::Slow(Duration::from_millis(300));
    world.wechat.script([slow]);
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let asks = vec![
        with_code("/api/a", &code),
        with_code("/api/b", &code),
        with_code("/feed", &code),
    ];
    let mut tokens: Vec<_> = world.ask_together(asks).iter().map(token).collect();
    // And who comes later, at the login's own endpoint too.
    tokens.push(token(&world.ask(with_code("/api", &code))));
    tokens.push(world.login_with(json!({ "code": code })).token);
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(world.wechat.code_requests(&code), 1);
    world.assert_passes(&tokens[0], &phone.openid());
}

pub fn a_code_opens_nothing_after_its_session_has_ended(host: HostKind) {
    let mut world = host.start(on());
    let code = world.wechat.phone("alice").login();
    let token = token(&world.ask(with_code("/api", &code)));
    world.post("/wx/logout", &token, &json!({}));
    world.assert_refused(with_code("/api", &code), 401, "code_used");

    let session = json!({ "piggyback": true, "idle_timeout_s": 2 });
    let mut world = host.start(json!({ "session": session }));
    let code = world.wechat.phone("alice").login();
    world.ask(with_code("/api", &code));
    world.seconds(3);
    world.assert_refused(with_code("/api", &code), 401, "code_used");
}

pub fn refused_codes_are_limited_as_at_the_login(host: HostKind) {
    let patch = json!({ "session": { "piggyback": true }, "login": { "failures_per_minute": 3 } });
    let mut world = host.start(patch);
    for at in 0..3 {
        let ask = with_code("/api", &format!("0badc0de{at}"));
        world.assert_refused(ask, 401, "invalid_code");
    }
    let good = world.wechat.phone("alice").login();
    for _ in 0..2 {
        world.assert_refused(with_code("/api", &good), 429, "login_rate_limited");
    }
    assert_eq!(world.wechat.code_requests(&good), 0);
    assert_eq!(world.counter("wx_session.login.limited"), 2);
}

pub fn a_large_body_reaches_the_app_whole_or_not_at_all(host: HostKind) {
    let mut world = host.start(on());
    let slow = Fault::Slow(Duration::from_millis(300));
    let phone = world.wechat.phone("alice");
    for size in [20_000, 10 << 20] {
        world.wechat.script([slow.clone()]);
        let body: Vec<u8> = (0..=255).cycle().take(size).collect();
        let code = phone.login();
        let ask = Ask::new("POST", "/up").header("X-WX-Code", &code);
        let got = world.ask(ask.clone().body(&body));
        if got.status == 413 {
            // Envoy holds no more than its buffer for a request that waits.
            assert!(size > 20_000 && got.seen.is_none(), "{size}");
        } else {
            assert!(got.seen().body == body, "{size}");
            token(&got);
        }
        settle(&mut world);
        // What the client lost with the answer, it finds with the same code.
        token(&world.ask(ask));
        assert_eq!(world.wechat.code_requests(&code), 1);
    }
}

/// A login whose client is gone is carried on.
fn settle(world: &mut World) {
    world.advance(Duration::from_secs(1));
}

pub fn the_header_of_the_token_can_be_chosen(host: HostKind) {
    let session = json!({ "piggyback": true, "piggyback_header": "X-Token" });
    let mut world = host.start(json!({ "session": session }));
    let phone = world.wechat.phone("alice");
    let got = world.ask(with_code("/api", &phone.login()));
    assert_no_token(&got);
    assert_eq!(got.header("x-token-expires-in").as_deref(), Some("7200"));
    world.assert_passes(&got.header("x-token").unwrap(), &phone.openid());
}
