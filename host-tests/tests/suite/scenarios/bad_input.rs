//! What is wrong with a request is said by name, and the app sees nothing of it.

use serde_json::{Value, json};

use crate::rig::{Ask, Got, HostKind};

fn detail(body: &Value) -> &str {
    body["detail"].as_str().unwrap_or_default()
}

pub fn a_bad_code_parameter_is_named(host: HostKind) {
    let mut world = host.start(json!({}));
    for (parameters, error) in [
        (json!({}), "missing_parameter"),
        (json!({ "code": "" }), "missing_parameter"),
        (json!({ "code": null }), "missing_parameter"),
        (json!({ "code": 5 }), "invalid_parameter"),
        (json!({ "code": ["x"] }), "invalid_parameter"),
        (json!({ "code": "x".repeat(10_000) }), "invalid_parameter"),
        (json!({ "code": "a b&c" }), "invalid_parameter"),
        (json!({ "code": "汉字" }), "invalid_parameter"),
    ] {
        let body = world.assert_refused(Ask::post("/wx/login", &parameters), 400, error);
        assert!(detail(&body).starts_with("code"), "{body}");
        assert_eq!(body["action"], "none");
    }
    let body = world.assert_refused(Ask::get("/wx/login"), 400, "missing_parameter");
    assert_eq!(detail(&body), "code");
    assert!(
        world.wechat.requests().is_empty(),
        "WeChat is not asked about what cannot be a code"
    );
    assert_eq!(world.counter("wx_session.login.bad_request"), 9);
}

pub fn a_bad_body_is_named(host: HostKind) {
    let mut world = host.start(json!({}));
    let nested = "[".repeat(10_000);
    let deep = format!("{{\"code\":{nested}");
    for (body, part) in [
        ("{\"code\":\"abc", "ends too early"),
        ("code=abc", "not valid JSON"),
        ("[1]", "JSON object"),
        ("\"x\"", "JSON object"),
        ("{\"code\":\"\u{0}\"}", "not valid JSON"),
        (&deep, "not valid JSON"),
    ] {
        let ask = Ask::new("POST", "/wx/login")
            .header("content-type", "application/json")
            .body(body);
        let refused = world.assert_refused(ask, 400, "malformed_body");
        assert!(detail(&refused).contains(part), "{part}: {refused}");
    }
    let empty = Ask::new("POST", "/wx/login").header("content-type", "application/json");
    world.assert_refused(empty, 400, "missing_parameter");
    let not_utf8 = Ask::new("POST", "/wx/login").body([b'{', 0xff, b'}']);
    world.assert_refused(not_utf8, 400, "malformed_body");
    let long = json!({ "code": "x", "padding": "y".repeat(17_000) });
    world.assert_refused(Ask::post("/wx/login", &long), 413, "body_too_large");
}

pub fn a_bad_content_type_is_refused(host: HostKind) {
    let mut world = host.start(json!({}));
    for kind in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
    ] {
        let ask = Ask::new("POST", "/wx/login")
            .header("content-type", kind)
            .body("{\"code\":\"x\"}");
        world.assert_refused(ask, 415, "unsupported_media_type");
    }
}

pub fn a_content_type_that_can_be_read_in_one_way_is_taken(host: HostKind) {
    const FORM: &str = "application/x-www-form-urlencoded";
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    for kinds in [
        &["application/json", "application/json"][..],
        &["application/json,application/json"],
        &["application/json; charset=utf-8, application/json; charset=utf-8"],
        &["text/json"],
        &["application/vnd.api+json;"],
        // Clients that name the type of forms and send JSON.
        &[FORM],
        &[FORM, FORM],
    ] {
        let body = format!(" {{ \"code\" : \"{}\" }}", phone.login());
        let ask = Ask::new("POST", "/wx/login").body(body);
        let ask = kinds
            .iter()
            .fold(ask, |ask, kind| ask.header("content-type", kind));
        assert_eq!(world.ask(ask).status, 200, "{kinds:?}");
    }
    for kinds in [
        &["application/json", FORM][..],
        &["application/json, text/plain"],
    ] {
        let ask = Ask::new("POST", "/wx/login").body("{}");
        let ask = kinds
            .iter()
            .fold(ask, |ask, kind| ask.header("content-type", kind));
        let body = world.assert_refused(ask, 400, "invalid_header");
        assert_eq!(detail(&body), "content-type: must occur once", "{kinds:?}");
    }
    for (kind, part) in [
        ("json", "one media type"),
        ("", "is empty"),
        ("text/plain", "must be application/json or"),
    ] {
        let ask = Ask::new("POST", "/wx/login")
            .header("content-type", kind)
            .body("{}");
        let body = world.assert_refused(ask, 415, "unsupported_media_type");
        assert!(detail(&body).contains(part), "{body}");
    }
    let broken = Ask::new("POST", "/wx/login")
        .header("content-type", FORM)
        .body("{\"code\":");
    let body = world.assert_refused(broken, 400, "malformed_body");
    assert_eq!(detail(&body), "the JSON body ends too early");
}

