//! WeChat's messages while the store, the app, a worker or WeChat itself goes away, and with a fault at every hostcall:
//! none is lost that somebody can still deliver, and none is delivered that is not WeChat's.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::app::{Comes, Scripted};
use testkit::fakes::wechat::{FakeWechat, Message, PushAccount};

use crate::rig::{
    APPID, Ask, CoreRig, Got, PUSH_KEY, PUSH_TOKEN, Rig, SECRET, WasmRig, assert_refusal, bridge,
};
use proxy_wasm_host::{FaultKind, FaultOutcome, Outcome, SharedData};

const FROM: &str = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY";

fn sealed() -> Value {
    let push = json!({ "token": { "env": "WX_PUSH_TOKEN" }, "encoding_aes_key": { "env": "WX_PUSH_KEY" } });
    json!({ "apps": [{ "appid": APPID, "secret": { "env": "WX_SECRET" }, "push": push }] })
}

fn seeded() -> (FakeWechat, PushAccount) {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"pushes");
    let account = wechat.push_account(APPID, PUSH_TOKEN, PUSH_KEY, "/wx/push");
    (wechat, account)
}

fn push(account: &PushAccount, wechat: &FakeWechat, id: u64) -> Ask {
    Ask::from(&account.push(&Message::text(FROM, wechat.now(), id, "hello")))
}

fn answering(rig: &impl Rig, comes: Comes) {
    rig.receiver().answer_with(move |_| {
        Some(Scripted {
            status: 200,
            body: "success".into(),
            comes,
            ..Scripted::default()
        })
    });
}

#[track_caller]
fn assert_success(got: &Got, story: &str) {
    let body = String::from_utf8_lossy(&got.body);
    assert_eq!((got.status, &*body), (200, "success"), "{story}");
}

#[test]
fn a_store_that_is_down_costs_no_message() {
    let (wechat, account) = seeded();
    for (working, failing) in [(0, 1), (0, 100), (1, 1)] {
        let mut rig = CoreRig::start(&wechat, &sealed());
        answering(&rig, Comes::AtOnce);
        rig.host.store.fail_after(working, failing);
        let story = format!("{working} {failing}");
        let got = rig.ask(vec![push(&account, &wechat, 1)]).remove(0);
        assert_success(&got, &story);
        assert_eq!(rig.receiver().count(), 1, "{story}");
        let unguarded = rig.counter("wx_session.push.unguarded");
        assert_eq!(unguarded, u64::from(working == 0), "{story}");
    }
}

#[test]
fn a_store_that_is_down_delivers_nothing_that_is_not_wechats() {
    let (wechat, mut account) = seeded();
    account.token = "anothertoken".into();
    let mut rig = CoreRig::start(&wechat, &sealed());
    rig.host.store.fail_after(0, 100);
    let got = rig.ask(vec![push(&account, &wechat, 1)]).remove(0);
    assert_refusal(&got, 403, "push_refused");
    assert_eq!(rig.receiver().count(), 0);
}

#[test]
fn a_push_whose_wechat_has_gone_is_delivered_to_its_end() {
    let (wechat, account) = seeded();
    let mut rig = WasmRig::start(&wechat, &sealed());
    answering(&rig, Comes::AtOnce);
    let stream = rig.send(&push(&account, &wechat, 1));
    rig.advance(Duration::from_millis(10));
    assert_eq!(rig.vm.pending_calls().len(), 1);
    rig.vm.reset(stream);
    rig.serve_calls();
    assert_eq!(rig.vm.outcome(stream), Outcome::Reset);
    // It is known to have come.
    let got = rig.ask(vec![push(&account, &wechat, 1)]).remove(0);
    assert_success(&got, "again");
    assert_eq!(rig.receiver().count(), 1);
    assert_eq!(rig.vm.trapped(), None);
}

#[test]
fn one_that_goes_before_the_app_is_asked_is_sent_again_and_delivered() {
    let (wechat, account) = seeded();
    let mut rig = WasmRig::start(&wechat, &sealed());
    answering(&rig, Comes::AtOnce);
    let stream = rig.send(&push(&account, &wechat, 1));
    assert_eq!(rig.vm.pending_calls().len(), 0);
    rig.vm.reset(stream);
    // Its claim is good for a few seconds, and this one waits for its outcome.
    rig.advance(Duration::from_secs(3));
    let got = rig.ask(vec![push(&account, &wechat, 1)]).remove(0);
    assert_success(&got, "again");
    assert_eq!(rig.receiver().count(), 1);
}

