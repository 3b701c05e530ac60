//! A wall clock that is set, by an administrator or by NTP: nothing lasts longer for it than it was meant to, and no
//! session dies of a few hours.

use std::time::Duration;

use serde_json::json;
use testkit::fakes::wechat::{Fault, Source};

use crate::rig::{Ask, Got, HostKind, World, relogin_refusal};

const HOUR: u64 = 3600;

fn login_with(world: &mut World, code: &str) -> Got {
    world.ask(Ask::post("/wx/login", &json!({ "code": code })))
}

fn limited(world: &mut World) {
    for n in 0..3 {
        let ask = Ask::post("/wx/login", &json!({ "code": format!("guess{n}") }));
        world.assert_refused(ask, 401, "invalid_code");
    }
    let code = world.wechat.phone("alice").login();
    assert_eq!(login_with(world, &code).status, 429);
}

pub fn a_limited_network_is_free_when_the_clock_is_set_back(host: HostKind) {
    let mut world = host.start(json!({ "login": { "failures_per_minute": 3 } }));
    limited(&mut world);
    world.set_back(1);
    world.login(&world.wechat.phone("alice"));
    // And the limit is still one.
    let ask = |n| Ask::post("/wx/login", &json!({ "code": format!("other{n}") }));
    for n in 0..3 {
        world.assert_refused(ask(n), 401, "invalid_code");
    }
    world.assert_refused(ask(3), 429, "login_rate_limited");
    world.seconds(61);
    world.login(&world.wechat.phone("alice"));
}

pub fn an_open_breaker_closes_when_the_clock_is_set_back(host: HostKind) {
    let mut world = host.start(json!({}));
    world
        .wechat
        .script(std::iter::repeat_n(Fault::Errcode(40125), 10));
    for _ in 0..10 {
        let code = world.wechat.phone("alice").login();
        assert_eq!(login_with(&mut world, &code).status, 500);
    }
    let asked = world.wechat.requests().len();
    let code = world.wechat.phone("alice").login();
    assert_eq!(login_with(&mut world, &code).status, 500);
    assert_eq!(world.wechat.requests().len(), asked, "the breaker is open");
    world.set_back(1);
    world.login(&world.wechat.phone("alice"));
}

pub fn a_session_goes_on_when_the_clock_is_set_back_and_ends_when_it_is_not_used(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    world.set_back(10);
    let state = world.get("/wx/session", &login.token).json();
    assert_eq!(state["data"]["hasSession"], true, "{state}");
    assert!(
        state["data"]["expiresIn"].as_u64().unwrap() <= 2 * HOUR,
        "{state}"
    );
    world.assert_passes(&login.token, &phone.openid());
    // From that use on: the clock of then is all there is.
    world.seconds(2 * HOUR - 30);
    world.assert_passes(&login.token, &phone.openid());
    world.seconds(2 * HOUR + 30);
    world.assert_token_refused(&login.token, "session_expired");
}

pub fn a_session_in_use_ends_after_its_absolute_time_of_the_clock_that_was_set_back(
    host: HostKind,
) {
    let mut world = host.start(json!({ "session": { "absolute_timeout_s": 5 * HOUR } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    world.set_back(20);
    for _ in 0..5 {
        world.assert_passes(&login.token, &phone.openid());
        world.seconds(HOUR);
    }
    world.seconds(30);
    world.assert_token_refused(&login.token, "session_expired");
}

pub fn a_session_from_days_ahead_is_not_believed(host: HostKind) {
    let mut world = host.start(json!({}));
    let login = world.login(&world.wechat.phone("alice"));
    world.set_back(48);
    world.assert_token_refused(&login.token, "session_expired");
    let state = world.get("/wx/session", &login.token).json();
    assert_eq!(state["data"]["expired"], true, "{state}");
    assert_eq!(state["data"]["expiresIn"], 0, "{state}");
}

pub fn a_code_is_not_remembered_longer_when_the_clock_is_set_back(host: HostKind) {
    let mut world = host.start(json!({}));
    let code = world.wechat.phone("alice").login();
    assert_eq!(login_with(&mut world, &code).status, 200);
    assert_eq!(login_with(&mut world, &code).status, 200);
    world.set_back(1);
    relogin_refusal(&login_with(&mut world, &code), 401, "code_used");
}

pub fn data_from_the_future_is_as_old_as_it_is_far_ahead(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "max_age_s": 600 } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone.open_data(Source::UserInfo).build();
    assert_eq!(world.decrypt(&login.token, &data).status, 200);
    world.set_back(1);
    let got = world.decrypt(&login.token, &data);
    relogin_refusal(&got, 422, "session_key_stale");
}

pub fn data_shown_once_stays_shown_when_the_clock_is_set_back(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "refuse_replay": true } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone.user_info();
    assert_eq!(world.decrypt(&login.token, &data).status, 200);
    for _ in 0..3 {
        world.set_back(3);
        assert_eq!(world.decrypt(&login.token, &data).status, 409);
    }
}

pub fn a_clock_that_is_set_forward_ends_limits_and_sessions_and_nothing_hangs(host: HostKind) {
    let mut world = host.start(json!({ "login": { "failures_per_minute": 3 } }));
    let login = world.login(&world.wechat.phone("alice"));
    limited(&mut world);
    world.advance(Duration::from_secs(2 * HOUR + 60));
    world.assert_token_refused(&login.token, "session_expired");
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    world.assert_passes(&login.token, &phone.openid());
    // It was a mistake.
    world.set_back(2);
    world.assert_passes(&login.token, &phone.openid());
    world.login(&phone);
    world.seconds(2 * HOUR + 30);
    world.assert_token_refused(&login.token, "session_expired");
}

pub fn an_access_token_is_renewed_behind_a_request_in_its_last_five_minutes(host: HostKind) {
    let mut world = host.start(json!({ "session": { "idle_timeout_s": 40_000 } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let call = |world: &mut World| {
        let body = json!({ "code": phone.phone_code() });
        let got = world.post("/wx/phone", &login.token, &body);
        assert_eq!(got.status, 200, "{}", got.json());
        let seen = world.wechat.requests();
        let mut calls = seen.iter().rev();
        let call = calls.find(|seen| seen.path.ends_with("getuserphonenumber"));
        call.unwrap().param("access_token").unwrap().to_owned()
    };
    let first = call(&mut world);
    world.seconds(6880);
    assert_eq!(call(&mut world), first);
    assert_eq!(world.wechat.access_tokens().len(), 1);
    world.seconds(40);
    // The request goes with the old one, which is good for minutes yet.
    assert_eq!(call(&mut world), first);
    for _ in 0..100 {
        if world.wechat.access_tokens().len() > 1 {
            break;
        }
        world.advance(Duration::from_millis(20));
        // What is under way gets its answers while somebody asks.
        world.ask(Ask::get("/public"));
    }
    let second = world.wechat.access_tokens()[1].clone();
    let mut used = call(&mut world);
    for _ in 0..100 {
        if used == second {
            break;
        }
        world.advance(Duration::from_millis(20));
        world.ask(Ask::get("/public"));
        used = call(&mut world);
    }
    assert_eq!(used, second);
    assert_eq!(world.wechat.access_tokens().len(), 2);
    // One that nobody renewed is asked for again.
    world.seconds(8000);
    assert_eq!(call(&mut world), world.wechat.access_tokens()[2]);
}
