//! Open data in the body of a request for the app: what the app gets in its place, byte for byte, and what it never
//! gets.

use serde_json::{Value, json};
use testkit::fakes::wechat::{KeyAge, OpenData, Phone, Source};

use crate::rig::{Ask, HostKind, World, relogin_refusal};

const LIMIT: usize = 16_384;

/// An edge with a route of each kind.
fn start(host: HostKind, mut patch: Value) -> World {
    patch["routes"] = json!([
        { "path": "/api/profile", "session": "required", "open_data": "body" },
        { "path": "/api/detail", "session": "required", "open_data": "body",
          "open_data_in": "detail", "open_data_as": "profile" },
        { "path": "/api/any", "session": "required", "open_data": "body", "open_data_other_types": "pass" },
        { "path": "/feed/profile", "session": "optional", "open_data": "body" },
    ]);
    host.start(patch)
}

fn post(path: &str, token: &str, body: impl AsRef<[u8]>) -> Ask {
    Ask::new("POST", path)
        .header("content-type", "application/json")
        .token(token)
        .body(body)
}

/// What WeChat wrote, and the same encrypted. JSON readers that make values of it would change it.
fn written(world: &World, phone: &Phone) -> (String, OpenData) {
    let written = format!(
        r#"{{ "openId":"{}", "nickName":"😀林\"\\/", "big":9007199254740993, "float":1.50, "z":1, "a":2, "watermark":{{"timestamp":{},"appid":"{}"}}}}"#,
        phone.openid(),
        world.wechat.now(),
        phone.appid()
    );
    let data = phone.open_data(Source::UserInfo).plaintext(&written);
    (written, data.build())
}

/// The app must get exactly this body, with its length.
#[track_caller]
fn assert_arrives(world: &mut World, ask: Ask, expected: impl AsRef<[u8]>) {
    let got = world.ask(ask);
    let seen = got.seen();
    let expected = expected.as_ref();
    assert!(
        seen.body == expected,
        "{}\n{}",
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(expected)
    );
    let length = seen.header("content-length").unwrap_or_else(|| "0".into());
    assert_eq!(length, expected.len().to_string());
}

