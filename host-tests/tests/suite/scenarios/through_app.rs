//! Login through the app: a route of the app's own login, whose code the edge takes, and whose answer the app writes.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::{Fault, KeyAge};

use super::gate::{identity, owned};
use crate::rig::{APPID, Ask, Got, HostKind, World};

fn routes() -> Value {
    json!({ "routes": [
        { "path": "/auth/wx", "methods": ["POST"], "session": "public", "login": "body", "login_code": "loginCode" },
        { "path": "/auth/required", "session": "required", "login": "body" },
        { "path": "/auth/query", "session": "public", "login": "query", "login_code": "js_code" },
        { "path": "/auth/header", "session": "public", "login": "headers", "login_code": "login_code" },
        { "path": "/auth/told", "session": "optional", "login": "body", "login_errors": "app" },
        { "path": "/bind", "session": "required", "login": "body", "login_binds": true },
        { "path": "/old", "session": "public", "login": "body", "session_in": "session" },
        { "prefix": "/api/answer", "session": "public", "login": "body" },
        { "prefix": "/public", "session": "public" },
    ] })
}

/// The app's own login, as a template of the field sends it.
fn login(path: &str, code: &str) -> Ask {
    Ask::post(
        path,
        &json!({ "type": 34, "loginCode": code, "code": "4711", "state": "s" }),
    )
}

fn plain(path: &str, code: &str) -> Ask {
    Ask::post(path, &json!({ "code": code }))
}

/// The token that the app got for its client.
#[track_caller]
fn token(got: &Got) -> String {
    let token = got.seen().header("x-wx-login-token").expect("no token");
    assert_eq!(token.len(), 43);
    let expires_in = got.seen().header("x-wx-login-expires-in");
    assert_eq!(expires_in.as_deref(), Some("7200"));
    token
}

pub fn the_app_answers_a_login_in_its_own_words(host: HostKind) {
    let mut world = host.start(routes());
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let got = world.ask(login("/auth/wx", &code));
    assert_eq!(got.status, 200);
    let token = token(&got);
    let openid = phone.openid();
    let expected = [
        ("x-wx-appid", APPID),
        ("x-wx-login-event", "new"),
        ("x-wx-login-expires-in", "7200"),
        ("x-wx-login-token", &token),
        ("x-wx-openid", &openid),
        ("x-wx-source", "wx_client"),
    ];
    assert_eq!(identity(got.seen()), owned(&expected));
    // Only the code is gone: the other one is of an SMS.
    let body: Value = serde_json::from_slice(&got.seen().body).unwrap();
    assert_eq!(body, json!({ "type": 34, "code": "4711", "state": "s" }));
    // The client gets it from the app, and nothing may keep the answer.
    assert_eq!(got.header("x-wx-skey"), None);
    assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
    world.assert_passes(&token, &openid);
    assert!(!world.log().contains(&token) && !world.log().contains(&code));

    // The same tap again is the same login.
    let again = world.ask(login("/auth/wx", &code));
    assert_eq!(again.seen().header("x-wx-login-token"), Some(token));
    assert_eq!(world.wechat.requests().len(), 1);
}

pub fn the_code_may_come_in_a_form_a_query_or_a_header(host: HostKind) {
    let mut world = host.start(routes());
    let phone = world.wechat.phone("alice");
    let form =
        Ask::new("POST", "/auth/wx").header("content-type", "application/x-www-form-urlencoded");
    let got = world.ask(form.body(format!("a=%20b&loginCode={}&code=1&c", phone.login())));
    assert_eq!(got.seen().body, b"a=%20b&code=1&c");
    world.assert_passes(&token(&got), &phone.openid());

    let target = format!("/auth/query?a=%20b&js_code={}&code=1", phone.login());
    let got = world.ask(Ask::get(target));
    assert_eq!(got.seen().path, "/auth/query?a=%20b&code=1");
    world.assert_passes(&token(&got), &phone.openid());

    let ask = Ask::new("POST", "/auth/header").header("Login_Code", phone.login());
    let got = world.ask(ask.header("X-Of-The-App", "1").body("as it is"));
    assert!(!got.seen().has("login_code") && got.seen().has("x-of-the-app"));
    assert_eq!(got.seen().body, b"as it is");
    world.assert_passes(&token(&got), &phone.openid());
    assert_eq!(world.wechat.requests().len(), 3);
}

/// `code` is also an SMS code, a captcha, the code of a phone number.
pub fn a_code_is_taken_on_named_routes_only(host: HostKind) {
    let mut world = host.start(routes());
    let phone = world.wechat.phone("alice");
    let known = world.login(&phone).token;
    let body = json!({ "code": "0123456789abcdef", "loginCode": "0123456789abcdef" });
    for path in ["/api/sms?code=1&js_code=2", "/public/captcha"] {
        let ask = Ask::post(path, &body)
            .token(&known)
            .header("login_code", "3");
        let got = world.ask(ask.clone());
        assert_eq!(Some(&got.seen().body), ask.body.as_ref());
        assert_eq!(got.seen().path, path);
        assert!(got.seen().has("login_code") && !got.seen().has("x-wx-login-token"));
    }
    assert_eq!(world.wechat.requests().len(), 1);
}

