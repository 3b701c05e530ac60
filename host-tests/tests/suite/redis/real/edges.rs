//! Several edges on one Redis are one: a session is where its user is, and gone where it was ended.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::FakeWechat;

use crate::rig::backend::Backend;
use crate::rig::{ADMIN_TOKEN, APPID, Ask, EnvoyRig, Login, Rig, SECRET};
use testkit::eventually;

fn wechat() -> FakeWechat {
    FakeWechat::new(APPID, SECRET)
}

fn login(edge: &mut EnvoyRig, code: &str) -> Login {
    let ask = Ask::post("/wx/login", &json!({ "code": code }));
    Login::from(&edge.ask(vec![ask])[0])
}

fn check(edge: &mut EnvoyRig, token: &str) -> u16 {
    let got = edge.ask(vec![Ask::get("/api").token(token)]).remove(0);
    got.status
}

#[test]
fn a_token_is_honoured_at_the_next_edge_ended_everywhere_and_outlives_a_restart() {
    for (kind, backend) in Backend::both() {
        let wechat = wechat();
        let patch = json!({ "session": { "cache_ttl_s": 1 } });
        let mut a = backend.edge(&wechat, &patch);
        let mut b = backend.edge(&wechat, &patch);
        let phone = wechat.phone("ming");
        let token = login(&mut a, &phone.login()).token;
        let got = b.ask(vec![Ask::get("/api").token(&token)]).remove(0);
        let openid = got.seen().header("x-wx-openid");
        assert_eq!(openid, Some(phone.openid()), "{kind}");

        drop(a);
        let mut a = backend.edge(&wechat, &patch);
        assert_eq!(check(&mut a, &token), 200, "{kind}: after a restart of A");

        let logout = Ask::post("/wx/logout", &json!({})).token(&token);
        assert_eq!(b.ask(vec![logout])[0].status, 200, "{kind}");
        assert_eq!(check(&mut b, &token), 401, "{kind}: where it was ended");
        a.advance(Duration::from_secs(1));
        assert_eq!(check(&mut a, &token), 401, "{kind}: elsewhere");
    }
}

/// What the app says behind one edge holds at the other within the time of its cache.
#[test]
fn what_an_app_says_at_one_edge_holds_at_the_other() {
    for (kind, backend) in Backend::both() {
        let wechat = wechat();
        let patch = json!({
            "session": { "cache_ttl_s": 1 },
            "responses": { "session_end": true, "attributes": true },
        });
        let mut a = backend.edge(&wechat, &patch);
        let mut b = backend.edge(&wechat, &patch);
        let phone = wechat.phone("ming");
        let [one, two, three] = [(); 3].map(|()| login(&mut a, &phone.login()).token);
        for token in [&one, &two, &three] {
            assert_eq!(check(&mut b, token), 200, "{kind}");
        }
        let say =
            |token: &str, words: &str| Ask::get(format!("/api/answer/200?{words}")).token(token);
        a.ask(vec![say(&one, "x-wx-session-attributes=uid%3D42")]);
        eventually(|| {
            let got = b.ask(vec![Ask::get("/api").token(&one)]).remove(0);
            got.seen().header("x-wx-session-attributes").as_deref() == Some("uid%3D42")
        });
        a.ask(vec![say(&one, "x-wx-session-end=this")]);
        assert_eq!(check(&mut a, &one), 401, "{kind}: where it was said");
        eventually(|| check(&mut b, &one) == 401);
        for token in [&two, &three] {
            assert_eq!(check(&mut b, token), 200, "{kind}: no other");
        }
        b.ask(vec![say(&two, "x-wx-session-end=all")]);
        for token in [&two, &three] {
            assert_eq!(check(&mut b, token), 401, "{kind}: where it was said");
            eventually(|| check(&mut a, token) == 401);
        }
    }
}

/// What an operator does at one edge, too.
#[test]
fn what_an_operator_does_at_one_edge_holds_at_the_other() {
    for (kind, backend) in Backend::both() {
        let wechat = wechat();
        let outside =
            json!({ "session": { "cache_ttl_s": 1 }, "responses": { "attributes": true } });
        let mut inside = outside.clone();
        inside["admin"] = json!({ "tokens": [{ "env": "WX_ADMIN_TOKEN" }] });
        let mut a = backend.edge(&wechat, &outside);
        let mut b = backend.edge(&wechat, &inside);
        let phone = wechat.phone("ming");
        let token = login(&mut a, &phone.login()).token;
        assert_eq!(check(&mut a, &token), 200, "{kind}");
        let mut operate = |action: &str, mut about: Value| {
            about["openid"] = json!(phone.openid());
            let ask = Ask::post(format!("/wx-admin/{action}"), &about);
            let ask = ask.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
            b.ask(vec![ask]).remove(0).json()["data"].clone()
        };
        let listed = operate("sessions", json!({}));
        let session = listed["sessions"][0]["session"].clone();
        let set = json!({ "session": session, "attributes": "uid=42" });
        assert_eq!(
            operate("attributes", set),
            json!({ "changed": 1 }),
            "{kind}"
        );
        eventually(|| {
            let got = a.ask(vec![Ask::get("/api").token(&token)]).remove(0);
            got.seen().header("x-wx-session-attributes").as_deref() == Some("uid=42")
        });
        assert_eq!(
            operate("end-all", json!({})),
            json!({ "ended": 1 }),
            "{kind}"
        );
        eventually(|| check(&mut a, &token) == 401);
    }
}