pub fn a_bad_method_is_told_the_allowed_ones(host: HostKind) {
    let mut world = host.start(json!({}));
    for (method, path, allow) in [
        ("PUT", "/wx/login", "GET, POST"),
        ("POST", "/wx/session", "GET"),
        ("PUT", "/wx/decrypt", "GET, POST"),
        ("DELETE", "/wx/logout", "GET, POST"),
    ] {
        let got = world.ask(Ask::new(method, path));
        assert_eq!(got.status, 405, "{method} {path}");
        assert_eq!(got.header("allow").as_deref(), Some(allow));
        assert!(got.seen.is_none());
    }
}

pub fn bad_open_data_parameters_are_named(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone.user_info();
    let (good, iv) = (&data.encrypted_data, &data.iv);
    for (endpoint, parameters, error, name) in [
        ("decrypt", json!({}), "missing_parameter", "encryptedData"),
        (
            "decrypt",
            json!({ "encryptedData": good }),
            "missing_parameter",
            "iv",
        ),
        (
            "decrypt",
            json!({ "encryptedData": 1, "iv": iv }),
            "invalid_parameter",
            "encryptedData",
        ),
        (
            "decrypt",
            json!({ "encryptedData": good, "iv": "X6PuFoueBpfgyjV9l9D6A==" }),
            "invalid_parameter",
            "iv",
        ),
        (
            "decrypt",
            json!({ "encryptedData": good, "iv": "AAAA" }),
            "invalid_parameter",
            "iv",
        ),
        (
            "decrypt",
            json!({ "encryptedData": "AAAA", "iv": iv }),
            "invalid_parameter",
            "encryptedData",
        ),
        (
            "decrypt",
            json!({ "encryptedData": "!!!!", "iv": iv }),
            "invalid_parameter",
            "encryptedData",
        ),
        (
            "register",
            json!({ "iv": iv }),
            "missing_parameter",
            "encryptedData",
        ),
        (
            "verify",
            json!({ "rawData": "{}" }),
            "missing_parameter",
            "signature",
        ),
        (
            "verify",
            json!({ "signature": "0" }),
            "missing_parameter",
            "rawData",
        ),
        (
            "verify",
            json!({ "rawData": "{}", "signature": "00" }),
            "invalid_parameter",
            "signature",
        ),
    ] {
        let ask = Ask::post(format!("/wx/{endpoint}"), &parameters).token(&login.token);
        let body = world.assert_refused(ask, 400, error);
        assert!(detail(&body).starts_with(name), "{parameters}: {body}");
    }
    // What is public about the format is told, and does not count as an attempt at the content.
    world.assert_passes(&login.token, &phone.openid());
}

pub fn malformed_tokens_are_refused(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let good = world.login(&phone).token;
    for bad in [
        "x",
        &good[1..],
        &format!("{good}A"),
        &format!("{}!", &good[1..]),
        &"A".repeat(8000),
        "undefined1",
        "nullnull",
    ] {
        let body = world.assert_token_refused(bad, "invalid_token");
        assert_eq!(body["data"], json!({ "hasSession": false }));
    }
    let mut other = good.clone().into_bytes();
    other[0] = if other[0] == b'A' { b'B' } else { b'A' };
    world.assert_token_refused(&String::from_utf8(other).unwrap(), "invalid_token");
    world.assert_refused(
        Ask::post("/wx/decrypt", &json!({})).token("x"),
        401,
        "invalid_token",
    );
    world.assert_passes(&good, &phone.openid());
}

