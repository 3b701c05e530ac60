//! Clients that go away while their request waits: the rest of the worker goes on, and nothing is left behind.

use std::time::Duration;

use serde_json::json;
use testkit::fakes::wechat::Fault;

use crate::rig::wasm_world::WasmWorld;
use crate::rig::{Ask, Login, Rig, bridge};
use proxy_wasm_host::{CallReply, Delivery, Outcome, StreamId};

#[track_caller]
fn assert_worker_is_well(stage: &mut WasmWorld) {
    assert_eq!(stage.rig.vm.trapped(), None);
    assert!(
        stage.rig.vm.violations().is_empty(),
        "{:?}",
        stage.rig.vm.violations()
    );
    let login = Ask::post("/wx/login", &json!({ "code": stage.alice.login() }));
    let token = Login::from(&stage.rig.ask(vec![login])[0]).token;
    let got = stage.rig.ask(vec![Ask::get("/api").token(&token)]);
    assert_eq!(
        got[0].seen().header("x-wx-openid"),
        Some(stage.alice.openid())
    );
}

/// Twice for what is allocated at first, and once more: the module's memory is then as large as before.
#[track_caller]
fn assert_leaves_no_memory(stage: &mut WasmWorld, abandon: impl Fn(&mut WasmWorld)) {
    for _ in 0..2 {
        abandon(stage);
    }
    let pages = stage.rig.vm.memory_pages();
    for _ in 0..6 {
        abandon(stage);
    }
    // Where free pieces lie differs by a page; what is left behind by each would be more.
    let grown = stage.rig.vm.memory_pages().saturating_sub(pages);
    assert!(grown <= 1, "{grown} pages");
}

fn login(stage: &WasmWorld) -> Ask {
    Ask::post("/wx/login", &json!({ "code": stage.alice.login() }))
}

#[test]
fn while_its_body_is_awaited() {
    let mut stage = WasmWorld::new(&json!({}));
    let ask = login(&stage);
    for sent in 0..3 {
        let stream = stage.rig.vm.request(ask.head(), false);
        let body = ask.body.clone().unwrap();
        for byte in &body[..sent] {
            stage.rig.vm.body(stream, &[*byte], false);
        }
        assert_eq!(stage.rig.vm.outcome(stream), Outcome::Paused);
        stage.rig.vm.reset(stream);
        assert_worker_is_well(&mut stage);
    }
    assert_eq!(stage.wechat.requests().len(), 4);
}

#[test]
fn before_wechat_is_asked_and_then_it_is_not() {
    let mut stage = WasmWorld::new(&json!({}));
    let ask = login(&stage);
    let stream = stage.rig.send(&ask);
    stage.rig.vm.reset(stream);
    let asked = stage.wechat.requests().len();
    stage.rig.advance(Duration::from_secs(1));
    stage.rig.serve_calls();
    assert_eq!(stage.wechat.requests().len(), asked);
    assert_worker_is_well(&mut stage);
}

/// A login that has been sent to WeChat.
fn asked(stage: &mut WasmWorld, ask: &Ask) -> StreamId {
    let stream = stage.rig.send(ask);
    stage.rig.advance(Duration::from_millis(10));
    assert_eq!(stage.rig.vm.pending_calls().len(), 1);
    stream
}

#[test]
fn while_wechat_is_asked_and_the_same_code_again_gets_the_login() {
    let mut stage = WasmWorld::new(&json!({}));
    let ask = login(&stage);
    let stream = asked(&mut stage, &ask);
    stage.rig.vm.reset(stream);
    stage.rig.serve_calls();
    assert_eq!(stage.rig.vm.outcome(stream), Outcome::Reset);
    let again = stage.rig.ask(vec![ask]).remove(0);
    let token = Login::from(&again).token;
    let got = stage
        .rig
        .ask(vec![Ask::get("/api").token(&token)])
        .remove(0);
    assert_eq!(got.seen().header("x-wx-openid"), Some(stage.alice.openid()));
    assert_worker_is_well(&mut stage);
}

