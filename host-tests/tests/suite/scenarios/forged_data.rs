//! Open data that a client has forged without any oracle: what it had made by WeChat, blocks cut off its front, and an
//! iv of its own choice. CBC has no MAC, and everybody can see the plaintext of their own data at `/wx/decrypt`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::fakes::wechat::{Nickname, OpenData, Phone, Source, decrypt};

use crate::rig::{Ask, HostKind, World, relogin_refusal};

const BLOCK: usize = 16;

/// `data` from its block number `from` on, whose plaintext becomes `first`. Needs the plaintext, and no key.
fn cut(data: &OpenData, plain: &[u8], from: usize, first: &[u8; BLOCK]) -> OpenData {
    let bytes = STANDARD.decode(&data.encrypted_data).unwrap();
    let at = from * BLOCK;
    let iv: Vec<u8> = (0..BLOCK)
        .map(|byte| bytes[at - BLOCK + byte] ^ plain[at + byte] ^ first[byte])
        .collect();
    OpenData {
        encrypted_data: STANDARD.encode(&bytes[at..]),
        iv: STANDARD.encode(iv),
        raw_data: String::new(),
        signature: String::new(),
    }
}

/// User info with a nickname that ends in `tail`, which then begins a block; forged so that `first` stands before it.
fn forge(
    world: &mut World,
    phone: &Phone,
    token: &str,
    first: &[u8; BLOCK],
    tail: &str,
) -> OpenData {
    let named = |nickname: String| {
        let info = phone.open_data(Source::UserInfo);
        info.nickname(Nickname::Text(nickname)).build()
    };
    // What stands before the nickname, as the client itself can see.
    let plain = |world: &mut World, data: &OpenData| {
        let text = world.decrypt(token, data).body;
        let text = String::from_utf8(text).unwrap();
        let begin = text.find("\"data\":").unwrap() + 7;
        let end = text.rfind(",\"key\":").unwrap();
        text[begin..end].to_owned()
    };
    let probe = named("@".into());
    let before = plain(world, &probe).find('@').unwrap();
    let padding = "x".repeat(2 * BLOCK - before % BLOCK);
    let data = named(format!("{padding}{tail}"));
    let plain = plain(world, &data);
    let at = plain.find(&format!("{padding}{tail}")).unwrap() + padding.len();
    assert_eq!(at % BLOCK, 0);
    cut(&data, plain.as_bytes(), at / BLOCK - 1, first)
}

/// What the app would have seen: the forgery is right in all that cryptography can say of it.
fn opened(phone: &Phone, data: &OpenData) -> Value {
    let key = phone.session_keys().last().unwrap().clone();
    let plain = decrypt(&data.encrypted_data, &key, &data.iv).unwrap();
    serde_json::from_slice(&plain).unwrap()
}

fn start(host: HostKind) -> (World, Phone, String) {
    let mut world = host.start(json!({
        "open_data": { "max_failures": 100 },
        "routes": [{ "path": "/api/profile", "session": "required", "open_data": "body" }],
    }));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    (world, phone, token)
}

pub fn a_phone_number_cannot_be_cut_out_of_a_nickname(host: HostKind) {
    let (mut world, phone, token) = start(host);
    let forged = forge(
        &mut world,
        &phone,
        &token,
        br#"{"phoneNumber":""#,
        "13800138000",
    );
    let plain = opened(&phone, &forged);
    assert_eq!(plain["phoneNumber"], "13800138000");
    assert_eq!(plain["watermark"]["appid"], phone.appid().as_str());
    assert!(plain.get("openId").is_none());

    for path in ["/api/profile", "/wx/register", "/wx/decrypt"] {
        let got = world.post(path, &token, &forged.to_json());
        relogin_refusal(&got, 422, "session_key_stale");
    }
    let user = world.get("/wx/user", &token).json();
    assert_eq!(user["data"]["registered"], false, "{user}");
    let mut login = forged.to_json();
    login["code"] = phone.login().into();
    let login = world.login_with(login);
    assert_eq!(login.data["registered"], false);
    assert_eq!(login.data["openData"], "session_key_stale");
}

