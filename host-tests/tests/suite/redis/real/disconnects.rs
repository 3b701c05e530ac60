//! Clients that go away while a far-away store is asked: their requests end at once, and nobody else's; a login that
//! has reached WeChat is finished, and found by whoever brings the same code again.
//! Never waits for a fixed time where it can see that the point has been reached.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use testkit::client::{Connection, Piece, Request, Response};
use testkit::fakes::wechat::Fault;
use testkit::redis::BridgeFault;

use super::slow_store::SlowStore;
use crate::rig::backend::Backend;
use crate::rig::envoy_world::{token_of, with_token};
use testkit::eventually;
use testkit::http2::pseudo;

const SLOW: Duration = Duration::from_millis(200);
const A_MOMENT: Duration = Duration::from_millis(1);

/// Sends a whole request without a body.
fn begin(edge: &SlowStore, request: &Request) -> Connection {
    let mut connection = edge.connect();
    connection.write_head(request).unwrap();
    connection
}

fn begin_get(edge: &SlowStore, token: &str) -> Connection {
    begin(edge, &with_token(token))
}

/// Sends the head and a chunk of a request whose end never comes.
fn begin_upload(edge: &SlowStore, token: &str) -> Connection {
    let request = Request::post("/api/orders").header("x-wx-skey", token);
    let mut connection = begin(edge, &request.chunked(Vec::<Piece>::new()));
    connection.write(b"5\r\norder\r\n").unwrap();
    connection
}

/// A reset instead of a close needs that Envoy has sent a byte: the 100.
fn begin_expecting(edge: &SlowStore, token: &str) -> Connection {
    let request = Request::post("/api/orders").header("x-wx-skey", token);
    let mut connection = begin(edge, &request.body("order").expect_continue());
    assert_eq!(connection.read_response("POST").unwrap().status, 100);
    connection
}

fn login_by_headers(code: &str) -> Request {
    Request::get("/wx/login").header("x-wx-code", code)
}

#[track_caller]
fn assert_passes(edge: &SlowStore, answer: &Response, user: &str) {
    let token = token_of(answer);
    drop(edge.rig.app.take());
    assert_eq!(edge.send(&with_token(&token)).status, 200);
    let seen = edge.rig.app.take();
    let openid = edge.wechat.phone(user).openid();
    assert_eq!(seen[0].header("x-wx-openid"), Some(openid.as_bytes()));
}

/// The code was given to WeChat once, and each of two who bring it now gets one and the same login.
#[track_caller]
fn assert_found_again(edge: &SlowStore, code: &str, user: &str) {
    let answers = [(); 2].map(|()| edge.send(&login_by_headers(code)));
    assert_passes(edge, &answers[0], user);
    assert_eq!(answers[0].body, answers[1].body);
    assert_eq!(edge.wechat.code_requests(code), 1);
}

type Begin = fn(&SlowStore, &str) -> Connection;
type Leave = fn(Connection);