pub fn doubled_and_unreadable_headers_are_refused(host: HostKind) {
    let mut world = host.start(json!({}));
    let token = world.login(&world.wechat.phone("alice")).token;
    let other = "A".repeat(43);
    // Of the host itself, where it does not hand them on: the app sees nothing either way.
    let refused_by_host = |got: &Got| {
        assert!(got.seen.is_none());
        assert_eq!((got.status, &*got.body), (500, &b""[..]));
    };
    for path in ["/api", "/feed", "/wx/user"] {
        let ask = || Ask::get(path);
        for bad in [
            ask().token(&token).token(&token),
            ask().token(&token).header("X-3rd-Session", &other),
            ask()
                .header("authorization", format!("Bearer {token}"))
                .header("authorization", "x"),
        ] {
            world.assert_refused(bad, 400, "invalid_header");
        }
    }
    // Nothing is made of what is said twice: no session but this one may end of it.
    for (path, name) in [
        ("/wx/logout", "X-WX-Everywhere"),
        ("/wx/phone", "X-WX-Keep"),
        ("/wx/login", "X-WX-App"),
    ] {
        let ask = Ask::get(path)
            .token(&token)
            .header("X-WX-Code", "0123456789");
        let doubled = ask.header(name, "false").header(name, "false");
        let answer = world.assert_refused(doubled, 400, "invalid_header");
        let detail = answer["detail"].as_str().unwrap().to_lowercase();
        assert!(detail.starts_with(&name.to_lowercase()), "{detail}");
    }
    assert_eq!(world.get("/api", &token).status, 200);
    let unreadable = [
        Ask::get("/api").header("X-WX-Skey", [0xff, 0xfe]),
        Ask::get("/feed").header("X-WX-Skey", [0xff, 0xfe]),
        Ask::get("/wx/user").header("X-WX-Skey", [0xff, 0xfe]),
        Ask::get("/wx/login").header("X-WX-Code", [0x80]),
    ];
    for bad in unreadable {
        if host.hands_on_unreadable_headers() {
            world.assert_refused(bad, 400, "invalid_header");
        } else {
            refused_by_host(&world.ask(bad));
        }
    }
    // Unreadable bytes in headers that nobody reads here are the app's business.
    let got = world.ask(Ask::get("/public").header("X-Other", [0xff]));
    if host.hands_on_unreadable_headers() {
        assert!(got.seen().has("x-other"));
    } else {
        refused_by_host(&got);
    }
}

pub fn paths_that_can_be_read_in_two_ways_are_refused(host: HostKind) {
    let mut world = host.start(json!({ "routes": [{ "prefix": "/", "session": "public" }] }));
    for path in [
        "//api",
        "/a//b",
        "/./a",
        "/a/../b",
        "/a/..",
        "/%2e%2e/a",
        "/a%2fb",
        "/a%5Cb",
        "/a\\b",
        "/a;b",
        "/a%3bb",
        "/a%00",
        "/a%zz",
        "/a%252fb",
        "/a./b",
        "/a%20/b",
        "/..%20/b",
        "/.../b",
        "/%EF%BC%8E%EF%BC%8E/b",
        "/a%E3%80%82/b",
        "/a%C2%A0/b",
        "/a%E2%80%8B/b",
        "/..%EF%B8%8F/b",
        "/a%EF%BC%8Fb",
        "/%EF%BC%852e/b",
        "/a%C2%85b",
    ] {
        let got = world.ask(Ask::get(path));
        assert!(got.seen.is_none(), "{path} passed as {:?}", got.seen);
        assert_eq!(got.status, 400, "{path}");
        // Envoy itself refuses some of them before the plugin sees them.
        if !got.body.is_empty()
            && got
                .header("content-type")
                .is_some_and(|kind| kind.contains("json"))
        {
            assert_eq!(got.json()["error"], "bad_path", "{path}");
        }
    }
    world.ask(Ask::get("/a?x=//..;%2f")).seen();
}

pub fn nothing_secret_is_in_the_log(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let login = world.login_with(json!({ "code": code }));
    let data = phone
        .open_data(testkit::fakes::wechat::Source::UserInfo)
        .bad_padding()
        .build();
    world.decrypt(&login.token, &data);
    world.post("/wx/logout", &login.token, &json!({}));
    world.assert_token_refused(&login.token, "invalid_token");
    let query = format!("/api?token={}&code={code}", login.token);
    world.assert_refused(Ask::get(query), 401, "no_session");
    world.assert_refused(
        Ask::post("/wx/login", &json!({ "code": code })),
        401,
        "code_used",
    );
    let log = world.log();
    assert!(
        log.lines()
            .filter(|line| line.contains("\"event\":\"refused\""))
            .count()
            >= 4,
        "{log}"
    );
    let mut secrets = vec![
        crate::rig::SECRET.to_owned(),
        login.token,
        code,
        data.encrypted_data,
    ];
    secrets.extend(phone.session_keys());
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
