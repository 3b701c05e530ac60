//! Limits hold, whatever comes at once, and whoever stays within them does not notice.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::{OpenData, Source};

use crate::rig::{Ask, Got, HostKind, Login, World, relogin_refusal};

const OPENED_NOT: &str = "wx_session.open_data.refused";
const STORE: &str = "wx_session.store.ok";

fn login_with(code: &str) -> Ask {
    Ask::post("/wx/login", &json!({ "code": code }))
}

fn use_up(world: &mut World, limit: usize) {
    for n in 0..limit {
        world.assert_refused(login_with(&format!("guess{n}")), 401, "invalid_code");
    }
}

pub fn limited_logins_do_not_reach_the_store(host: HostKind) {
    let mut world = host.start(json!({ "login": { "failures_per_minute": 3 } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    use_up(&mut world, 3);
    // Until all is counted.
    world.seconds(1);
    let (store, asked) = (world.counter(STORE), world.wechat.requests().len());
    for n in 0..20 {
        let with_old = json!({ "code": format!("code{n}"), "token": login.token });
        let ask = Ask::post("/wx/login", &with_old);
        world.assert_refused(ask, 429, "login_rate_limited");
    }
    assert_eq!(world.counter(STORE), store);
    assert_eq!(world.wechat.requests().len(), asked);
    // Only logins are limited.
    world.assert_passes(&login.token, &phone.openid());
}

pub fn a_network_at_its_limit_gets_the_login_of_a_good_code_again(host: HostKind) {
    let mut world = host.start(json!({ "login": { "failures_per_minute": 3 } }));
    let code = world.wechat.phone("alice").login();
    let first = Login::from(&world.ask(login_with(&code)));
    use_up(&mut world, 3);
    let again = Login::from(&world.ask(login_with(&code)));
    assert_eq!(again.token, first.token);
    assert_eq!(world.wechat.code_requests(&code), 1);
}

pub fn good_logins_are_not_limited(host: HostKind) {
    let mut world = host.start(json!({ "login": { "failures_per_minute": 3 } }));
    for _ in 0..5 {
        let logins = (0..3).map(|n| {
            let phone = world.wechat.phone(&format!("user{n}"));
            login_with(&phone.login())
        });
        let logins: Vec<_> = logins.collect();
        for got in world.ask_together(logins) {
            assert_eq!(got.status, 200, "{}", got.json());
        }
    }
}

fn decrypt(token: &str, data: &OpenData) -> Ask {
    let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
    Ask::post("/wx/decrypt", &body).token(token)
}

/// Every way in which open data is opened, under one limit.
pub fn no_more_is_opened_at_once_than_may_fail(host: HostKind) {
    let open = json!({ "prefix": "/open", "session": "required", "open_data": "body" });
    let mut world = host.start(json!({ "routes": [open] }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let bad = phone.open_data(Source::UserInfo).bad_padding().build();
    let body = json!({ "encryptedData": bad.encrypted_data, "iv": bad.iv });
    let signed = json!({ "rawData": "{}", "signature": "0".repeat(40) });
    let mut asks: Vec<Ask> = Vec::new();
    for _ in 0..12 {
        for path in ["/wx/decrypt", "/wx/register", "/open/profile"] {
            asks.push(Ask::post(path, &body).token(&login.token));
        }
        asks.push(Ask::post("/wx/verify", &signed).token(&login.token));
    }
    let answers = world.ask_together(asks);
    let count = |status| answers.iter().filter(|got| got.status == status).count();
    assert_eq!(count(422), 5);
    assert_eq!(count(401), answers.len() - 5);
    assert_eq!(world.counter(OPENED_NOT), 5);
    assert!(world.counter("wx_session.session.ended") >= 1);
    world.assert_token_refused(&login.token, "invalid_token");
}

pub fn data_that_opens_is_opened_however_much_comes_at_once(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "max_failures": 2 } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    for _ in 0..3 {
        let asks = (0..12).map(|_| decrypt(&login.token, &phone.user_info()));
        let asks: Vec<_> = asks.collect();
        for got in world.ask_together(asks) {
            assert_eq!(got.status, 200, "{}", got.json());
        }
    }
    let bad = phone.open_data(Source::UserInfo).bad_padding().build();
    for _ in 0..2 {
        world.assert_passes(&login.token, &phone.openid());
        relogin_refusal(&world.decrypt(&login.token, &bad), 422, "session_key_stale");
    }
    world.assert_token_refused(&login.token, "invalid_token");
}

fn stale_login(world: &mut World) -> Login {
    let phone = world.wechat.phone("alice");
    // So that it has a key to make data with.
    world.login(&phone);
    let bad = phone.open_data(Source::UserInfo).bad_padding().build();
    let login = world.login_with(json!({
        "code": phone.login(),
        "encryptedData": bad.encrypted_data,
        "iv": bad.iv,
    }));
    assert_eq!(login.data["openData"], "session_key_stale");
    world.assert_passes(&login.token, &phone.openid());
    login
}

pub fn a_login_with_data_that_does_not_open_has_used_one_of_its_trials(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "max_failures": 3 } }));
    let login = stale_login(&mut world);
    let phone = world.wechat.phone("alice");
    let bad = phone.open_data(Source::UserInfo).bad_padding().build();
    let asks: Vec<_> = (0..8).map(|_| decrypt(&login.token, &bad)).collect();
    let answers = world.ask_together(asks);
    let opened = |got: &&Got| got.status == 422;
    assert_eq!(answers.iter().filter(opened).count(), 2);
    world.assert_token_refused(&login.token, "invalid_token");
}

