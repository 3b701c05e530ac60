//! A store that fails at each of its operations: unavailable is not unauthorised, and never a pass.

use std::time::Duration;

use serde_json::json;
use testkit::fakes::wechat::FakeWechat;
use wx_session_core::Host as _;

use crate::rig::{
    ADMIN_TOKEN, APPID, Ask, CoreRig, Login, Rig, SECRET, WasmRig, assert_refusal,
    assert_unavailable, bridge,
};

struct CoreWorld {
    rig: CoreRig,
    wechat: FakeWechat,
    token: String,
}

fn edge() -> CoreWorld {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"store faults");
    let mut rig = CoreRig::start(&wechat, &json!({ "session": { "cache_ttl_s": 0 } }));
    let login = Ask::post(
        "/wx/login",
        &json!({ "code": wechat.phone("alice").login() }),
    );
    let token = Login::from(&rig.ask(vec![login])[0]).token;
    CoreWorld { rig, wechat, token }
}

const LOGOUT: usize = 6;

fn asks(edge: &CoreWorld) -> Vec<Ask> {
    let data = edge.wechat.phone("alice").user_info();
    let relogin = json!({ "code": edge.wechat.phone("alice").login(), "token": edge.token });
    vec![
        Ask::get("/api").token(&edge.token),
        Ask::get("/feed").token(&edge.token),
        Ask::get("/wx/session").token(&edge.token),
        Ask::get("/wx/user").token(&edge.token),
        Ask::post("/wx/decrypt", &data.to_json()).token(&edge.token),
        Ask::post("/wx/register", &data.to_json()).token(&edge.token),
        Ask::post("/wx/logout", &json!({ "everywhere": true })).token(&edge.token),
        Ask::post("/wx/login", &relogin),
    ]
}

#[test]
fn every_store_operation_may_fail_and_the_client_is_told_to_try_again() {
    for kind in 0..asks(&edge()).len() {
        let mut calm = edge();
        let ask = asks(&calm).swap_remove(kind);
        let before = calm.rig.host.store.operations();
        assert_eq!(calm.rig.ask(vec![ask])[0].status, 200);
        let operations = calm.rig.host.store.operations() - before;
        assert!(operations > 0);
        for working in 0..operations {
            let mut edge = edge();
            let ask = asks(&edge).swap_remove(kind);
            let story = format!("{ask:?}, operation {working}");
            edge.rig.host.store.fail_after(working, 1);
            assert_unavailable(&edge.rig.ask(vec![ask])[0], &story);
            // The next request finds a store that works; a login's code may be spent, a session not lost to a read or to a
            // login that failed.
            let next = edge.rig.ask(vec![Ask::get("/public")]);
            assert_eq!(next[0].status, 200);
            if kind != LOGOUT {
                let next = Ask::get("/api").token(&edge.token);
                assert_eq!(edge.rig.ask(vec![next])[0].status, 200, "{story}");
            }
        }
    }
}

/// The login was written, and the end of the phone's old session failed: the same code makes up for it.
#[test]
fn a_login_that_is_given_again_ends_the_old_session_that_it_could_not_end() {
    let relogin = |edge: &CoreWorld| {
        let code = edge.wechat.phone("alice").login();
        Ask::post("/wx/login", &json!({ "code": code, "token": edge.token }))
    };
    let mut calm = edge();
    let before = calm.rig.host.store.operations();
    let ask = relogin(&calm);
    assert_eq!(calm.rig.ask(vec![ask])[0].status, 200);
    let operations = calm.rig.host.store.operations() - before;

    let mut edge = edge();
    let ask = relogin(&edge);
    edge.rig.host.store.fail_after(operations - 1, 1);
    let got = edge.rig.ask(vec![ask.clone()]).remove(0);
    assert_unavailable(&got, "the last operation");
    let status = |rig: &mut CoreRig, token: &str| {
        let check = Ask::get("/api").token(token);
        rig.ask(vec![check])[0].status
    };
    let CoreWorld { mut rig, token, .. } = edge;
    assert_eq!(status(&mut rig, &token), 200);
    let login = Login::from(&rig.ask(vec![ask])[0]);
    assert_eq!(status(&mut rig, &token), 401);
    assert_eq!(status(&mut rig, &login.token), 200);
}