/// Other names for it, or other things that an app may believe of what the edge has decrypted.
pub fn nothing_else_can_be_cut_out_of_a_nickname(host: HostKind) {
    let (mut world, phone, token) = start(host);
    for first in [
        br#"{"phonenumber":""#,
        br#"{"PHONENUMBER":""#,
        br#"{"mobile":"+86 1"#,
        br#"{"vip":1,"nam":""#,
        br#"{"openGId":"tGPK"#,
        br#"{"gender":2,"":""#,
    ] {
        let forged = forge(&mut world, &phone, &token, first, "13800138000");
        assert!(opened(&phone, &forged).is_object());
        for path in ["/api/profile", "/wx/register", "/wx/decrypt"] {
            let got = world.post(path, &token, &forged.to_json());
            relogin_refusal(&got, 422, "session_key_stale");
        }
    }
}

pub fn a_payload_of_two_shapes_is_refused_as_every_other_failure(host: HostKind) {
    let (mut world, phone, token) = start(host);
    let mark = format!(
        r#""watermark":{{"timestamp":{},"appid":"{}"}}"#,
        world.wechat.now(),
        phone.appid()
    );
    let sealed = |fields: &str| {
        let data = phone.open_data(Source::ShareInfo);
        data.plaintext(format!("{{{fields},{mark}}}")).build()
    };
    let bad_padding = phone.open_data(Source::UserInfo).bad_padding().build();
    let expected = world.post("/wx/decrypt", &token, &bad_padding.to_json());
    let number =
        r#""phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86""#;
    for fields in [
        &format!(r#"{number},"nickName":"n""#),
        &format!(r#"{number},"new":1"#),
        &format!(r#"{number},"phoneNumber":"13580006666""#),
        &number.replace(r#","countryCode":"86""#, ""),
        &number.replace(r#""13580006666","pure"#, r#""138","pure"#),
        &number.replace(r#""13580006666","pure"#, r#"{"n":1},"pure"#),
        r#""nickName":"n","nickName":"m""#,
        r#""nickName":"n","stepInfoList":[]"#,
        r#""openGId":"g","nickName":"n""#,
        r#""new":{"phoneNumber":"13580006666"}"#,
    ] {
        for path in ["/wx/decrypt", "/wx/register", "/api/profile"] {
            let got = world.post(path, &token, &sealed(fields).to_json());
            relogin_refusal(&got, 422, "session_key_stale");
            assert_eq!(got.body, expected.body, "{fields}");
        }
    }
    assert_eq!(world.counter("wx_session.open_data.refused"), 31);
}

pub fn what_is_not_known_opens_and_is_never_a_part_of_a_profile(host: HostKind) {
    let (mut world, phone, token) = start(host);
    let mark = format!(
        r#""watermark":{{"timestamp":{},"appid":"{}"}}"#,
        world.wechat.now(),
        phone.appid()
    );
    for fields in [
        r#""stepInfoList":[{"timestamp":1445866601,"step":100}]"#,
        r#""opengid":"g","open_single_roomid":"r","chat_type":3"#,
        r#""new":[{"deep":1}]"#,
        r#""nickName":"n","gender":1,"new":1"#,
        r#""nickName":{"n":1}"#,
    ] {
        let plain = format!("{{{fields},{mark}}}");
        let data = || {
            let data = phone.open_data(Source::ShareInfo);
            data.plaintext(&plain).build().to_json()
        };
        assert_eq!(
            world.post("/wx/decrypt", &token, &data()).status,
            200,
            "{fields}"
        );
        let got = world.post("/api/profile", &token, &data());
        assert_eq!(
            got.seen().body,
            format!(r#"{{"openData":{plain}}}"#).as_bytes()
        );
        let ask = Ask::post("/wx/register", &data()).token(&token);
        world.assert_refused(ask, 400, "invalid_parameter");
        let mut login = data();
        login["code"] = phone.login().into();
        let login = world.login_with(login);
        assert_eq!(login.data["registered"], false);
    }
    for data in [
        phone.phone_number(),
        phone.open_data(Source::UserProfile).build(),
    ] {
        let got = world.post("/wx/register", &token, &data.to_json());
        assert_eq!(got.status, 200, "{:?}", got.json());
    }
}
