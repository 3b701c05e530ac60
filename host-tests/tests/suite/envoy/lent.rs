//! The Envoy that scenarios have one after the other: what one of them left is nothing to the next.

use serde_json::json;
use testkit::fakes::wechat::FakeWechat;

use crate::rig::{APPID, Ask, EnvoyRig, Login, Rig as _, SECRET};

#[test]
fn an_envoy_that_was_used_before_knows_nothing_of_it() {
    let wechat = FakeWechat::new(APPID, SECRET);
    let login = || {
        let code = wechat.phone("alice").login();
        Ask::post("/wx/login", &json!({ "code": code }))
    };
    let mut first = EnvoyRig::start(&wechat, &json!({}));
    let token = Login::from(&first.ask(vec![login()])[0]).token;
    let check = Ask::get("/api").token(&token);
    assert_eq!(first.ask(vec![check.clone()])[0].status, 200);
    assert_eq!(first.counter("wx_session.login.ok"), 1);
    drop(first);

    let mut second = EnvoyRig::start(&wechat, &json!({}));
    assert_eq!(second.ask(vec![check])[0].status, 401);
    assert!(!second.log().contains("login"));
    let login = second.ask(vec![login()]);
    assert_eq!(login[0].status, 200);
    assert_eq!(second.counter("wx_session.login.ok"), 1);
}