pub fn a_refusal_of_wechat_is_the_edges_or_the_apps_to_tell(host: HostKind) {
    let mut world = host.start(routes());
    for (fault, status, error) in [
        (Fault::Errcode(40029), 401, "invalid_code"),
        (Fault::Errcode(40226), 403, "user_blocked"),
        (Fault::Errcode(40125), 500, "wechat_config"),
    ] {
        world.wechat.script([fault.clone()]);
        let code = world.wechat.phone("alice").login();
        world.assert_refused(plain("/auth/required", &code), status, error);

        world.wechat.script([fault]);
        let code = world.wechat.phone("alice").login();
        let ask = Ask::post("/auth/told", &json!({ "code": code, "state": "s" }));
        let got = world.ask(ask);
        assert_eq!(got.status, 200);
        let expected = [("x-wx-auth-status", "refused"), ("x-wx-login-error", error)];
        assert_eq!(identity(got.seen()), owned(&expected));
        let body: Value = serde_json::from_slice(&got.seen().body).unwrap();
        assert_eq!(body, json!({ "state": "s" }), "the code does not go on");
        // The operator is told what the app is not.
        let line = format!(r#"{{"event":"login_refused","error":"{error}","status":{status},"#);
        assert!(world.log().contains(&line), "{}", world.log());
    }
    // What is wrong with the request itself is told too.
    for bad in [
        json!({ "code": "x".repeat(2000) }),
        json!({ "code": "a b&c" }),
    ] {
        let got = world.ask(Ask::post("/auth/told", &bad));
        let told = got.seen().header("x-wx-login-error");
        assert_eq!(told.as_deref(), Some("invalid_parameter"), "{bad}");
    }
}

pub fn an_app_that_refuses_ends_the_session_that_was_begun(host: HostKind) {
    let mut world = host.start(routes());
    let phone = world.wechat.phone("alice");
    for (answer, ends) in [
        ("400", true),
        ("401", true),
        ("403", true),
        ("404", true),
        ("500", true),
        ("200?x-wx-session-end=this", true),
        ("302?x-wx-session-end=This", true),
        ("200", false),
        ("302", false),
        ("200?x-wx-session-end=never", false),
    ] {
        let code = phone.login();
        let got = world.ask(plain(&format!("/api/answer/{answer}"), &code));
        let status: u16 = answer.get(..3).unwrap().parse().unwrap();
        assert_eq!(got.status, status, "the answer is the app's");
        assert_eq!(got.header("x-wx-session-end"), None);
        let token = token(&got);
        if ends {
            eventually_refused(&mut world, &token, answer);
            // Nor does its code give it again.
            let again = plain(&format!("/api/answer/{answer}"), &code);
            world.assert_refused(again, 401, "code_used");
        } else {
            world.seconds(1);
            world.assert_passes(&token, &phone.openid());
        }
    }
    assert!(world.counter("wx_session.session.ended_by_app") >= 7);
    // Another session of the user is none of this.
    let kept = world.login(&phone).token;
    let got = world.ask(plain("/api/answer/403", &phone.login()));
    eventually_refused(&mut world, &token(&got), "beside another");
    world.assert_passes(&kept, &phone.openid());
}

/// The answer does not wait for it.
#[track_caller]
fn eventually_refused(world: &mut World, token: &str, what: &str) {
    for _ in 0..50 {
        let got = world.get("/api/orders", token);
        if got.status == 401 {
            assert_eq!(got.json()["error"], "invalid_token", "{what}");
            return;
        }
        world.advance(Duration::from_millis(100));
    }
    panic!("{what}: the session lives on");
}

pub fn the_old_session_ends_wherever_its_token_was(host: HostKind) {
    let mut world = host.start(routes());
    let phone = world.wechat.phone("alice");
    let mut old = world.login(&phone).token;
    let with = |body: Value| Ask::post("/old", &body);
    for spot in ["body", "header", "authorization"] {
        let code = phone.login();
        let ask = match spot {
            "body" => with(json!({ "code": code, "session": old, "b": 1 })),
            "header" => with(json!({ "code": code, "b": 1 })).header("X-3rd-Session", &old),
            _ => with(json!({ "code": code, "b": 1 })).header("Authorization", &old),
        };
        let got = world.ask(ask);
        assert_eq!(got.seen().body, br#"{"b":1}"#, "{spot}");
        assert!(!got.seen().has("authorization"), "{spot}");
        let event = got.seen().header("x-wx-login-event");
        assert_eq!(event.as_deref(), Some("returning"), "{spot}");
        let new = token(&got);
        world.assert_token_refused(&old, "invalid_token");
        world.assert_passes(&new, &phone.openid());
        old = new;
    }
    // Another account on the phone.
    let other = world.wechat.phone("bob");
    let got = world.ask(with(json!({ "code": other.login(), "session": old })));
    let event = got.seen().header("x-wx-login-event");
    assert_eq!(event.as_deref(), Some("switched"));
    world.assert_token_refused(&old, "invalid_token");
}

pub fn a_code_that_binds_says_whose_it_is_and_leaves_the_session(host: HostKind) {
    let mut world = host.start(routes());
    let (alice, bob) = (world.wechat.phone("alice"), world.wechat.phone("bob"));
    let token = world.login(&alice).token;
    let code = bob.login();
    for _ in 0..2 {
        let got = world.ask(plain("/bind", &code).token(&token));
        let (openid, bound) = (alice.openid(), bob.openid());
        let expected = [
            ("x-wx-appid", APPID),
            ("x-wx-bound-appid", APPID),
            ("x-wx-bound-openid", &bound),
            ("x-wx-openid", &openid),
            ("x-wx-source", "wx_client"),
        ];
        assert_eq!(identity(got.seen()), owned(&expected));
        assert_eq!(got.seen().body, b"{}");
    }
    // The second time, WeChat was not asked: it would have refused.
    assert_eq!(world.wechat.requests().len(), 2);
    world.assert_passes(&token, &alice.openid());
    // It opened no session: the same code at a login is spent.
    world.assert_refused(plain("/wx/login", &code), 401, "code_used");
    // Nobody binds without a session, and the code is not spent for it.
    let code = bob.login();
    world.assert_refused(plain("/bind", &code), 401, "no_session");
    world.login_with(json!({ "code": code }));
}

pub fn where_a_code_is_bound_no_other_one_logs_in_on_the_way(host: HostKind) {
    let mut patch = routes();
    patch["session"] = json!({ "piggyback": true });
    let mut world = host.start(patch);
    let (alice, bob) = (world.wechat.phone("alice"), world.wechat.phone("bob"));
    let (own, bound) = (alice.login(), bob.login());
    let ask = plain("/bind", &bound).header("x-wx-code", &own);
    world.assert_refused(ask.clone(), 401, "no_session");
    // Neither is spent: whose session would it have been, and who would have been told?
    assert!(world.wechat.requests().is_empty());
    let token = world.login_with(json!({ "code": own })).token;
    let got = world.ask(ask.token(&token));
    let told = |name: &str| got.seen().header(name);
    assert_eq!(told("x-wx-openid"), Some(alice.openid()));
    assert_eq!(told("x-wx-bound-openid"), Some(bob.openid()));
}

pub fn open_data_beside_the_code_registers_the_user(host: HostKind) {
    let mut world = host.start(routes());
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let data = phone.user_info_under(KeyAge::Next);
    let body = json!({
        "loginCode": code, "encryptedData": data.encrypted_data, "iv": data.iv, "appid": "of the app",
    });
    let got = world.ask(Ask::post("/auth/wx", &body));
    let token = token(&got);
    let raw: Value = serde_json::from_str(&data.raw_data).unwrap();
    let user = world.get("/wx/user", &token).json();
    assert_eq!(user["data"]["nickName"], raw["nickName"], "{user}");
    // Data that does not open costs no login, and the app hears of it.
    let body = json!({
        "loginCode": phone.login(), "encryptedData": data.encrypted_data, "iv": "AAAAAAAAAAAAAAAAAAAAAA==",
    });
    let got = world.ask(Ask::post("/auth/wx", &body));
    assert!(got.seen().has("x-wx-login-token"));
    assert!(got.seen().has("x-wx-login-open-data"), "{:?}", got.seen());
}

pub fn without_a_code_the_session_of_the_route_decides(host: HostKind) {
    let mut world = host.start(routes());
    let phone = world.wechat.phone("alice");
    let known = world.login(&phone).token;
    for nothing in [
        json!({}),
        json!({ "code": "" }),
        json!({ "code": null }),
        json!({ "code": "undefined" }),
    ] {
        let got = world.ask(Ask::post("/auth/told", &nothing));
        let expected = [("x-wx-auth-status", "missing")];
        assert_eq!(identity(got.seen()), owned(&expected), "{nothing}");
        let body = world.assert_refused(
            Ask::post("/auth/required", &nothing),
            400,
            "missing_parameter",
        );
        assert_eq!(body["detail"], "code", "{nothing}");
        let got = world.ask(Ask::post("/auth/required", &nothing).token(&known));
        assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
        assert!(!got.seen().has("x-wx-login-token"));
    }
    world.ask(Ask::get("/auth/query?a=1")).seen();
    world.ask(Ask::new("POST", "/auth/header")).seen();
    assert_eq!(world.wechat.requests().len(), 1);
}

pub fn nobody_but_the_edge_speaks_of_a_login(host: HostKind) {
    let mut world = host.start(routes());
    let names = [
        "X-WX-Login-Token",
        "X-WX-Login-Expires-In",
        "X-WX-Login-Error",
        "X-WX-Login-Open-Data",
        "X-WX-Bound-OPENID",
        "X-WX-Bound-UNIONID",
        "X-WX-Bound-APPID",
        "X-WX-Session-End",
        "x_wx_login_token",
        "X.WX.Bound.OPENID",
    ];
    let forged = |ask: Ask| {
        names
            .iter()
            .fold(ask, |ask, name| ask.header(name, "forged"))
    };
    let phone = world.wechat.phone("alice");
    for ask in [
        Ask::get("/public/x"),
        Ask::post("/auth/told", &json!({})),
        login("/auth/wx", &phone.login()),
    ] {
        let got = world.ask(forged(ask));
        let said = got.seen().headers.iter();
        assert_eq!(said.filter(|(_, value)| value == b"forged").count(), 0);
    }
}

pub fn a_body_that_cannot_be_looked_into_is_refused(host: HostKind) {
    let mut world = host.start(routes());
    let post = |kind: &str, body: &str| {
        Ask::new("POST", "/auth/wx")
            .header("content-type", kind)
            .body(body)
    };
    let large = format!(r#"{{"loginCode":"{}"}}"#, "a".repeat(20_000));
    let twice = r#"{"loginCode":"0123456789","loginCode":"9876543210"}"#;
    for (ask, status, error) in [
        (
            post("text/plain", "loginCode=1"),
            415,
            "unsupported_media_type",
        ),
        (
            post("multipart/form-data; boundary=b", "--b--"),
            415,
            "unsupported_media_type",
        ),
        (post("application/json", "{"), 400, "malformed_body"),
        (post("application/json", "[]"), 400, "malformed_body"),
        (post("application/json", twice), 400, "invalid_parameter"),
        (
            post(
                "application/x-www-form-urlencoded",
                "loginCode=a&loginCode=b",
            ),
            400,
            "invalid_parameter",
        ),
        (post("application/json", &large), 413, "body_too_large"),
        (
            Ask::get("/auth/query?js_code=a&js_code=b"),
            400,
            "invalid_parameter",
        ),
        (
            Ask::get("/auth/header")
                .header("login_code", "a")
                .header("login_code", "b"),
            400,
            "invalid_header",
        ),
    ] {
        let body = world.assert_refused(ask, status, error);
        assert!(
            !body["detail"]
                .as_str()
                .unwrap_or_default()
                .contains("9876543210")
        );
    }
    assert_eq!(world.wechat.requests().len(), 0);
}

pub fn while_wechat_is_down_the_code_is_not_lost(host: HostKind) {
    let mut world = host.start(routes());
    let phone = world.wechat.phone("alice");
    world
        .wechat
        .script([Fault::Errcode(-1), Fault::Errcode(-1), Fault::Errcode(-1)]);
    let got = world.ask(login("/auth/wx", &phone.login()));
    assert_eq!(got.status, 503, "{}", got.json());
    assert!(got.header("retry-after").is_some());
    let got = world.ask(login("/auth/wx", &phone.login()));
    world.assert_passes(&token(&got), &phone.openid());
}

/// A body in which no open data can be looked for is refused before its code is spent.
pub fn a_code_beside_open_data_that_cannot_be_read_is_not_spent(host: HostKind) {
    let rule = json!({
        "path": "/auth/both", "methods": ["POST"], "session": "optional",
        "login": "body", "open_data": "body",
    });
    let mut world = host.start(json!({ "routes": [rule] }));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let typed = |media_type: &str, body: Vec<u8>| {
        let ask = Ask::new("POST", "/auth/both").header("content-type", media_type);
        ask.body(body)
    };
    let form = format!("code={code}&a=1").into_bytes();
    let ask = typed("application/x-www-form-urlencoded", form);
    world.assert_refused(ask, 415, "unsupported_media_type");
    let own_name = json!({ "code": code, "openData": { "phoneNumber": "1" } });
    world.assert_refused(Ask::post("/auth/both", &own_name), 400, "invalid_parameter");
    assert_eq!(world.wechat.code_requests(&code), 0);
    // What some editors write before a text goes with the code.
    let body = [
        &b"\xef\xbb\xbf"[..],
        json!({ "code": code }).to_string().as_bytes(),
    ]
    .concat();
    let got = world.ask(typed("application/json", body));
    assert_eq!(got.status, 200);
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
}
