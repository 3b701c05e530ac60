//! Several edges on one Redis are one: a session is where its user is, and gone where it was ended.

use std::time::Duration;

use serde_json::json;
use testkit::fakes::wechat::FakeWechat;

use crate::rig::backend::Backend;
use crate::rig::{APPID, Ask, EnvoyRig, Login, Rig, SECRET};

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
