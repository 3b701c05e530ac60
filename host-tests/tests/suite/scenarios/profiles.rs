//! The profile that a user has here, and WeChat's that says nothing: an anonymous name and picture, empty places.

use serde_json::{Value, json};
use testkit::fakes::wechat::{OpenData, Phone, Source, sign};

use crate::rig::{Ask, HostKind, Login, World};

const PICTURE: &str = "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";

/// Profiles as `wx.getUserProfile` and `wx.getUserInfo` give them since 2022, and others that say nothing.
fn nobodies() -> Vec<Value> {
    let profile = |extra: Value| {
        let mut profile = json!({ "nickName": "微信用户", "gender": 0, "language": "", "city": "", "province": "",
            "country": "", "avatarUrl": PICTURE });
        for (name, value) in extra.as_object().unwrap() {
            profile[name] = value.clone();
        }
        profile
    };
    vec![
        profile(json!({})),
        profile(json!({ "is_demote": true })),
        profile(json!({ "language": "zh_CN" })),
        profile(
            json!({ "nickName": "WeChat User", "avatarUrl": "https://x/0", "is_demote": true }),
        ),
        profile(json!({ "nickName": "", "avatarUrl": "" })),
        profile(json!({ "nickName": null, "avatarUrl": null, "gender": null, "city": null })),
    ]
}

/// Sealed and signed, as a client gets it.
fn data(world: &World, phone: &Phone, profile: &Value) -> OpenData {
    let mut marked = profile.clone();
    marked["watermark"] = json!({ "timestamp": world.wechat.now(), "appid": phone.appid() });
    let mut data = phone
        .open_data(Source::UserProfile)
        .plaintext(marked.to_string())
        .build();
    data.raw_data = profile.to_string();
    data.signature = sign(&data.raw_data, phone.session_keys().last().unwrap());
    data
}

/// The rawData alone, or the encrypted data alone.
const HALVES: [[&str; 2]; 2] = [["rawData", "signature"], ["encryptedData", "iv"]];

/// A login that sends `profile`, under the key before its own.
fn login_with(
    world: &mut World,
    phone: &Phone,
    token: &str,
    half: [&str; 2],
    profile: &Value,
) -> Login {
    let sent = data(world, phone, profile).to_json();
    let mut login = json!({ half[0]: sent[half[0]], half[1]: sent[half[1]] });
    login["code"] = phone.login().into();
    login["token"] = token.into();
    world.login_with(login)
}

pub fn a_profile_that_says_nothing_does_not_replace_one(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let mut token = world.login(&phone).token;
    let real = world.post("/wx/register", &token, &phone.user_info().to_json());
    let real = real.json()["data"].clone();
    assert_eq!(real["registered"], true);
    for nobody in nobodies() {
        let sent = data(&world, &phone, &nobody);
        let got = world.post("/wx/register", &token, &sent.to_json());
        assert_eq!(
            (got.status, got.json()["data"].clone()),
            (200, real.clone()),
            "{nobody}"
        );
        for half in HALVES {
            let login = login_with(&mut world, &phone, &token, half, &nobody);
            assert_eq!(login.data["openData"], "no_profile", "{nobody}");
            assert_eq!(login.data["user"], real, "{nobody}");
            token = login.token;
        }
    }
    // What is given in it is taken.
    let some = json!({ "nickName": "微信用户", "avatarUrl": PICTURE, "gender": 2, "city": "", "country": "JP" });
    let sent = data(&world, &phone, &some);
    let user = world.post("/wx/register", &token, &sent.to_json());
    let user = user.json()["data"].clone();
    assert_eq!(
        (&user["gender"], &user["country"]),
        (&json!(2), &json!("JP"))
    );
    for field in ["nickName", "avatarUrl", "city"] {
        assert_eq!(user[field], real[field], "{field}");
    }
}

pub fn a_profile_that_says_nothing_registers_nobody(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let mut token = world.login(&phone).token;
    for nobody in nobodies() {
        let sent = data(&world, &phone, &nobody);
        let got = world.post("/wx/register", &token, &sent.to_json());
        let user = &got.json()["data"];
        assert_eq!(
            (got.status, &user["registered"]),
            (200, &json!(false)),
            "{nobody}"
        );
        assert!(user.get("nickName").is_none(), "{user}");
        for half in HALVES {
            let login = login_with(&mut world, &phone, &token, half, &nobody);
            assert_eq!(login.data["registered"], false, "{nobody}");
            assert_eq!(login.data["openData"], "no_profile", "{nobody}");
            token = login.token;
        }
    }
    // A phone number is something.
    let got = world.post("/wx/register", &token, &phone.phone_number().to_json());
    assert_eq!(got.json()["data"]["registered"], true);
}