pub fn a_login_with_data_that_does_not_open_stands_where_none_may_fail(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "max_failures": 1 } }));
    let login = stale_login(&mut world);
    let phone = world.wechat.phone("alice");
    assert_eq!(world.decrypt(&login.token, &phone.user_info()).status, 200);
    let bad = phone.open_data(Source::UserInfo).bad_padding().build();
    relogin_refusal(&world.decrypt(&login.token, &bad), 422, "session_key_stale");
    world.assert_token_refused(&login.token, "invalid_token");
}

pub fn replays_are_refused_for_as_long_as_the_session_lives(host: HostKind) {
    let mut world = host.start(json!({
        "session": { "cache_ttl_s": 0, "idle_timeout_s": 4, "absolute_timeout_s": 600 },
        "open_data": { "refuse_replay": true },
    }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let data = phone.user_info();
    assert_eq!(world.decrypt(&login.token, &data).status, 200);
    for _ in 0..5 {
        world.advance(Duration::from_millis(1500));
        world.assert_passes(&login.token, &phone.openid());
        let got = world.ask(decrypt(&login.token, &data));
        assert_eq!(got.json()["error"], "replayed_data");
    }
}

pub fn a_session_that_has_shown_more_than_is_remembered_is_ended(host: HostKind) {
    let mut world = host.start(json!({ "open_data": { "refuse_replay": true } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let first = phone.user_info();
    assert_eq!(world.decrypt(&login.token, &first).status, 200);
    for _ in 1..128 {
        let got = world.decrypt(&login.token, &phone.user_info());
        assert_eq!(got.status, 200, "{}", got.json());
    }
    assert_eq!(world.decrypt(&login.token, &first).status, 409);
    let got = world.decrypt(&login.token, &phone.user_info());
    relogin_refusal(&got, 401, "session_expired");
    let body: Value = world.assert_token_refused(&login.token, "invalid_token");
    assert_eq!(body["action"], "relogin");
}

/// Whatever happens at once, no more is written than somebody could read, and nothing is hidden.
pub fn a_flood_of_refusals_is_few_lines_and_the_number_of_those_left_out(host: HostKind) {
    const FLOOD: usize = 300;
    let mut world = host.start(json!({}));
    for _ in 0..FLOOD / 10 {
        let asks = (0..10).map(|_| Ask::get("/orders")).collect();
        for got in world.ask_together(asks) {
            assert_eq!(got.status, 401);
        }
    }
    world.seconds(1);
    // Of another kind: it has room of its own, and brings the rest to light.
    world.assert_refused(Ask::get("/a/%2e%2e/b"), 400, "bad_path");
    world.seconds(1);
    let log = world.log();
    let written = log.matches(r#""error":"no_session","status""#).count();
    let left_out =
        log.split(r#""event":"lines_left_out","of":"refused","error":"no_session","lines":"#);
    let left_out = left_out.skip(1).map(|rest| {
        let digits = rest.split('}').next().unwrap();
        digits.parse::<usize>().unwrap()
    });
    let left_out: usize = left_out.sum();
    assert_eq!(written + left_out, FLOOD, "{written} written");
    assert!(left_out > 0, "{written} written");
    assert_eq!(log.matches(r#""error":"bad_path","status""#).count(), 1);
}