pub fn open_data_in_a_body_reaches_the_app_decrypted(host: HostKind) {
    let mut world = start(host, json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let (plain, data) = written(&world, &phone);
    let OpenData {
        encrypted_data,
        iv,
        raw_data,
        signature,
    } = &data;
    let raw_data = json!(raw_data);
    let sent = format!(
        " {{\r\n \"id\" : 9007199254740993,\"z\":[1.0, 1e999 ,-0],\"iv\" : \"{iv}\" ,\n\"rawData\":{raw_data}, \
         \"dup\":1,\"😀\":\"\\ud83d half\", \"encrypted\\u0044ata\" :\t\"{encrypted_data}\"  , \"dup\" : {{\"iv\":2}}\n, \
         \"signature\":\"{signature}\" }}\n"
    );
    let expected = format!(
        " {{\r\n \"id\" : 9007199254740993,\"z\":[1.0, 1e999 ,-0], \
         \"dup\":1,\"😀\":\"\\ud83d half\", \"openData\":{plain}  , \"dup\" : {{\"iv\":2}} }}\n"
    );
    assert_arrives(&mut world, post("/api/profile", &token, &sent), &expected);
    assert_eq!(world.counter("wx_session.open_data.current"), 1);

    // First, last and alone.
    let fields = format!(r#""iv":"{iv}","encryptedData":"{encrypted_data}""#);
    for (sent, expected) in [
        (
            format!("{{{fields}}}"),
            format!(r#"{{"openData":{plain}}}"#),
        ),
        (
            format!(r#"{{ {fields} , "a":1}}"#),
            format!(r#"{{ "openData":{plain} , "a":1}}"#),
        ),
        (
            format!(r#"{{"a":1 , {fields} }}"#),
            format!(r#"{{"a":1,"openData":{plain} }}"#),
        ),
    ] {
        assert_arrives(&mut world, post("/api/profile", &token, &sent), &expected);
    }
    let seen = world.ask(post("/api/profile", &token, &sent));
    let openid = seen.seen().header("x-wx-openid");
    assert_eq!(openid, Some(phone.openid()));
}

/// What a client makes of nothing is no open data, and takes the place of none.
pub fn what_clients_make_of_nothing_hides_no_open_data(host: HostKind) {
    let mut world = start(host, json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let (plain, data) = written(&world, &phone);
    let (encrypted, iv) = (&data.encrypted_data, &data.iv);
    for nothing in ["undefined", "0", " ", "false", "[object Object]", ""] {
        let sent = format!(
            r#"{{"phoneCode":"{nothing}","encryptedData":"{encrypted}","iv":"{iv}","rawData":"{nothing}","signature":"{nothing}"}}"#
        );
        let opened = format!(r#"{{"openData":{plain}}}"#);
        assert_arrives(&mut world, post("/api/profile", &token, sent), opened);
        let signed = json!({
            "encryptedData": nothing, "iv": nothing, "rawData": data.raw_data, "signature": data.signature,
        });
        let signed = signed.to_string();
        assert_arrives(&mut world, post("/api/profile", &token, &signed), &signed);
    }
    // The client had something to send, and half of it is not there.
    let half = format!(r#"{{"encryptedData":"{encrypted}","iv":"undefined"}}"#);
    world.assert_refused(post("/api/profile", &token, half), 400, "missing_parameter");
}

pub fn open_data_may_stand_in_a_named_object_and_go_by_another_name(host: HostKind) {
    let mut world = start(host, json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let (plain, data) = written(&world, &phone);
    let (encrypted, iv) = (&data.encrypted_data, &data.iv);
    let sent = format!(
        r#"{{"iv":"mine", "de\u0074ail" : {{"errMsg":"ok", "encryptedData":"{encrypted}", "iv":"{iv}"}}, "n":1.0}}"#
    );
    let expected = format!(
        r#"{{"iv":"mine", "de\u0074ail" : {{"errMsg":"ok", "profile":{plain}}}, "n":1.0}}"#
    );
    assert_arrives(&mut world, post("/api/detail", &token, sent), expected);
    // At another place it is no open data.
    for other in [
        format!(r#"{{"encryptedData":"{encrypted}","iv":"{iv}"}}"#),
        format!(r#"{{"a":{{"detail":{{"encryptedData":"{encrypted}","iv":"{iv}"}}}}}}"#),
        r#"{"detail":[],"detail":{}}"#.to_owned(),
    ] {
        assert_arrives(&mut world, post("/api/detail", &token, &other), &other);
    }
    let twice =
        format!(r#"{{"detail":{{}},"detail":{{"encryptedData":"{encrypted}","iv":"{iv}"}}}}"#);
    let ask = post("/api/detail", &token, twice);
    world.assert_refused(ask, 400, "invalid_parameter");
}

pub fn a_body_without_open_data_reaches_the_app_untouched(host: HostKind) {
    let mut world = start(host, json!({}));
    let token = world.login(&world.wechat.phone("alice")).token;
    let deep = format!("{}{}", "[".repeat(8000), "]".repeat(8000));
    let deep_objects = format!("{}1{}", r#"{"a":"#.repeat(2500), "}".repeat(2500));
    for body in [
        "{}",
        " [ 1 , 2.50 ] \n",
        "null",
        r#""openData""#,
        r#"{"say":"\"openData\":1", "openDataX":1, "open":{"data":1}}"#,
        r#"{"a":9007199254740993,"a":1e999,"\ud83d\ude00":"\ud83d"}"#,
        r#"{"iv":1,"iv":2,"rawData":null,"signature":"x"}"#,
        r#"{"encryptedData":"","iv":""}"#,
        r#"{"encryptedData":null}"#,
        r#"{"encryptedData":"undefined","iv":"undefined"}"#,
        r#"{"encryptedData":"0","iv":" "}"#,
        r#"{"encryptedData":"[object Object]", "iv":"f\u0061lse","a":1.0}"#,
        r#"{"phoneCode":"undefined","encryptedData":"null"}"#,
        r#"{"in":{"encryptedData":"left alone","iv":"x"}}"#,
        &deep,
        &deep_objects,
        "",
    ] {
        assert_arrives(&mut world, post("/api/profile", &token, body), body);
    }
    for method in ["GET", "DELETE"] {
        let ask = Ask::new(method, "/api/profile").token(&token);
        for ask in [ask.clone(), ask.header("content-type", "text/plain")] {
            assert_arrives(&mut world, ask, "");
        }
    }
    let head = world.ask(Ask::new("HEAD", "/api/profile").token(&token));
    assert!(head.seen.is_some());
}

/// In every spelling that some app could take for the name, and wherever it may look.
pub fn a_client_cannot_write_what_the_app_takes_for_the_edges_word(host: HostKind) {
    let mut world = start(host, json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let data = phone.user_info();
    let fields = format!(
        r#""encryptedData":"{}","iv":"{}""#,
        data.encrypted_data, data.iv
    );
    for key in [
        "openData",
        r"open\u0044ata",
        r"\u006fpenData",
        "OpenData",
        "opendata",
        "open_data",
        "open-data",
        " openData",
        r"openData\u0000x",
        "open.data",
    ] {
        let forged = format!(r#""{key}":{{"openId":"admin"}}"#);
        for body in [
            format!("{{{forged}}}"),
            format!("{{\"a\":1,{forged}\n}}"),
            format!("{{{fields},{forged}}}"),
            format!("{{{forged},{fields}}}"),
            format!(r#"{{"a":[0,{{"b":{{{forged}}}}}]}}"#),
            format!("[{{{forged}}}]"),
            format!(r#"{{"a":"\\",{forged}}}"#),
            format!(r#"{{"{key}" : 1}}"#),
        ] {
            let body = world.assert_refused(
                post("/api/profile", &token, &body),
                400,
                "invalid_parameter",
            );
            let detail = body["detail"].as_str().unwrap();
            assert!(detail.starts_with("openData: "), "{detail}");
        }
    }
    // A key that is no text could be read as anything.
    let half = r#"{"openData\ud83d":1}"#;
    world.assert_refused(post("/api/profile", &token, half), 400, "malformed_body");
    // The name of this route is another one.
    let forged = r#"{"detail":{"profile":{}}}"#;
    world.assert_refused(
        post("/api/detail", &token, forged),
        400,
        "invalid_parameter",
    );
    let other = r#"{"openData":1}"#;
    assert_arrives(&mut world, post("/api/detail", &token, other), other);
}

pub fn no_spelling_of_a_path_leads_a_body_past_the_edge(host: HostKind) {
    let mut world = start(host, json!({}));
    let token = world.login(&world.wechat.phone("alice")).token;
    for path in [
        "/api/profile?x=1",
        "/api/profile/",
        "/API/Profile",
        "/api/%70rofile",
        "/api/profile.json",
        "/api/profile,x",
        "/api/%EF%BD%90rof%C4%B1le",
        "/api/%E2%80%8Bprofile",
        "/Feed/profile",
        "/feed/profile.php",
    ] {
        let forged = post(path, &token, r#"{"openData":{}}"#);
        world.assert_refused(forged, 400, "invalid_parameter");
    }
    for path in ["/api/profile.", "/api/profile%20", "/api/profile%E3%80%82"] {
        let forged = post(path, &token, r#"{"openData":{}}"#);
        world.assert_refused(forged, 400, "bad_path");
    }
    for path in ["/feed/profile/", "/FEED/profile", "/feed/profile.json"] {
        world.assert_refused(Ask::get(path), 401, "no_session");
    }
}

pub fn a_body_that_the_edge_cannot_read_is_refused(host: HostKind) {
    let mut world = start(host, json!({}));
    let token = world.login(&world.wechat.phone("alice")).token;
    let malformed: [(&[u8], &str); 10] = [
        (b"{", "ends too early"),
        (b" ", "ends too early"),
        (b"{} {}", "not valid JSON"),
        (b"{\"a\":1,}", "not valid JSON"),
        (b"{'openData':1}", "not valid JSON"),
        (b"{/**/\"openData\":1}", "not valid JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"{\"a\":\"\xff\"}", "not UTF-8"),
        (b"\xff\xfe{\0}\0", "not UTF-8"),
        (b"\x1f\x8b\x08\x00", "not UTF-8"),
    ];
    for (body, why) in malformed {
        let ask = post("/api/profile", &token, body);
        let answer = world.assert_refused(ask, 400, "malformed_body");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains(why), "{body:?}: {detail}");
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=gbk",
        "application/json; charset=\"utf-7\"",
        // Readers differ in which of two they take.
        "application/json; charset=utf-8; charset=utf-7",
        "application/json; charset=utf-7; charset=utf-8",
    ] {
        let ask = Ask::new("POST", "/api/profile").token(&token).body("{}");
        let ask = ask.header("content-type", kind);
        world.assert_refused(ask, 415, "unsupported_media_type");
    }
    for kind in [
        "application/json; charset=UTF-8",
        "application/vnd.api+json",
        "",
    ] {
        let ask = Ask::new("POST", "/api/profile").token(&token).body("{}");
        assert_arrives(&mut world, ask.header("content-type", kind), "{}");
    }
    for coding in ["gzip", "br", "deflate, gzip"] {
        let ask = post("/api/profile", &token, "{}").header("content-encoding", coding);
        let answer = world.assert_refused(ask, 415, "unsupported_media_type");
        assert_eq!(answer["detail"], "the body must not be compressed");
    }
    let plain = post("/api/profile", &token, "{}").header("content-encoding", "identity");
    assert_arrives(&mut world, plain, "{}");
    let fits = format!("[{}]", " ".repeat(LIMIT - 2));
    assert_arrives(&mut world, post("/api/profile", &token, &fits), &fits);
    let large = post("/api/profile", &token, format!("{fits} "));
    world.assert_refused(large, 413, "body_too_large");
}

pub fn other_types_pass_where_so_configured(host: HostKind) {
    let mut world = start(host, json!({}));
    let token = world.login(&world.wechat.phone("alice")).token;
    let large = vec![0xff; 2 * LIMIT];
    let of = |kind, body: &[u8]| {
        let ask = Ask::new("POST", "/api/any").token(&token).body(body);
        ask.header("content-type", kind)
    };
    for (kind, body) in [("image/png", &large[..]), ("text/plain", b"a=1")] {
        assert_arrives(&mut world, of(kind, body), body);
    }
    for kind in ["text/json", "application/JSON"] {
        let forged = of(kind, br#"{"openData":1}"#);
        world.assert_refused(forged, 400, "invalid_parameter");
    }
}

pub fn data_that_does_not_open_never_reaches_the_app(host: HostKind) {
    let mut world = start(host, json!({}));
    let phone = world.wechat.phone("alice");
    world.login(&world.wechat.phone("bob"));
    let token = world.login(&phone).token;
    let info = || phone.open_data(Source::UserInfo);
    let good = info().build();
    let (encrypted, iv) = (&good.encrypted_data, &good.iv);
    for (body, error) in [
        (
            format!(r#"{{"encryptedData":"{encrypted}"}}"#),
            "missing_parameter",
        ),
        (
            format!(r#"{{"encryptedData":"{encrypted}","iv":"{iv}","rawData":"x"}}"#),
            "missing_parameter",
        ),
        (
            r#"{"encryptedData":"*","iv":"*"}"#.into(),
            "invalid_parameter",
        ),
        (
            r#"{"encryptedData":{},"iv":"x"}"#.into(),
            "invalid_parameter",
        ),
        (
            format!(r#"{{"encryptedData":"{encrypted}","iv":"{iv}","i\u0076":"{iv}"}}"#),
            "invalid_parameter",
        ),
        (
            format!(r#"{{"encryptedData":"","iv":"{iv}","encryptedData":"{encrypted}"}}"#),
            "invalid_parameter",
        ),
    ] {
        world.assert_refused(post("/api/profile", &token, &body), 400, error);
    }
    let mut signature = info().build();
    signature.signature = "0".repeat(40);
    let wrong = [
        info().bad_padding().build(),
        info().plaintext("no JSON").build(),
        info().watermark_appid("wx00000000000000ff").build(),
        info().open_id_of("bob").build(),
        signature,
    ];
    let mut answers = Vec::new();
    for data in wrong {
        let got = world.ask(Ask::post("/api/profile", &data.to_json()).token(&token));
        relogin_refusal(&got, 422, "session_key_stale");
        answers.push(got.body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    // These were five, and the sixth finds no session.
    let good = Ask::post("/api/profile", &good.to_json()).token(&token);
    world.assert_refused(good, 401, "invalid_token");
    assert_eq!(world.counter("wx_session.open_data.refused"), 5);
    assert_eq!(world.counter("wx_session.session.ended"), 1);
}

pub fn a_body_is_opened_by_the_rules_of_the_decrypt_endpoint(host: HostKind) {
    let patch = json!({ "open_data": { "refuse_replay": true, "max_age_s": 300 } });
    let mut world = start(host, patch);
    let phone = world.wechat.phone("alice");
    let old = world.login(&phone).token;
    let again = json!({ "code": phone.login(), "token": old });
    let token = world.login_with(again).token;
    let body = |data: &OpenData| json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
    let ask = |data: &OpenData| Ask::post("/api/profile", &body(data)).token(&token);

    let previous = phone.user_info_under(KeyAge::Previous);
    assert!(world.ask(ask(&previous)).seen.is_some());
    assert_eq!(world.counter("wx_session.open_data.previous"), 1);
    world.assert_refused(ask(&previous), 409, "replayed_data");
    let data = phone.user_info();
    assert_eq!(world.decrypt(&token, &data).status, 200);
    world.assert_refused(ask(&data), 409, "replayed_data");
    let aged = phone.open_data(Source::UserInfo).seconds_old(400).build();
    world.assert_refused(ask(&aged), 422, "session_key_stale");

    let mut damaged = body(&phone.user_info());
    damaged["iv"] = damaged["iv"].as_str().unwrap().trim_end_matches('=').into();
    let damaged = Ask::post("/api/profile", &damaged).token(&token);
    assert!(world.ask(damaged).seen.is_some());
    assert_eq!(world.counter("wx_session.open_data.repaired"), 1);
}

/// Nobody's key could open it, and the app need not know it closed.
pub fn without_a_session_open_data_is_refused_and_other_bodies_pass(host: HostKind) {
    let mut world = start(host, json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let (plain, data) = written(&world, &phone);
    let sent = json!({ "encryptedData": data.encrypted_data, "iv": data.iv }).to_string();
    let nobody = |body: &str| {
        let ask = Ask::new("POST", "/feed/profile").body(body);
        ask.header("content-type", "application/json")
    };
    world.assert_refused(nobody(&sent), 401, "no_session");
    let expired = nobody(&sent).token(&"A".repeat(43));
    world.assert_refused(expired, 401, "invalid_token");
    world.assert_refused(nobody(r#"{"openData":1}"#), 400, "invalid_parameter");
    let got = world.ask(nobody(r#"{"a" :1}"#));
    assert_eq!(got.seen().body, br#"{"a" :1}"#);
    let status = got.seen().header("x-wx-auth-status");
    assert_eq!(status.as_deref(), Some("missing"));
    let expected = format!(r#"{{"openData":{plain}}}"#);
    assert_arrives(&mut world, post("/feed/profile", &token, sent), expected);
}

pub fn headers_that_describe_the_old_body_do_not_come_with_the_new_one(host: HostKind) {
    let mut world = start(host, json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let names = [
        "content-md5",
        "digest",
        "content-digest",
        "repr-digest",
        "etag",
    ];
    let described = |body: &str| {
        let ask = post("/api/profile", &token, body).header("x-note", "kept");
        names.iter().fold(ask, |ask, name| ask.header(name, "x"))
    };
    let opened = world.ask(described(&phone.user_info().to_json().to_string()));
    let kept = world.ask(described("{}"));
    for name in names {
        assert!(!opened.seen().has(name), "{name}");
        assert!(kept.seen().has(name), "{name}");
    }
    assert!(opened.seen().has("x-note"));
    assert!(!opened.seen().has("transfer-encoding"));
}

/// Control characters take six bytes each once they are JSON.
pub fn a_body_that_outgrows_the_limit_when_opened_is_refused(host: HostKind) {
    let mut world = start(host, json!({}));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let nicknamed = |size: usize| {
        let plain = format!(
            r#"{{"nickName":"{}","watermark":{{"timestamp":{},"appid":"{}"}}}}"#,
            "\u{14}".repeat(size),
            world.wechat.now(),
            phone.appid()
        );
        let data = phone.open_data(Source::ShareInfo).plaintext(plain).build();
        Ask::post("/api/profile", &data.to_json()).token(&token)
    };
    let (fits, grows) = (nicknamed(2600), nicknamed(2800));
    let got = world.ask(fits);
    assert!(got.seen().body.len() > 15_600, "{}", got.seen().body.len());
    world.assert_refused(grows, 413, "body_too_large");
}