/// Whatever is wrong with the open data, the code is spent and the user is who they are.
pub fn open_data_that_is_none_does_not_cost_the_login(host: HostKind) {
    let mut world = host.start(json!({ "session": { "piggyback": true }, "compat": "wafer" }));
    let phone = world.wechat.phone("alice");
    world.login(&phone);
    let good = phone.user_info();
    let (data, iv) = (good.encrypted_data.as_str(), good.iv.as_str());
    let (raw, signature) = (good.raw_data.as_str(), good.signature.as_str());
    for useless in [
        json!({ "encryptedData": "undefined", "iv": "undefined" }),
        json!({ "encryptedData": "null", "iv": "null" }),
        json!({ "encryptedData": "[object Object]", "iv": "[object Object]" }),
        json!({ "encryptedData": data }),
        json!({ "iv": iv }),
        json!({ "encryptedData": data, "iv": "" }),
        json!({ "encryptedData": data, "iv": "AAAA" }),
        json!({ "encryptedData": "AAAA", "iv": iv }),
        json!({ "encryptedData": "!", "iv": iv }),
        json!({ "encryptedData": "%", "iv": iv }),
        json!({ "rawData": raw }),
        json!({ "signature": signature }),
        json!({ "rawData": raw, "signature": "undefined" }),
        json!({ "rawData": "undefined", "signature": "undefined" }),
    ] {
        let mut body = useless.clone();
        body["code"] = phone.login().into();
        let login = world.login_with(body);
        assert_eq!(login.data["openData"], "invalid_parameter", "{useless}");
        assert_eq!(login.data["registered"], false);
        world.assert_passes(&login.token, &phone.openid());

        let fields = useless.as_object().unwrap();
        let encoded =
            |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let form: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value.as_str().unwrap())))
            .collect();
        let form = format!("code={}&{}", phone.login(), form.join("&"));
        let ask = Ask::new("POST", "/wx/login").body(form);
        let got = world.ask(ask.header("content-type", "application/x-www-form-urlencoded"));
        assert_eq!(
            (got.status, &got.json()["data"]["openData"]),
            (200, &json!("invalid_parameter")),
            "{useless}"
        );

        let with_headers = |path: &str| {
            let ask = Ask::get(path).header("X-WX-Code", phone.login());
            fields.iter().fold(ask, |ask, (name, value)| {
                let value = value.as_str().unwrap();
                match name.as_str() {
                    "encryptedData" => ask.header("X-WX-Encrypted-Data", value),
                    "iv" => ask.header("X-WX-IV", value),
                    "rawData" => ask.header("X-WX-RawData", encoded(value)),
                    _ => ask.header("X-WX-Signature", value),
                }
            })
        };
        for path in ["/wx/login", "/weapp/login"] {
            let got = world.ask(with_headers(path)).json();
            assert_eq!(
                got["data"]["openData"], "invalid_parameter",
                "{useless}: {got}"
            );
        }
        let got = world.ask(with_headers("/api/orders"));
        assert_eq!(
            got.seen().header("x-wx-openid"),
            Some(phone.openid()),
            "{useless}"
        );
    }
    for wrong_type in [json!(1), json!(true), json!([]), json!({ "a": 1 })] {
        let body = json!({ "code": phone.login(), "encryptedData": wrong_type, "iv": iv });
        let login = world.login_with(body);
        assert_eq!(login.data["openData"], "invalid_parameter", "{wrong_type}");
    }
    // Nothing was sent.
    for nothing in [json!(null), json!("")] {
        let body =
            json!({ "code": phone.login(), "encryptedData": nothing, "iv": nothing, "token": 5 });
        let login = world.login_with(body);
        assert!(login.data.get("openData").is_none(), "{}", login.data);
    }
    // Headers that cannot be read, or are there twice.
    let with_code = || Ask::get("/wx/login").header("X-WX-Code", phone.login());
    for ask in [
        with_code()
            .header("X-WX-RawData", "%FF")
            .header("X-WX-Signature", signature),
        with_code()
            .header("X-WX-IV", iv)
            .header("X-WX-IV", "x")
            .header("X-WX-Encrypted-Data", data),
    ] {
        let got = world.ask(ask).json();
        assert_eq!(got["data"]["openData"], "invalid_parameter", "{got}");
    }
    // What can be used is used.
    let again = phone.user_info();
    let mut body = json!({ "encryptedData": "undefined", "iv": "undefined" });
    body["rawData"] = again.raw_data.into();
    body["signature"] = again.signature.into();
    body["code"] = phone.login().into();
    let login = world.login_with(body);
    assert_eq!(login.data["registered"], true, "{}", login.data);
}
