//! Many requests at once in one instance.

use std::time::Duration;

use serde_json::json;
use spin_host::{Instances, Upstream};
use testkit::client::{Connection, Request};
use testkit::fakes::wechat::Fault;
use testkit::redis::Server;

use crate::rig::Way;
use crate::rig::spin_world::{SpinWorld, TIMEOUT, login_with, token};

#[test]
fn many_requests_at_once_share_one_instance_and_get_their_own_answers() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        std::thread::scope(|scope| {
            for user in 0..24 {
                let stage = &stage;
                scope.spawn(move || {
                    let phone = stage.wechat.phone(&format!("user{user}"));
                    for _ in 0..5 {
                        let token = stage.login(&phone);
                        let answer = stage.send(&Request::get("/me").header("X-WX-Skey", &token));
                        assert!(answer.text().contains(&phone.openid()), "{way:?}");
                    }
                });
            }
        });
        assert_eq!(stage.rig.spin.instances(), 1, "{way:?} {}", stage.log());
    }
}

#[test]
fn one_code_sent_many_times_at_once_is_one_login() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let code = stage.wechat.phone("alice").login();
        let slow = Fault::Slow(Duration::from_millis(200));
        stage.wechat.script([slow]);
        let tokens: Vec<_> = std::thread::scope(|scope| {
            let ask = || token(&stage.send(&login_with(&code)));
            let all: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(tokens.iter().all(|one| *one == tokens[0]), "{way:?}");
        assert_eq!(stage.wechat.code_requests(&code), 1, "{way:?}");
        assert_eq!(stage.rig.spin.instances(), 1, "{way:?} {}", stage.log());
    }
}

/// One user's logins meet in one record: none of them may be lost.
#[test]
fn simultaneous_logins_of_one_user_all_stay_valid() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let phone = stage.wechat.phone("alice");
        let codes: Vec<_> = (0..8).map(|_| phone.login()).collect();
        let tokens: Vec<String> = std::thread::scope(|scope| {
            let ask = |code: &str| token(&stage.send(&login_with(code)));
            let all: Vec<_> = codes
                .iter()
                .map(|code| scope.spawn(move || ask(code)))
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let out = Request::post("/wx/logout")
            .header("X-WX-Skey", &tokens[0])
            .json(&json!({ "everywhere": true }));
        let answer = stage.send(&out);
        assert_eq!(answer.json().unwrap()["data"]["ended"], 8, "{way:?}");
        let keys = stage.rig.spin.keys("default");
        let left = keys.iter().filter(|key| key.starts_with("s:"));
        let what = "a session that the user's record does not name";
        assert_eq!(left.count(), 0, "{way:?}: {what}");
    }
}

#[test]
fn a_login_is_finished_without_its_client() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let code = stage.wechat.phone("alice").login();
        let slow = Fault::Slow(Duration::from_millis(300));
        stage.wechat.script([slow]);
        let mut client = Connection::open(stage.addr(), TIMEOUT).unwrap();
        client.write_head(&login_with(&code)).unwrap();
        let body = json!({ "code": code }).to_string();
        client.write(body.as_bytes()).unwrap();
        while stage.wechat.code_requests(&code) == 0 {
            std::thread::yield_now();
        }
        drop(client);
        let answer = stage.send(&login_with(&code));
        assert_eq!(answer.status, 200, "{way:?} {}", answer.text());
        assert_eq!(stage.wechat.code_requests(&code), 1, "{way:?}");
    }
}

/// Thirty at once, each in an instance of its own or all in one: nobody is refused, no more live than may, and a logout
/// everywhere ends all of them. Spin's key-value store has no compare-and-swap that all instances would share.
#[test]
fn thirty_logins_of_one_user_at_once_leave_no_session_that_nobody_can_end() {
    let redis = Server::start().unwrap();
    let on_redis = json!({ "kind": "spin_redis", "address": "redis://sessions:6379" });
    for (store, instances) in [
        (json!({ "kind": "spin_kv" }), Instances::OneForEach),
        (json!({ "kind": "spin_kv" }), Instances::Reused),
        (on_redis.clone(), Instances::OneForEach),
        (on_redis, Instances::Reused),
    ] {
        let patch = json!({ "store": store, "session": { "cache_ttl_s": 0 } });
        let stage = SpinWorld::start_with(Way::Service, &patch, |manifest| {
            manifest.instances = instances;
            let at = Upstream::plain(redis.addr());
            manifest.outbound.insert("sessions:6379".into(), at);
        });
        let phone = stage.wechat.phone("alice");
        let codes: Vec<_> = (0..30).map(|_| phone.login()).collect();
        let tokens: Vec<String> = std::thread::scope(|scope| {
            let ask = |code: &str| token(&stage.send(&login_with(code)));
            let all: Vec<_> = codes
                .iter()
                .map(|code| scope.spawn(move || ask(code)))
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let living = || {
            let lives = |token: &&String| {
                let check = Request::get("/me").header("X-WX-Skey", *token);
                stage.send(&check).status == 200
            };
            tokens.iter().filter(lives).collect::<Vec<_>>()
        };
        let live = living();
        println!("{store} {instances:?}: {} live", live.len());
        assert!(
            (1..=10).contains(&live.len()),
            "{store} {instances:?}: {}",
            live.len()
        );
        let out = Request::post("/wx/logout")
            .header("X-WX-Skey", live[0])
            .json(&json!({ "everywhere": true }));
        assert_eq!(stage.send(&out).status, 200, "{store} {instances:?}");
        assert_eq!(living().len(), 0, "{store} {instances:?}");
    }
}
