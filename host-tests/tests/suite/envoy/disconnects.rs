//! Clients that go away wherever a login waits. Their requests end at once, and nobody else's; what they have begun at
//! WeChat is finished.
//! Never waits for a fixed time where it can see that the point has been reached.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::client::{Connection, Request};
use testkit::fakes::wechat::Fault;

use crate::rig::envoy_world::{EnvoyWorld, login_request};
use testkit::eventually;
use testkit::http2::pseudo;

const SLOW: Duration = Duration::from_millis(800);
/// A poll of a waiting duplicate, and more.
const MOMENT: Duration = Duration::from_millis(50);

/// Sends a whole login and leaves the answer for later.
fn begin(edge: &EnvoyWorld, code: &str) -> Connection {
    let body = json!({ "code": code }).to_string();
    let mut connection = edge.connect();
    connection
        .write_head(&Request::post("/wx/login").body(&body))
        .unwrap();
    connection.write(body.as_bytes()).unwrap();
    connection
}

fn until_wechat_was_asked(edge: &EnvoyWorld, times: usize) {
    eventually(|| edge.wechat.requests().len() == times);
}

fn until_active(edge: &EnvoyWorld, requests: u64) {
    eventually(|| edge.active_requests() == requests);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_request_is_forgotten() {
    let edge = EnvoyWorld::start();
    let request = Request::post("/wx/login").body(br#"{"code":"0123456789"}"#);
    let head = request.head_bytes("edge");
    for sent in [&head[..10], &head, &[&head[..], br#"{"code":"01"#].concat()] {
        let mut connection = edge.connect();
        connection.write(sent).unwrap();
        sleep(MOMENT);
        drop(connection);
    }
    // A reset instead of a close.
    let mut connection = edge.connect();
    connection.write_head(&request.expect_continue()).unwrap();
    assert_eq!(connection.read_response("POST").unwrap().status, 100);
    connection.abort();

    assert_eq!(edge.wechat.requests().len(), 0);
    edge.assert_sound();
}

/// The access log reads the identity from the request's headers, also where nobody has decided yet.
#[test]
fn a_client_that_leaves_before_the_verdict_is_not_logged_as_who_it_claims_to_be() {
    let edge = EnvoyWorld::start();
    let request = Request::post("/wx/login")
        .header("x-wx-openid", "admin")
        .header("x-wx-auth-status", "verified")
        .body(br#"{"code":"0123456789"}"#);
    let mut connection = edge.connect();
    connection.write_head(&request).unwrap();
    until_active(&edge, 1);
    drop(connection);
    let entries = edge.access_log(1);
    assert_eq!(entries[0]["path"], "/wx/login");
    assert_eq!(entries[0]["flags"], "DC", "the client left: {}", entries[0]);
    assert!(entries[0]["openid"].is_null(), "{}", entries[0]);
    assert!(entries[0]["auth"].is_null(), "{}", entries[0]);
}

/// A code is spent when WeChat has it: the login is finished for nobody, so that the next try finds it.
#[test]
fn a_client_that_leaves_while_wechat_thinks_finds_its_login_when_it_comes_back() {
    let edge = EnvoyWorld::start();
    edge.wechat.script([Fault::Slow(SLOW)]);
    let code = edge.wechat.phone("a").login();
    let connection = begin(&edge, &code);
    until_wechat_was_asked(&edge, 1);
    drop(connection);

    let left = Instant::now();
    until_active(&edge, 0);
    assert!(left.elapsed() < SLOW - MOMENT, "{:?}", left.elapsed());
    let during = edge.send(&login_request(&code));
    let after = edge.send(&login_request(&code));
    assert_eq!((during.status, after.status), (200, 200));
    assert_eq!(during.body, after.body);
    assert_eq!(edge.wechat.code_requests(&code), 1);
    edge.assert_sound();
}

#[test]
fn a_client_that_leaves_while_wechat_is_busy_finds_its_login_when_it_comes_back() {
    let edge = EnvoyWorld::start();
    edge.wechat.script([Fault::Busy]);
    let code = edge.wechat.phone("a").login();
    let connection = begin(&edge, &code);
    until_wechat_was_asked(&edge, 1);
    drop(connection);

    until_active(&edge, 0);
    until_wechat_was_asked(&edge, 2);
    assert_eq!(edge.send(&login_request(&code)).status, 200);
    assert_eq!(edge.wechat.code_requests(&code), 2);
    edge.assert_sound();
}

#[test]
fn a_login_that_fails_after_its_client_has_left_harms_nobody() {
    let edge = EnvoyWorld::start();
    for fault in [
        Fault::ResetMidBody,
        Fault::Html,
        Fault::BigBody,
        Fault::Errcode(40029),
    ] {
        edge.wechat.script([Fault::Busy, fault]);
        let asked = edge.wechat.requests().len();
        let connection = begin(&edge, &edge.wechat.phone("a").login());
        until_wechat_was_asked(&edge, asked + 1);
        drop(connection);
        until_wechat_was_asked(&edge, asked + 2);
    }
    eventually(|| edge.counter("login.failed") + edge.counter("login.bad_code") == 4);
    edge.assert_sound();
}

#[test]
fn a_duplicate_that_leaves_does_not_disturb_the_first() {
    let edge = EnvoyWorld::start();
    edge.wechat.script([Fault::Slow(SLOW)]);
    let code = edge.wechat.phone("a").login();
    let mut first = begin(&edge, &code);
    until_wechat_was_asked(&edge, 1);
    let second = begin(&edge, &code);
    until_active(&edge, 2);
    sleep(MOMENT);
    drop(second);

    until_active(&edge, 1);
    assert_eq!(first.read_response("POST").unwrap().status, 200);
    assert_eq!(edge.wechat.code_requests(&code), 1);
    edge.assert_sound();
}

#[test]
fn when_the_first_leaves_the_duplicates_get_its_login() {
    let edge = EnvoyWorld::start();
    for fault in [Fault::Busy, Fault::Slow(SLOW)] {
        edge.wechat.script([fault]);
        let asked = edge.wechat.requests().len();
        let code = edge.wechat.phone("a").login();
        let first = begin(&edge, &code);
        until_wechat_was_asked(&edge, asked + 1);
        let mut others = [begin(&edge, &code), begin(&edge, &code)];
        drop(first);

        let answers = others
            .each_mut()
            .map(|other| other.read_response("POST").unwrap());
        assert_eq!(answers[0].status, 200, "{}", answers[0].text());
        assert_eq!(answers[0].body, answers[1].body);
    }
    edge.assert_sound();
}

#[test]
fn a_half_closed_client_leaves_nothing_behind() {
    let edge = EnvoyWorld::start();
    edge.wechat.script([Fault::Slow(SLOW)]);
    let mut connection = begin(&edge, &edge.wechat.phone("a").login());
    until_wechat_was_asked(&edge, 1);
    connection.half_close().unwrap();
    // Envoy takes it for a close, as it does everywhere.
    connection.drain();
    edge.assert_sound();
}

#[test]
fn a_stream_that_is_reset_does_not_disturb_the_others_of_its_connection() {
    let edge = EnvoyWorld::start();
    let phone = edge.wechat.phone("a");
    let mut connection = edge.connect_http2();
    let post = pseudo("POST", b"/wx/login");

    let unfinished = connection.request(&post, false);
    connection.data(unfinished, b"{", false);

    edge.wechat.script([Fault::Slow(SLOW), Fault::Slow(SLOW)]);
    let mut start = |code: &str| {
        let id = connection.request(&post, false);
        connection.data(id, json!({ "code": code }).to_string().as_bytes(), true);
        id
    };
    let code = phone.login();
    let given_up = start(&phone.login());
    let kept = start(&code);
    until_wechat_was_asked(&edge, 2);
    let duplicate = start(&code);
    until_active(&edge, 4);
    for id in [unfinished, given_up, duplicate] {
        connection.reset(id);
    }
    until_active(&edge, 1);
    assert_eq!(connection.answer(kept).status, 200);
    edge.assert_sound();
}

#[test]
fn a_crowd_that_leaves_at_any_moment_leaves_nothing_behind() {
    let edge = EnvoyWorld::start();
    for round in 0..40 {
        edge.wechat.script([Fault::Slow(MOMENT)]);
        let code = edge.wechat.phone("a").login();
        let connections = [begin(&edge, &code), begin(&edge, &code)];
        sleep(Duration::from_millis(round * 7 % 80));
        drop(connections);
    }
    until_active(&edge, 0);
    edge.assert_sound();
}
