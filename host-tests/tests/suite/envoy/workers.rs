//! Two Envoy workers, each with a VM of its own, and one store between them.
//! Which worker serves a connection is the kernel's choice: tests open many, and prove that both had some.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::client::{Connection, Request};
use testkit::envoy::Config;
use testkit::fakes::wechat::Fault;

use crate::rig::envoy_world::{EnvoyWorld, LATE, error_of, login_request, token_of, with_token};

const CACHE: Duration = Duration::from_secs(1);
/// How long a worker may go by it.
const STALE: Duration = CACHE.saturating_add(LATE);

fn two_workers(config: Config) -> Config {
    config
        .workers(2)
        .patch_plugin(&json!({ "session": { "cache_ttl_s": CACHE.as_secs() } }))
}

fn statuses(connections: &mut [Connection], request: &Request) -> Vec<u16> {
    let send = |connection: &mut Connection| connection.send(request).unwrap().status;
    connections.iter_mut().map(send).collect()
}

#[test]
fn a_login_on_one_worker_is_honoured_on_the_other() {
    let edge = EnvoyWorld::with(two_workers);
    let mut connections = edge.connect_to_both_workers();
    let token = edge.login("a");
    let all = statuses(&mut connections, &with_token(&token));
    assert!(all.iter().all(|status| *status == 200), "{all:?}");
    // The worker that made it knew it, and the other looked it up once.
    assert_eq!(edge.counter("session.miss"), 1);
    assert_eq!(edge.counter("session.hit"), all.len() as u64 - 1);
}

#[test]
fn a_logout_on_one_worker_is_final_on_the_other_when_its_cache_has_run_out() {
    let edge = EnvoyWorld::with(two_workers);
    let mut connections = edge.connect_to_both_workers();
    let token = edge.login("a");
    let request = with_token(&token);
    statuses(&mut connections, &request);
    let logout = Request::post("/wx/logout").header("x-wx-skey", &token);
    assert_eq!(connections[0].send(&logout).unwrap().status, 200);
    let logged_out = Instant::now();
    assert_eq!(connections[0].send(&request).unwrap().status, 401);
    while logged_out.elapsed() < STALE {
        statuses(&mut connections, &request);
    }
    let all = statuses(&mut connections, &request);
    assert!(all.iter().all(|status| *status == 401), "{all:?}");
}

#[test]
fn a_second_login_ends_the_first_session_on_both_workers() {
    let edge = EnvoyWorld::with(two_workers);
    let mut connections = edge.connect_to_both_workers();
    let old = edge.login("a");
    statuses(&mut connections, &with_token(&old));
    let code = edge.wechat.phone("a").login();
    let again = Request::post("/wx/login").json(&json!({ "code": code, "token": old }));
    let new = token_of(&connections[0].send(&again).unwrap());
    thread::sleep(STALE);
    assert!(
        statuses(&mut connections, &with_token(&old))
            .iter()
            .all(|status| *status == 401)
    );
    assert!(
        statuses(&mut connections, &with_token(&new))
            .iter()
            .all(|status| *status == 200)
    );
}

#[test]
fn the_same_code_posted_ten_times_at_once_is_one_login() {
    let edge = EnvoyWorld::with(two_workers);
    let slow = Duration::from_millis(200);
    edge.wechat.script([Fault::Slow(slow), Fault::Slow(slow)]);
    let code = edge.wechat.phone("a").login();
    let mut connections = edge.connect_to_both_workers();
    let answers: Vec<_> = thread::scope(|scope| {
        let posts: Vec<_> = connections
            .iter_mut()
            .map(|connection| scope.spawn(|| connection.send(&login_request(&code)).unwrap()))
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert!(edge.wechat.code_requests(&code) <= 2);
    let summary: Vec<_> = answers
        .iter()
        .map(|answer| (answer.status, error_of(answer)))
        .collect();
    assert!(
        summary.iter().all(|(status, _)| *status == 200),
        "{summary:?}"
    );
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
}

#[test]
fn fifty_users_who_log_in_at_once_are_all_logged_in() {
    let edge = EnvoyWorld::with(two_workers);
    let users: Vec<String> = (0..50).map(|number| format!("user {number}")).collect();
    let log_in = |user: &String| (user.clone(), edge.login(user));
    let sessions: Vec<(String, String)> = thread::scope(|scope| {
        let eighths = users.chunks(users.len().div_ceil(8));
        let threads: Vec<_> = eighths
            .map(|users| scope.spawn(move || users.iter().map(log_in).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(sessions.len(), users.len());
    for (user, token) in &sessions {
        for _ in 0..2 {
            assert_eq!(edge.send(&with_token(token)).status, 200, "{user}");
        }
        for seen in edge.app.take() {
            let openid = edge.wechat.phone(user).openid();
            assert_eq!(seen.header("x-wx-openid"), Some(openid.as_bytes()));
        }
    }
    assert_eq!(edge.counter("store.failed"), 0);
}

#[test]
fn one_user_who_logs_in_on_many_phones_at_once_keeps_every_session() {
    let edge = EnvoyWorld::with(two_workers);
    let phones = edge.wechat.phone("a");
    // `max_per_user` of the plugin is 10.
    let tokens: Vec<String> = thread::scope(|scope| {
        let logins: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| token_of(&edge.send(&login_request(&phones.login())))))
            .collect();
        logins
            .into_iter()
            .map(|login| login.join().unwrap())
            .collect()
    });
    for token in &tokens {
        assert_eq!(edge.send(&with_token(token)).status, 200);
    }
    let everywhere = Request::post("/wx/logout")
        .header("x-wx-skey", &tokens[0])
        .json(&json!({ "everywhere": true }));
    let answer = edge.send(&everywhere);
    assert_eq!(answer.json().unwrap()["data"]["ended"], tokens.len());
}
