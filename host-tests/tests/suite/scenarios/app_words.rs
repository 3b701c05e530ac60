//! What the app says of a session in headers of its response, where `responses` lets it count.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rig::{Ask, Got, HostKind, World};

const END: &str = "x-wx-session-end";
const ATTRIBUTES: &str = "x-wx-session-attributes";

fn on() -> Value {
    json!({
        "responses": { "session_end": true, "attributes": true },
        "session": { "cache_ttl_s": 60, "cookie": "wxs" },
        "routes": [
            { "path": "/api/answer/201", "session": "required", "login": "body" },
            { "prefix": "/public", "session": "public" },
            { "prefix": "/feed", "session": "optional" },
        ],
    })
}

/// A request that the app answers with these headers.
fn saying(status: u16, headers: &[(&str, &str)]) -> Ask {
    let encoded = headers
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let query = encoded.collect::<Vec<_>>().join("&");
    Ask::get(format!("/api/answer/{status}?{query}"))
}

#[track_caller]
fn assert_unheard(got: &Got) {
    assert_eq!((got.header(END), got.header(ATTRIBUTES)), (None, None));
}

/// A browser's page cannot take the cookie of its dead session away.
#[track_caller]
fn assert_cookie_goes(got: &Got) {
    let cookie = got.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("wxs=; ") && cookie.ends_with("; Max-Age=0"),
        "{cookie}"
    );
}

/// What the app is told of the session.
fn attributes(world: &mut World, token: &str) -> Option<String> {
    world.get("/api/orders", token).seen().header(ATTRIBUTES)
}

/// In the store too, which the answer does not wait for.
#[track_caller]
fn assert_comes_to(world: &mut World, token: &str, expected: &str) {
    for _ in 0..50 {
        if attributes(world, token).as_deref() == Some(expected) {
            return;
        }
        world.advance(Duration::from_millis(100));
    }
    panic!("the session does not come to remember {expected}");
}

/// Lets what was said come to the store.
fn settle(world: &mut World) {
    world.advance(Duration::from_millis(500));
}

pub fn an_app_ends_the_session_of_a_request_at_once(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    for status in [200, 201, 302, 403] {
        let (token, other) = (world.login(&phone).token, world.login(&phone).token);
        let by_cookie = saying(status, &[(END, "this")]).header("cookie", format!("wxs={token}"));
        let got = world.ask(by_cookie);
        assert_eq!(got.status, status);
        assert_unheard(&got);
        assert_cookie_goes(&got);
        // At once on this worker, however the store does, and for good.
        world.assert_token_refused(&token, "invalid_token");
        settle(&mut world);
        world.assert_token_refused(&token, "invalid_token");
        world.assert_passes(&other, &phone.openid());
        world.post("/wx/logout", &other, &json!({}));
    }
    assert_eq!(world.counter("wx_session.session.ended_by_app"), 4);
}

/// An app may say it in two places, and each adds its header. A word that is none is told the operator.
pub fn an_end_that_is_said_twice_is_an_end_and_one_that_cannot_be_read_is_told(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    for (words, ends) in [
        (&["this", "this"][..], &[true, false][..]),
        (&["this,this"], &[true, false]),
        (&["", "this"], &[true, false]),
        (&["this", "all"], &[true, true]),
        (&["ALL,this"], &[true, true]),
        (&["nonsense", "This"], &[true, false]),
        (&["true"], &[false, false]),
        (&["1", "2"], &[false, false]),
        (&[""], &[false, false]),
    ] {
        let tokens = [world.login(&phone).token, world.login(&phone).token];
        let said: Vec<_> = words.iter().map(|word| (END, *word)).collect();
        let got = world.ask(saying(200, &said).token(&tokens[0]));
        assert_unheard(&got);
        settle(&mut world);
        for (token, ends) in tokens.iter().zip(ends) {
            let got = world.get("/api/orders", token);
            assert_eq!(got.status, if *ends { 401 } else { 200 }, "{words:?}");
        }
    }
    assert_eq!(world.log().matches("end_refused").count(), 2);
    // Nor does a login stand that the app has refused so.
    let ask = Ask::post(
        format!("/api/answer/201?{END}=this&{END}=this"),
        &json!({ "code": phone.login() }),
    );
    let got = world.ask(ask);
    assert_eq!(got.header("set-cookie"), None);
    let token = got.seen().header("x-wx-login-token").unwrap();
    world.assert_token_refused(&token, "invalid_token");
    // Attributes that are said twice are none that can be kept.
    let token = world.login(&phone).token;
    let words = [(ATTRIBUTES, "a%3D1"), (ATTRIBUTES, "b%3D2")];
    world.ask(saying(200, &words).token(&token));
    settle(&mut world);
    assert_eq!(attributes(&mut world, &token), None);
    assert!(world.log().contains("attributes_refused"));
}

