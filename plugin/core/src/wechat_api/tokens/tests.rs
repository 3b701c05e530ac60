//! What workers on one store know of the token of an app, and when WeChat is asked for it.

use super::*;
use crate::config::tests::minimal_on_spin;
use crate::fake_host::{FakeHost, answering, run};
use crate::memory::access_tokens::BETWEEN_DEATHS;
use crate::testing::test;
use crate::worker::Worker;
use alloc::string::String;
use serde_json::json;

fn worker() -> Worker {
    Worker::new(minimal_on_spin(json!({ "kind": "spin_kv" })))
}

fn token(worker: &Worker, host: &FakeHost) -> Result<String, Rejection> {
    let app = &worker.config.mini_programs[0];
    let token = run(Context { worker, host }.access_tokens().get(app))?;
    Ok(token.expose().into())
}

fn dead(worker: &Worker, host: &FakeHost, used: &str) -> bool {
    let app = &worker.config.mini_programs[0];
    Context { worker, host }
        .access_tokens()
        .mark_dead(app, used)
}

const START: u64 = 1_700_000_000_000;

#[test]
fn who_comes_later_finds_the_token_of_another() {
    let host = FakeHost::at(START);
    let asked = answering(&host, None);
    let (one, other) = (worker(), worker());
    assert_eq!(token(&one, &host).unwrap(), "t1");
    assert_eq!(token(&other, &host).unwrap(), "t1");
    assert_eq!(asked.get(), 1);
    // It ends for both.
    host.pass(Duration::from_secs(7200));
    assert_eq!(token(&other, &host).unwrap(), "t2");
    assert_eq!(token(&one, &host).unwrap(), "t2");
    assert_eq!(asked.get(), 2);
}

#[test]
fn a_dead_token_is_given_up_by_whoever_used_it_and_a_newer_one_never() {
    let host = FakeHost::at(START);
    let asked = answering(&host, None);
    let (one, other) = (worker(), worker());
    for worker in [&one, &other] {
        assert_eq!(token(worker, &host).unwrap(), "t1");
    }
    assert!(dead(&one, &host, "t1"));
    assert_eq!(token(&one, &host).unwrap(), "t2");
    // Another call with the old one comes back late.
    assert!(dead(&one, &host, "t1"));
    assert_eq!(token(&one, &host).unwrap(), "t2");
    // The other learns of the new one from the store.
    assert_eq!(token(&other, &host).unwrap(), "t1");
    assert!(dead(&other, &host, "t1"));
    assert_eq!(token(&other, &host).unwrap(), "t2");
    assert_eq!(asked.get(), 2);
}

#[test]
fn a_refusal_keeps_all_of_them_out_for_a_while_and_is_logged_once() {
    let host = FakeHost::at(START);
    let asked = answering(&host, Some(45009));
    let all = [worker(), worker(), worker()];
    for worker in &all {
        let refused = token(worker, &host).unwrap_err();
        assert_eq!(refused.errcode(), Some(45009));
    }
    assert_eq!(asked.get(), 1);
    let lines = host.lines.borrow();
    let told = |line: &&String| line.contains("access_token_refused");
    assert_eq!(lines.iter().filter(told).count(), 1);
    drop(lines);
    host.pass(OPEN_FOR);
    answering(&host, None);
    assert_eq!(token(&all[1], &host).unwrap(), "t1");
    assert_eq!(token(&all[2], &host).unwrap(), "t1");
}

