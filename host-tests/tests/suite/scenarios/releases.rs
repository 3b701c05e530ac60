//! Which releases of a mini program may call, by their own word.

use serde_json::{Value, json};

use crate::rig::{APPID, Ask, HostKind, SECRET, World};

const OTHER: &str = "wxfedcba9876543210";

fn app(appid: &str, more: &Value) -> Value {
    let mut app = json!({ "appid": appid, "secret": { "env": "WX_SECRET" } });
    for (name, value) in more.as_object().unwrap() {
        app[name] = value.clone();
    }
    app
}

fn listing(releases: Value) -> Value {
    json!({ "apps": [app(APPID, &json!({ "releases": releases }))] })
}

/// As a client of this version of the app says of itself.
fn of(ask: Ask, appid: &str, version: &str) -> Ask {
    let referer = format!("https://servicewechat.com/{appid}/{version}/page-frame.html");
    ask.header("Referer", referer)
}

fn login_of(world: &mut World, version: &str) -> String {
    let code = world.wechat.phone("alice").login();
    let ask = Ask::post("/wx/login", &json!({ "code": code }));
    let got = world.ask(of(ask, APPID, version));
    got.json()["data"]["token"].as_str().unwrap().to_owned()
}

pub fn a_release_that_is_not_listed_is_refused_everywhere(host: HostKind) {
    let mut world = host.start(listing(json!(["trial", 41, "42"])));
    let token = login_of(&mut world, "42");
    for version in ["0", "41", "42"] {
        let got = world.ask(of(Ask::get("/api").token(&token), APPID, version));
        assert!(got.seen().has("x-wx-openid"), "{version}");
        assert!(!got.seen().has("x-wx-release"), "{version}");
        world.ask(of(Ask::get("/public"), APPID, version)).seen();
    }
    let login = || Ask::post("/wx/login", &json!({ "code": "c" }));
    for (version, told) in [("devtools", "devtools"), ("43", "43"), ("x", "unknown")] {
        for ask in [
            Ask::get("/api").token(&token),
            Ask::get("/api"),
            Ask::get("/public"),
            Ask::get("/wx/session").token(&token),
            login(),
        ] {
            let body = world.assert_refused(of(ask, APPID, version), 403, "release_refused");
            assert_eq!(body["status"], 1013);
            assert_eq!(body["detail"], format!("referer: {told} is not listed"));
        }
    }
    // Who says nothing of this app is of no release.
    for ask in [
        Ask::get("/api").token(&token),
        Ask::get("/public"),
        of(Ask::get("/api").token(&token), OTHER, "42"),
        Ask::get("/api").header("Referer", "https://example.com/42/"),
        login(),
    ] {
        let body = world.assert_refused(ask, 403, "release_refused");
        assert_eq!(body["detail"], "referer: unknown is not listed");
    }
    assert_eq!(world.wechat.requests().len(), 1);
}

pub fn any_number_and_the_developer_tools_can_be_listed(host: HostKind) {
    let mut world = host.start(listing(json!(["release", "devtools"])));
    for version in ["1", "99999", "devtools"] {
        world.ask(of(Ask::get("/public"), APPID, version)).seen();
    }
    for version in ["0", "", "-1", "1.0"] {
        let ask = of(Ask::get("/public"), APPID, version);
        world.assert_refused(ask, 403, "release_refused");
    }
}

pub fn the_app_is_told_of_a_release_that_is_not_listed_where_so_configured(host: HostKind) {
    let tells = json!({ "releases": ["release"], "releases_action": "tell" });
    let mut world = host.start(json!({ "apps": [app(APPID, &tells)] }));
    let token = login_of(&mut world, "devtools");
    for (version, told) in [
        ("7", None),
        ("devtools", Some("devtools")),
        ("0", Some("trial")),
        ("x", Some("unknown")),
    ] {
        for ask in [Ask::get("/api").token(&token), Ask::get("/public")] {
            let ask = ask.header("X-WX-Release", "7").header("x_wx_release", "7");
            let got = world.ask(of(ask, APPID, version));
            let seen = got.seen();
            assert_eq!(seen.header("x-wx-release").as_deref(), told, "{version}");
            assert!(!seen.has("x_wx_release"), "{version}");
        }
    }
    let got = world.ask(Ask::get("/public"));
    assert_eq!(
        got.seen().header("x-wx-release").as_deref(),
        Some("unknown")
    );
    world.assert_refused(of(Ask::get("/api"), APPID, "0"), 401, "no_session");
}

