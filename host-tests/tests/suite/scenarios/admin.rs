//! The back channel: what an operator sees and does, and what everybody else meets there.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rig::{
    ADMIN_TOKEN, APPID, Ask, Got, HostKind, OLD_ADMIN_TOKEN, World, assert_refusal, relogin_refusal,
};

const ATTRIBUTES: &str = "x-wx-session-attributes";

fn on() -> Value {
    json!({
        "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
        "responses": { "attributes": true },
        "session": { "cache_ttl_s": 60, "idle_timeout_s": 3600 },
    })
}

fn ask(action: &str, parameters: &Value) -> Ask {
    Ask::post(format!("/wx-admin/{action}"), parameters)
}

fn by_operator(action: &str, parameters: &Value) -> Ask {
    ask(action, parameters).header("authorization", format!("Bearer {ADMIN_TOKEN}"))
}

/// `data` of an answer that must be good.
#[track_caller]
fn told(got: &Got) -> Value {
    let body = got.json();
    assert_eq!((got.status, &body["status"]), (200, &json!(0)), "{body}");
    assert_eq!(got.header("x-wx-error").as_deref(), Some("none"));
    assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
    assert!(got.seen.is_none(), "the app saw {:?}", got.seen);
    body["data"].clone()
}

#[track_caller]
fn operate(world: &mut World, action: &str, parameters: &Value) -> Value {
    told(&world.ask(by_operator(action, parameters)))
}

/// The sessions of a user, oldest first.
#[track_caller]
fn sessions(world: &mut World, openid: &str) -> Vec<Value> {
    let data = operate(
        world,
        "sessions",
        &json!({ "appid": APPID, "openid": openid }),
    );
    data["sessions"].as_array().unwrap().clone()
}

fn short(entry: &Value) -> String {
    entry["session"].as_str().unwrap().to_owned()
}

/// Their time goes on from one list to the next.
fn shorts(entries: &[Value]) -> Vec<String> {
    entries.iter().map(short).collect()
}

pub fn an_operator_sees_the_live_sessions_of_a_user(host: HostKind) {
    let mut world = host.start(on());
    let (alice, bob) = (world.wechat.phone("alice"), world.wechat.phone("bob"));
    world.login(&bob);
    let token = world.login(&alice).token;
    // Where time is real, it is not waited for.
    world.advance(Duration::from_millis(1100));
    let other = world.login(&alice).token;
    let all = sessions(&mut world, &alice.openid());
    assert_eq!(all.len(), 2, "{all:?}");
    assert_ne!(short(&all[0]), short(&all[1]));
    for entry in &all {
        assert_eq!(entry["attributes"], Value::Null, "{entry}");
        assert_eq!(entry["createdAt"], entry["usedAt"], "{entry}");
        let expires_in = entry["expiresIn"].as_u64().unwrap();
        assert!((3590..=3600).contains(&expires_in), "{entry}");
        assert!(!entry.to_string().contains(&token), "{entry}");
    }
    let created = |entry: &Value| entry["createdAt"].as_u64().unwrap();
    assert!(created(&all[0]) < created(&all[1]), "{all:?}");
    world.post("/wx/logout", &token, &json!({}));
    let left = sessions(&mut world, &alice.openid());
    assert_eq!(shorts(&left), [short(&all[1])]);
    world.assert_passes(&other, &alice.openid());
}

pub fn an_operator_ends_one_session_and_no_other(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let (first, second) = (world.login(&phone).token, world.login(&phone).token);
    world.assert_passes(&first, &phone.openid());
    let listed = sessions(&mut world, &phone.openid());
    let end = json!({ "appid": APPID, "openid": phone.openid(), "session": short(&listed[0]) });
    assert_eq!(operate(&mut world, "end", &end), json!({ "ended": 1 }));
    // At once on this worker, though it has just verified it.
    world.assert_token_refused(&first, "invalid_token");
    world.assert_passes(&second, &phone.openid());
    assert_eq!(operate(&mut world, "end", &end), json!({ "ended": 0 }));
    assert_eq!(
        shorts(&sessions(&mut world, &phone.openid())),
        [short(&listed[1])]
    );
}