#[test]
fn a_client_that_leaves_while_its_session_is_looked_up_is_forgotten_at_once() {
    let close: Leave = drop;
    // Envoy takes it for a close.
    let half_close: Leave = |mut connection| {
        connection.half_close().unwrap();
        connection.drain();
    };
    let reset: Leave = Connection::abort;
    let ways: [(Begin, Leave); 6] = [
        (begin_get, close),
        (begin_get, half_close),
        (begin_upload, close),
        (begin_upload, half_close),
        (begin_expecting, close),
        (begin_expecting, reset),
    ];
    let edge = SlowStore::start();
    let token = edge.login("ming");
    let held = edge.hold();
    for (begin, leave) in ways {
        let asked = edge.asked();
        let connection = begin(&edge, &token);
        edge.until_waiting(asked, 1);
        leave(connection);
        edge.until_active(0);
    }
    // Its call to the store runs on until that answers, or until its time is up.
    drop(held);
    edge.until_quiet();
    assert_eq!(edge.rig.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_stream_that_is_reset_does_not_disturb_the_others_of_its_connection() {
    let edge = SlowStore::start();
    let token = edge.login("ming");
    let asked = edge.asked();
    let held = edge.hold();
    let mut connection = edge.connect_http2();
    let mut headers = pseudo("POST", b"/api/orders");
    headers.push((b"x-wx-skey", token.as_bytes()));
    let [first, kept, last] = [(); 3].map(|()| {
        let id = connection.request(&headers, false);
        connection.data(id, b"order", false);
        id
    });
    edge.until_waiting(asked, 3);
    connection.reset(first);
    connection.reset(last);
    edge.until_active(1);
    drop(held);
    connection.data(kept, b"ed", true);
    assert_eq!(connection.answer(kept).status, 200);
    let seen = edge.rig.app.take();
    assert!(seen.len() == 1 && seen[0].body == b"ordered");
    edge.assert_sound();
}

#[test]
fn two_hundred_clients_that_leave_at_once_harm_nobody_else() {
    let edge = SlowStore::start();
    let token = edge.login("ming");
    let begins: [Begin; 2] = [begin_get, begin_upload];
    let held = edge.hold();
    let mut staying: Vec<_> = (0..4).map(|_| begin_get(&edge, &token)).collect();
    let leaving: Vec<_> = (0..200).map(|at| begins[at % 2](&edge, &token)).collect();
    edge.until_active(204);
    drop(leaving);
    edge.until_active(4);
    drop(held);
    for connection in &mut staying {
        assert_eq!(connection.read_response("GET").unwrap().status, 200);
    }
    assert_eq!(edge.rig.app.take().len(), 4);
    edge.assert_sound();
}

/// A code that WeChat has not seen is still good.
#[test]
fn a_login_whose_client_leaves_before_wechat_is_asked_has_not_happened() {
    let edge = SlowStore::start();
    let code = edge.wechat.phone("ming").login();
    let asked = edge.asked();
    let held = edge.hold();
    let connection = begin(&edge, &login_by_headers(&code));
    edge.until_waiting(asked, 1);
    drop(connection);
    edge.until_active(0);
    drop(held);
    edge.until_quiet();
    assert_eq!(edge.wechat.code_requests(&code), 0);
    assert_found_again(&edge, &code, "ming");
    edge.assert_sound();
}

#[test]
fn a_login_whose_client_leaves_while_wechat_thinks_is_found_when_it_comes_back() {
    let edge = SlowStore::on_rest();
    edge.wechat.script([Fault::Slow(SLOW)]);
    let code = edge.wechat.phone("ming").login();
    let connection = begin(&edge, &login_by_headers(&code));
    eventually(|| edge.wechat.code_requests(&code) == 1);
    drop(connection);
    edge.until_active(0);
    assert_found_again(&edge, &code, "ming");
    edge.assert_sound();
}

/// How many requests to the store a login of a new user makes.
fn steps(edge: &SlowStore) -> usize {
    let asked = edge.asked();
    edge.login("somebody");
    edge.asked() - asked
}

/// A login of `user` whose client leaves when the store has been asked `step` times for it.
fn login_and_leave(edge: &SlowStore, user: &str, step: usize) -> String {
    let code = edge.wechat.phone(user).login();
    let asked = edge.asked();
    let mut connection = begin(edge, &login_by_headers(&code));
    let has_asked = || edge.asked() >= asked + step;
    eventually(|| has_asked() || connection.is_heard(A_MOMENT).unwrap());
    if !has_asked() {
        let answer = connection.read_response("GET").unwrap();
        panic!("answered too early: {} {}", answer.status, answer.text());
    }
    drop(connection);
    edge.until_active(0);
    code
}

#[test]
fn a_login_whose_client_leaves_in_the_middle_of_its_writes_is_found_when_it_comes_back() {
    for (kind, backend) in Backend::both() {
        let edge = SlowStore::with(backend, &json!({}));
        let steps = steps(&edge);
        assert!(steps >= 3, "{kind}: look-up, user, writes");
        for step in 2..=steps {
            let passing = std::iter::repeat_n(BridgeFault::Pass, step - 1);
            let rest = std::iter::repeat_n(BridgeFault::Delay(SLOW), steps + 1 - step);
            edge.backend.proxy.script(passing.chain(rest));
            let user = format!("{kind} {step}");
            let code = login_and_leave(&edge, &user, step);
            assert_found_again(&edge, &code, &user);
        }
        edge.assert_sound();
    }
}

#[test]
fn a_login_whose_writes_fail_after_its_client_has_left_harms_nobody() {
    for (kind, backend) in Backend::both() {
        let patch = json!({ "store": { "timeout_ms": 500 } });
        let edge = SlowStore::with(backend, &patch);
        let steps = steps(&edge);
        for fault in [
            BridgeFault::Hang,
            BridgeFault::LoseAnswer,
            BridgeFault::Status503,
        ] {
            for step in [2, steps] {
                let passing = std::iter::repeat_n(BridgeFault::Pass, step - 1);
                let rest = std::iter::repeat_n(fault.clone(), steps + 1 - step);
                edge.backend.proxy.script(passing.chain(rest));
                let code = login_and_leave(&edge, "ming", step);
                edge.until_quiet();
                edge.backend.proxy.set(BridgeFault::Pass);
                let again = edge.send(&login_by_headers(&code));
                // Found, if the answer alone was lost; else WeChat says that the code is used.
                assert!(
                    matches!(again.status, 200 | 401),
                    "{kind} {fault:?} {step}: {}",
                    again.text()
                );
            }
        }
        edge.assert_sound();
    }
}

#[test]
fn a_crowd_that_leaves_at_any_moment_leaves_nothing_behind() {
    let edge = SlowStore::on_rest();
    let token = edge.login("ming");
    edge.backend
        .proxy
        .set(BridgeFault::Delay(Duration::from_millis(10)));
    for round in 0..40 {
        edge.wechat.script([Fault::Slow(Duration::from_millis(10))]);
        let login = login_by_headers(&edge.wechat.phone("hong").login());
        let leaving = [
            begin_get(&edge, &token),
            begin_upload(&edge, &token),
            begin(&edge, &login),
        ];
        sleep(Duration::from_millis(round * 7 % 60));
        drop(leaving);
    }
    edge.assert_sound();
}
