//! A session_key that an operator has WeChat reset: which data opens before and after, and what becomes of trouble in the
//! middle.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::{Fault, KeyAge, Phone, Platform};

use crate::rig::{ADMIN_TOKEN, APPID, Ask, HostKind, SECRET, World, relogin_refusal};

const RESET: &str = "/wxa/resetusersessionkey";

fn start(host: HostKind) -> World {
    host.start(json!({
        "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
        "wechat": { "timeout_ms": 500 },
    }))
}

fn ask(phone: &Phone) -> Ask {
    let of = json!({ "appid": phone.appid(), "openid": phone.openid() });
    Ask::post("/wx-admin/reset-key", &of).header("authorization", format!("Bearer {ADMIN_TOKEN}"))
}

#[track_caller]
fn reset(world: &mut World, phone: &Phone) {
    let got = world.ask(ask(phone));
    let text = String::from_utf8(got.body).unwrap();
    assert_eq!(text, r#"{"status":0,"msg":"ok","data":{"reset":true}}"#);
}

/// Which key opens this.
#[track_caller]
fn opens_under(world: &mut World, token: &str, phone: &Phone, age: KeyAge) -> Value {
    let got = world.decrypt(token, &phone.user_info_under(age)).json();
    assert_eq!(got["data"]["openId"], json!(phone.openid()), "{got}");
    got["key"].clone()
}

#[track_caller]
fn assert_no_key_in_the_log(world: &World, phone: &Phone) {
    let log = world.log();
    for key in phone.session_keys() {
        assert!(!log.contains(&key), "{log}");
        assert!(!log.contains(&key.replace('/', "\\/")), "{log}");
    }
    assert!(!log.contains(SECRET), "{log}");
}

/// Another server of this app logs the user in.
#[track_caller]
fn another_server_logs_in(world: &World, phone: &Phone) {
    let query = format!(
        "/sns/jscode2session?appid={APPID}&secret={SECRET}&js_code={}&grant_type=authorization_code",
        phone.login()
    );
    assert_eq!(world.wechat.answer("GET", &query).status, 200);
}

pub fn after_a_reset_data_opens_under_the_new_key_and_under_the_one_before(host: HostKind) {
    let mut world = start(host);
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let oldest = phone.user_info();
    reset(&mut world, &phone);
    assert_eq!(phone.session_keys().len(), 2);
    assert_eq!(
        opens_under(&mut world, &token, &phone, KeyAge::Current),
        "current"
    );
    let of_before = world.decrypt(&token, &oldest).json();
    assert_eq!(of_before["key"], "previous", "{of_before}");
    // The session goes on, and WeChat holds the key that is kept.
    world.assert_passes(&token, &phone.openid());
    let checked = world.get("/wx/session?check=wechat", &token).json();
    assert_eq!(checked["data"]["sessionKeyValid"], true);
    reset(&mut world, &phone);
    for (age, key) in [(KeyAge::Current, "current"), (KeyAge::Previous, "previous")] {
        assert_eq!(opens_under(&mut world, &token, &phone, age), key);
    }
    let stale = world.decrypt(&token, &oldest);
    relogin_refusal(&stale, 422, "session_key_stale");
    assert_eq!(world.counter("wx_session.admin.ok"), 2);
    let line = format!(
        r#"{{"event":"admin","action":"reset-key","by":"tokens[0]","appid":"{APPID}","openid":"{}","outcome":"ok","reset":true}}"#,
        phone.openid()
    );
    assert_eq!(world.log().matches(&line).count(), 2, "{}", world.log());
    assert_no_key_in_the_log(&world, &phone);
}

pub fn of_a_user_whom_nobody_knows_no_key_is_reset(host: HostKind) {
    let mut world = start(host);
    let phone = world.wechat.phone("alice");
    another_server_logs_in(&world, &phone);
    let asked = world.wechat.requests().len();
    let got = world.ask(ask(&phone));
    assert_eq!(got.json()["data"], json!({ "reset": false }));
    assert_eq!(world.wechat.requests().len(), asked);
    assert_eq!(phone.session_keys().len(), 1);
    assert!(world.log().contains(r#""outcome":"ok","reset":false"#));
}

pub fn a_key_that_wechat_does_not_hold_any_more_is_not_reset_and_a_login_mends_it(host: HostKind) {
    let mut world = start(host);
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    another_server_logs_in(&world, &phone);
    let refused = world.assert_refused(ask(&phone), 502, "wechat_error");
    assert_eq!(refused["errcode"], 87009);
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("another session_key"), "{detail}");
    assert_eq!(world.counter("wx_session.admin.failed"), 1);
    // What was kept is kept.
    assert_eq!(
        opens_under(&mut world, &token, &phone, KeyAge::Previous),
        "current"
    );
    let token = world.login(&phone).token;
    reset(&mut world, &phone);
    assert_eq!(
        opens_under(&mut world, &token, &phone, KeyAge::Current),
        "current"
    );
    assert_no_key_in_the_log(&world, &phone);
}

pub fn a_reset_with_a_dead_access_token_is_sent_once_more(host: HostKind) {
    let mut world = start(host);
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    reset(&mut world, &phone);
    world.wechat.kill_tokens(APPID);
    reset(&mut world, &phone);
    assert_eq!(world.wechat.requests_for(RESET), 3);
    assert_eq!(phone.session_keys().len(), 3);
    assert_eq!(
        opens_under(&mut world, &token, &phone, KeyAge::Current),
        "current"
    );
}

pub fn while_wechat_cannot_reset_a_key_it_is_told_why_and_nothing_is_lost(host: HostKind) {
    let mut world = start(host);
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    reset(&mut world, &phone);
    for (fault, status, error) in [
        (Fault::Refused, 503, "wechat_unavailable"),
        (Fault::Busy, 503, "wechat_busy"),
        (Fault::RateLimited, 503, "wechat_busy"),
        (Fault::Errcode(48001), 500, "wechat_config"),
        (Fault::Errcode(40003), 502, "wechat_error"),
    ] {
        world.wechat.script([fault]);
        world.assert_refused(ask(&phone), status, error);
        assert_eq!(
            opens_under(&mut world, &token, &phone, KeyAge::Current),
            "current"
        );
    }
    assert_eq!(world.counter("wx_session.admin.failed"), 5);
    reset(&mut world, &phone);
}

/// WeChat has changed the key, and nobody knows the new one: only a login brings it.
pub fn a_new_key_whose_answer_is_lost_comes_with_the_next_login(host: HostKind) {
    for (fault, status) in [
        (Fault::Slow(Duration::from_secs(2)), 504),
        (Fault::ResetMidBody, 503),
        (Fault::Html, 503),
        (Fault::EmptyObject, 503),
    ] {
        let mut world = start(host);
        let phone = world.wechat.phone("alice");
        let token = world.login(&phone).token;
        reset(&mut world, &phone);
        world.wechat.script([fault]);
        world.assert_refused(ask(&phone), status, "wechat_unavailable");
        assert_eq!(phone.session_keys().len(), 3);
        assert_eq!(world.wechat.requests_for(RESET), 2, "never by itself again");
        let of_now = phone.user_info();
        let stale = world.decrypt(&token, &of_now);
        relogin_refusal(&stale, 422, "session_key_stale");
        let refused = world.assert_refused(ask(&phone), 502, "wechat_error");
        assert_eq!(refused["errcode"], 87009);
        let token = world.login(&phone).token;
        assert_eq!(
            opens_under(&mut world, &token, &phone, KeyAge::Current),
            "current"
        );
        reset(&mut world, &phone);
    }
}

pub fn no_other_platform_resets_a_key(host: HostKind) {
    let mut world = host.start(json!({
        "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
        "apps": [
            { "platform": "qq", "appid": "1108292182", "secret": { "env": "WX_SECRET" } },
        ],
    }));
    let qq = world.wechat.beside(Platform::Qq, "1108292182", SECRET);
    let phone = qq.phone("alice");
    world.login(&phone);
    let refused = world.assert_refused(ask(&phone), 400, "invalid_parameter");
    let detail = "appid: works for mini programs of WeChat only";
    assert_eq!(refused["detail"], detail);
    assert_eq!(qq.requests().len(), 1, "its login");
    assert_eq!(world.counter("wx_session.admin.bad_request"), 1);
}
