//! From code to session.

use serde_json::json;

use crate::rig::{APPID, Ask, HostKind, Login, SECRET, relogin_refusal};

pub fn a_code_becomes_a_session_that_the_gate_knows(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    assert_eq!(login.token.len(), 43);
    assert_eq!(login.data["event"], "new");
    assert_eq!(login.data["registered"], false);
    assert_eq!(login.data["expiresIn"], 7200);
    assert!(login.data.get("user").is_none());
    assert!(
        !login.data.to_string().contains(&phone.openid()),
        "the openid is not for the client"
    );

    let got = world.get("/api/orders?page=2", &login.token);
    let seen = got.seen();
    assert_eq!(seen.path, "/api/orders?page=2");
    assert_eq!(seen.header("x-wx-openid"), Some(phone.openid()));
    assert_eq!(seen.header("x-wx-appid").as_deref(), Some(APPID));
    assert_eq!(seen.header("x-wx-source").as_deref(), Some("wx_client"));
    assert!(!seen.has("x-wx-unionid"));
    assert_eq!(world.counter("wx_session.login.ok"), 1);
}

pub fn a_form_body_logs_in_too(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let form = Ask::new("POST", "/wx/login")
        .header(
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .body(format!("code={}&token=", phone.login()));
    let login = Login::from(&world.ask(form));
    world.assert_passes(&login.token, &phone.openid());
}

pub fn headers_with_get_log_in_as_wafer_clients_do(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let data = phone.user_info_under(testkit::fakes::wechat::KeyAge::Next);
    let ask = Ask::get("/wx/login")
        .header("X-WX-Code", &code)
        .header("X-WX-Encrypted-Data", &data.encrypted_data)
        .header("X-WX-IV", &data.iv);
    let login = Login::from(&world.ask(ask));
    assert_eq!(login.data["registered"], true, "{}", login.data);
    world.assert_passes(&login.token, &phone.openid());
}

pub fn wechat_sees_exactly_the_documented_query(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    world.login_with(json!({ "code": code }));
    let requests = world.wechat.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("GET", "/sns/jscode2session")
    );
    assert_eq!(request.host.as_deref(), Some("api.weixin.qq.com"));
    assert_eq!(request.sni.as_deref(), Some("api.weixin.qq.com"));
    for (name, value) in [
        ("appid", APPID),
        ("secret", SECRET),
        ("js_code", &code),
        ("grant_type", "authorization_code"),
    ] {
        assert_eq!(request.param(name), Some(value), "{name}");
    }
}

pub fn a_second_login_ends_the_old_session_and_is_returning(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let old = world.login(&phone);
    let new = world.login_with(json!({ "code": phone.login(), "token": old.token }));
    assert_eq!(new.data["event"], "returning");
    assert_ne!(new.token, old.token);
    world.assert_passes(&new.token, &phone.openid());
    world.assert_token_refused(&old.token, "invalid_token");

    // The old token may also stand in the header of every request.
    let got = world.post("/wx/login", &new.token, &json!({ "code": phone.login() }));
    let newest = Login::from(&got);
    assert_eq!(newest.data["event"], "returning");
    world.assert_token_refused(&new.token, "invalid_token");
}

pub fn another_account_on_the_phone_is_switched(host: HostKind) {
    let mut world = host.start(json!({}));
    let mut phone = world.wechat.phone("alice");
    let alice = world.login(&phone);
    phone.switch_user("bob");
    let bob = world.login_with(json!({ "code": phone.login(), "token": alice.token }));
    assert_eq!(bob.data["event"], "switched");
    world.assert_passes(&bob.token, &phone.openid());
    world.assert_token_refused(&alice.token, "invalid_token");
}

pub fn the_same_code_again_gives_the_same_login(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let first = world.login_with(json!({ "code": code }));
    let second = world.login_with(json!({ "code": code }));
    assert_eq!(first.data, second.data);
    assert_eq!(world.wechat.code_requests(&code), 1);
    assert_eq!(world.counter("wx_session.login.repeated"), 1);
}

