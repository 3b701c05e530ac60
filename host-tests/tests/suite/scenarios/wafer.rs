//! Mini programs with a client of Tencent's Wafer, old and new, at an edge with `compat: wafer`.

use serde_json::{Value, json};
use testkit::fakes::wechat::Fault;

use super::wafer_client::{Failed, MAGIC, Version, WaferClient};
use crate::rig::{Ask, HostKind, Login, World, assert_refusal};

fn wafer() -> Value {
    json!({ "compat": "wafer" })
}

fn client(version: Version, world: &World) -> WaferClient {
    WaferClient::new(version, &world.wechat.phone("alice"))
}

#[track_caller]
fn assert_unmarked(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    assert!(!text.contains(MAGIC), "{text}");
    assert!(!text.contains(r#""code":-1"#), "{text}");
}

pub fn every_wafer_client_logs_in_and_reaches_the_app(host: HostKind) {
    for version in Version::ALL {
        let mut world = host.start(wafer());
        let mut client = client(version, &world);
        let got = client.request(&mut world, &Ask::get("/api/orders"), true);
        let got = got.unwrap();
        let openid = client.phone.openid();
        let seen = got.seen();
        assert_eq!(seen.header("x-wx-openid"), Some(openid.clone()));
        assert!(!seen.has("x-wx-id") && !seen.has("x-wx-skey"), "{seen:?}");
        let session = client.session.clone().unwrap().to_string();
        assert!(!session.contains(&openid), "{session}");

        // The session goes on, also for a client of ours.
        let again = client.request(&mut world, &Ask::get("/api/orders"), true);
        assert!(again.unwrap().seen().has("x-wx-openid"));
        world.assert_passes(&client.skey(), &openid);
        assert_eq!((client.logins, world.wechat.requests().len()), (1, 1));
    }
}

pub fn a_bad_session_on_any_route_makes_every_client_log_in_again_once(host: HostKind) {
    let mut world = host.start(wafer());
    for version in Version::ALL {
        let mut client = client(version, &world);
        client.login(&mut world).unwrap();
        let asks = [
            Ask::get("/api/orders"),
            Ask::post("/api/orders", &json!({ "item": 1 })),
            Ask::get("/weapp/user"),
            Ask::get("/wx/user"),
        ];
        for (round, ask) in asks.iter().enumerate() {
            world.post("/wx/logout", &client.skey(), &json!({}));
            let got = client.request(&mut world, ask, false).unwrap();
            assert_eq!(got.status, 200, "{version:?} {ask:?}");
            assert_eq!(client.logins, round + 2, "{version:?} {ask:?}");
        }
    }
}

pub fn a_client_without_a_session_logs_in_on_the_way(host: HostKind) {
    for version in Version::ALL {
        let mut world = host.start(wafer());
        let mut client = client(version, &world);
        let got = client.request(&mut world, &Ask::get("/api"), false);
        assert!(got.unwrap().seen().has("x-wx-openid"), "{version:?}");
        assert_eq!(client.logins, 1);
    }
}

pub fn a_login_that_wechat_refuses_is_told_to_every_client(host: HostKind) {
    for version in Version::ALL {
        let mut world = host.start(wafer());
        let mut client = client(version, &world);
        world.wechat.script([Fault::Errcode(40029)]);
        let failed = client.request(&mut world, &Ask::get("/api"), true);
        let message = "登录失败(invalid_code)：无效的code".to_owned();
        let expected = Failed("ERR_LOGIN_MISSING_SESSION", message);
        assert_eq!(failed.map(|_| ()), Err(expected));
        assert!(client.session.is_none());
        // The next attempt starts from the beginning.
        let got = client.request(&mut world, &Ask::get("/api"), true);
        assert!(got.unwrap().seen().has("x-wx-openid"));
    }
}

pub fn user_info_sent_with_the_login_comes_back_and_is_shown_as_user(host: HostKind) {
    for version in Version::ALL {
        let mut world = host.start(wafer());
        let mut client = client(version, &world);
        client.sends_user_info = true;
        client.login(&mut world).unwrap();
        let data = client.user_info.as_ref().unwrap();
        let raw: Value = serde_json::from_str(&data.raw_data).unwrap();
        let got = client.request(&mut world, &Ask::get("/weapp/user"), true);
        let body = got.unwrap().json();
        assert_eq!((&body["code"], &body["status"]), (&json!(0), &json!(0)));
        assert_eq!(body["data"]["nickName"], raw["nickName"], "{body}");
        assert_eq!(body["data"]["userInfo"]["nickName"], raw["nickName"]);
        assert!(!body.to_string().contains(&client.phone.openid()), "{body}");
        if version != Version::One {
            let session = client.session.unwrap();
            assert_eq!(session["userinfo"]["nickName"], raw["nickName"]);
        }
    }
}

pub fn one_login_answer_has_the_words_of_both_clients_and_ours(host: HostKind) {
    let mut world = host.start(wafer());
    let phone = world.wechat.phone("alice");
    let ask = Ask::get("/weapp/login").header("X-WX-Code", phone.login());
    let got = world.ask(ask.clone());
    let body = got.json();
    let skey = body["session"]["skey"].as_str().unwrap();
    assert_eq!(skey.len(), 43);
    assert_eq!(body["session"]["id"].as_str().unwrap().len(), 8);
    let expected = json!({
        "status": 0, "msg": "ok", MAGIC: 1, "code": 0, "message": "ok",
        "session": { "id": body["session"]["id"], "skey": skey },
        "data": {
            "skey": skey, "userinfo": { "registered": false },
            "expiresIn": 7200, "registered": false, "event": "new",
        },
    });
    assert_eq!(body, expected);
    assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
    // The same code again is the same login, in the words of whoever asks.
    assert_eq!(world.ask(ask.clone()).json(), expected);
    let code = String::from_utf8(ask.headers[0].1.clone()).unwrap();
    let login = world.login_with(json!({ "code": code }));
    assert_eq!(login.token, skey);
    assert_eq!(login.data["event"], "new");
}

/// Teams set `loginMethod: 'POST'` where GET is cached on the way.
pub fn a_login_may_be_posted(host: HostKind) {
    let mut world = host.start(wafer());
    let phone = world.wechat.phone("alice");
    for method in ["GET", "POST"] {
        let ask = Ask::new(method, "/weapp/login").header("X-WX-Code", phone.login());
        let got = world.ask(ask);
        let skey = got.json()["session"]["skey"].as_str().unwrap().to_owned();
        world.assert_passes(&skey, &phone.openid());
    }
    let got = world.ask(Ask::new("PUT", "/weapp/login"));
    assert_eq!(got.status, 405);
    assert_eq!(got.header("allow").as_deref(), Some("GET, POST"));
}

pub fn a_bad_session_is_told_to_both_clients_and_to_ours_in_one_body(host: HostKind) {
    let session = json!({ "idle_timeout_s": 2, "absolute_timeout_s": 600, "cache_ttl_s": 0 });
    let mut world = host.start(json!({ "compat": "wafer", "session": session }));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    world.seconds(3);
    let bad = |ask: Ask| {
        [
            (ask.clone(), 2001, "no_session"),
            (ask.clone().token(&"B".repeat(43)), 2002, "invalid_token"),
            (ask.clone().token("short"), 2002, "invalid_token"),
            (ask.token(&token), 2003, "session_expired"),
        ]
    };
    for ask in [
        Ask::get("/api/orders"),
        Ask::get("/weapp/user"),
        Ask::post("/wx/decrypt", &json!({})),
    ] {
        for (ask, status, name) in bad(ask) {
            let got = world.ask(ask);
            let body = got.json();
            assert!(got.seen.is_none());
            assert_eq!(got.status, 401);
            assert_eq!((&body[MAGIC], &body["code"]), (&json!(1), &json!(-1)));
            assert_eq!(body["error"], "ERR_INVALID_SESSION", "{body}");
            assert_eq!(body["message"], body["msg"]);
            assert_eq!(body["status"], json!(status));
            assert_eq!(got.header("x-wx-error").as_deref(), Some(name));
            assert_eq!(body["action"], "relogin");
            let expired = name == "session_expired";
            assert_eq!(body["data"]["hasSession"], json!(expired), "{body}");
            assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
        }
    }
}

pub fn the_mark_is_on_no_other_answer(host: HostKind) {
    let mut world = host.start(wafer());
    let phone = world.wechat.phone("alice");
    let login = world.ask(Ask::post("/wx/login", &json!({ "code": phone.login() })));
    assert_unmarked(&login.body);
    let token = Login::from(&login).token;
    let stale =
        json!({ "encryptedData": "AAAAAAAAAAAAAAAAAAAAAA==", "iv": "AAAAAAAAAAAAAAAAAAAAAA==" });
    for (ask, status) in [
        (Ask::get("/api"), 200),
        (Ask::get("/weapp/user"), 200),
        (Ask::get("/wx/session"), 200),
        (Ask::post("/wx/decrypt", &stale), 422),
        (Ask::post("/wx/decrypt", &json!({})), 400),
        (Ask::post("/wx/login", &json!({ "code": "0badc0de" })), 401),
        (Ask::get("/a/../b"), 400),
        (Ask::get("/api").header("X-WX-Skey", &token), 400),
    ] {
        let got = world.ask(ask.clone().token(&token));
        assert_eq!(got.status, status, "{ask:?}");
        assert_unmarked(&got.body);
    }
    let got = world.ask(Ask::get("/feed"));
    assert_unmarked(&got.body);
}

pub fn x_wx_id_never_reaches_the_app_and_must_name_the_session_of_its_token(host: HostKind) {
    let mut world = host.start(wafer());
    let login = |world: &mut World, user: &str| {
        let code = world.wechat.phone(user).login();
        let got = world.ask(Ask::get("/weapp/login").header("X-WX-Code", code));
        let session = got.json()["session"].clone();
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        (text("id"), text("skey"))
    };
    let (alice, skey) = login(&mut world, "alice");
    let (bob, _) = login(&mut world, "bob");
    for id in [alice.as_str(), ""] {
        let got = world.ask(Ask::get("/api").token(&skey).header("X-WX-Id", id));
        assert!(got.seen().has("x-wx-openid"), "{id}");
        assert!(!got.seen().has("x-wx-id"), "{id}");
    }
    for id in [bob.as_str(), "1", "x"] {
        let ask = Ask::get("/api").token(&skey).header("X-WX-Id", id);
        let got = world.ask(ask);
        assert_refusal(&got, 401, "ERR_INVALID_SESSION");
        assert_eq!(got.header("x-wx-error").as_deref(), Some("invalid_token"));
    }
    let doubled = Ask::get("/api").token(&skey).header("X-WX-Id", &alice);
    world.assert_refused(doubled.header("X-WX-Id", &bob), 400, "invalid_header");
    for name in ["X-WX-Id", "x_wx_id", "x.wx.id"] {
        for path in ["/public", "/feed"] {
            let got = world.ask(Ask::get(path).header(name, "admin"));
            assert!(!got.seen().has(name), "{path} {name}");
        }
    }
}

pub fn without_compat_there_is_nothing_of_wafer(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    for path in ["/weapp/login", "/weapp/user"] {
        let ask = Ask::get(path).header("X-WX-Code", &code);
        let body = world.assert_refused(ask, 401, "no_session");
        assert_unmarked(body.to_string().as_bytes());
        assert!(body.get("code").is_none() && body.get("message").is_none());
    }
    assert_eq!(world.wechat.requests().len(), 0);
    let token = world.login(&phone).token;
    let got = world.ask(
        Ask::get("/api")
            .token(&token)
            .header("X-WX-Id", "of the app"),
    );
    assert_eq!(got.seen().header("x-wx-id").as_deref(), Some("of the app"));
}

pub fn the_paths_of_wafer_can_be_chosen(host: HostKind) {
    let endpoints = json!({ "weapp_login": "/login", "weapp_user": "/me" });
    let mut world = host.start(json!({ "compat": "wafer", "endpoints": endpoints }));
    let phone = world.wechat.phone("alice");
    let got = world.ask(Ask::get("/login").header("X-WX-Code", phone.login()));
    let skey = got.json()["data"]["skey"].as_str().unwrap().to_owned();
    assert_eq!(world.get("/me", &skey).json()["code"], 0);
    let got = world.get("/weapp/user", &skey);
    assert_eq!(got.seen().path, "/weapp/user");
}
