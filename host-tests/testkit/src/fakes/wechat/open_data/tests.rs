//! What a phone makes, opened again with the keys that were given out.

use super::*;
use crate::fakes::wechat::{FakeWechat, decrypt, sign};

fn wechat() -> FakeWechat {
    let wechat = FakeWechat::seeded("wxapp", "s", b"tests");
    wechat.set_time(Some(1_700_000_000));
    wechat
}

fn exchange(wechat: &FakeWechat, code: &str) {
    let query = format!("appid=wxapp&secret=s&js_code={code}&grant_type=authorization_code");
    let _ = wechat.answer("GET", &format!("/sns/jscode2session?{query}"));
}

fn opened(data: &OpenData, key: &str) -> Value {
    serde_json::from_slice(&decrypt(&data.encrypted_data, key, &data.iv).unwrap()).unwrap()
}

#[test]
fn user_info_opens_and_verifies_under_the_key_that_login_gave() {
    let wechat = wechat();
    wechat.bind(true);
    let phone = wechat.phone("alice");
    let code = phone.login();
    let before = phone.user_info();
    exchange(&wechat, &code);
    for data in [before, phone.user_info()] {
        let key = &phone.session_keys()[0];
        let plain = opened(&data, key);
        assert_eq!(
            (plain["openId"].as_str(), plain["unionId"].as_str()),
            (Some(&*phone.openid()), phone.unionid().as_deref())
        );
        assert_eq!(
            plain["watermark"],
            json!({ "timestamp": 1_700_000_000, "appid": "wxapp" })
        );
        assert_eq!(plain["nickName"], Nickname::Emoji.text());
        assert_eq!(sign(&data.raw_data, key), data.signature);
    }
}

#[test]
fn older_and_coming_keys_can_be_chosen_and_two_phones_share_them() {
    let wechat = wechat();
    let (one, two) = (wechat.phone("alice"), wechat.phone("alice"));
    for phone in [&one, &two, &one] {
        exchange(&wechat, &phone.login());
    }
    let keys = two.session_keys();
    for (age, key) in [
        (KeyAge::Current, 2),
        (KeyAge::Next, 2),
        (KeyAge::Previous, 1),
        (KeyAge::Older(2), 0),
    ] {
        opened(&two.user_info_under(age), &keys[key]);
    }
    let code = one.login();
    let coming = one.user_info_under(KeyAge::Next);
    exchange(&wechat, &code);
    opened(&coming, &two.session_keys()[3]);
}

#[test]
fn each_way_of_being_wrong_shows() {
    let wechat = wechat();
    let mut phone = wechat.phone("alice");
    exchange(&wechat, &phone.login());
    let key = phone.session_keys()[0].clone();
    let info = || phone.open_data(Source::UserInfo);
    assert_eq!(
        opened(&info().watermark_appid("wxother").build(), &key)["watermark"]["appid"],
        "wxother"
    );
    assert_eq!(
        opened(&info().open_id_of("bob").build(), &key)["openId"],
        wechat.phone("bob").openid()
    );
    assert_eq!(
        opened(&info().seconds_old(60).build(), &key)["watermark"]["timestamp"],
        1_699_999_940
    );
    let bytes = info().plaintext([0xff, 0x00]).build();
    assert_eq!(
        decrypt(&bytes.encrypted_data, &key, &bytes.iv).unwrap(),
        [0xff, 0x00]
    );
    let bad = info().bad_padding().build();
    assert!(decrypt(&bad.encrypted_data, &key, &bad.iv).is_err());
    let raw = info().nickname(Nickname::RawControls).build();
    let plain = decrypt(&raw.encrypted_data, &key, &raw.iv).unwrap();
    assert!(plain.contains(&0x14) && serde_json::from_slice::<Value>(&plain).is_err());
    phone.switch_user("bob");
    assert_eq!(phone.openid(), wechat.phone("bob").openid());
}

#[test]
fn phone_number_and_share_info_carry_a_watermark_and_no_raw_data() {
    let wechat = wechat();
    let phone = wechat.phone("alice");
    exchange(&wechat, &phone.login());
    for (data, field) in [
        (phone.phone_number(), "phoneNumber"),
        (phone.share_info(), "openGId"),
    ] {
        let plain = opened(&data, &phone.session_keys()[0]);
        assert!(
            plain[field].is_string()
                && plain["watermark"]["appid"] == "wxapp"
                && plain["openId"].is_null()
        );
        assert!(data.raw_data.is_empty() && data.to_json().get("rawData").is_none());
    }
}