pub fn the_same_code_is_forgotten_when_its_session_has_ended(host: HostKind) {
    let mut world = host.start(json!({ "login": { "remember_s": 1 } }));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let login = world.login_with(json!({ "code": code }));
    world.post("/wx/logout", &login.token, &json!({}));
    world.assert_refused(
        Ask::post("/wx/login", &json!({ "code": code })),
        401,
        "code_used",
    );

    let code = phone.login();
    world.login_with(json!({ "code": code }));
    world.seconds(2);
    world.assert_refused(
        Ask::post("/wx/login", &json!({ "code": code })),
        401,
        "code_used",
    );
}

pub fn two_taps_at_once_make_one_call_and_one_login(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let tap = Ask::post("/wx/login", &json!({ "code": code }));
    let answers = world.ask_together(vec![tap.clone(), tap.clone(), tap]);
    let logins: Vec<Login> = answers.iter().map(Login::from).collect();
    assert!(logins.iter().all(|login| login.token == logins[0].token));
    assert_eq!(world.wechat.code_requests(&code), 1);
    world.assert_passes(&logins[0].token, &phone.openid());
}

pub fn two_taps_with_a_bad_code_are_both_refused_after_one_call(host: HostKind) {
    let mut world = host.start(json!({}));
    // Slow, so that the second tap comes while the first is under way on every host.
    let slow = testkit::fakes::wechat::Fault::Slow(std::time::Duration::from_millis(300));
    world.wechat.script([slow]);
    let tap = Ask::post("/wx/login", &json!({ "code": "0badc0de" }));
    for got in world.ask_together(vec![tap.clone(), tap]) {
        relogin_refusal(&got, 401, "invalid_code");
    }
    assert_eq!(world.wechat.code_requests("0badc0de"), 1);
}

pub fn open_data_sent_with_the_login_registers_the_user(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let data = phone.user_info_under(testkit::fakes::wechat::KeyAge::Next);
    let mut parameters = data.to_json();
    parameters["code"] = json!(code);
    let login = world.login_with(parameters);
    assert_eq!(login.data["registered"], true, "{}", login.data);
    let raw: serde_json::Value = serde_json::from_str(&data.raw_data).unwrap();
    assert_eq!(login.data["user"]["nickName"], raw["nickName"]);
    assert!(login.data.get("openData").is_none());
}

pub fn stale_open_data_does_not_cost_the_login(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    for _ in 0..2 {
        world.login(&phone);
    }
    let data = phone.user_info_under(testkit::fakes::wechat::KeyAge::Previous);
    let mut parameters = data.to_json();
    parameters["code"] = json!(phone.login());
    let login = world.login_with(parameters);
    assert_eq!(
        login.data["openData"], "session_key_stale",
        "{}",
        login.data
    );
    assert_eq!(login.data["registered"], false);
    world.assert_passes(&login.token, &phone.openid());
}

pub fn a_unionid_reaches_the_app(host: HostKind) {
    let mut world = host.start(json!({}));
    world.wechat.bind(true);
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let got = world.get("/api", &login.token);
    assert_eq!(got.seen().header("x-wx-unionid"), phone.unionid());
    assert!(phone.unionid().is_some());
}

pub fn the_app_is_chosen_by_name_by_referer_or_as_the_only_one(host: HostKind) {
    const OTHER: &str = "wxfedcba9876543210";
    let mut world = host.start(json!({ "apps": [
        { "appid": APPID, "secret": { "env": "WX_SECRET" } },
        { "appid": OTHER, "secret": { "env": "WX_SECRET" } },
    ] }));
    world.wechat.add_app(OTHER, SECRET);
    let phone = world.wechat.phone_in(OTHER, "alice");

    let named = json!({ "code": phone.login(), "appid": OTHER });
    let login = world.login_with(named);
    let got = world.get("/api", &login.token);
    assert_eq!(got.seen().header("x-wx-appid").as_deref(), Some(OTHER));

    let hinted = Ask::post("/wx/login", &json!({ "code": phone.login() })).header(
        "Referer",
        format!("https://servicewechat.com/{OTHER}/12/page-frame.html"),
    );
    let login = Login::from(&world.ask(hinted));
    world.assert_passes(&login.token, &phone.openid());

    let body = json!({ "code": phone.login() });
    world.assert_refused(Ask::post("/wx/login", &body), 400, "missing_parameter");
    let body = json!({ "code": phone.login(), "appid": "wx00000000000000ff" });
    world.assert_refused(Ask::post("/wx/login", &body), 400, "unknown_app");
}