pub fn an_operator_ends_all_sessions_of_a_user_and_of_nobody_else(host: HostKind) {
    let mut world = host.start(on());
    let (alice, bob) = (world.wechat.phone("alice"), world.wechat.phone("bob"));
    let mine: Vec<String> = (0..3).map(|_| world.login(&alice).token).collect();
    let others = world.login(&bob).token;
    for token in &mine {
        world.assert_passes(token, &alice.openid());
    }
    // The only app need not be named.
    let all = json!({ "openid": alice.openid() });
    assert_eq!(operate(&mut world, "end-all", &all), json!({ "ended": 3 }));
    for token in &mine {
        world.assert_token_refused(token, "invalid_token");
    }
    assert_eq!(sessions(&mut world, &alice.openid()), [] as [Value; 0]);
    assert_eq!(operate(&mut world, "end-all", &all), json!({ "ended": 0 }));
    world.assert_passes(&others, &bob.openid());
    // A ban is the app's to keep: a new login is a new session.
    let again = world.login(&alice).token;
    world.assert_passes(&again, &alice.openid());
}

pub fn an_operator_says_what_a_session_remembers(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let (token, other) = (world.login(&phone).token, world.login(&phone).token);
    let attributes = |world: &mut World, token: &str| {
        let got = world.get("/api/orders", token);
        got.seen().header(ATTRIBUTES)
    };
    assert_eq!(attributes(&mut world, &token), None);
    let session = short(&sessions(&mut world, &phone.openid())[0]);
    let most = "x".repeat(512);
    for text in ["uid=42&role=vip", "a.b_c-d*~+%20", &most] {
        let set = json!({ "openid": phone.openid(), "session": session, "attributes": text });
        let data = operate(&mut world, "attributes", &set);
        assert_eq!(data, json!({ "changed": 1 }));
        assert_eq!(attributes(&mut world, &token).as_deref(), Some(text));
        let listed = sessions(&mut world, &phone.openid());
        assert_eq!(listed[0]["attributes"], *text);
        assert_eq!(listed[1]["attributes"], Value::Null);
    }
    assert_eq!(attributes(&mut world, &other), None);
    for bad in [
        "a b",
        "\"quoted\"",
        "uid=42\r\nX-WX-OPENID: o",
        "名",
        &"x".repeat(513),
    ] {
        let set = json!({ "openid": phone.openid(), "session": session, "attributes": bad });
        world.assert_refused(by_operator("attributes", &set), 400, "invalid_parameter");
    }
    assert_eq!(attributes(&mut world, &token).as_deref(), Some(&*most));
    let none = json!({ "openid": phone.openid(), "session": session, "attributes": "" });
    operate(&mut world, "attributes", &none);
    assert_eq!(attributes(&mut world, &token), None);
}

pub fn of_a_user_whom_nobody_knows_there_is_nothing(host: HostKind) {
    let mut world = host.start(on());
    let openid = "oNobodyHasEverSeenThisOne";
    assert_eq!(sessions(&mut world, openid), [] as [Value; 0]);
    for (action, expected) in [
        ("end", json!({ "ended": 0 })),
        ("end-all", json!({ "ended": 0 })),
        ("attributes", json!({ "changed": 0 })),
    ] {
        let about = json!({ "openid": openid, "session": "00000000", "attributes": "a=1" });
        assert_eq!(operate(&mut world, action, &about), expected, "{action}");
    }
}

pub fn an_operator_is_told_what_is_wrong_with_a_request(host: HostKind) {
    let mut world = host.start(on());
    let long = "o".repeat(129);
    for (action, parameters, error) in [
        ("sessions", json!({}), "missing_parameter"),
        ("sessions", json!({ "openid": 1 }), "invalid_parameter"),
        ("sessions", json!({ "openid": "o 1" }), "invalid_parameter"),
        ("sessions", json!({ "openid": long }), "invalid_parameter"),
        (
            "sessions",
            json!({ "appid": "wxffffffffffffffff", "openid": "o" }),
            "unknown_app",
        ),
        ("end", json!({ "openid": "o" }), "missing_parameter"),
        (
            "end",
            json!({ "openid": "o", "session": "FEAFF134" }),
            "invalid_parameter",
        ),
        (
            "end",
            json!({ "openid": "o", "session": "feaff13" }),
            "invalid_parameter",
        ),
        (
            "attributes",
            json!({ "openid": "o", "session": "feaff134" }),
            "missing_parameter",
        ),
        (
            "attributes",
            json!({ "openid": "o", "session": "feaff134", "attributes": 1 }),
            "invalid_parameter",
        ),
        ("reset-key", json!({}), "missing_parameter"),
        ("erase", json!({ "openid": "o" }), "bad_path"),
    ] {
        let body = world.assert_refused(by_operator(action, &parameters), 400, error);
        if error != "unknown_app" {
            assert!(body["detail"].is_string(), "{body}");
        }
    }
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let broken = Ask::post("/wx-admin/sessions", &json!({})).body("{\"openid\":");
    let broken = broken.header("authorization", &bearer);
    world.assert_refused(broken, 400, "malformed_body");
    let get = Ask::get("/wx-admin/sessions?openid=o").header("authorization", &bearer);
    let got = world.ask(get);
    assert_refusal(&got, 405, "method_not_allowed");
    assert_eq!(got.header("allow").as_deref(), Some("POST"));
    assert_eq!(world.counter("wx_session.admin.bad_request"), 14);
}