#[test]
fn what_a_worker_had_under_way_when_it_ended_is_delivered_by_another() {
    let (wechat, account) = seeded();
    let shared = SharedData::default();
    let mut gone = WasmRig::worker(&wechat, &sealed(), &shared, 1);
    let mut other = WasmRig::worker(&wechat, &sealed(), &shared, 2);
    answering(&other, Comes::AtOnce);
    gone.send(&push(&account, &wechat, 1));
    gone.advance(Duration::from_millis(10));
    assert_eq!(gone.vm.pending_calls().len(), 1);
    drop(gone);
    // WeChat's second try comes while nobody can know that it is over: it is to come once more.
    let began = other.vm.now();
    let got = other.ask(vec![push(&account, &wechat, 1)]).remove(0);
    assert_refusal(&got, 503, "push_under_way");
    let waited = other.vm.now() - began;
    assert!(waited < Duration::from_millis(4500), "{waited:?}");
    assert_eq!(other.receiver().count(), 0);
    other.advance(Duration::from_secs(1));
    let got = other.ask(vec![push(&account, &wechat, 1)]).remove(0);
    assert_success(&got, "the third try");
    assert_eq!(other.receiver().count(), 1);
}

#[test]
fn two_workers_deliver_a_message_once() {
    let (wechat, account) = seeded();
    let shared = SharedData::default();
    let mut here = WasmRig::worker(&wechat, &sealed(), &shared, 1);
    let mut there = WasmRig::worker(&wechat, &sealed(), &shared, 2);
    answering(&here, Comes::After(Duration::from_millis(300)));
    let first = here.send(&push(&account, &wechat, 1));
    let second = there.send(&push(&account, &wechat, 1));
    for _ in 0..100 {
        here.serve_calls();
        there.serve_calls();
        here.advance(Duration::from_millis(10));
        there.advance(Duration::from_millis(10));
    }
    assert_success(&here.got(first), "here");
    assert_success(&there.got(second), "there");
    assert_eq!((here.receiver().count(), there.receiver().count()), (1, 0));
}

/// Wherever one fails: an answer, no trap, and WeChat is told that a message has come only if the app has it.
fn every_hostcall_may_fail(store: &Value, comes: Comes) -> u32 {
    let mut patch = sealed();
    patch["store"] = store.clone();
    patch["push"] = json!({ "answer_after_ms": 500 });
    let start = || {
        let (wechat, account) = seeded();
        let rig = WasmRig::start(&wechat, &patch);
        answering(&rig, comes);
        (rig, push(&account, &wechat, 1), push(&account, &wechat, 1))
    };
    let (mut calm, ask, _) = start();
    calm.vm.reset_counts();
    assert_success(&calm.ask(vec![ask]).remove(0), "calm");
    let hostcalls = calm.vm.counts().total_hostcalls();
    let mut injected = 0;
    for nth in 1..=hostcalls {
        for fault in FaultKind::ALL {
            let (mut rig, ask, again) = start();
            rig.vm.fail_hostcall(nth, fault);
            let stream = rig.send(&ask);
            rig.settle(&[stream]);
            let story = format!("hostcall {nth}, {fault:?}: {:?}", rig.vm.fault());
            assert_eq!(rig.vm.trapped(), None, "{story}");
            assert!(rig.vm.violations().is_empty(), "{story}");
            let Outcome::Replied(reply) = rig.vm.outcome(stream) else {
                panic!("{story}: {:?}", rig.vm.outcome(stream));
            };
            if reply.status == 200 {
                assert_eq!(rig.receiver().count(), 1, "{story}");
            }
            if !matches!(rig.vm.fault(), FaultOutcome::Injected { .. }) {
                continue;
            }
            injected += 1;
            rig.vm.disarm_fault();
            rig.vm.complete(stream);
            // What was not delivered is, with one of WeChat's next tries.
            rig.advance(Duration::from_secs(3));
            assert_success(&rig.ask(vec![again]).remove(0), &story);
            assert!((1..=2).contains(&rig.receiver().count()), "{story}");
        }
    }
    injected
}

#[track_caller]
fn assert_many(injected: u32) {
    assert!(injected >= 10, "{injected}");
}

#[test]
fn every_hostcall_of_a_push_may_fail() {
    assert_many(every_hostcall_may_fail(
        &json!({ "kind": "shared_data" }),
        Comes::AtOnce,
    ));
}

#[test]
fn every_hostcall_of_a_push_that_is_answered_early_may_fail() {
    let late = Comes::After(Duration::from_secs(1));
    assert_many(every_hostcall_may_fail(
        &json!({ "kind": "shared_data" }),
        late,
    ));
}

#[test]
fn every_hostcall_of_a_push_with_webdis_may_fail() {
    assert_many(every_hostcall_may_fail(&bridge::webdis(), Comes::AtOnce));
}