pub fn the_sixth_phone_ends_the_session_of_the_first(host: HostKind) {
    let mut world = host.start(json!({ "session": { "max_per_user": 5 } }));
    let phone = world.wechat.phone("alice");
    let logins: Vec<Login> = (0..6).map(|_| world.login(&phone)).collect();
    world.assert_token_refused(&logins[0].token, "invalid_token");
    for login in &logins[1..] {
        world.assert_passes(&login.token, &phone.openid());
    }
}

/// What has ended by itself, or by others, is no session of the user's: a good one does not end for it.
pub fn sessions_that_are_over_count_for_nothing(host: HostKind) {
    let patch = json!({ "session": { "max_per_user": 2, "idle_timeout_s": 6, "cache_ttl_s": 0 } });
    let mut world = host.start(patch);
    let (alice, bob) = (world.wechat.phone("alice"), world.wechat.phone("bob"));
    let desk = world.login(&alice).token;
    let idle = world.login(&alice).token;
    for _ in 0..2 {
        world.seconds(4);
        world.assert_passes(&desk, &alice.openid());
    }
    // The idle one has expired; a third phone is the second that lives.
    let third = world.login(&alice).token;
    world.assert_passes(&desk, &alice.openid());
    world.assert_passes(&third, &alice.openid());
    // Bob logs in on it: alice has one.
    let body = json!({ "code": bob.login(), "token": third });
    world.login_with(body);
    let fourth = world.login(&alice).token;
    for token in [&desk, &fourth] {
        world.assert_passes(token, &alice.openid());
    }
    world.assert_token_refused(&idle, "invalid_token");
    // However often one phone logs in.
    let mut token = fourth;
    for _ in 0..4 {
        let body = json!({ "code": alice.login(), "token": token });
        token = world.login_with(body).token;
        world.assert_passes(&desk, &alice.openid());
    }
    let got = world.post("/wx/logout", &token, &json!({ "everywhere": true }));
    assert_eq!(got.json()["data"]["ended"], 2);
    world.assert_token_refused(&desk, "invalid_token");
}

pub fn a_unionid_in_open_data_is_no_identity(host: HostKind) {
    // AES-CBC is not authenticated: whoever has a session can bend the plaintext.
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let bent = format!(
        r#"{{"unionId":"oVICTIM","nickName":"x","watermark":{{"timestamp":{},"appid":"{APPID}"}}}}"#,
        world.wechat.now()
    );
    let data = || {
        phone
            .open_data(testkit::fakes::wechat::Source::UserProfile)
            .plaintext(&bent)
    };
    let register = data().build();
    let body = json!({ "encryptedData": register.encrypted_data, "iv": register.iv });
    assert_eq!(world.post("/wx/register", &login.token, &body).status, 200);
    let mut parameters = data().build().to_json();
    parameters["code"] = json!(phone.login());
    parameters["token"] = json!(login.token);
    let login = world.login_with(parameters);
    let got = world.get("/api", &login.token);
    assert!(!got.seen().has("x-wx-unionid"), "{:?}", got.seen());
}

pub fn a_crowd_behind_one_code_is_turned_away(host: HostKind) {
    let mut world = host.start(json!({}));
    let slow = testkit::fakes::wechat::Fault::Slow(std::time::Duration::from_millis(500));
    world.wechat.script([slow]);
    let phone = world.wechat.phone("alice");
    let tap = Ask::post("/wx/login", &json!({ "code": phone.login() }));
    let answers = world.ask_together(vec![tap; 40]);
    let count = |status: u16| answers.iter().filter(|got| got.status == status).count();
    assert_eq!(
        (count(200), count(429)),
        (17, 23),
        "the one that asks, sixteen that wait, and the rest"
    );
}
