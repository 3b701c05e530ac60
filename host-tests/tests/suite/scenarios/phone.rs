//! A phone number for the code of its button: what is asked of WeChat, what is given, and what is refused.

use serde_json::{Value, json};
use testkit::fakes::wechat::{Fault, Phone};

use crate::rig::{APPID, Ask, Got, HostKind, SECRET, World};

const NUMBER: &str = "/wxa/business/getuserphonenumber";
const TOKEN: &str = "/cgi-bin/stable_token";

fn ask(code: &str) -> Ask {
    Ask::post("/wx/phone", &json!({ "code": code }))
}

#[track_caller]
fn number(got: &Got) -> Value {
    let body = got.json();
    assert_eq!((got.status, &body["status"]), (200, &json!(0)), "{body}");
    body["data"].clone()
}

/// Logs a user in and gives the phone and the token.
fn logged_in(world: &mut World) -> (Phone, String) {
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    (phone, token)
}

pub fn a_code_of_the_button_gives_the_number_as_wechat_wrote_it(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    let code = phone.phone_code();
    let got = world.ask(ask(&code).token(&token));
    let data = number(&got);
    assert_eq!(
        (
            &data["phoneNumber"],
            &data["purePhoneNumber"],
            &data["countryCode"]
        ),
        (&json!("13580006666"), &json!("13580006666"), &json!(86))
    );
    assert_eq!(data["watermark"]["appid"], APPID);
    let seen = world.wechat.requests();
    let asked: Vec<&str> = seen.iter().map(|seen| &*seen.path).collect();
    assert_eq!(asked, ["/sns/jscode2session", TOKEN, NUMBER]);
    let body = |at: usize| -> Value { serde_json::from_slice(&seen[at].body).unwrap() };
    assert_eq!(
        body(1),
        json!({
            "grant_type": "client_credential",
            "appid": APPID,
            "secret": SECRET,
            "force_refresh": false,
        })
    );
    assert_eq!(body(2), json!({ "code": code, "openid": phone.openid() }));
    assert_eq!(seen[2].query.len(), 1, "the token and nothing else");
    assert_eq!(world.counter("wx_session.phone.ok"), 1);
    // Kept only where the client asks for it.
    let user = world.get("/wx/user", &token).json()["data"].clone();
    assert_eq!(
        (&user["phoneNumber"], &user["registered"]),
        (&Value::Null, &json!(false))
    );
}

pub fn the_number_is_kept_where_the_request_says_so_and_headers_say_it_too(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    let kept = json!({ "code": phone.phone_code(), "keep": true });
    number(&world.post("/wx/phone", &token, &kept));
    let user = world.get("/wx/user", &token).json()["data"].clone();
    assert_eq!(
        (&user["phoneNumber"], &user["registered"]),
        (&json!("13580006666"), &json!(true))
    );
    for ask in [
        Ask::get("/wx/phone"),
        Ask::new("POST", "/wx/phone").header("content-length", "0"),
    ] {
        let ask = ask
            .header("X-WX-Code", phone.phone_code())
            .header("X-WX-Keep", "true")
            .token(&token);
        number(&world.ask(ask));
    }
}

/// One of the two has to be there before WeChat is asked.
pub fn without_a_session_or_a_code_of_the_button_wechat_is_not_asked(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    let button = |code: &str| ask(code).token(&token);
    world.assert_refused(ask(&phone.phone_code()), 401, "no_session");
    let missing = Ask::post("/wx/phone", &json!({})).token(&token);
    let refused = world.assert_refused(missing, 400, "missing_parameter");
    assert_eq!(refused["detail"], "code");
    for code in [phone.login(), "a".repeat(10_000), "g".repeat(64)] {
        let refused = world.assert_refused(button(&code), 400, "invalid_parameter");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("e.detail.code"), "{detail}");
        assert!(detail.contains("wx.login"), "{detail}");
    }
    let number = Ask::post("/wx/phone", &json!({ "code": 5 })).token(&token);
    world.assert_refused(number, 400, "invalid_parameter");
    assert_eq!(world.wechat.requests_for(NUMBER), 0);
    assert_eq!(world.wechat.requests_for(TOKEN), 0);
}