pub fn without_its_token_the_back_channel_looks_like_any_path(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let of_any_path = world.ask(Ask::post("/api/orders", &json!({})));
    let all = json!({ "openid": phone.openid() });
    let wrong = [
        ADMIN_TOKEN.to_owned(),
        format!("Basic {ADMIN_TOKEN}"),
        format!("Bearer {}", &ADMIN_TOKEN[1..]),
        format!("Bearer {ADMIN_TOKEN}x"),
        format!("Bearer {}", ADMIN_TOKEN.to_uppercase()),
        format!("Bearer {OLD_ADMIN_TOKEN}"),
        format!("Bearer {ADMIN_TOKEN}, Bearer {ADMIN_TOKEN}"),
        "Bearer".into(),
        "Bearer ".into(),
        format!("Bearer {token}"),
    ];
    for action in [
        "sessions",
        "end",
        "end-all",
        "attributes",
        "reset-key",
        "erase",
        "",
    ] {
        let mut asks = vec![ask(action, &all), ask(action, &all).token(&token)];
        asks.extend(
            wrong
                .iter()
                .map(|value| ask(action, &all).header("authorization", value)),
        );
        for asked in asks {
            let got = world.ask(asked.clone());
            relogin_refusal(&got, 401, "no_session");
            assert_eq!(got.body, of_any_path.body, "{asked:?}");
        }
    }
    let twice =
        by_operator("end-all", &all).header("authorization", format!("Bearer {ADMIN_TOKEN}"));
    assert_eq!(world.ask(twice).status, 401);
    world.assert_passes(&token, &phone.openid());
    assert_eq!(world.counter("wx_session.admin.ok"), 0);
    assert_eq!(world.counter("wx_session.admin.wrong_token"), 7 * 12 + 1);
}

pub fn no_spelling_of_its_paths_reaches_the_app(host: HostKind) {
    let mut patch = on();
    patch["cors_preflight"] = json!(true);
    patch["mode"] = json!("observe");
    patch["routes"] = json!([{ "prefix": "/", "session": "optional" }]);
    let mut world = host.start(patch);
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    for path in [
        "/wx-admin",
        "/wx-admin/",
        "/wx-admin/end-all/",
        "/wx-admin/END-ALL",
        "/WX-ADMIN/end-all",
        "/Wx-Admin/end-all",
        "/wx_admin/end-all",
        "/wx-admin.json",
        "/%77x-admin/end%2dall/",
        "/wx%2Dadmin/x",
        "/wx-admin/end-all/x",
        "/wx-admin//end-all",
        "/wx-admin/./end-all",
        "/x/../wx-admin/end-all",
        "/wx-admin;x/end-all",
        "/wx-admin%2fend-all",
        "/wx-admin\\end-all",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"] {
            let asked = Ask::new(method, path)
                .header("authorization", &bearer)
                .header("origin", "https://h5.example.com")
                .header("access-control-request-method", "POST")
                .token(&token);
            let got = world.ask(asked);
            assert!(
                got.seen.is_none(),
                "{method} {path}: the app saw {:?}",
                got.seen
            );
            assert!(
                (400..500).contains(&got.status),
                "{method} {path}: {}",
                got.status
            );
        }
    }
    world.assert_passes(&token, &phone.openid());
    // Others that only begin like it are the app's.
    for path in ["/wx-administrator", "/api/wx-admin/end-all", "/wx"] {
        assert!(world.get(path, &token).seen.is_some(), "{path}");
    }
}