pub fn an_app_ends_all_sessions_of_a_user_and_of_nobody_else(host: HostKind) {
    let mut world = host.start(on());
    let (alice, bob) = (world.wechat.phone("alice"), world.wechat.phone("bob"));
    let mine: Vec<String> = (0..3).map(|_| world.login(&alice).token).collect();
    let others = world.login(&bob).token;
    for token in &mine {
        world.assert_passes(token, &alice.openid());
    }
    let got = world.ask(saying(200, &[(END, "all")]).token(&mine[1]));
    assert_unheard(&got);
    for token in &mine {
        world.assert_token_refused(token, "invalid_token");
    }
    settle(&mut world);
    for token in &mine {
        world.assert_token_refused(token, "invalid_token");
    }
    world.assert_passes(&others, &bob.openid());
    // A ban is the app's to keep: a new login is a new session.
    let again = world.login(&alice).token;
    world.assert_passes(&again, &alice.openid());
}

pub fn a_session_remembers_what_its_app_gives_it(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let (token, other) = (world.login(&phone).token, world.login(&phone).token);
    assert_eq!(attributes(&mut world, &token), None);
    for (said, kept) in [
        ("uid%3D42", "uid%3D42"),
        ("a.b_c-d*~+", "a.b_c-d*~+"),
        // What cannot be kept changes nothing.
        ("a b", "a.b_c-d*~+"),
        ("\"quoted\"", "a.b_c-d*~+"),
        (&"x".repeat(513), "a.b_c-d*~+"),
        (&"x".repeat(512), &"x".repeat(512)),
    ] {
        let got = world.ask(saying(200, &[(ATTRIBUTES, said)]).token(&token));
        assert_unheard(&got);
        settle(&mut world);
        assert_eq!(
            attributes(&mut world, &token).as_deref(),
            Some(kept),
            "{said}"
        );
    }
    assert_eq!(
        attributes(&mut world, &other),
        None,
        "each session has its own"
    );
    assert!(world.log().contains("attributes_refused"));
    // An empty text takes them away.
    world.ask(saying(200, &[(ATTRIBUTES, "")]).token(&token));
    settle(&mut world);
    assert_eq!(attributes(&mut world, &token), None);
}

pub fn what_a_session_remembers_is_in_the_store_and_a_new_login_begins_without(host: HostKind) {
    let mut patch = on();
    patch["session"]["cache_ttl_s"] = json!(0);
    let mut world = host.start(patch);
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    world.ask(saying(200, &[(ATTRIBUTES, "uid%3D42")]).token(&token));
    assert_comes_to(&mut world, &token, "uid%3D42");
    let body = json!({ "code": phone.login(), "token": token });
    let new = world.login_with(body).token;
    assert_eq!(attributes(&mut world, &new), None);
    // Unless the app gives it some with its answer to a login through it.
    let code = phone.login();
    let ask = Ask::post(
        format!("/api/answer/201?{ATTRIBUTES}=role%3Dvip"),
        &json!({ "code": code }),
    );
    let got = world.ask(ask.token(&new));
    assert_eq!(got.seen().header(ATTRIBUTES), None);
    let token = got.seen().header("x-wx-login-token").unwrap();
    assert_comes_to(&mut world, &token, "role%3Dvip");
}