pub fn a_code_that_wechat_refuses_is_told_with_its_causes(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    world.wechat.add_app("wx00000000000000ff", SECRET);
    let used = phone.phone_code();
    number(&world.ask(ask(&used).token(&token)));
    let of_another_app = world
        .wechat
        .phone_in("wx00000000000000ff", "alice")
        .phone_code();
    let of_another_user = world.wechat.phone("bob").phone_code();
    for (code, errcode) in [
        (used, 40029),
        (of_another_app, 40013),
        (of_another_user, 40003),
    ] {
        let refused = world.assert_refused(ask(&code).token(&token), 422, "invalid_phone_code");
        assert_eq!(
            (&refused["errcode"], &refused["action"]),
            (&json!(errcode), &json!("none"))
        );
        let detail = refused["detail"].as_str().unwrap();
        for cause in ["used before", "five minutes", "mini program"] {
            assert!(detail.contains(cause), "{detail}");
        }
    }
    assert_eq!(world.counter("wx_session.phone.refused"), 3);
    // It is counted as open data that does not open: the fifth ends the session.
    for _ in 0..2 {
        world.assert_refused(
            ask(&"a".repeat(64)).token(&token),
            422,
            "invalid_phone_code",
        );
    }
    let before = world.wechat.requests_for(NUMBER);
    world.assert_refused(ask(&"a".repeat(64)).token(&token), 401, "invalid_token");
    assert_eq!(world.wechat.requests_for(NUMBER), before);
}

/// Nobody tries codes at the app's expense, however many at once.
pub fn of_codes_at_once_no_more_are_asked_of_wechat_than_may_fail(host: HostKind) {
    let mut world = host.start(json!({}));
    let token = world.login(&world.wechat.phone("alice")).token;
    let asks = (0..12).map(|number| {
        let code = format!("{number:064x}");
        Ask::post("/wx/phone", &json!({ "code": code })).token(&token)
    });
    let asks = asks.collect();
    let answers = world.ask_together(asks);
    let asked = answers.iter().filter(|got| got.status == 422).count();
    assert!((1..=5).contains(&asked), "{asked}");
    assert!(world.wechat.requests_for(NUMBER) <= 5);
    assert!(
        answers
            .iter()
            .all(|got| got.status == 422 || got.status == 401)
    );
}

pub fn a_code_that_is_too_old_is_refused(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    let now = world.wechat.now();
    world.wechat.set_time(Some(now - 300));
    let code = phone.phone_code();
    world.wechat.set_time(Some(now));
    let refused = world.assert_refused(ask(&code).token(&token), 422, "invalid_phone_code");
    assert_eq!(refused["errcode"], 40029);
}

pub fn a_number_of_another_app_is_given_to_nobody(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    world.wechat.number_says_app(Some("wx00000000000000ff"));
    let refused = world.assert_refused(ask(&phone.phone_code()).token(&token), 502, "wechat_error");
    assert_eq!(refused["detail"], "the number is of another mini program");
    assert_eq!(world.counter("wx_session.phone.failed"), 1);
}

/// What WeChat may do in place of an answer, and what the client is told.
pub fn trouble_with_wechat_is_told_as_at_the_login(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    // From here on the access_token is there.
    number(&world.ask(ask(&phone.phone_code()).token(&token)));
    for (fault, status, error) in [
        (Fault::Busy, 503, "wechat_busy"),
        (Fault::RateLimited, 503, "wechat_busy"),
        (Fault::Errcode(45009), 500, "wechat_config"),
        (Fault::StringErrcode(48001), 500, "wechat_config"),
        (Fault::Errcode(47001), 502, "wechat_error"),
        (Fault::ResetMidBody, 503, "wechat_unavailable"),
        (Fault::Html, 503, "wechat_unavailable"),
        (Fault::EmptyBody, 503, "wechat_unavailable"),
        (Fault::EmptyObject, 503, "wechat_unavailable"),
        (Fault::BigBody, 503, "wechat_unavailable"),
        (Fault::Http500, 503, "wechat_unavailable"),
    ] {
        world.wechat.script([fault.clone()]);
        let asked = world.wechat.requests_for(NUMBER);
        let ask = ask(&phone.phone_code()).token(&token);
        let refused = world.assert_refused(ask, status, error);
        assert_eq!(
            world.wechat.requests_for(NUMBER),
            asked + 1,
            "{fault:?}: {refused}"
        );
    }
    // None of it counts against the session.
    number(&world.ask(ask(&phone.phone_code()).token(&token)));
}