#[test]
fn while_wechat_is_asked_and_its_failure_hurts_nobody() {
    let mut stage = WasmWorld::new(&json!({}));
    let ask = login(&stage);
    let stream = asked(&mut stage, &ask);
    let call = stage.rig.vm.pending_calls().remove(0);
    stage.rig.vm.reset(stream);
    let _: Delivery = stage.rig.vm.answer_call(call.id, CallReply::Failure);
    assert_worker_is_well(&mut stage);
}

/// More of its body comes a moment before the tick that would wake it, and wakes it in a callback that ends with its client.
#[test]
fn while_it_looks_into_the_store_after_wechat_was_asked() {
    // The least that can be configured.
    const MOST: usize = 16;
    let mut stage = WasmWorld::new(&json!({
        "store": bridge::webdis(),
        "limits": { "waiting_requests": MOST },
    }));
    for _ in 0..=MOST {
        // Perhaps somebody else is just writing down the login: it waits, and looks again.
        stage.wechat.script([Fault::Errcode(40163)]);
        let ask = Ask::get("/wx/login").header("x-wx-code", stage.alice.login());
        let stream = stage.rig.vm.request(ask.head(), false);
        stage.rig.serve_calls();
        stage.rig.advance(Duration::from_millis(2));
        let asked = stage.wechat.requests().len();
        stage.rig.serve_calls();
        assert_eq!(stage.wechat.requests().len(), asked + 1);
        while !stage.rig.vm.pending_calls().is_empty() {
            stage.rig.serve_calls();
        }
        assert_eq!(stage.rig.vm.outcome(stream), Outcome::Paused);
        stage.rig.vm.delay(Duration::from_millis(60));
        stage.rig.vm.body(stream, b"x", false);
        stage.rig.vm.reset(stream);
        for _ in 0..50 {
            stage.rig.advance(Duration::from_millis(10));
            stage.rig.serve_calls();
        }
        assert!(stage.rig.vm.pending_calls().is_empty());
    }
    // Each came to its end, and gave its place back.
    assert_worker_is_well(&mut stage);
}

#[test]
fn while_it_waits_to_ask_a_busy_wechat_again() {
    let mut stage = WasmWorld::new(&json!({}));
    stage.wechat.script([Fault::Busy]);
    let ask = login(&stage);
    let stream = asked(&mut stage, &ask);
    stage.rig.serve_calls();
    assert_eq!(stage.rig.vm.outcome(stream), Outcome::Paused);
    stage.rig.vm.reset(stream);
    stage.rig.advance(Duration::from_secs(1));
    stage.rig.serve_calls();
    // The login went on without its client, and the same code finds it.
    let calls = stage.wechat.requests().len();
    assert_eq!(Login::from(&stage.rig.ask(vec![ask])[0]).token.len(), 43);
    assert_eq!(stage.wechat.requests().len(), calls);
    assert_worker_is_well(&mut stage);
}

#[test]
fn while_it_follows_another_tap_of_the_same_code() {
    let mut stage = WasmWorld::new(&json!({}));
    let ask = login(&stage);
    let (leader, follower) = (stage.rig.send(&ask), stage.rig.send(&ask));
    stage.rig.advance(Duration::from_millis(50));
    stage.rig.vm.reset(follower);
    stage.rig.settle(&[leader]);
    assert!(matches!(stage.rig.vm.outcome(leader), Outcome::Replied(_)));
    assert_worker_is_well(&mut stage);
}

#[test]
fn while_another_tap_follows_it_and_that_one_gets_the_login() {
    let mut stage = WasmWorld::new(&json!({}));
    let ask = login(&stage);
    let (leader, follower) = (asked(&mut stage, &ask), stage.rig.send(&ask));
    stage.rig.vm.reset(leader);
    stage.rig.settle(&[follower]);
    let got = stage.rig.got(follower);
    assert_eq!(Login::from(&got).token.len(), 43);
    assert_worker_is_well(&mut stage);
}

