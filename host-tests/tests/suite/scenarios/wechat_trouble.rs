//! What WeChat does wrong, and what the client is told.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::wechat::Fault;

use crate::rig::{Ask, HostKind, World};

fn refused_login(world: &mut World, status: u16, error: &str) -> Value {
    let code = world.wechat.phone("alice").login();
    world.assert_refused(
        Ask::post("/wx/login", &json!({ "code": code })),
        status,
        error,
    )
}

pub fn every_errcode_has_its_answer(host: HostKind) {
    let mut world = host.start(json!({}));
    for (errcode, status, error, action) in [
        (40029, 401, "invalid_code", "relogin"),
        (40163, 401, "code_used", "relogin"),
        (45011, 429, "login_rate_limited", "retry_after"),
        (40226, 403, "user_blocked", "show_blocked"),
        (41008, 400, "missing_parameter", "none"),
        (40013, 500, "wechat_config", "fix_config"),
        (40125, 500, "wechat_config", "fix_config"),
        (40243, 500, "wechat_config", "fix_config"),
        (41002, 500, "wechat_config", "fix_config"),
        (41004, 500, "wechat_config", "fix_config"),
        (12345, 502, "wechat_error", "none"),
        (40164, 500, "wechat_config", "fix_config"),
        (61003, 500, "wechat_config", "fix_config"),
    ] {
        for fault in [Fault::Errcode(errcode), Fault::StringErrcode(errcode)] {
            world.wechat.script([fault]);
            let body = refused_login(&mut world, status, error);
            assert_eq!(body["errcode"], errcode, "{body}");
            assert_eq!(body["action"], action, "{body}");
            assert!(!body["rid"].as_str().unwrap().is_empty(), "{body}");
        }
        // A login that works, so that the breaker stays closed.
        world.login(&world.wechat.phone("bob"));
    }
}

pub fn busy_is_asked_again_twice_and_no_more(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    world.wechat.script([Fault::Busy, Fault::Busy]);
    let code = phone.login();
    world.login_with(json!({ "code": code }));
    assert_eq!(world.wechat.code_requests(&code), 3);

    world.wechat.script([Fault::Busy, Fault::Busy, Fault::Busy]);
    let code = phone.login();
    let got = world.ask(Ask::post("/wx/login", &json!({ "code": code })));
    assert_eq!(
        (got.status, got.header("retry-after").as_deref()),
        (503, Some("2"))
    );
    assert_eq!(got.json()["error"], "wechat_busy");
    assert_eq!(got.json()["errcode"], -1);
    assert_eq!(world.wechat.code_requests(&code), 3);
    // The code is not spent: the client may try it again.
    world.login_with(json!({ "code": code }));
    assert_eq!(world.counter("wx_session.wechat.busy"), 5);
}

pub fn other_errors_are_never_asked_again(host: HostKind) {
    let mut world = host.start(json!({ "wechat": { "timeout_ms": 500 } }));
    for fault in [
        Fault::Errcode(40029),
        Fault::ResetMidBody,
        Fault::Html,
        Fault::EmptyBody,
        Fault::Http500,
        Fault::Slow(Duration::from_secs(2)),
    ] {
        world.wechat.script([fault.clone()]);
        let code = world.wechat.phone("alice").login();
        let got = world.ask(Ask::post("/wx/login", &json!({ "code": code })));
        assert!(got.status >= 400, "{fault:?}");
        assert_eq!(world.wechat.code_requests(&code), 1, "{fault:?}");
    }
}

pub fn broken_answers_are_unavailable_and_it_is_said_how(host: HostKind) {
    let mut world = host.start(json!({}));
    for (fault, problem) in [
        (Fault::Refused, "WeChat did not answer"),
        (Fault::ResetMidBody, "WeChat did not answer"),
        (Fault::Html, "the answer of WeChat is not JSON"),
        (Fault::BigBody, "the answer of WeChat is too long"),
        (Fault::EmptyBody, "the answer of WeChat is empty"),
        (Fault::Http500, "the answer of WeChat has status 500"),
        (Fault::Truncated, "the answer of WeChat ends too early"),
        (
            Fault::EmptyObject,
            "the answer of WeChat has no readable openid",
        ),
    ] {
        world.wechat.script([fault.clone()]);
        let body = refused_login(&mut world, 503, "wechat_unavailable");
        assert_eq!(body["action"], "retry_after", "{fault:?}");
        assert_eq!(body["detail"], problem, "{fault:?}");
        assert!(world.log().contains(problem), "{fault:?}");
    }
    assert_eq!(world.counter("wx_session.wechat.unavailable"), 2);
    assert_eq!(world.counter("wx_session.wechat.unreadable"), 6);
}

