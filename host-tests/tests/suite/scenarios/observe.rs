//! Observe mode: what goes on that would have been refused, what the app is told of it, and what stays as ever.

use serde_json::{Value, json};

use super::gate::{identity, spoofed};
use super::migration::configurations;
use crate::rig::{APPID, Ask, Got, HostKind};

/// By its form a token of ours, of no session.
const UNKNOWN: &str = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s";
const OF_THE_APP: &str = "the.apps.own";

/// The request went on, and the app was told this, and nothing else under such a name.
#[track_caller]
fn assert_let_on(got: &Got, auth_status: &str, would_refuse: Option<&str>) {
    let told = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut expected = vec![told("x-wx-auth-status", auth_status)];
    expected.extend(would_refuse.map(|error| told("x-wx-would-refuse", error)));
    let ours = identity(got.seen());
    let ours = ours.into_iter().filter(|(name, _)| name != "x-wx-skey");
    assert_eq!(ours.collect::<Vec<_>>(), expected);
}

pub fn nothing_about_the_session_is_refused_and_the_app_is_told(host: HostKind) {
    let mut world = host.start(json!({
        "mode": "observe",
        "session": { "idle_timeout_s": 3, "absolute_timeout_s": 3, "cache_ttl_s": 0 },
    }));
    let login = world.login(&world.wechat.phone("alice"));
    let got = world.ask(spoofed(Ask::get("/api")).token(&login.token));
    let openid = world.wechat.phone("alice").openid();
    let ours = [
        ("x-wx-appid", APPID),
        ("x-wx-auth-status", "verified"),
        ("x-wx-openid", &openid),
        ("x-wx-source", "wx_client"),
    ];
    assert_eq!(identity(got.seen()), super::gate::owned(&ours));

    let two = Ask::get("/api")
        .token(&login.token)
        .header("X-3rd-Session", UNKNOWN);
    assert_let_on(&world.ask(two), "invalid", Some("invalid_header"));
    let missing = spoofed(Ask::get("/api/1?x=2")).header("X-WX-Would-Refuse", "none");
    assert_let_on(&world.ask(missing), "missing", Some("no_session"));
    for invalid in [UNKNOWN, OF_THE_APP] {
        let got = world.ask(Ask::get("/api").token(invalid));
        assert_let_on(&got, "invalid", Some("invalid_token"));
    }
    let body = Ask::new("POST", "/api").body("of the client");
    let got = world.ask(body);
    assert_let_on(&got, "missing", Some("no_session"));
    assert_eq!(got.seen().body, b"of the client");
    // Where nothing would be refused, the app is told so.
    assert_let_on(&world.ask(Ask::get("/public")), "public", None);
    assert_let_on(
        &world.ask(Ask::get("/feed").token(UNKNOWN)),
        "invalid",
        None,
    );
    world.seconds(4);
    let got = world.get("/api", &login.token);
    assert_let_on(&got, "expired", Some("session_expired"));

    for (result, count) in [
        ("ok", 3),
        ("no_session", 2),
        ("invalid_token", 2),
        ("invalid_header", 1),
        ("session_expired", 1),
        ("store_unavailable", 0),
    ] {
        let counted = world.counter(&format!("wx_session.observed.{result}"));
        assert_eq!(counted, count, "{result}");
    }
    let log = world.log();
    assert_eq!(log.matches(r#""event":"would_refuse""#).count(), 6, "{log}");
    let line = r#"{"event":"would_refuse","error":"no_session","status":401,"method":"GET","path":"/api/1"}"#;
    assert!(log.contains(line), "{log}");
    assert!(!log.contains("refused"), "{log}");
    assert!(!log.contains(&login.token), "{log}");
}

pub fn tokens_of_the_running_app_reach_it_and_ours_do_not(host: HostKind) {
    let patch = |mode: &str| {
        json!({
            "mode": mode,
            "session": { "cookie": "sid", "query": "sid" },
            "routes": [{ "prefix": "/", "session": "optional", "session_in": "sid" }],
        })
    };
    let sent = |token: &str| {
        Ask::post(
            format!("/p?a=1&sid={token}&b=2"),
            &json!({ "sid": token, "c": 3 }),
        )
        .header("X-WX-Skey", token)
        .header("X-3rd-Session", format!("Bearer {token}"))
        .header("Authorization", format!("Bearer {token}"))
        .header("Cookie", format!("d=4; sid={token}; e=5"))
    };
    let mut world = host.start(patch("observe"));
    let login = world.login(&world.wechat.phone("alice"));
    for own in [OF_THE_APP, "undefined"] {
        let got = world.ask(sent(own));
        let seen = got.seen();
        assert_eq!(seen.path, format!("/p?a=1&sid={own}&b=2"));
        assert_eq!(seen.header("x-wx-skey").as_deref(), Some(own));
        for name in ["x-3rd-session", "authorization"] {
            let value = seen.header(name);
            assert_eq!(value, Some(format!("Bearer {own}")), "{name}");
        }
        let cookie = seen.header("cookie");
        assert_eq!(cookie, Some(format!("d=4; sid={own}; e=5")));
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(body, json!({ "sid": own, "c": 3 }));
        assert!(!seen.has("x-wx-openid"));
    }
    let got = world.ask(sent(&login.token));
    let seen = got.seen();
    assert!(seen.has("x-wx-openid"));
    assert_eq!(seen.path, "/p?a=1&b=2");
    assert!(!format!("{seen:?}").contains(&login.token));
    assert_eq!(seen.header("cookie").as_deref(), Some("d=4; e=5"));
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body, json!({ "c": 3 }));

    // Enforced, what stands where our tokens do is taken off.
    let mut world = host.start(patch("enforce"));
    let got = world.ask(sent(OF_THE_APP));
    let seen = got.seen();
    assert!(!seen.has("x-wx-skey") && !seen.has("x-3rd-session"));
    assert_eq!(seen.path, "/p?a=1&b=2");
    assert!(seen.has("authorization"));
}

pub fn what_protects_stays_while_observed(host: HostKind) {
    let mut world = host.start(json!({ "mode": "observe" }));
    for path in ["/a;b", "/public/a.", "/a/%252e"] {
        world.assert_refused(Ask::get(path), 400, "bad_path");
    }
    if !host.is_real_envoy() {
        world.assert_refused(Ask::new("get", "/a"), 400, "invalid_header");
        let upgrade = |to: &str| Ask::get("/a").header("Upgrade", to);
        for to in ["other", "websocket, other", "h2c, websocket"] {
            world.assert_refused(upgrade(to), 403, "upgrade_refused");
        }
    }
    world.assert_refused(Ask::get("/wx/user"), 401, "no_session");
    world.assert_refused(Ask::get("/wx/user").token(UNKNOWN), 401, "invalid_token");
    world.assert_refused(Ask::new("DELETE", "/wx/user"), 405, "method_not_allowed");
    let login = Ask::post("/wx/login", &json!({ "code": "of-nobody" }));
    world.assert_refused(login, 401, "invalid_code");
    assert_eq!(world.counter("wx_session.observed.ok"), 0);
}

pub fn a_path_that_can_be_read_in_two_ways_is_told_where_so_configured(host: HostKind) {
    let mut world = host.start(json!({
        "mode": "observe",
        "observe_paths": "tell",
        "session": { "query": "sid" },
        "routes": [{ "prefix": "/public", "session": "public" }],
    }));
    let login = world.login(&world.wechat.phone("alice"));
    for path in ["/a;b", "/public/a.", "/wx;x/user", "/a/%252e"] {
        let got = world.ask(spoofed(Ask::get(path)).token(&login.token));
        assert_let_on(&got, "unrouted", Some("bad_path"));
        assert!(!got.seen().has("x-wx-skey"));
        assert_eq!(got.seen().path, path);
    }
    let query = format!("/a;b?sid={}&c=d", login.token);
    assert_eq!(world.ask(Ask::get(query)).seen().path, "/a;b?c=d");
    assert_eq!(world.counter("wx_session.observed.bad_path"), 5);
    if !host.is_real_envoy() {
        let socket = Ask::get("/a;b").header("Upgrade", "websocket");
        world.assert_refused(socket, 403, "upgrade_refused");
    }
    world.assert_refused(Ask::get("/wx/user"), 401, "no_session");
}

pub fn what_was_asked_for_keeps_its_own_refusals(host: HostKind) {
    let mut world = host.start(json!({
        "mode": "observe",
        "session": { "piggyback": true },
        "routes": [
            { "path": "/open", "session": "required", "open_data": "body" },
            { "path": "/login", "session": "required", "login": "body", "login_code": "c" },
            { "path": "/upload", "session": "required", "session_in": "sid" },
        ],
    }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone.user_info();
    let sealed = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
    let got = world.post("/open", &login.token, &sealed);
    assert!(String::from_utf8_lossy(&got.seen().body).contains("openData"));
    world.assert_refused(Ask::post("/open", &sealed), 401, "no_session");
    let forged = Ask::post("/open", &json!({ "openData": {} }));
    world.assert_refused(forged, 400, "invalid_parameter");
    let got = world.ask(Ask::post("/open", &json!({ "a": 1 })));
    assert_let_on(&got, "missing", Some("no_session"));

    let code = |code: &str| Ask::post("/login", &json!({ "c": code }));
    world.assert_refused(code("of-nobody"), 401, "invalid_code");
    let got = world.ask(code(&phone.login()));
    assert!(got.seen().has("x-wx-openid") && got.seen().has("x-wx-login-token"));
    let got = world.ask(Ask::post("/login", &json!({})));
    assert_let_on(&got, "missing", Some("missing_parameter"));
    let two = code(&phone.login())
        .token(UNKNOWN)
        .header("X-3rd-Session", &login.token);
    world.assert_refused(two, 400, "invalid_header");

    let broken = Ask::new("POST", "/upload").header("content-type", "application/json");
    world.assert_refused(broken.body("{"), 400, "malformed_body");
    let on_the_way = Ask::get("/api").header("X-WX-Code", "of-nobody");
    world.assert_refused(on_the_way, 401, "invalid_code");
    if !host.is_real_envoy() {
        for path in ["/open", "/login", "/upload"] {
            let socket = Ask::get(path).header("Upgrade", "websocket");
            world.assert_refused(socket, 403, "upgrade_refused");
        }
    }
}

pub fn a_route_is_observed_or_enforced_by_itself(host: HostKind) {
    let mut world = host.start(json!({ "routes": [
        { "prefix": "/new", "methods": ["GET"], "session": "required", "mode": "observe" },
        { "prefix": "/public", "session": "public" },
    ] }));
    let get = || Ask::get("/new/1");
    assert_let_on(&world.ask(get()), "missing", Some("no_session"));
    world.assert_refused(Ask::get("/old"), 401, "no_session");
    // What may be another route for the app is not observed.
    for other in [
        Ask::get("/NEW/1"),
        Ask::get("/new-er"),
        Ask::new("POST", "/new/1").body("x"),
        get().header("X-HTTP-Method-Override", "DELETE"),
    ] {
        world.assert_refused(other, 401, "no_session");
    }
    assert_eq!(identity(world.ask(Ask::get("/public")).seen()), []);

    let mut world = host.start(json!({ "mode": "observe", "routes": [
        { "prefix": "/admin", "session": "required", "mode": "enforce" },
        { "prefix": "/seen", "session": "required" },
    ] }));
    assert_let_on(&world.ask(Ask::get("/old")), "missing", Some("no_session"));
    for path in ["/seen", "/SEEN"] {
        assert_let_on(&world.ask(Ask::get(path)), "missing", Some("no_session"));
    }
    for path in ["/admin/x", "/ADMIN/x"] {
        world.assert_refused(Ask::get(path), 401, "no_session");
    }
    let old = Ask::get("/admin").token(OF_THE_APP);
    world.assert_refused(old, 401, "invalid_token");

    // Other spellings are observed as what they would be.
    let mut world = host.start(json!({ "mode": "observe", "routes": [
        { "prefix": "/p/a", "session": "required" },
        { "prefix": "/p", "session": "public" },
    ] }));
    assert_let_on(&world.ask(Ask::get("/p/b")), "public", None);
    assert_let_on(&world.ask(Ask::get("/p/A")), "missing", Some("no_session"));
}

pub fn a_websocket_that_no_route_names_goes_on_while_observed(host: HostKind) {
    // Envoy has a test of its own; elsewhere there are no upgrades.
    if host.is_real_envoy() || !host.has_upgrades() {
        return;
    }
    let mut world = host.start(json!({ "mode": "observe" }));
    let login = world.login(&world.wechat.phone("alice"));
    let socket = |path: &str| {
        Ask::get(path)
            .header("Upgrade", "WebSocket")
            .header("Connection", "Upgrade, X-WX-Would-Refuse")
    };
    for (ask, auth_status) in [
        (socket("/chat").token(&login.token), "verified"),
        (socket("/chat"), "missing"),
        (socket("/public/chat"), "public"),
    ] {
        let got = world.ask(ask);
        let seen = got.seen();
        assert_eq!(seen.header("upgrade").as_deref(), Some("WebSocket"));
        assert_eq!(seen.header("connection").as_deref(), Some("upgrade"));
        let told = |name: &str| seen.header(name);
        assert_eq!(told("x-wx-auth-status").as_deref(), Some(auth_status));
        assert_eq!(
            told("x-wx-would-refuse").as_deref(),
            Some("upgrade_refused")
        );
        assert_eq!(seen.has("x-wx-openid"), auth_status == "verified");
    }
    assert_eq!(world.counter("wx_session.observed.upgrade_refused"), 3);
}

pub fn a_preflight_goes_on_while_observed(host: HostKind) {
    let preflight = || {
        Ask::new("OPTIONS", "/api")
            .header("Origin", "https://example.com")
            .header("Access-Control-Request-Method", "POST")
    };
    let mut world = host.start(json!({ "mode": "observe" }));
    let got = world.ask(preflight());
    assert_let_on(&got, "missing", Some("no_session"));
    let mut world = host.start(json!({ "mode": "observe", "cors_preflight": true }));
    assert_eq!(identity(world.ask(spoofed(preflight())).seen()), []);
}

pub fn a_cookie_from_another_page_gives_nobody_an_identity_while_observed(host: HostKind) {
    let mut world = host.start(json!({
        "mode": "observe",
        "session": { "cookie": "sid", "cookie_origins": ["https://h5.example.com"] },
        "routes": [{ "path": "/upload", "session": "required", "session_in": "sid" }],
    }));
    let login = world.login(&world.wechat.phone("alice"));
    let from = |path: &str, origin: &str| {
        let cookie = format!("sid={}", login.token);
        Ask::get(path)
            .header("Cookie", cookie)
            .header("Origin", origin)
    };
    let own = world.ask(from("/api", "https://h5.example.com"));
    assert!(own.seen().has("x-wx-openid"));
    for path in ["/api", "/upload"] {
        let got = world.ask(from(path, "https://evil.example.com"));
        assert_let_on(&got, "invalid", Some("origin_refused"));
        assert!(!got.seen().has("cookie"));
    }
    assert_eq!(world.counter("wx_session.observed.origin_refused"), 2);
}

/// The steps of `docs/rollout.md`, with the configurations that stand there, in both languages.
pub fn the_edge_comes_before_a_running_system_in_three_steps(host: HostKind) {
    let english = configurations(include_str!("../../../../docs/rollout.md"));
    let chinese = configurations(include_str!("../../../../docs/zh/rollout.md"));
    assert_eq!(english, chinese);
    let [observe, optional, required, last]: [Value; 4] = english.try_into().unwrap();
    let old = || Ask::get("/orders").token(OF_THE_APP);

    let mut world = host.start(observe);
    let got = world.ask(old());
    assert_let_on(&got, "invalid", Some("invalid_token"));
    assert_eq!(got.seen().header("x-wx-skey").as_deref(), Some(OF_THE_APP));
    assert_let_on(&world.ask(Ask::get("/healthz")), "public", None);

    let mut world = host.start(optional);
    let got = world.ask(old());
    assert_let_on(&got, "invalid", None);
    assert_eq!(got.seen().header("x-wx-skey").as_deref(), Some(OF_THE_APP));
    let login = world.login(&world.wechat.phone("alice"));
    assert!(world.get("/orders", &login.token).seen().has("x-wx-openid"));

    let mut world = host.start(required);
    world.assert_refused(old(), 401, "invalid_token");
    let got = world.ask(Ask::get("/reports"));
    assert_let_on(&got, "missing", Some("no_session"));

    let mut world = host.start(last);
    world.assert_refused(Ask::get("/reports"), 401, "no_session");
    world.ask(Ask::get("/healthz")).seen();
}
