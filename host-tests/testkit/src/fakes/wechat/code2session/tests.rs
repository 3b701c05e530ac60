//! The endpoint, in process.

use super::*;
use crate::fakes::wechat::{FakeWechat, Fault, Transport};
use serde_json::Value;
use std::time::Duration;

const APPID: &str = "wx4f4bc4dec97d474b";

fn wechat() -> FakeWechat {
    FakeWechat::seeded(APPID, "the/secret", b"tests")
}

fn ask(wechat: &FakeWechat, code: &str) -> WechatAnswer {
    let query =
        format!("appid={APPID}&secret=the%2Fsecret&js_code={code}&grant_type=authorization_code");
    wechat.answer("GET", &format!("{PATH}?{query}"))
}

fn json(answer: &WechatAnswer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn errcode(answer: &WechatAnswer) -> i64 {
    json(answer)["errcode"].as_i64().unwrap()
}

#[test]
fn a_fresh_code_gives_the_openid_and_the_key_once() {
    let wechat = wechat();
    let phone = wechat.phone("alice");
    let code = phone.login();
    assert!(code.len() == 32 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let first = ask(&wechat, &code);
    assert_eq!((first.status, first.content_type), (200, "text/plain"));
    assert_eq!(json(&first)["openid"], phone.openid());
    assert_eq!(json(&first)["session_key"], phone.session_keys()[0]);
    assert_eq!(
        (json(&first).get("errcode"), json(&first).get("unionid")),
        (None, None)
    );
    assert!(
        String::from_utf8_lossy(&first.body).contains("\\/"),
        "slashes are escaped"
    );
    let second = json(&ask(&wechat, &code));
    assert_eq!(second["errcode"], 40163);
    let message = second["errmsg"].as_str().unwrap();
    assert!(
        message.starts_with("code been used, rid: ") && message.len() == 47,
        "{message}"
    );
    assert_eq!(wechat.code_requests(&code), 2);
}

#[test]
fn each_login_rotates_the_key_of_that_user_in_that_app_only() {
    let wechat = wechat();
    wechat.add_app("wxother", "s");
    let (alice, bob, elsewhere) = (
        wechat.phone("alice"),
        wechat.phone("bob"),
        wechat.phone_in("wxother", "alice"),
    );
    assert_ne!(alice.openid(), elsewhere.openid());
    for phone in [&alice, &bob, &alice] {
        ask(&wechat, &phone.login());
    }
    assert_eq!(
        (
            alice.session_keys().len(),
            bob.session_keys().len(),
            elsewhere.session_keys().len()
        ),
        (2, 1, 0)
    );
    assert_eq!(
        errcode(&ask(&wechat, &elsewhere.login())),
        40029,
        "a code of another app"
    );
}

#[test]
fn a_code_is_good_for_less_than_five_minutes() {
    let wechat = wechat();
    wechat.set_time(Some(1_000));
    let (early, late) = (wechat.phone("a").login(), wechat.phone("b").login());
    wechat.set_time(Some(1_299));
    assert!(json(&ask(&wechat, &early)).get("errcode").is_none());
    wechat.set_time(Some(1_300));
    assert_eq!(errcode(&ask(&wechat, &late)), 40029);
}

#[test]
fn what_is_missing_or_wrong_has_its_own_errcode() {
    let wechat = wechat();
    let code = wechat.phone("alice").login();
    let rest = "grant_type=authorization_code";
    for (method, query, expected) in [
        ("GET", format!("secret=s&js_code={code}&{rest}"), 41002),
        ("GET", format!("appid={APPID}&js_code={code}&{rest}"), 41004),
        (
            "GET",
            format!("appid={APPID}&secret=the/secret&js_code=&{rest}"),
            41008,
        ),
        (
            "GET",
            format!("appid={APPID}&secret=the/secret&js_code={code}&grant_type=x"),
            40002,
        ),
        (
            "GET",
            format!("appid=wxnone&secret=the/secret&js_code={code}&{rest}"),
            40013,
        ),
        (
            "GET",
            format!("appid={APPID}&secret=wrong&js_code={code}&{rest}"),
            40125,
        ),
        (
            "GET",
            format!("appid={APPID}&secret=the/secret&js_code=nonsense&{rest}"),
            40029,
        ),
        (
            "POST",
            format!("appid={APPID}&secret=the/secret&js_code={code}&{rest}"),
            41002,
        ),
    ] {
        let answer = wechat.answer(method, &format!("{PATH}?{query}"));
        assert_eq!(
            (answer.status, errcode(&answer)),
            (200, expected),
            "{method} {query}"
        );
    }
    assert!(
        json(&ask(&wechat, &code)).get("errcode").is_none(),
        "none of these spent the code"
    );
}

#[test]
fn errcodes_leave_the_code_unspent_and_harmed_answers_spend_it() {
    let unspent = [
        Fault::Busy,
        Fault::RateLimited,
        Fault::HighRisk,
        Fault::Errcode(5),
        Fault::Refused,
    ];
    let spent = [
        Fault::Slow(Duration::from_millis(1)),
        Fault::ResetMidBody,
        Fault::Html,
        Fault::BigBody,
    ]
    .into_iter()
    .chain([
        Fault::EmptyBody,
        Fault::Http500,
        Fault::Truncated,
        Fault::EmptyObject,
    ]);
    let cases = unspent
        .into_iter()
        .map(|fault| (fault, false))
        .chain(spent.map(|fault| (fault, true)));
    for (fault, spends) in cases {
        let wechat = wechat();
        let code = wechat.phone("alice").login();
        wechat.script([fault.clone(), Fault::Ok]);
        let _ = ask(&wechat, &code);
        let again = json(&ask(&wechat, &code));
        assert_eq!(again["errcode"] == 40163, spends, "{fault:?}");
    }
}

#[test]
fn faults_are_played_in_order_and_refusals_are_not_requests() {
    let wechat = wechat();
    let code = wechat.phone("alice").login();
    wechat.script([Fault::Refused, Fault::Busy, Fault::StringErrcode(45011)]);
    assert_eq!(ask(&wechat, &code).transport, Transport::Refuse);
    assert_eq!(errcode(&ask(&wechat, &code)), -1);
    assert_eq!(json(&ask(&wechat, &code))["errcode"], "45011");
    assert_eq!(
        (
            wechat.refusals(),
            wechat.code_requests(&code),
            wechat.faults_left()
        ),
        (1, 2, 0)
    );
}

#[test]
fn the_options_show_in_the_answer() {
    let wechat = wechat();
    wechat.zero_errcode(true);
    wechat.string_errcodes(true);
    wechat.bind(true);
    wechat.bind_user("bob", false);
    let (alice, bob) = (wechat.phone("alice"), wechat.phone("bob"));
    let answer = json(&ask(&wechat, &alice.login()));
    assert_eq!(
        (answer["errcode"].as_i64(), answer["unionid"].as_str()),
        (Some(0), alice.unionid().as_deref())
    );
    assert!(alice.unionid().is_some());
    assert_eq!(json(&ask(&wechat, &bob.login())).get("unionid"), None);
    assert_eq!(json(&ask(&wechat, "none"))["errcode"], "40029");
}