pub fn each_app_has_a_list_of_its_own(host: HostKind) {
    let listed = json!({ "releases": ["release"] });
    let mut world = host.start(json!({ "apps": [app(APPID, &listed), app(OTHER, &json!({}))] }));
    world.wechat.add_app(OTHER, SECRET);
    let token = login_of(&mut world, "7");
    let code = world.wechat.phone_in(OTHER, "bob").login();
    let other = world.login_with(json!({ "code": code, "appid": OTHER }));
    // The session says which app it is, and else the Referer.
    for (ask, passes) in [
        (of(Ask::get("/api").token(&token), APPID, "7"), true),
        (of(Ask::get("/api").token(&token), APPID, "0"), false),
        (of(Ask::get("/api").token(&token), OTHER, "7"), false),
        (Ask::get("/api").token(&token), false),
        (of(Ask::get("/api").token(&other.token), OTHER, "0"), true),
        (Ask::get("/api").token(&other.token), true),
        (of(Ask::get("/public"), APPID, "0"), false),
        (of(Ask::get("/public"), OTHER, "0"), true),
        (Ask::get("/public"), true),
    ] {
        let story = format!("{ask:?}");
        let got = world.ask(ask);
        assert_eq!(got.seen.is_some(), passes, "{story}");
        assert!(
            passes || got.json()["error"] == "release_refused",
            "{story}"
        );
    }
}

/// Also where the request does not say which app it is of: the session does, or the login.
pub fn at_endpoints_the_list_is_that_of_the_sessions_app(host: HostKind) {
    let listed = json!({ "releases": ["release"] });
    let mut world = host.start(json!({
        "apps": [app(APPID, &listed), app(OTHER, &json!({}))],
        "session": { "piggyback": true },
        "routes": [{ "path": "/login", "session": "public", "login": "query", "login_code": "c" }],
    }));
    world.wechat.add_app(OTHER, SECRET);
    let token = login_of(&mut world, "7");
    let asked = world.wechat.requests().len();
    let code = world.wechat.phone("alice").login();
    let empty = json!({});
    for ask in [
        Ask::get("/wx/session").token(&token),
        Ask::get("/wx/user").token(&token),
        Ask::post("/wx/decrypt", &empty).token(&token),
        Ask::post("/wx/phone", &json!({ "code": "0123456789" })).token(&token),
        Ask::post("/wx/logout", &empty).token(&token),
        Ask::post("/wx/login", &json!({ "code": code, "appid": APPID })),
        Ask::get("/api")
            .header("X-WX-Code", &code)
            .header("X-WX-App", APPID),
    ] {
        world.assert_refused(ask.clone(), 403, "release_refused");
        world.assert_refused(of(ask, OTHER, "7"), 403, "release_refused");
    }
    let ask = Ask::get(format!("/login?c={code}")).header("X-WX-App", APPID);
    world.assert_refused(ask, 403, "release_refused");
    assert_eq!(world.wechat.requests().len(), asked, "no code is spent");
    let ask = of(Ask::get("/wx/user").token(&token), APPID, "7");
    assert_eq!(world.ask(ask).status, 200);
}

pub fn a_code_of_a_refused_release_is_not_spent(host: HostKind) {
    let mut patch = listing(json!(["release"]));
    patch["session"] = json!({ "piggyback": true });
    patch["routes"] = json!([
        { "path": "/login", "session": "public", "login": "query", "login_code": "c" },
    ]);
    let mut world = host.start(patch);
    let code = world.wechat.phone("alice").login();
    let asks = || {
        [
            Ask::get(format!("/login?c={code}")),
            Ask::get("/api").header("X-WX-Code", &code),
        ]
    };
    for ask in asks() {
        world.assert_refused(of(ask, APPID, "0"), 403, "release_refused");
    }
    assert_eq!(world.wechat.requests().len(), 0);
    for ask in asks() {
        assert!(world.ask(of(ask, APPID, "7")).seen().has("x-wx-openid"));
    }
}

pub fn an_observed_release_goes_on_and_the_app_is_told(host: HostKind) {
    let mut patch = listing(json!(["release"]));
    patch["mode"] = json!("observe");
    let mut world = host.start(patch);
    let token = login_of(&mut world, "7");
    let got = world.ask(of(Ask::get("/api").token(&token), APPID, "0"));
    let told = got.seen().header("x-wx-would-refuse");
    assert_eq!(told.as_deref(), Some("release_refused"));
    assert!(got.seen().has("x-wx-openid") && !got.seen().has("x-wx-release"));
    assert_eq!(world.counter("wx_session.observed.release_refused"), 1);
    let endpoint = of(Ask::get("/wx/session").token(&token), APPID, "0");
    world.assert_refused(endpoint, 403, "release_refused");
}