pub fn a_code_in_a_body_reaches_the_app_as_the_number(host: HostKind) {
    let mut world = host.start(json!({ "routes": [
        { "path": "/bind", "session": "required", "open_data": "body" },
        {
            "path": "/deep",
            "session": "required",
            "open_data": "body",
            "open_data_in": "detail",
            "open_data_as": "number",
            "open_data_phone_code": "code",
        },
        { "path": "/off", "session": "required", "open_data": "body", "open_data_phone_code": "" },
    ] }));
    let (phone, token) = logged_in(&mut world);
    let body = json!({ "name": "x", "phoneCode": phone.phone_code(), "n": 1.50 });
    let got = world.post("/bind", &token, &body);
    let seen: Value = serde_json::from_slice(&got.seen().body).unwrap();
    assert_eq!(seen["openData"]["phoneNumber"], "13580006666", "{seen}");
    assert_eq!(
        (&seen["name"], &seen["n"], &seen["phoneCode"]),
        (&json!("x"), &json!(1.5), &Value::Null)
    );
    // All that the button gives, old and new.
    let data = phone.phone_number();
    let detail = json!({ "detail": {
        "errMsg": "getPhoneNumber:ok",
        "code": phone.phone_code(),
        "encryptedData": data.encrypted_data,
        "iv": data.iv,
    } });
    let got = world.post("/deep", &token, &detail);
    let seen: Value = serde_json::from_slice(&got.seen().body).unwrap();
    let detail = seen["detail"].as_object().unwrap();
    assert_eq!(detail["number"]["purePhoneNumber"], "13580006666");
    assert_eq!(detail.keys().collect::<Vec<_>>(), ["errMsg", "number"]);
    // Off, and what is no code there.
    for (path, body) in [
        ("/off", json!({ "phoneCode": "of the app" })),
        ("/bind", json!({ "phoneCode": null })),
        ("/bind", json!({ "phoneCode": "" })),
        ("/bind", json!({ "code": "of the app" })),
    ] {
        let got = world.post(path, &token, &body);
        assert_eq!(got.seen().body, body.to_string().into_bytes());
    }
}

/// The button gives a code once: where the body would be too large with its number, WeChat is not asked.
pub fn a_code_is_not_spent_for_a_body_that_may_be_too_large_then(host: HostKind) {
    let mut world = host.start(json!({
        "limits": { "body_bytes": 2048 },
        "routes": [{ "path": "/bind", "session": "required", "open_data": "body" }],
    }));
    let (phone, token) = logged_in(&mut world);
    let code = phone.phone_code();
    let body = |length: usize| {
        let empty = json!({ "phoneCode": code, "x": "" }).to_string().len();
        json!({ "phoneCode": code, "x": "x".repeat(length - empty) })
    };
    let large = Ask::post("/bind", &body(2000)).token(&token);
    world.assert_refused(large, 413, "body_too_large");
    assert_eq!(world.wechat.requests_for(NUMBER), 0);
    let got = world.post("/bind", &token, &body(1536));
    let seen: Value = serde_json::from_slice(&got.seen().body).unwrap();
    assert_eq!(seen["openData"]["phoneNumber"], "13580006666", "{seen}");
}

pub fn a_body_with_a_bad_code_never_reaches_the_app(host: HostKind) {
    let mut world = host.start(json!({ "routes": [
        { "path": "/bind", "session": "optional", "open_data": "body" },
    ] }));
    let (phone, token) = logged_in(&mut world);
    let code = phone.phone_code();
    let bind = |code: Value| Ask::post("/bind", &json!({ "phoneCode": code }));
    world.assert_refused(bind(json!(code)), 401, "no_session");
    let login = bind(json!(phone.login())).token(&token);
    let refused = world.assert_refused(login, 400, "invalid_parameter");
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .starts_with("phoneCode: must be e.detail.code")
    );
    world.assert_refused(bind(json!(5)).token(&token), 400, "invalid_parameter");
    let twice = format!(r#"{{"phoneCode":"{code}","phoneCode":"{code}"}}"#);
    let twice = Ask::new("POST", "/bind")
        .header("content-type", "application/json")
        .body(twice)
        .token(&token);
    world.assert_refused(twice, 400, "invalid_parameter");
    let stale = bind(json!("a".repeat(64))).token(&token);
    world.assert_refused(stale, 422, "invalid_phone_code");
    assert_eq!(world.wechat.requests_for(NUMBER), 1);
}

pub fn no_code_number_or_token_is_in_the_log(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    let good = phone.phone_code();
    let bad = "b".repeat(64);
    number(&world.ask(ask(&good).token(&token)));
    world.assert_refused(ask(&bad).token(&token), 422, "invalid_phone_code");
    world.wechat.script([Fault::Http500]);
    world.assert_refused(
        ask(&phone.phone_code()).token(&token),
        503,
        "wechat_unavailable",
    );
    let log = world.log();
    for secret in [&*good, &bad, &token, SECRET, "13580006666"] {
        assert!(!log.contains(secret), "{log}");
    }
    for token in world.wechat.access_tokens() {
        assert!(!log.contains(&token[..20]), "{log}");
    }
}
