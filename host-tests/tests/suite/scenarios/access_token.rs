//! The one owner of an app's access_token: who asks WeChat for it, how often, and what becomes of one that WeChat
//! rejects.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::{Fault, Phone, Platform};

use crate::rig::{APPID, Ask, HostKind, SECRET, World};

const NUMBER: &str = "/wxa/business/getuserphonenumber";
const TOKEN: &str = "/cgi-bin/stable_token";

/// Something that needs a token.
fn ask(phone: &Phone, token: &str) -> Ask {
    Ask::post("/wx/phone", &json!({ "code": phone.phone_code() })).token(token)
}

#[track_caller]
fn works(world: &mut World, phone: &Phone, token: &str) {
    let got = world.ask(ask(phone, token));
    assert_eq!(got.status, 200, "{}", got.json());
}

fn logged_in(world: &mut World) -> (Phone, String) {
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    (phone, token)
}

pub fn any_number_of_calls_have_one_token(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    let asks = (0..40).map(|_| ask(&phone, &token)).collect();
    for got in world.ask_together(asks) {
        assert_eq!(got.status, 200, "{}", got.json());
    }
    works(&mut world, &phone, &token);
    assert_eq!(world.wechat.requests_for(TOKEN), 1);
    assert_eq!(world.counter("wx_session.token.fetched"), 1);
}

pub fn a_dead_token_is_given_up_and_the_call_repeated_once(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    works(&mut world, &phone, &token);
    for errcode in [40001, 40014, 42001] {
        let (calls, tokens) = (
            world.wechat.requests_for(NUMBER),
            world.wechat.requests_for(TOKEN),
        );
        world.wechat.script([Fault::Errcode(errcode)]);
        works(&mut world, &phone, &token);
        assert_eq!(world.wechat.requests_for(NUMBER), calls + 2, "{errcode}");
        assert_eq!(world.wechat.requests_for(TOKEN), tokens + 1, "{errcode}");
    }
    // Somebody else has asked for a new one by force: then that is the one.
    world.wechat.kill_tokens(APPID);
    works(&mut world, &phone, &token);
    works(&mut world, &phone, &token);
    assert_eq!(world.wechat.access_tokens().len(), 2);
    assert_eq!(world.counter("wx_session.token.dead"), 4);
}

pub fn a_token_that_is_dead_twice_in_a_row_is_told_and_not_tried_a_third_time(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    world.wechat.script([
        Fault::Ok,
        Fault::Errcode(40001),
        Fault::Ok,
        Fault::Errcode(42001),
    ]);
    let refused = world.assert_refused(ask(&phone, &token), 502, "wechat_error");
    assert_eq!(refused["errcode"], 42001);
    assert_eq!(world.wechat.requests_for(NUMBER), 2);
    assert_eq!(world.wechat.requests_for(TOKEN), 2);
    works(&mut world, &phone, &token);
}

/// Only the one that was used is given up: of many calls under way that all learn of it, the first gets a new one.
pub fn calls_that_learn_of_a_dead_token_together_ask_for_one_new_one(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    works(&mut world, &phone, &token);
    world.wechat.kill_tokens(APPID);
    let asks = (0..10).map(|_| ask(&phone, &token)).collect();
    for got in world.ask_together(asks) {
        assert_eq!(got.status, 200, "{}", got.json());
    }
    // Of those that did not wait, some may have used the new one.
    assert_eq!(world.wechat.access_tokens().len(), 2);
}