pub fn an_old_token_is_good_while_it_is_listed(host: HostKind) {
    let mut patch = on();
    patch["admin"] = json!({
        "path": "/inside/only/",
        "tokens": [{ "env": "WX_ADMIN_TOKEN" }, { "env": "WX_OLD_ADMIN_TOKEN" }],
    });
    let mut world = host.start(patch);
    for (number, token) in [ADMIN_TOKEN, OLD_ADMIN_TOKEN].into_iter().enumerate() {
        let asked = Ask::post("/inside/only/sessions", &json!({ "openid": "o" }));
        let got = world.ask(asked.header("authorization", format!("bearer {token}")));
        assert_eq!(told(&got), json!({ "sessions": [] }));
        let by = format!(r#""by":"tokens[{number}]""#);
        assert!(world.log().contains(&by), "{}", world.log());
    }
}

/// The lines of the log about uses of the back channel, as JSON.
fn lines(world: &World) -> Vec<Value> {
    let log = world.log();
    let own = log.lines().filter_map(|line| {
        let at = line.find(r#"{"event":"admin""#)?;
        serde_json::from_str(line[at..].trim_end()).ok()
    });
    own.collect()
}

pub fn each_use_of_the_back_channel_is_one_line(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    world.login(&phone);
    let listed = sessions(&mut world, &phone.openid());
    let session = short(&listed[0]);
    let about = json!({ "openid": phone.openid(), "session": session, "attributes": "uid=42" });
    for action in ["attributes", "end", "end-all"] {
        operate(&mut world, action, &about);
    }
    let bad = json!({ "openid": phone.openid(), "session": "x" });
    world.ask(by_operator("end", &bad));
    world.ask(ask("end", &about).header("authorization", "Bearer a-guess-of-somebody-a-guess-of"));
    let openid = phone.openid();
    let about_her = |action: &str, more: Value| {
        let mut line = json!({ "event": "admin", "action": action, "by": "tokens[0]",
            "appid": APPID, "openid": openid, "outcome": "ok" });
        line.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        line
    };
    let lines = lines(&world);
    let expected = [
        about_her("sessions", json!({ "sessions": 1 })),
        about_her("attributes", json!({ "session": session, "sessions": 1 })),
        about_her("end", json!({ "session": session, "sessions": 1 })),
        about_her("end-all", json!({ "sessions": 0 })),
        about_her(
            "end",
            json!({ "outcome": "invalid_parameter",
            "detail": "session: must be the eight hex digits that the list of sessions has" }),
        ),
        json!({ "event": "admin", "action": "end", "outcome": "wrong_token" }),
    ];
    assert_eq!(lines, expected);
    let log = world.log();
    assert!(!log.contains("refused"), "a second line: {log}");
    for secret in [ADMIN_TOKEN, "a-guess-of", "uid=42"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    assert_eq!(world.counter("wx_session.admin.ok"), 4);
    assert_eq!(world.counter("wx_session.admin.bad_request"), 1);
    assert_eq!(world.counter("wx_session.admin.wrong_token"), 1);
}

pub fn a_flood_of_wrong_tokens_locks_nobody_out_and_fills_no_log(host: HostKind) {
    let mut world = host.start(on());
    let phone = world.wechat.phone("alice");
    world.login(&phone);
    let guess = |number: usize| {
        let asked = ask("end-all", &json!({ "openid": "o" }));
        asked.header("authorization", format!("Bearer {number:032}"))
    };
    for round in 0..30 {
        let mut asks: Vec<Ask> = (0..10).map(|number| guess(round * 10 + number)).collect();
        asks.push(by_operator(
            "sessions",
            &json!({ "openid": phone.openid() }),
        ));
        let mut all = world.ask_together(asks);
        let of_operator = all.pop().unwrap();
        assert_eq!(told(&of_operator)["sessions"].as_array().unwrap().len(), 1);
        for got in all {
            assert_refusal(&got, 401, "no_session");
        }
    }
    assert_eq!(world.counter("wx_session.admin.wrong_token"), 300);
    assert_eq!(world.counter("wx_session.admin.ok"), 30);
    world.seconds(1);
    // One more brings to light how many were left out.
    world.ask(guess(300));
    let lines = lines(&world);
    let wrong = lines
        .iter()
        .filter(|line| line["outcome"] == "wrong_token")
        .count();
    assert_eq!(
        lines.len() - wrong,
        30,
        "each of the operator's own is there"
    );
    let log = world.log();
    let mark = r#""event":"lines_left_out","of":"admin","error":"wrong_token","lines":"#;
    let left_out = log.split(mark).skip(1).map(|rest| {
        let digits = rest.split('}').next().unwrap();
        digits.parse::<usize>().unwrap()
    });
    let left_out: usize = left_out.sum();
    assert_eq!(wrong + left_out, 301, "{wrong} written");
    assert!(left_out > 0, "{wrong} written");
}

pub fn where_it_is_off_its_paths_are_the_apps(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    for action in ["sessions", "end-all"] {
        let about = json!({ "openid": phone.openid() });
        world.assert_refused(by_operator(action, &about), 401, "no_session");
        let got = world.ask(by_operator(action, &about).token(&token));
        assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    }
    world.assert_passes(&token, &phone.openid());
    assert_eq!(lines(&world), [] as [Value; 0]);
}