#[test]
fn a_token_that_wechat_has_just_given_and_calls_dead_is_kept_for_a_while() {
    let host = FakeHost::at(START);
    let asked = answering(&host, None);
    let worker = worker();
    let app = &worker.config.mini_programs[0];
    assert_eq!(token(&worker, &host).unwrap(), "t1");
    assert!(dead(&worker, &host, "t1"));
    assert_eq!(token(&worker, &host).unwrap(), "t2");
    let context = Context {
        worker: &worker,
        host: &host,
    };
    context.access_tokens().doubt(app);
    for _ in 0..3 {
        assert!(!dead(&worker, &host, "t2"));
        run(crate::finish(&worker, &host, None));
        assert_eq!(token(&worker, &host).unwrap(), "t2");
    }
    assert_eq!(asked.get(), 2);
    host.pass(BETWEEN_DEATHS);
    assert!(dead(&worker, &host, "t2"));
    assert_eq!(token(&worker, &host).unwrap(), "t3");
}

#[test]
fn a_token_that_is_called_dead_stays_where_wechat_gives_no_other() {
    for errcode in [-1, 45009] {
        let host = FakeHost::at(START);
        answering(&host, None);
        let (one, other) = (worker(), worker());
        assert_eq!(token(&one, &host).unwrap(), "t1");
        assert_eq!(token(&other, &host).unwrap(), "t1");
        let asked = answering(&host, Some(errcode));
        // Each learns of it by a call of its own.
        for worker in [&one, &other] {
            assert!(dead(worker, &host, "t1"));
            run(crate::finish(worker, &host, None));
        }
        assert_eq!(asked.get(), if errcode == -1 { 2 } else { 1 });
        let newcomer = self::worker();
        for worker in [&one, &other, &newcomer] {
            assert_eq!(token(worker, &host).unwrap(), "t1");
        }
        let asked = answering(&host, Some(errcode));
        // Nor is WeChat asked at once again.
        assert!(!dead(&one, &host, "t1"));
        assert_eq!(asked.get(), 0);
        host.pass(BETWEEN_DEATHS);
        assert!(dead(&one, &host, "t1"));
    }
}

/// WeChat has given another worker the next one, and then answers no more.
#[test]
fn who_is_given_no_token_takes_that_of_another_and_does_not_write_over_it() {
    let host = FakeHost::at(START);
    answering(&host, None);
    let (one, other) = (worker(), worker());
    for worker in [&one, &other] {
        assert_eq!(token(worker, &host).unwrap(), "t1");
        assert!(dead(worker, &host, "t1"));
    }
    assert_eq!(token(&other, &host).unwrap(), "t2");
    answering(&host, Some(-1));
    let context = Context {
        worker: &one,
        host: &host,
    };
    // It had looked into the store before.
    let asked = run(context.access_tokens().ask(&one.config.mini_programs[0]));
    assert_eq!(asked.unwrap().expose(), "t2");
    for worker in [&one, &other, &self::worker()] {
        assert_eq!(token(worker, &host).unwrap(), "t2");
    }
    // A call with the first one comes back late, while the second is called dead.
    assert!(dead(&one, &host, "t2"));
    assert!(dead(&one, &host, "t1"));
    answering(&host, None);
    assert_ne!(token(&one, &host).unwrap(), "t2");
}

#[test]
fn who_renews_a_token_goes_by_what_others_know_of_wechat() {
    let host = FakeHost::at(START);
    answering(&host, None);
    let (one, other) = (worker(), worker());
    for worker in [&one, &other] {
        assert_eq!(token(worker, &host).unwrap(), "t1");
    }
    host.pass(Duration::from_secs(7000));
    let asked = answering(&host, Some(45009));
    for worker in [&one, &other] {
        assert_eq!(token(worker, &host).unwrap(), "t1");
        run(crate::finish(worker, &host, None));
    }
    assert_eq!(asked.get(), 1);
}

#[test]
fn a_token_is_never_believed_for_longer_than_any_lives() {
    let host = FakeHost::at(START);
    let asked = answering(&host, None);
    let worker = worker();
    token(&worker, &host).unwrap();
    // The clock is set back by a day.
    host.now.set(START - 86_400_000);
    assert_eq!(token(&worker, &host).unwrap(), "t2");
    assert_eq!(asked.get(), 2);
}
