//! Signatures and encryptedData, and the keys that fit them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::fakes::wechat::{KeyAge, Nickname, Source};

use crate::rig::{Ask, Got, HostKind, relogin_refusal};

pub fn a_signature_over_the_exact_text_is_valid(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone.user_info();
    let signed = |raw: &str| json!({ "rawData": raw, "signature": data.signature });
    let got = world.post("/wx/verify", &login.token, &signed(&data.raw_data));
    assert_eq!(
        (&got.json()["data"], &got.json()["key"]),
        (&json!({ "valid": true }), &json!("current"))
    );
    let respaced = data.raw_data.replacen(':', ": ", 1);
    let got = world.post("/wx/verify", &login.token, &signed(&respaced));
    relogin_refusal(&got, 422, "session_key_stale");
}

pub fn decrypting_gives_the_object_as_wechat_wrote_it(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let written = format!(
        r#"{{"openId":"{}","nickName":"😀林\"\\/","big":9007199254740993,"float":1.50,"z":1,"a":2,"watermark":{{"timestamp":{},"appid":"{}"}}}}"#,
        phone.openid(),
        world.wechat.now(),
        phone.appid()
    );
    let data = phone
        .open_data(Source::UserInfo)
        .plaintext(&written)
        .build();
    let got = world.decrypt(&login.token, &data);
    let text = String::from_utf8(got.body).unwrap();
    assert_eq!(
        text,
        format!(r#"{{"status":0,"msg":"ok","data":{written},"key":"current"}}"#)
    );
    assert_eq!(
        got.headers
            .iter()
            .filter(|(name, _)| name == "cache-control")
            .count(),
        1
    );
    assert_eq!(world.counter("wx_session.open_data.current"), 1);
}

pub fn data_made_under_the_previous_key_opens(host: HostKind) {
    // The most frequent complaint of the field: getUserInfo, then wx.login, then the first decrypt fails.
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let old = world.login(&phone);
    let data = phone.user_info();
    let login = world.login_with(json!({ "code": phone.login(), "token": old.token }));
    let got = world.decrypt(&login.token, &data).json();
    assert_eq!(got["key"], "previous", "{got}");
    assert_eq!(got["data"]["openId"], json!(phone.openid()));
    let signed = json!({ "rawData": data.raw_data, "signature": data.signature });
    let got = world.post("/wx/verify", &login.token, &signed).json();
    assert_eq!(got["key"], "previous");
    assert_eq!(world.counter("wx_session.open_data.previous"), 2);
}

pub fn data_under_an_older_key_is_stale(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let mut login = world.login(&phone);
    for _ in 0..2 {
        login = world.login_with(json!({ "code": phone.login(), "token": login.token }));
    }
    let data = phone.user_info_under(KeyAge::Older(2));
    let got = world.decrypt(&login.token, &data);
    relogin_refusal(&got, 422, "session_key_stale");
}

pub fn phone_numbers_and_share_info_have_no_owner_and_open(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let number = world.decrypt(&login.token, &phone.phone_number()).json();
    assert!(number["data"]["purePhoneNumber"].is_string(), "{number}");
    let share = world.decrypt(&login.token, &phone.share_info()).json();
    assert!(share["data"]["openGId"].is_string(), "{share}");
}

/// Whatever depends on the plaintext: padding, JSON, watermark, owner, a flipped bit, the wrong key.
pub fn every_content_failure_is_one_and_the_same_answer(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "max_failures": 100 } }));
    let phone = world.wechat.phone("alice");
    world.login(&world.wechat.phone("bob"));
    let login = world.login(&phone);
    let info = || phone.open_data(Source::UserInfo);
    let mut flipped = info().build();
    flipped.encrypted_data = flip(&flipped.encrypted_data, 3);
    let mut flipped_at_the_end = info().build();
    let last = flipped_at_the_end.encrypted_data.len() - 5;
    flipped_at_the_end.encrypted_data = flip(&flipped_at_the_end.encrypted_data, last);
    let mut other_key = info().build();
    other_key.iv = info().build().iv;
    let cases = [
        ("padding", info().bad_padding().build()),
        (
            "not JSON",
            info().plaintext("not json at all, but padded").build(),
        ),
        (
            "JSON without watermark",
            info().plaintext(r#"{"openId":"o1"}"#).build(),
        ),
        ("not UTF-8", info().plaintext([0xff, 0xfe, 0x80]).build()),
        (
            "other app",
            info().watermark_appid("wx00000000000000ff").build(),
        ),
        ("other user", info().open_id_of("bob").build()),
        ("flipped bit", flipped),
        ("flipped bit at the end", flipped_at_the_end),
        ("other iv", other_key),
    ];
    let mut bodies: Vec<Got> = Vec::new();
    for (name, data) in cases {
        let got = world.decrypt(&login.token, &data);
        relogin_refusal(&got, 422, "session_key_stale");
        if let Some(first) = bodies.first() {
            assert_eq!(got.body, first.body, "{name}");
            let names = |got: &Got| {
                got.headers
                    .iter()
                    .map(|(n, _)| n.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(&got), names(first), "{name}");
        }
        bodies.push(got);
    }
    let log = world.log();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("\"event\":\"refused\"") && line.contains("session_key_stale"))
        .collect();
    assert_eq!(lines.len(), bodies.len());
    let tail = |line: &str| line[line.find('{').unwrap()..].to_owned();
    assert!(
        lines.iter().all(|line| tail(line) == tail(lines[0])),
        "{lines:#?}"
    );
}

