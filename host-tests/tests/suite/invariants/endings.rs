//! What an app has said of sessions holds, in whatever order the store answers, and whatever it answers not.

use std::time::Duration;

use proxy_wasm_host::{CallReply, Delivery, pairs};
use serde_json::json;
use testkit::fakes::wechat::FakeWechat;

use crate::rig::{
    ADMIN_TOKEN, APPID, Ask, Login, Rig as _, SECRET, WasmRig, assert_refusal, bridge,
};

const ATTRIBUTES: &str = "x-wx-session-attributes";

fn start(wechat: &FakeWechat) -> WasmRig {
    let patch = json!({
        "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
        "responses": { "session_end": true, "attributes": true },
        "session": { "cache_ttl_s": 1 },
        "store": bridge::webdis(),
    });
    WasmRig::start(wechat, &patch)
}

fn login(rig: &mut WasmRig, wechat: &FakeWechat) -> String {
    login_as("alice", rig, wechat)
}

fn login_as(name: &str, rig: &mut WasmRig, wechat: &FakeWechat) -> String {
    let code = wechat.phone(name).login();
    let login = Ask::post("/wx/login", &json!({ "code": code }));
    Login::from(&rig.ask(vec![login])[0]).token
}

/// The app answers, and says this of a session that is in the cache. No time goes by: nothing of it is written yet.
fn say(rig: &mut WasmRig, token: &str, name: &str, word: &str) {
    let path = format!("/api/answer/200?{name}={word}");
    let request = rig.send(&Ask::get(path).token(token));
    assert_eq!(rig.got(request).status, 200);
}

/// Ten milliseconds go by, and the store answers what it was asked, or is away.
fn answer(rig: &mut WasmRig, is_there: bool) {
    rig.vm.advance(Duration::from_millis(10));
    for call in rig.vm.pending_calls() {
        let reply = if is_there {
            rig.store_answer(&call)
        } else {
            CallReply::Response {
                headers: pairs([(":status", "503")]),
                body: Vec::new(),
            }
        };
        rig.vm.answer_call(call.id, reply);
    }
}

fn answer_for(rig: &mut WasmRig, span: Duration, is_there: bool) {
    for _ in 0..span.as_millis() / 10 {
        answer(rig, is_there);
    }
}

#[test]
fn a_word_that_could_not_be_written_does_not_come_again_after_a_later_one() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"words");
    let mut rig = start(&wechat);
    let token = login(&mut rig, &wechat);
    say(&mut rig, &token, ATTRIBUTES, "role%3Dvip");
    answer_for(&mut rig, Duration::from_millis(500), false);
    for word in ["role%3Dguest", "role%3Dnone"] {
        say(&mut rig, &token, ATTRIBUTES, word);
    }
    answer_for(&mut rig, Duration::from_secs(30), true);
    let got = rig.ask(vec![Ask::get("/api").token(&token)]).remove(0);
    assert_eq!(
        got.seen().header(ATTRIBUTES).as_deref(),
        Some("role%3Dnone")
    );
    // And the next one is written at once.
    say(&mut rig, &token, ATTRIBUTES, "role%3Dlast");
    answer_for(&mut rig, Duration::from_millis(500), true);
    rig.advance(Duration::from_secs(2));
    let got = rig.ask(vec![Ask::get("/api").token(&token)]).remove(0);
    assert_eq!(
        got.seen().header(ATTRIBUTES).as_deref(),
        Some("role%3Dlast")
    );
}

/// The store is back, and the word before waits for long.
#[test]
fn a_word_is_written_at_once_though_one_before_it_waits() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"waiting words");
    let mut rig = start(&wechat);
    let token = login(&mut rig, &wechat);
    say(&mut rig, &token, ATTRIBUTES, "role%3Dvip");
    answer_for(&mut rig, Duration::from_secs(7), false);
    // Out of the cache, it is read from a store that knows of no word: what the app has said holds here all the same.
    let check = rig.ask(vec![Ask::get("/api").token(&token)]).remove(0);
    let told = check.seen().header(ATTRIBUTES);
    assert_eq!(told.as_deref(), Some("role%3Dvip"));
    say(&mut rig, &token, ATTRIBUTES, "role%3Dnone");
    answer_for(&mut rig, Duration::from_millis(1500), true);
    assert_eq!(rig.counter("wx_session.session.attributes"), 1);
    answer_for(&mut rig, Duration::from_secs(30), true);
    let got = rig.ask(vec![Ask::get("/api").token(&token)]).remove(0);
    let told = got.seen().header(ATTRIBUTES);
    assert_eq!(told.as_deref(), Some("role%3Dnone"));
    assert_eq!(rig.counter("wx_session.session.attributes"), 1);
}