#[test]
fn a_renewal_that_fails_is_no_reason_to_refuse() {
    let mut edge = edge();
    edge.rig.advance(Duration::from_secs(3600));
    edge.rig.host.store.fail_after(1, 1);
    let got = edge.rig.ask(vec![Ask::get("/api").token(&edge.token)]);
    assert!(got[0].seen.is_some());
    assert_eq!(edge.rig.counter("wx_session.store.failed"), 1);
}

/// The answer and the line in the log say that WeChat has a key that nobody here knows; the next login brings it.
#[test]
fn a_new_session_key_that_cannot_be_written_down_is_told() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"store faults");
    let patch = json!({ "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] } });
    let mut rig = CoreRig::start(&wechat, &patch);
    let phone = wechat.phone("alice");
    let login = |rig: &mut CoreRig| {
        let login = Ask::post("/wx/login", &json!({ "code": phone.login() }));
        Login::from(&rig.ask(vec![login])[0]).token
    };
    let reset = || {
        let ask = Ask::post("/wx-admin/reset-key", &json!({ "openid": phone.openid() }));
        ask.header("authorization", format!("Bearer {ADMIN_TOKEN}"))
    };
    let key = |rig: &mut CoreRig, token: &str| {
        let data = phone.user_info();
        let ask = Ask::post("/wx/decrypt", &data.to_json()).token(token);
        rig.ask(vec![ask])[0].json()["key"].clone()
    };
    let token = login(&mut rig);
    assert_eq!(rig.ask(vec![reset()])[0].status, 200);
    assert_eq!(key(&mut rig, &token), "current");
    // The user is read; read again with WeChat's answer at hand; written.
    for (working, given) in [(0, 0), (1, 1), (2, 1)] {
        let keys = phone.session_keys().len();
        rig.host.store.fail_after(working, 1);
        let got = rig.ask(vec![reset()]).remove(0);
        assert_refusal(&got, 503, "store_unavailable");
        assert_eq!(phone.session_keys().len(), keys + given, "{working}");
        let detail = got.json()["detail"].as_str().map(str::to_owned);
        assert_eq!(detail.is_some(), given == 1, "{working}");
        if let Some(detail) = detail {
            assert!(detail.contains("could not be written down"), "{detail}");
            let line = format!(r#""outcome":"store_unavailable","detail":"{detail}""#);
            assert!(rig.log().contains(&line), "{}", rig.log());
            assert_eq!(key(&mut rig, &token), json!(null), "it opens nothing");
        }
        let token = login(&mut rig);
        assert_eq!(key(&mut rig, &token), "current");
        assert_eq!(rig.ask(vec![reset()])[0].status, 200);
    }
    for key in phone.session_keys() {
        assert!(!rig.log().contains(&key));
    }
}

/// The button gives a code once: where its number could not be kept, WeChat is not asked.
#[test]
fn a_phone_code_is_not_spent_on_a_number_that_could_not_be_kept() {
    const NUMBER: &str = "/wxa/business/getuserphonenumber";
    let wechat = FakeWechat::seeded(APPID, SECRET, b"store faults");
    let mut rig = CoreRig::start(&wechat, &json!({ "session": { "cache_ttl_s": 60 } }));
    let phone = wechat.phone("alice");
    let login = Ask::post("/wx/login", &json!({ "code": phone.login() }));
    let token = Login::from(&rig.ask(vec![login])[0]).token;
    let kept = |rig: &mut CoreRig, code: &str| {
        let ask = Ask::post("/wx/phone", &json!({ "code": code, "keep": true }));
        rig.ask(vec![ask.token(&token)]).remove(0)
    };
    // From here on the session is known without the store.
    let check = Ask::get("/api").token(&token);
    assert_eq!(rig.ask(vec![check])[0].status, 200);
    let code = phone.phone_code();
    rig.host.store.fail_after(0, usize::MAX);
    assert_unavailable(&kept(&mut rig, &code), "down");
    rig.host.store.fail_after(0, 0);
    assert_eq!(wechat.requests_for(NUMBER), 0);
    assert_eq!(kept(&mut rig, &code).status, 200);
    rig.host.store.clear();
    assert_refusal(&kept(&mut rig, &phone.phone_code()), 401, "invalid_token");
    assert_eq!(wechat.requests_for(NUMBER), 1);
}

#[test]
fn a_store_that_lost_everything_sends_clients_to_log_in_again() {
    let mut edge = edge();
    edge.rig.host.store.clear();
    let got = edge.rig.ask(vec![Ask::get("/api").token(&edge.token)]);
    assert_eq!(
        (got[0].status, got[0].json()["error"].as_str()),
        (401, Some("invalid_token"))
    );
    let relogin = json!({ "code": edge.wechat.phone("alice").login(), "token": edge.token });
    let login = Login::from(&edge.rig.ask(vec![Ask::post("/wx/login", &relogin)])[0]);
    assert_eq!(login.data["event"], "new");
}

#[test]
fn the_store_holds_nothing_in_clear() {
    let mut edge = edge();
    let alice = edge.wechat.phone("alice");
    let data = alice.user_info();
    edge.rig.ask(vec![
        Ask::post("/wx/register", &data.to_json()).token(&edge.token),
    ]);
    let dump = edge.rig.host.store.dump();
    assert!(dump.len() >= 3, "a session, a user and a remembered code");
    let mut secrets = alice.session_keys();
    secrets.extend([alice.openid(), edge.token.clone(), "nickName".to_owned()]);
    for (key, value, _) in dump {
        let text = format!("{} {}", key.name, String::from_utf8_lossy(&value));
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} in {}", key.name);
        }
    }
}

