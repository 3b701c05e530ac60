//! Answers in the words of clients that know another envelope, and the two headers by which every answer of the edge
//! says what it is whatever its words.

use serde_json::{Value, json};
use testkit::fakes::wechat::Fault;

use crate::rig::{Ask, Got, HostKind};

#[track_caller]
fn assert_says(got: &Got, error: &str, action: &str) {
    assert_eq!(got.header("x-wx-error").as_deref(), Some(error));
    assert_eq!(got.header("x-wx-action").as_deref(), Some(action));
    let kind = got.header("content-type");
    assert_eq!(kind.as_deref(), Some("application/json; charset=utf-8"));
    assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
}

pub fn every_answer_of_the_edge_says_in_headers_what_it_is(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let got = world.ask(Ask::post("/wx/login", &json!({ "code": phone.login() })));
    assert_says(&got, "none", "none");
    let token = got.json()["data"]["token"].as_str().unwrap().to_owned();
    for path in ["/wx/session", "/wx/user"] {
        assert_says(&world.get(path, &token), "none", "none");
    }
    for (ask, error, action) in [
        (Ask::get("/api"), "no_session", "relogin"),
        (
            Ask::get("/api").token(&"B".repeat(43)),
            "invalid_token",
            "relogin",
        ),
        (Ask::get("/a/../b"), "bad_path", "none"),
        (
            Ask::get("/wx/decrypt").token(&token),
            "missing_parameter",
            "none",
        ),
        (Ask::new("PUT", "/wx/login"), "method_not_allowed", "none"),
        (
            Ask::post("/wx/login", &json!({ "code": "0badc0de00" })),
            "invalid_code",
            "relogin",
        ),
    ] {
        assert_says(&world.ask(ask), error, action);
    }
    // The app's own answers do not say so.
    let got = world.get("/api/orders", &token);
    assert_eq!(got.header("x-wx-error"), None);
    assert_eq!(got.header("x-wx-action"), None);
}

/// litemall, CRMEB, mall4m, weRequest: numbers and strings, over ours of the same name.
pub fn refusals_about_the_session_are_in_the_clients_words(host: HostKind) {
    for members in [
        json!({ "errno": 501 }),
        json!({ "status": 110_002 }),
        json!({ "code": "A00004" }),
        json!({ "errcode": -1, "success": false, "error": "ERR" }),
    ] {
        let words = json!({ "http_status": 200, "members": members, "message_as": "errmsg" });
        let session = json!({ "idle_timeout_s": 2, "cache_ttl_s": 0 });
        let mut world = host.start(json!({ "answers": { "session": words }, "session": session }));
        let phone = world.wechat.phone("alice");
        let ended = world.login(&phone).token;
        world.seconds(3);
        for (ask, error) in [
            (Ask::get("/api"), "no_session"),
            (
                Ask::post("/api", &json!({ "a": 1 })).token("short"),
                "invalid_token",
            ),
            (Ask::get("/wx/user").token(&"B".repeat(43)), "invalid_token"),
            (Ask::get("/api").token(&ended), "session_expired"),
        ] {
            let got = world.ask(ask);
            assert!(got.seen.is_none());
            assert_eq!(got.status, 200);
            assert_says(&got, error, "relogin");
            let body = got.json();
            for (name, value) in members.as_object().unwrap() {
                assert_eq!(body[name], *value, "{body}");
            }
            assert_eq!(body["errmsg"], body["msg"], "{body}");
            assert!(body["data"]["hasSession"].is_boolean(), "{body}");
        }
        // Other refusals are as ever.
        world.assert_refused(Ask::new("PUT", "/wx/login"), 405, "method_not_allowed");
        let body = world.assert_refused(Ask::get("/a/../b"), 400, "bad_path");
        assert!(body.get("errmsg").is_none() && body.get("errno").is_none());
    }
}