fn flip(base64: &str, at: usize) -> String {
    let mut bytes = base64.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

pub fn five_failures_end_the_session(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let bad = phone.open_data(Source::UserInfo).bad_padding().build();
    for _ in 0..5 {
        world.assert_passes(&login.token, &phone.openid());
        let got = world.decrypt(&login.token, &bad);
        relogin_refusal(&got, 422, "session_key_stale");
    }
    world.assert_token_refused(&login.token, "invalid_token");
    assert_eq!(world.counter("wx_session.session.ended"), 1);
}

pub fn raw_control_characters_in_a_nickname_are_tolerated(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone
        .open_data(Source::UserInfo)
        .nickname(Nickname::RawControls)
        .build();
    let got = world.decrypt(&login.token, &data).json();
    assert_eq!(
        got["data"]["nickName"].as_str(),
        Some(Nickname::RawControls.text()),
        "{got}"
    );
    // So is the text that the client signs.
    let bob = world.wechat.phone("bob");
    let code = bob.login();
    let data = bob
        .open_data(Source::UserInfo)
        .nickname(Nickname::RawControls)
        .build();
    let signed = json!({ "code": code, "rawData": data.raw_data, "signature": data.signature });
    let got = world.login_with(signed).data;
    assert_eq!(got["registered"], true, "{got}");
    assert_eq!(got["user"]["nickName"], Nickname::RawControls.text());
}

pub fn damaged_base64_is_repaired_and_counted(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    // A text with a "+" in it, as URL decoding damages it.
    let data = std::iter::repeat_with(|| phone.user_info())
        .find(|data| data.encrypted_data.contains('+'))
        .unwrap();
    let spaces = json!({
        "encryptedData": data.encrypted_data.replace('+', " "),
        "iv": data.iv.trim_end_matches('='),
    });
    let url_safe = json!({
        "encryptedData": data.encrypted_data.replace('+', "-").replace('/', "_"),
        "iv": data.iv,
    });
    for damaged in [spaces, url_safe] {
        let got = world.post("/wx/decrypt", &login.token, &damaged).json();
        assert_eq!(got["data"]["openId"], json!(phone.openid()), "{got}");
    }
    assert_eq!(world.counter("wx_session.open_data.repaired"), 3);
}

/// In every place and encoding; what cannot be undone is named as ever.
pub fn percent_encoded_base64_is_repaired_wherever_it_is_sent(host: HostKind) {
    let mut world = host.start(json!({ "routes": [
        { "path": "/api/profile", "session": "required", "open_data": "body" },
    ] }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let once = |text: &str| {
        let slashes = text.replace('+', "%2B").replace('/', "%2F");
        slashes.replace('=', "%3D")
    };
    let lower = |text: &str| {
        once(text)
            .replace("%2B", "%2b")
            .replace("%2F", "%2f")
            .replace("%3D", "%3d")
    };
    let twice = |text: &str| once(text).replace('%', "%25");
    let blank = |text: &str| format!("{text} ");
    let newline = |text: &str| format!("{text}\r\n");
    let damages: [&dyn Fn(&str) -> String; 7] = [
        &once,
        &lower,
        &twice,
        &blank,
        &newline,
        &|text| format!("{}%20", once(text)),
        &|text| format!("{}%0D%0A", once(text)),
    ];
    let mut repaired = 0;
    for damage in damages {
        // With every letter that is encoded.
        let mut data = phone.user_info();
        while !(data.encrypted_data.contains('+') && data.encrypted_data.contains('/')) {
            data = phone.user_info();
        }
        let damaged = [damage(&data.encrypted_data), damage(&data.iv)];
        let body = json!({ "encryptedData": damaged[0], "iv": damaged[1] });
        let got = world.post("/wx/decrypt", &login.token, &body).json();
        assert_eq!(
            got["data"]["openId"],
            json!(phone.openid()),
            "{body}: {got}"
        );
        let opened = world.post("/api/profile", &login.token, &body);
        assert!(
            opened.seen().body.starts_with(br#"{"openData":{"#),
            "{body}"
        );
        // A form decodes once itself.
        let encoded = |text: &str| once(&text.replace('%', "%25")).replace(' ', "+");
        let form = format!(
            "encryptedData={}&iv={}",
            encoded(&damaged[0]),
            encoded(&damaged[1])
        );
        let form = form.replace("\r\n", "%0D%0A");
        let ask = Ask::new("POST", "/wx/decrypt")
            .token(&login.token)
            .body(form);
        let got = world.ask(ask.header("content-type", "application/x-www-form-urlencoded"));
        assert_eq!(got.status, 200, "{body}");
        repaired += 3;
        if damaged[0].contains('\n') {
            continue;
        }
        let ask = Ask::get("/wx/login").header("X-WX-Code", phone.login());
        let ask = ask.header("X-WX-Encrypted-Data", damaged[0].trim());
        let got = world.ask(ask.header("X-WX-IV", damaged[1].trim())).json();
        assert_eq!(got["data"]["registered"], true, "{body}: {got}");
    }
    assert!(world.counter("wx_session.open_data.repaired") >= repaired);
    let bad = json!({ "encryptedData": "%ZZ", "iv": "AAAA" });
    let ask = Ask::post("/wx/decrypt", &bad).token(&login.token);
    let body = world.assert_refused(ask, 400, "invalid_parameter");
    assert_eq!(body["detail"], "encryptedData: is not base64");
}

pub fn old_data_is_refused_where_an_age_is_set(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "max_age_s": 300 } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let aged = |seconds| {
        phone
            .open_data(Source::UserInfo)
            .seconds_old(seconds)
            .build()
    };
    assert_eq!(world.decrypt(&login.token, &aged(200)).status, 200);
    let got = world.decrypt(&login.token, &aged(400));
    relogin_refusal(&got, 422, "session_key_stale");
}

pub fn replayed_data_is_refused_where_so_configured(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "refuse_replay": true } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone.user_info();
    assert_eq!(world.decrypt(&login.token, &data).status, 200);
    let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
    let again = Ask::post("/wx/decrypt", &body).token(&login.token);
    world.assert_refused(again, 409, "replayed_data");
    assert_eq!(world.decrypt(&login.token, &phone.user_info()).status, 200);

    // Cut off at the front, with the block before as iv, the same data still decrypts to something.
    let plain = format!(
        r#"{{"pad":"xxxx",{:>17}"openId":"{}","watermark":{{"timestamp":{},"appid":"{}"}}}}"#,
        "",
        phone.openid(),
        world.wechat.now(),
        phone.appid()
    );
    let mut cut = plain.into_bytes();
    cut[16] = b'{';
    let whole = phone
        .open_data(Source::UserInfo)
        .plaintext([&b" "[..].repeat(16), &cut[16..]].concat())
        .build();
    assert_eq!(world.decrypt(&login.token, &whole).status, 200);
    let bytes = STANDARD.decode(&whole.encrypted_data).unwrap();
    let cut = json!({ "encryptedData": STANDARD.encode(&bytes[16..]), "iv": STANDARD.encode(&bytes[..16]) });
    let ask = Ask::post("/wx/decrypt", &cut).token(&login.token);
    world.assert_refused(ask, 409, "replayed_data");
}

pub fn registering_stores_the_profile_and_later_logins_show_it(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone.user_info();
    let raw: Value = serde_json::from_str(&data.raw_data).unwrap();
    let user = world
        .post("/wx/register", &login.token, &data.to_json())
        .json();
    assert_eq!(user["data"]["registered"], true, "{user}");
    for field in [
        "nickName",
        "avatarUrl",
        "gender",
        "province",
        "city",
        "country",
        "language",
    ] {
        assert_eq!(user["data"][field], raw[field], "{field}");
    }
    assert!(user["data"].get("openId").is_none());
    let share = phone.share_info();
    let no_profile = json!({ "encryptedData": share.encrypted_data, "iv": share.iv });
    let ask = Ask::post("/wx/register", &no_profile).token(&login.token);
    let body = world.assert_refused(ask, 400, "invalid_parameter");
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("no field of a profile"),
        "{body}"
    );

    // The phone number joins the profile and takes nothing from it.
    world.post(
        "/wx/register",
        &login.token,
        &phone.phone_number().to_json(),
    );
    let again = world.login_with(json!({ "code": phone.login(), "token": login.token }));
    assert_eq!(again.data["registered"], true);
    assert_eq!(again.data["user"]["nickName"], raw["nickName"]);
    assert!(again.data["user"]["purePhoneNumber"].is_string());
}

pub fn a_second_phone_shares_the_key_ring(host: HostKind) {
    // wx.login on the second phone replaces the key of the first one's session too.
    let mut world = host.start(json!({}));
    let (first, second) = (world.wechat.phone("alice"), world.wechat.phone("alice"));
    let on_first = world.login(&first);
    let on_second = world.login(&second);
    let data = first.user_info();
    for login in [&on_first, &on_second] {
        assert_eq!(world.decrypt(&login.token, &data).json()["key"], "current");
    }
}