fn with_redis() -> WasmWorld {
    WasmWorld::new(&json!({ "store": bridge::webdis(), "session": { "cache_ttl_s": 0 } }))
}

#[test]
fn while_the_store_is_asked_for_its_session() {
    let mut stage = with_redis();
    let stream = stage.rig.send(&Ask::get("/api").token(&stage.token));
    assert_eq!(stage.rig.vm.pending_calls().len(), 1);
    stage.rig.vm.reset(stream);
    stage.rig.serve_calls();
    assert_eq!(stage.rig.vm.outcome(stream), Outcome::Reset);
    assert_worker_is_well(&mut stage);
}

/// Whoever leaves while WeChat or, after it, the store is asked: the login is finished, for its code is spent.
#[test]
fn in_each_step_of_a_login_with_a_store_far_away() {
    // WeChat, the user, every write.
    for steps in 0..3 {
        let mut stage = with_redis();
        let ask = login(&stage);
        let stream = stage.rig.send(&ask);
        // The memory of the code is asked first, and WeChat in a turn of its own.
        stage.rig.serve_calls();
        stage.rig.advance(Duration::from_millis(10));
        for _ in 0..steps {
            stage.rig.serve_calls();
        }
        let under_way = stage.rig.vm.pending_calls();
        let cluster = if steps == 0 { "wechat" } else { "sessions" };
        assert!(!under_way.is_empty(), "step {steps}");
        assert!(under_way.iter().all(|call| call.cluster == cluster));
        stage.rig.vm.reset(stream);
        for _ in 0..3 {
            stage.rig.serve_calls();
        }
        assert!(stage.rig.vm.pending_calls().is_empty());
        let asked = stage.wechat.requests().len();
        let again = stage.rig.ask(vec![ask]).remove(0);
        assert_eq!(Login::from(&again).token.len(), 43, "step {steps}");
        assert_eq!(stage.wechat.requests().len(), asked, "step {steps}");
        assert_worker_is_well(&mut stage);
    }
}

/// What must be finished without the client is its login, and not what comes after it.
#[test]
fn while_the_body_of_a_login_on_the_way_is_awaited_and_nothing_waits_on() {
    let mut stage = WasmWorld::new(&json!({ "session": { "piggyback": true } }));
    let abandon = |stage: &mut WasmWorld| {
        for round in 0..400 {
            let code = stage.alice.login();
            let ask = Ask::post("/api/profile", &json!({})).header("x-wx-code", &code);
            let stream = stage.rig.vm.request(ask.head(), false);
            stage.rig.advance(Duration::from_millis(10));
            assert_eq!(stage.rig.vm.pending_calls().len(), 1);
            let logged_in = round % 2 == 0;
            if logged_in {
                stage.rig.serve_calls();
                assert_eq!(stage.rig.vm.outcome(stream), Outcome::Paused);
            }
            stage.rig.vm.reset(stream);
            stage.rig.serve_calls();
        }
    };
    assert_leaves_no_memory(&mut stage, abandon);
    assert_worker_is_well(&mut stage);
}

#[test]
fn a_thousand_of_them_leave_no_memory_behind() {
    let mut stage = WasmWorld::new(&json!({}));
    let abandon = |stage: &mut WasmWorld| {
        for _ in 0..500 {
            // Some before their body is whole, some before and some after WeChat is asked.
            let unasked = stage.rig.send(&login(stage));
            stage.rig.vm.reset(unasked);
            let ask = login(stage);
            let bodyless = stage.rig.vm.request(ask.head(), false);
            stage.rig.vm.reset(bodyless);
            let stream = asked(stage, &ask);
            stage.rig.vm.reset(stream);
            stage.rig.serve_calls();
        }
    };
    assert_leaves_no_memory(&mut stage, abandon);
}
