use serde_json::{Value, json};

use crate::fakes::wechat::{Asked, FakeWechat};

const APP: &str = "wx1";

fn wechat() -> FakeWechat {
    let wechat = FakeWechat::new(APP, "s");
    wechat.set_time(Some(1_000_000));
    wechat
}

fn post(wechat: &FakeWechat, target: &str, body: &Value) -> Value {
    let body = body.to_string();
    let asked = Asked {
        method: "POST",
        target,
        body: body.as_bytes(),
        ..Asked::default()
    };
    serde_json::from_slice(&wechat.answer_asked(&asked).body).unwrap()
}

fn stable(wechat: &FakeWechat, more: &Value) -> Value {
    let mut body = json!({ "grant_type": "client_credential", "appid": APP, "secret": "s" });
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    post(wechat, "/cgi-bin/stable_token", &body)
}

fn token(answer: &Value) -> String {
    answer["access_token"].as_str().unwrap().to_owned()
}

/// As it stands in a query.
fn with(path: &str, token: &str) -> String {
    let token: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("{path}?access_token={token}")
}

fn errcode(wechat: &FakeWechat, token: &str) -> Value {
    post(wechat, &with("/wxa/getwxacodeunlimit", token), &json!({}))["errcode"].clone()
}

#[test]
fn a_stable_token_stays_until_its_last_five_minutes_in_which_two_are_good() {
    let wechat = wechat();
    let first = stable(&wechat, &json!({}));
    assert_eq!(first["expires_in"], 7200);
    wechat.set_time(Some(1_000_000 + 6899));
    let again = stable(&wechat, &json!({}));
    assert_eq!(
        (token(&again), &again["expires_in"]),
        (token(&first), &json!(301))
    );
    wechat.set_time(Some(1_000_000 + 6900));
    let second = stable(&wechat, &json!({}));
    assert_ne!(token(&second), token(&first));
    for good in [&first, &second] {
        assert_eq!(errcode(&wechat, &token(good)), 40169);
    }
    wechat.set_time(Some(1_000_000 + 7200));
    assert_eq!(errcode(&wechat, &token(&first)), 42001);
    let forced = stable(&wechat, &json!({ "force_refresh": true }));
    assert_eq!(errcode(&wechat, &token(&second)), 40001);
    assert_eq!(errcode(&wechat, &token(&forced)), 40169);
}

#[test]
fn the_other_way_to_a_token_leaves_it_alone() {
    let wechat = wechat();
    let own = token(&stable(&wechat, &json!({})));
    let plain = |wechat: &FakeWechat| {
        let target = "/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=s";
        token(&serde_json::from_slice(&wechat.answer("GET", target).body).unwrap())
    };
    let (old, new) = (plain(&wechat), plain(&wechat));
    wechat.set_time(Some(1_000_000 + 300));
    assert_eq!(errcode(&wechat, &old), 42001);
    assert_eq!(errcode(&wechat, &new), 40169);
    assert_eq!(errcode(&wechat, &own), 40169);
}

#[test]
fn a_request_for_a_token_is_checked_and_so_is_the_token() {
    let wechat = wechat();
    for (wrong, expected) in [
        (json!({ "grant_type": "x" }), 40002),
        (json!({ "appid": null }), 41002),
        (json!({ "appid": "wx2" }), 40013),
        (json!({ "secret": null }), 41004),
        (json!({ "secret": "t" }), 40125),
    ] {
        assert_eq!(stable(&wechat, &wrong)["errcode"], expected, "{wrong}");
    }
    assert_eq!(errcode(&wechat, ""), 41001);
    assert_eq!(errcode(&wechat, "another"), 40001);
}

#[test]
fn a_phone_code_is_good_once_for_five_minutes_in_its_app_and_in_the_body_only() {
    let wechat = wechat();
    wechat.add_app("wx2", "s");
    let own = token(&stable(&wechat, &json!({})));
    let other = token(&stable(&wechat, &json!({ "appid": "wx2" })));
    let phone = wechat.phone("ming");
    let ask = |token: &str, body: &Value| {
        post(
            &wechat,
            &with("/wxa/business/getuserphonenumber", token),
            body,
        )
    };
    let code = phone.phone_code();
    let body = json!({ "code": code });
    assert_eq!(code.len(), 64);
    assert_eq!(ask(&other, &body)["errcode"], 40013);
    let in_query = format!(
        "{}&code={code}",
        with("/wxa/business/getuserphonenumber", &own)
    );
    assert_eq!(post(&wechat, &in_query, &json!({}))["errcode"], 40029);
    let stranger = json!({ "code": code, "openid": "o" });
    assert_eq!(ask(&own, &stranger)["errcode"], 40003);
    let info = ask(&own, &body)["phone_info"].clone();
    assert_eq!(
        (&info["countryCode"], &info["watermark"]["appid"]),
        (&json!(86), &json!(APP))
    );
    assert_eq!(ask(&own, &body)["errcode"], 40029, "it is used");
    assert_eq!(
        ask(&own, &json!({ "code": phone.login() }))["errcode"],
        40029
    );
    let old = json!({ "code": phone.phone_code() });
    wechat.set_time(Some(1_000_000 + 300));
    assert_eq!(ask(&own, &old)["errcode"], 40029, "it is too old");
}

#[test]
fn a_session_key_is_reset_for_who_signs_with_the_newest() {
    let wechat = wechat();
    wechat.add_app("wx2", "s");
    let own = token(&stable(&wechat, &json!({})));
    let other = token(&stable(&wechat, &json!({ "appid": "wx2" })));
    let phone = wechat.phone("ming");
    let login = format!(
        "/sns/jscode2session?appid={APP}&secret=s&js_code={}&grant_type=authorization_code",
        phone.login()
    );
    assert_eq!(wechat.answer("GET", &login).status, 200);
    let newest = || phone.session_keys().pop().unwrap();
    let target = |token: &str, key: &str, method: &str| {
        let signature = super::signature(key);
        let query = format!(
            "openid={}&signature={signature}&sig_method={method}",
            phone.openid()
        );
        format!("{}&{query}", with("/wxa/resetusersessionkey", token))
    };
    let get = |target: &str| -> Value {
        serde_json::from_slice(&wechat.answer("GET", target).body).unwrap()
    };
    let good = target(&own, &newest(), "hmac_sha256");
    for (refused, expected) in [
        (get(&target(&own, "another", "hmac_sha256")), 87009),
        (get(&target(&own, &newest(), "hmac_sha1")), 87008),
        (get(&target(&other, &newest(), "hmac_sha256")), 40003),
        (get(&target("x", &newest(), "hmac_sha256")), 40001),
        (post(&wechat, &good, &json!({})), 43001),
    ] {
        assert_eq!(refused["errcode"], expected, "{refused}");
    }
    assert_eq!(phone.session_keys().len(), 1);
    let answer = get(&good);
    assert_eq!(
        (
            &answer["errcode"],
            &answer["openid"],
            &answer["session_key"]
        ),
        (&json!(0), &json!(phone.openid()), &json!(newest()))
    );
    assert_eq!(phone.session_keys().len(), 2);
    assert_eq!(get(&good)["errcode"], 87009, "signed with the old one");
}