#[test]
fn an_earlier_word_of_the_app_does_not_come_over_an_operators() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"operators");
    let mut rig = start(&wechat);
    let token = login(&mut rig, &wechat);
    say(&mut rig, &token, ATTRIBUTES, "role%3Dvip");
    answer_for(&mut rig, Duration::from_secs(2), false);
    let openid = wechat.phone("alice").openid();
    let mut operate = |action: &str, parameters| {
        let ask = Ask::post(format!("/wx-admin/{action}"), &parameters);
        let ask = ask.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        rig.ask(vec![ask]).remove(0).json()["data"].clone()
    };
    let listed = operate("sessions", json!({ "openid": openid }));
    let session = &listed["sessions"][0]["session"];
    let set = json!({ "openid": openid, "session": session, "attributes": "role=none" });
    assert_eq!(operate("attributes", set), json!({ "changed": 1 }));
    answer_for(&mut rig, Duration::from_secs(30), true);
    let got = rig.ask(vec![Ask::get("/api").token(&token)]).remove(0);
    let told = got.seen().header(ATTRIBUTES);
    assert_eq!(told.as_deref(), Some("role=none"));
    assert!(!rig.log().contains("attributes_not_kept"));
}

#[test]
fn an_end_that_comes_late_does_not_end_what_was_begun_since() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"late ends");
    let mut rig = start(&wechat);
    let (asks, other) = (login(&mut rig, &wechat), login(&mut rig, &wechat));
    say(&mut rig, &asks, "x-wx-session-end", "all");
    answer_for(&mut rig, Duration::from_millis(500), false);
    let next = login(&mut rig, &wechat);
    // It is in nobody's cache any more, and the store has not heard of the end.
    rig.advance(Duration::from_millis(10));
    answer_for(&mut rig, Duration::from_millis(1200), false);
    for (token, status) in [(&next, 200), (&asks, 401), (&other, 401)] {
        let got = rig.ask(vec![Ask::get("/api").token(token)]).remove(0);
        assert_eq!(got.status, status);
    }
    answer_for(&mut rig, Duration::from_secs(30), true);
    assert_eq!(rig.counter("wx_session.session.ended_by_app"), 1);
    for (token, status) in [(&next, 200), (&asks, 401), (&other, 401)] {
        let got = rig.ask(vec![Ask::get("/api").token(token)]).remove(0);
        assert_eq!(got.status, status);
    }
}

/// However much there is to be remembered, what is to end finds room.
#[test]
fn many_words_at_once_leave_room_for_an_end() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"many words");
    let mut rig = start(&wechat);
    let (speaks, ends) = (login(&mut rig, &wechat), login(&mut rig, &wechat));
    for number in 0..1100 {
        say(&mut rig, &speaks, ATTRIBUTES, &format!("a%3D{number}"));
    }
    say(&mut rig, &ends, "x-wx-session-end", "this");
    answer_for(&mut rig, Duration::from_secs(1), true);
    assert_eq!(rig.counter("wx_session.session.ended_by_app"), 1);
    assert!(!rig.log().contains("session_not_ended"));
    // Of them all the last word alone is written.
    let got = rig.ask(vec![Ask::get("/api").token(&speaks)]).remove(0);
    assert_eq!(got.seen().header(ATTRIBUTES).as_deref(), Some("a%3D1099"));
    assert_eq!(rig.counter("wx_session.session.attributes"), 1);
}

#[test]
fn an_answer_of_the_store_that_is_older_than_an_end_lets_nobody_pass() {
    for word in ["this", "all"] {
        let wechat = FakeWechat::seeded(APPID, SECRET, b"endings");
        let patch = json!({ "responses": { "session_end": true }, "store": bridge::webdis() });
        let mut rig = WasmRig::start(&wechat, &patch);
        let token = login(&mut rig, &wechat);
        let ends = format!("/api/answer/200?x-wx-session-end={word}");
        let before = rig.send(&Ask::get(ends).token(&token));
        rig.settle(&[before]);
        assert_eq!(rig.got(before).status, 200);

        // The client has its answer, and asks. The store has been told nothing yet, and still has the session.
        let check = rig.send(&Ask::get("/api").token(&token));
        let [call] = rig.vm.pending_calls().try_into().unwrap();
        let old = rig.store_answer(&call);
        let mut told = 0;
        for _ in 0..100 {
            rig.vm.advance(Duration::from_millis(10));
            for other in rig.vm.pending_calls() {
                if other.id != call.id {
                    let answer = rig.store_answer(&other);
                    rig.vm.answer_call(other.id, answer);
                    told += 1;
                }
            }
        }
        assert!(told > 0 && rig.vm.is_undecided(check));
        assert_eq!(rig.counter("wx_session.session.ended_by_app"), 1);
        assert!(matches!(
            rig.vm.answer_call(call.id, old),
            Delivery::Delivered
        ));
        assert_refusal(&rig.got(check), 401, "invalid_token");

        // Who logs in now is somebody else to it.
        let next = login(&mut rig, &wechat);
        let got = rig.ask(vec![Ask::get("/api").token(&next)]).remove(0);
        assert_eq!(got.status, 200);
    }
}