pub fn other_refusals_have_words_of_their_own(host: HostKind) {
    let words = json!({ "http_status": 200, "members": { "errno": 502 }, "message_as": "errmsg" });
    let mut world = host.start(json!({ "answers": { "other": words } }));
    let phone = world.wechat.phone("alice");
    world.wechat.script([Fault::Errcode(40125)]);
    let login = json!({ "code": phone.login() });
    for (ask, error) in [
        (Ask::get("/a/../b"), "bad_path"),
        (Ask::post("/wx/login", &json!({})), "missing_parameter"),
        (Ask::post("/wx/login", &login), "wechat_config"),
    ] {
        let got = world.ask(ask);
        assert_eq!(
            (got.status, &got.json()["errno"]),
            (200, &json!(502)),
            "{error}"
        );
        assert_eq!(got.header("x-wx-error").as_deref(), Some(error));
        assert!(got.json()["errmsg"].is_string());
    }
    world.assert_refused(Ask::get("/api"), 401, "no_session");
}

pub fn a_route_has_words_of_its_own(host: HostKind) {
    let words = |status: u16, members: Value| json!({ "http_status": status, "members": members });
    let mut world = host.start(json!({
        "answers": { "session": words(200, json!({ "code": 401 })), "other": words(400, json!({ "code": 1 })) },
        "routes": [
            { "prefix": "/legacy", "methods": ["GET"], "session": "required",
              "answers": { "session": words(200, json!({ "errcode": -1 })) } },
            { "prefix": "/legacy", "session": "required", "answers": { "session": words(403, json!({ "e": "x" })) } },
        ],
    }));
    let told = |got: &Got| (got.status, got.json());
    let (status, body) = told(&world.ask(Ask::get("/legacy/a")));
    assert_eq!((status, &body["errcode"]), (200, &json!(-1)));
    assert!(
        body.get("code").is_none(),
        "in place of those of all: {body}"
    );
    let (status, body) = told(&world.ask(Ask::post("/legacy/a", &json!({}))));
    assert_eq!((status, &body["e"]), (403, &json!("x")));
    for ask in [Ask::get("/api"), Ask::get("/wx/user")] {
        let (status, body) = told(&world.ask(ask));
        assert_eq!((status, &body["code"]), (200, &json!(401)));
    }
    // What the route does not say is as for all.
    let two = Ask::get("/legacy/a")
        .token(&"A".repeat(43))
        .header("X-3rd-Session", format!("{}A", "B".repeat(42)));
    let (status, body) = told(&world.ask(two));
    assert_eq!(
        (status, &body["code"], &body["error"]),
        (400, &json!(1), &json!("invalid_header"))
    );
}

pub fn good_answers_have_members_and_the_token_where_clients_look(host: HostKind) {
    for (place, pointer) in [
        ("data.accessToken", "/data/accessToken"),
        ("session", "/session"),
    ] {
        let ok = json!({ "members": { "code": 0, "errno": "0", "status": 200 }, "message_as": "errmsg", "token_as": place });
        let mut world = host.start(json!({ "answers": { "ok": ok } }));
        let phone = world.wechat.phone("alice");
        let login = world.ask(Ask::post("/wx/login", &json!({ "code": phone.login() })));
        let body = login.json();
        let token = body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned();
        assert_eq!(body["data"]["token"], token, "for ours");
        assert_eq!((&body["code"], &body["errno"]), (&json!(0), &json!("0")));
        assert_eq!(
            (&body["status"], &body["errmsg"]),
            (&json!(200), &json!("ok"))
        );
        assert_says(&login, "none", "none");
        world.assert_passes(&token, &phone.openid());
        // Answers that give no token have no place for one.
        let user = world.get("/wx/user", &token).json();
        assert_eq!((&user["code"], user.pointer(pointer)), (&json!(0), None));
        // What WeChat wrote stays as it was, to the digit.
        let data = phone.user_info();
        let got = world.decrypt(&token, &data);
        let text = String::from_utf8(got.body).unwrap();
        assert!(
            text.contains(data.raw_data.trim_matches(['{', '}'])),
            "{text}"
        );
        let out = world.post("/wx/logout", &token, &json!({})).json();
        assert_eq!(
            (&out["code"], &out["data"]["ended"]),
            (&json!(0), &json!(1))
        );
    }
}