pub fn a_slow_wechat_is_given_up_at_the_deadline(host: HostKind) {
    let mut world = host.start(json!({ "wechat": { "timeout_ms": 300 } }));
    world.wechat.script([Fault::Slow(Duration::from_secs(5))]);
    let body = refused_login(&mut world, 504, "wechat_unavailable");
    assert_eq!(body["action"], "retry_after");
    world
        .wechat
        .script([Fault::Slow(Duration::from_millis(100))]);
    world.login(&world.wechat.phone("bob"));
}

pub fn after_trouble_the_next_login_works(host: HostKind) {
    let mut world = host.start(json!({ "wechat": { "timeout_ms": 300 } }));
    for fault in [
        Fault::Refused,
        Fault::ResetMidBody,
        Fault::Slow(Duration::from_secs(2)),
        Fault::HighRisk,
    ] {
        world.wechat.script([fault]);
        let code = world.wechat.phone("alice").login();
        let got = world.ask(Ask::post("/wx/login", &json!({ "code": code })));
        assert!(got.status >= 400);
        let phone = world.wechat.phone("alice");
        let login = world.login(&phone);
        world.assert_passes(&login.token, &phone.openid());
    }
}

pub fn an_address_with_many_refused_codes_has_to_wait(host: HostKind) {
    let mut world = host.start(json!({ "login": { "failures_per_minute": 3 } }));
    for n in 0..3 {
        let ask = Ask::post("/wx/login", &json!({ "code": format!("guess{n}") }));
        world.assert_refused(ask, 401, "invalid_code");
    }
    let code = world.wechat.phone("alice").login();
    let got = world.ask(Ask::post("/wx/login", &json!({ "code": code })));
    assert_eq!(
        (got.status, got.header("retry-after").as_deref()),
        (429, Some("60"))
    );
    assert_eq!(world.wechat.code_requests(&code), 0);
}

pub fn a_wechat_that_keeps_failing_is_left_alone_for_a_while(host: HostKind) {
    let mut world = host.start(json!({}));
    world
        .wechat
        .script(std::iter::repeat_n(Fault::Errcode(40125), 10));
    for _ in 0..10 {
        refused_login(&mut world, 500, "wechat_config");
    }
    let asked = world.wechat.requests().len();
    let code = world.wechat.phone("alice").login();
    let got = world.ask(Ask::post("/wx/login", &json!({ "code": code })));
    assert_eq!(
        (got.status, got.header("retry-after").as_deref()),
        (500, Some("5"))
    );
    assert_eq!(
        got.json()["error"],
        "wechat_config",
        "the operator is told what is wrong, not that WeChat is busy"
    );
    assert_eq!(world.wechat.requests().len(), asked);
    world.seconds(6);
    world.login(&world.wechat.phone("alice"));
}

/// To a client they are all one answer; the operator is told which it was, and where it went.
pub fn a_call_that_fails_is_one_line_in_the_log_that_says_why(host: HostKind) {
    let mut world = host.start(json!({ "wechat": { "timeout_ms": 500 } }));
    for fault in [
        Fault::Refused,
        Fault::ResetMidBody,
        Fault::Http500,
        Fault::BigBody,
        Fault::Slow(Duration::from_secs(2)),
    ] {
        let before = world.log().lines().count();
        world.wechat.script([fault.clone()]);
        let code = world.wechat.phone("alice").login();
        let got = world.ask(Ask::post("/wx/login", &json!({ "code": code })));
        assert!([503, 504].contains(&got.status), "{fault:?}");
        let log = world.log();
        let new: Vec<&str> = log.lines().skip(before).collect();
        let failed = new.iter().filter(|line| line.contains("\"wechat_failed\""));
        let failed: Vec<_> = failed.collect();
        let [line] = failed.as_slice() else {
            panic!("{fault:?}: {new:#?}");
        };
        assert!(
            line.contains("\"target\":\"") && line.contains("\"problem\":\""),
            "{line}"
        );
        if let Fault::Http500 = fault {
            assert!(line.contains("HTTP 500"), "{line}");
        }
        for line in &new {
            assert!(
                !line.contains(&code) && !line.contains("jscode2session"),
                "{line}"
            );
        }
    }
}
