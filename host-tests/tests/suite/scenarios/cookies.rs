//! Tokens in a cookie: set by a login, cleared by a logout, and only for whose pages it is.

use serde_json::{Value, json};

use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = "https://h5.example.com";

fn with(mut session: Value) -> Value {
    session["cookie"] = json!("wxs");
    json!({ "session": session, "routes": [
        { "path": "/auth/wx", "session": "public", "login": "body" },
        { "prefix": "/api/answer", "session": "public", "login": "body" },
        { "prefix": "/feed", "session": "optional" },
    ] })
}

/// The cookie that an answer sets, in the form that `weapp-cookie` reads too: one of each attribute, a blank after `;`.
#[track_caller]
fn cookie(got: &Got) -> (String, Vec<String>) {
    let set = got
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let ours: Vec<String> = set
        .map(|(_, value)| String::from_utf8(value.clone()).unwrap())
        .filter(|value| value.starts_with("wxs="))
        .collect();
    let [cookie] = &ours[..] else {
        panic!("{:?}", got.headers);
    };
    let mut parts = cookie.split("; ").map(str::to_owned);
    let value = parts
        .next()
        .unwrap()
        .strip_prefix("wxs=")
        .unwrap()
        .to_owned();
    (value, parts.collect())
}

fn login(world: &mut World, path: &str) -> Got {
    let code = world.wechat.phone("alice").login();
    world.ask(Ask::post(path, &json!({ "code": code })))
}

pub fn a_login_sets_the_cookie_and_a_logout_clears_it(host: HostKind) {
    let mut world = host.start(with(
        json!({ "piggyback": true, "absolute_timeout_s": 7200 }),
    ));
    let openid = world.wechat.phone("alice").openid();
    let on_the_way = Ask::get("/api").header("X-WX-Code", world.wechat.phone("alice").login());
    let answers = [
        login(&mut world, "/wx/login"),
        login(&mut world, "/auth/wx"),
        world.ask(on_the_way),
    ];
    for got in answers {
        let (token, attributes) = cookie(&got);
        let expected = [
            "HttpOnly",
            "Secure",
            "SameSite=Lax",
            "Path=/",
            "Max-Age=7200",
        ];
        assert_eq!(attributes, expected);
        let with_cookie = |ask: Ask| ask.header("cookie", format!("a=b; wxs={token}"));
        let passed = world.ask(with_cookie(Ask::get("/api")));
        assert_eq!(passed.seen().header("x-wx-openid"), Some(openid.clone()));
        assert_eq!(passed.seen().header("cookie").as_deref(), Some("a=b"));
        let out = world.ask(with_cookie(Ask::post("/wx/logout", &json!({}))));
        assert_eq!(out.json()["data"]["ended"], 1);
        let (value, attributes) = cookie(&out);
        assert_eq!(value, "");
        assert_eq!(attributes.last().map(String::as_str), Some("Max-Age=0"));
    }
    // Without a session there may still be a cookie.
    let (value, _) = cookie(&world.ask(Ask::post("/wx/logout", &json!({}))));
    assert_eq!(value, "");
}

pub fn its_attributes_can_be_chosen_and_the_apps_own_cookies_stay(host: HostKind) {
    let rules = json!({ "cookie_attributes": "Path=/app; SameSite=None; Secure" });
    let mut world = host.start(with(rules));
    let code = world.wechat.phone("alice").login();
    let path = "/api/answer/200?set-cookie=app%3D1";
    let got = world.ask(Ask::post(path, &json!({ "code": code })));
    let (_, attributes) = cookie(&got);
    let expected = ["Path=/app", "SameSite=None", "Secure", "Max-Age=2592000"];
    assert_eq!(attributes, expected);
    let all = got
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    assert_eq!(all.count(), 2, "{:?}", got.headers);
    // An app that refuses has logged nobody in.
    let code = world.wechat.phone("alice").login();
    let got = world.ask(Ask::post("/api/answer/403", &json!({ "code": code })));
    assert!(got.header("set-cookie").is_none(), "{:?}", got.headers);
}

pub fn where_there_is_no_cookie_none_is_set(host: HostKind) {
    let mut world = host.start(json!({}));
    for got in [
        login(&mut world, "/wx/login"),
        world.ask(Ask::post("/wx/logout", &json!({}))),
    ] {
        assert_eq!(got.status, 200);
        assert!(got.header("set-cookie").is_none());
    }
}

/// A browser sends cookies along with whatever a page of somebody else asks for, and says whose page it was.
pub fn a_cookie_counts_for_pages_of_the_list_only(host: HostKind) {
    let mut world = host.start(with(json!({ "cookie_origins": [PAGE] })));
    let token = cookie(&login(&mut world, "/wx/login")).0;
    let with_cookie = |ask: Ask| ask.header("cookie", format!("wxs={token}"));
    let orders = || Ask::post("/api/orders", &json!({}));
    for foreign in [
        "https://evil.example",
        "null",
        "https://h5.example.com.evil.example",
        "http://h5.example.com",
        "",
    ] {
        for ask in [
            with_cookie(orders()),
            with_cookie(Ask::post("/wx/logout", &json!({}))),
            with_cookie(Ask::get("/feed")),
            with_cookie(Ask::post("/wx/decrypt", &json!({}))),
        ] {
            world.assert_refused(ask.header("Origin", foreign), 403, "origin_refused");
        }
        // A page of others could log its own user in, and have this one act as that.
        for path in ["/wx/login", "/auth/wx"] {
            let code = world.wechat.phone("mallory").login();
            let ask = Ask::post(path, &json!({ "code": code })).header("Origin", foreign);
            world.assert_refused(ask, 403, "origin_refused");
        }
    }
    let doubled = with_cookie(orders())
        .header("Origin", PAGE)
        .header("Origin", "https://evil.example");
    world.assert_refused(doubled, 403, "origin_refused");
    for ask in [
        with_cookie(orders()),
        with_cookie(orders()).header("Origin", PAGE),
        // What is in a header no page of others can write.
        orders()
            .token(&token)
            .header("Origin", "https://evil.example"),
    ] {
        let got = world.ask(ask);
        assert!(got.seen().has("x-wx-openid"));
    }
    let code = world.wechat.phone("alice").login();
    let ask = Ask::post("/wx/login", &json!({ "code": code })).header("Origin", PAGE);
    assert_eq!(world.ask(ask).status, 200);
}