pub fn while_wechat_refuses_a_token_it_is_left_alone_and_the_operator_told_once(host: HostKind) {
    for (errcode, status, error) in [
        (45009, 500, "wechat_config"),
        (45011, 503, "wechat_busy"),
        (40164, 500, "wechat_config"),
        (40125, 500, "wechat_config"),
    ] {
        let mut world = host.start(json!({}));
        let (phone, token) = logged_in(&mut world);
        world.wechat.script([Fault::Errcode(errcode)]);
        for _ in 0..3 {
            let got = world.ask(ask(&phone, &token));
            let refused = crate::rig::assert_refusal(&got, status, error);
            assert_eq!(refused["errcode"], errcode, "{refused}");
            if status == 503 {
                assert!(got.header("retry-after").is_some());
            }
        }
        assert_eq!(world.wechat.requests_for(TOKEN), 1, "{errcode}");
        assert_eq!(world.wechat.requests_for(NUMBER), 0, "{errcode}");
        assert_eq!(world.counter("wx_session.token.refused"), 1);
        assert_eq!(world.counter("wx_session.token.breaker_open"), 2);
        let log = world.log();
        let lines = log
            .lines()
            .filter(|line| line.contains("access_token_refused"));
        let lines: Vec<&str> = lines.collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(
            lines[0].contains(&format!(r#""errcode":{errcode}"#)),
            "{log}"
        );
        assert!(!log.contains(SECRET), "{log}");
        // It closes by itself.
        world.advance(Duration::from_millis(5100));
        works(&mut world, &phone, &token);
    }
}

pub fn while_wechat_does_not_answer_there_is_no_token_and_it_is_told(host: HostKind) {
    let mut world = host.start(json!({ "wechat": { "timeout_ms": 500 } }));
    let (phone, token) = logged_in(&mut world);
    world.wechat.script([Fault::ResetMidBody]);
    world.assert_refused(ask(&phone, &token), 503, "wechat_unavailable");
    world.wechat.script([Fault::Slow(Duration::from_secs(2))]);
    world.assert_refused(ask(&phone, &token), 504, "wechat_unavailable");
    world.wechat.script([Fault::Html]);
    world.assert_refused(ask(&phone, &token), 503, "wechat_unavailable");
    assert_eq!(world.counter("wx_session.token.unavailable"), 3);
    works(&mut world, &phone, &token);
}

pub fn an_app_of_another_platform_has_no_token(host: HostKind) {
    let mut world = host.start(json!({ "apps": [
        { "platform": "qq", "appid": "1108292182", "secret": { "env": "WX_SECRET" } },
    ] }));
    let qq = world.wechat.beside(Platform::Qq, "1108292182", SECRET);
    let phone = qq.phone("alice");
    let token = world.login(&phone).token;
    for (ask, name) in [
        (ask(&phone, &token), "code"),
        (Ask::get("/wx/session?check=wechat").token(&token), "check"),
    ] {
        let refused = world.assert_refused(ask, 400, "invalid_parameter");
        let told = format!("{name}: works for mini programs of WeChat only");
        assert_eq!(refused["detail"], Value::from(told));
    }
    assert_eq!(qq.requests().len(), 1, "its login");
}

pub fn wechat_says_whether_it_still_holds_the_session_key(host: HostKind) {
    let mut world = host.start(json!({}));
    let (phone, token) = logged_in(&mut world);
    let check = |world: &mut World, token: &str| {
        let got = world.get("/wx/session?check=wechat", token).json();
        (
            got["data"]["hasSession"].clone(),
            got["data"]["sessionKeyValid"].clone(),
        )
    };
    assert_eq!(check(&mut world, &token), (json!(true), json!(true)));
    // Another server of this app has logged the user in since.
    let query = format!(
        "/sns/jscode2session?appid={APPID}&secret={SECRET}&js_code={}&grant_type=authorization_code",
        phone.login()
    );
    assert_eq!(world.wechat.answer("GET", &query).status, 200);
    assert_eq!(check(&mut world, &token), (json!(true), json!(false)));
    assert_eq!(world.counter("wx_session.key.valid"), 1);
    assert_eq!(world.counter("wx_session.key.stale"), 1);
    // Without a session nobody is asked, nor where nobody wants to know.
    let asked = world.wechat.requests().len();
    assert_eq!(check(&mut world, ""), (json!(false), Value::Null));
    let plain = world.get("/wx/session", &token).json();
    assert_eq!(plain["data"].get("sessionKeyValid"), None);
    let other = Ask::get("/wx/session?check=all").token(&token);
    let refused = world.assert_refused(other, 400, "invalid_parameter");
    assert_eq!(refused["detail"], "check: must be wechat, or left out");
    assert_eq!(world.wechat.requests().len(), asked);
    world.wechat.script([Fault::Busy]);
    let ask = Ask::get("/wx/session?check=wechat").token(&token);
    world.assert_refused(ask, 503, "wechat_busy");
    assert_eq!(world.counter("wx_session.key.unknown"), 1);
}

/// Whoever has a session has WeChat asked, but not as often as they like.
pub fn of_one_user_wechat_is_asked_about_the_session_key_ten_times_in_a_minute(host: HostKind) {
    let mut world = host.start(json!({}));
    let (_, token) = logged_in(&mut world);
    let check = |token: &str| Ask::get("/wx/session?check=wechat").token(token);
    for _ in 0..10 {
        let got = world.ask(check(&token)).json();
        assert_eq!(got["data"]["sessionKeyValid"], true, "{got}");
    }
    let asked = world.wechat.requests().len();
    let got = world.ask(check(&token));
    crate::rig::assert_refusal(&got, 503, "wechat_busy");
    assert_eq!(got.header("retry-after").as_deref(), Some("60"));
    // Another session of theirs has no more.
    let again = world.login(&world.wechat.phone("alice")).token;
    world.assert_refused(check(&again), 503, "wechat_busy");
    assert_eq!(world.wechat.requests().len(), asked + 1, "the login");
    let plain = world.get("/wx/session", &again).json();
    assert_eq!(plain["data"]["hasSession"], true);
    let other = world.login(&world.wechat.phone("bob")).token;
    assert_eq!(world.ask(check(&other)).status, 200);
    // Real time is too slow for the rest.
    if !host.is_real_envoy() {
        world.seconds(61);
        assert_eq!(world.ask(check(&again)).status, 200);
    }
}