/// Whoever logs in with the token of a session, or logs out, has ended it, also where an app has said so before and the
/// store could not be asked then. Nobody tries again when that is given up.
#[test]
fn a_session_that_is_to_end_has_ended_once_its_client_is_told_so() {
    let patch = json!({
        "store": bridge::webdis(),
        "session": { "cache_ttl_s": 0 },
        "responses": { "session_end": true },
    });
    for logs_in in [true, false] {
        let wechat = FakeWechat::seeded(APPID, SECRET, b"store faults");
        let mut rig = WasmRig::start(&wechat, &patch);
        let alice = wechat.phone("alice");
        let login = Ask::post("/wx/login", &json!({ "code": alice.login() }));
        let token = Login::from(&rig.ask(vec![login])[0]).token;
        let path = "/api/answer/200?x-wx-session-end=this";
        let said = rig.send(&Ask::get(path).token(&token));
        rig.settle(&[said]);
        rig.bridge.fail(true);
        rig.got(said);
        let pass = |rig: &mut WasmRig, seconds: u64| {
            for _ in 0..seconds * 10 {
                rig.advance(Duration::from_millis(100));
                rig.serve_calls();
            }
        };
        pass(&mut rig, 2);
        rig.bridge.fail(false);
        let again = json!({ "code": alice.login(), "token": token });
        let ask = if logs_in {
            Ask::post("/wx/login", &again)
        } else {
            Ask::post("/wx/logout", &json!({})).token(&token)
        };
        assert_eq!(rig.ask(vec![ask])[0].status, 200);
        rig.bridge.fail(true);
        pass(&mut rig, 40);
        assert!(rig.log().contains("session_not_ended"), "{}", rig.log());
        rig.bridge.fail(false);
        let got = rig.ask(vec![Ask::get("/api").token(&token)]).remove(0);
        assert_refusal(&got, 401, "invalid_token");
    }
}

/// As somebody can have it who logs in again and again.
#[test]
fn a_user_whom_others_always_change_first_is_refused_in_bounded_time_and_the_log_says_why() {
    let mut edge = edge();
    let login = || {
        Ask::post(
            "/wx/login",
            &json!({ "code": edge.wechat.phone("bob").login() }),
        )
    };
    let (first, second) = (login(), login());
    edge.rig.host.store.contend(true);
    let (asked, started) = (edge.rig.host.store.operations(), edge.rig.host.now());
    let got = edge.rig.ask(vec![first]).remove(0);
    let body = assert_refusal(&got, 503, "store_unavailable");
    assert_eq!(
        body["detail"],
        "too many changes of one user at the same time"
    );
    let line = r#"{"event":"store_contended","record":"user","attempts":20}"#;
    assert_eq!(
        edge.rig.log().matches(line).count(),
        1,
        "{}",
        edge.rig.log()
    );
    assert!(edge.rig.host.store.operations() - asked < 30);
    let took = edge.rig.host.now().since(started);
    assert!((500..5000).contains(&took.as_millis()), "{took:?}");
    edge.rig.host.store.contend(false);
    assert_eq!(edge.rig.ask(vec![second])[0].status, 200);
}