pub fn a_client_cannot_say_what_a_session_remembers(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    for path in ["/api/orders", "/public/x", "/feed"] {
        for name in [ATTRIBUTES, "X_WX_Session_Attributes", END] {
            let got = world.ask(Ask::get(path).header(name, "uid=1").token(&token));
            assert!(!got.seen().has(name), "{path} {name}");
        }
    }
    world.assert_passes(&token, &phone.openid());
}

/// Off by default: then nothing is heard, and a client sees none of it all the same.
pub fn where_it_is_off_nothing_is_heard(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let words = [(END, "all"), (ATTRIBUTES, "uid%3D42")];
    let got = world.ask(saying(200, &words).token(&token));
    // On Envoy its own filter takes them off, as the shipped configuration has it.
    if host.is_real_envoy() || host.is_spin() {
        assert_unheard(&got);
    }
    settle(&mut world);
    world.assert_passes(&token, &phone.openid());
    assert_eq!(attributes(&mut world, &token), None);
}

pub fn on_a_public_route_there_is_no_session_to_speak_of(host: HostKind) {
    let mut world = host.start(json!({
        "responses": { "session_end": true, "attributes": true },
        "routes": [{ "prefix": "/api/answer", "session": "public" }],
    }));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let got = world.ask(saying(200, &[(END, "all")]).token(&token));
    assert_unheard(&got);
    settle(&mut world);
    world.assert_passes(&token, &phone.openid());
}

/// A preflight, and a path that no route can be told for.
pub fn where_nobody_looks_for_a_session_clients_see_nothing_of_it_either(host: HostKind) {
    let mut world = host.start(json!({
        "responses": { "session_end": true, "attributes": true },
        "cors_preflight": true,
        "mode": "observe",
        "observe_paths": "tell",
    }));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let words = format!("{END}=all&{ATTRIBUTES}=uid%3D42");
    let preflight = Ask::new("OPTIONS", format!("/api/answer/200?{words}"))
        .header("Origin", "https://example.com")
        .header("Access-Control-Request-Method", "POST");
    let unrouted = Ask::get(format!("/a;b/answer/200?{words}"));
    for ask in [preflight, unrouted] {
        let got = world.ask(ask.token(&token));
        assert!(!got.seen().has("x-wx-openid"));
        assert_unheard(&got);
    }
    settle(&mut world);
    world.assert_passes(&token, &phone.openid());
}

/// Until the store has heard of it, its code gives it to nobody either.
pub fn a_session_that_is_to_end_is_given_to_nobody(host: HostKind) {
    let mut world = host.start(on());
    let code = world.wechat.phone("alice").login();
    let token = world.login_with(json!({ "code": code })).token;
    let again = Ask::post("/wx/login", &json!({ "code": code }));
    let said = saying(200, &[(END, "this")]).token(&token);
    world.ask(said);
    world.assert_refused(again, 401, "code_used");
    let told = world.get("/wx/session", &token).json();
    assert_eq!(told["data"]["hasSession"], false, "{told}");
}

/// An answer without a body has headers like any other.
pub fn with_head_and_304_the_headers_count_too(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    for (method, status) in [("HEAD", 200), ("HEAD", 304), ("GET", 304)] {
        let (token, other) = (world.login(&phone).token, world.login(&phone).token);
        let say = |name: &str, value: &str| {
            let path = format!("/api/answer/{status}?{name}={value}");
            Ask::new(method, path).token(&token)
        };
        let got = world.ask(say(ATTRIBUTES, "uid%3D42"));
        assert_eq!(got.status, status, "{method}");
        assert_unheard(&got);
        settle(&mut world);
        let told = attributes(&mut world, &token);
        assert_eq!(told.as_deref(), Some("uid%3D42"), "{method} {status}");
        assert_unheard(&world.ask(say(END, "this")));
        world.assert_token_refused(&token, "invalid_token");
        settle(&mut world);
        world.assert_token_refused(&token, "invalid_token");
        world.assert_passes(&other, &phone.openid());
    }
    assert_eq!(world.counter("wx_session.session.ended_by_app"), 3);
}
