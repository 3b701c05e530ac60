//! Instances end, and limits go on: here each request has an instance of its own, which is the most that Spin may do.

use std::time::Duration;

use serde_json::{Value, json};
use spin_host::{Instances, Manifest, Upstream};
use testkit::client::{Request, Response};
use testkit::fakes::wechat::{Fault, OpenData, Source};
use testkit::redis::Server;

use crate::rig::spin_world::{SpinWorld, login_with, token};
use crate::rig::{Rig as _, Way};

/// A component on one of Spin's stores.
struct OnStore {
    stage: SpinWorld,
    name: &'static str,
    redis: Option<Server>,
}

/// As a service and as a middleware, on each store that Spin has.
fn each(patch: &Value) -> Vec<OnStore> {
    let one_for_each = |manifest: &mut Manifest| manifest.instances = Instances::OneForEach;
    let on_key_value = |way| OnStore {
        stage: SpinWorld::start_with(way, patch, one_for_each),
        name: "spin_kv",
        redis: None,
    };
    let on_redis = |way| {
        let redis = Server::start().unwrap();
        let mut patch = patch.clone();
        patch["store"] = json!({ "kind": "spin_redis", "address": "redis://sessions:6379" });
        let at = Upstream::plain(redis.addr());
        let stage = SpinWorld::start_with(way, &patch, |manifest| {
            one_for_each(manifest);
            manifest.key_value_stores.clear();
            manifest.outbound.insert("sessions:6379".into(), at);
        });
        OnStore {
            stage,
            name: "spin_redis",
            redis: Some(redis),
        }
    };
    let ways = Way::BOTH.into_iter();
    ways.flat_map(|way| [on_key_value(way), on_redis(way)])
        .collect()
}

impl OnStore {
    fn asked(&self) -> usize {
        self.stage.wechat.requests().len()
    }

    /// All at once, a few at a time.
    fn send(&self, requests: &[Request]) -> Vec<Response> {
        let send = |some: &[Request]| {
            std::thread::scope(|scope| {
                let all = some.iter().map(|one| scope.spawn(|| self.stage.send(one)));
                let all: Vec<_> = all.collect();
                all.into_iter()
                    .map(|one| one.join().unwrap())
                    .collect::<Vec<_>>()
            })
        };
        requests.chunks(16).flat_map(send).collect()
    }
}

#[test]
fn bad_codes_reach_wechat_as_often_as_the_limit_says_however_many_instances_there_are() {
    for edge in each(&json!({ "login": { "failures_per_minute": 20 } })) {
        let codes: Vec<_> = (0..96).map(|n| login_with(&format!("guess{n}"))).collect();
        let answers = edge.send(&codes);
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        let asked = edge.asked();
        assert!((10..=20).contains(&asked), "{}: {asked}", edge.name);
        let refused = statuses.iter().filter(|status| **status == 401).count();
        assert_eq!(refused, asked, "{}", edge.name);
        assert!(statuses.iter().all(|status| [401, 429].contains(status)));
        assert!(edge.stage.rig.spin.instances() > 90);
    }
}

#[test]
fn one_after_the_other_the_limit_is_exact_and_over_after_a_minute() {
    for edge in each(&json!({ "login": { "failures_per_minute": 20 } })) {
        for n in 0..40 {
            let answer = edge.stage.send(&login_with(&format!("guess{n}")));
            let expected = if n < 20 { 401 } else { 429 };
            assert_eq!(answer.status, expected, "{} {n}", edge.name);
        }
        assert_eq!(edge.asked(), 20, "{}", edge.name);
        let code = edge.stage.wechat.phone("alice").login();
        assert_eq!(edge.stage.send(&login_with(&code)).status, 429);
        // Redis counts by a clock of its own, which nobody moves.
        if edge.redis.is_none() {
            edge.stage.rig.spin.advance(Duration::from_secs(60));
            edge.stage.login(&edge.stage.wechat.phone("alice"));
        }
    }
}

/// A refused code is one write, a good one leaves nothing that counts.
#[test]
fn good_logins_give_back_what_they_took() {
    for edge in each(&json!({ "login": { "failures_per_minute": 3 } })) {
        for n in 0..12 {
            let phone = edge.stage.wechat.phone(&format!("user{}", n % 3));
            edge.stage.login(&phone);
        }
        let code = edge.stage.wechat.phone("alice").login();
        let tokens = [(); 5].map(|()| token(&edge.stage.send(&login_with(&code))));
        assert!(tokens.iter().all(|one| *one == tokens[0]), "{}", edge.name);
        edge.stage
            .wechat
            .script([Fault::Http500, Fault::Busy, Fault::Busy, Fault::Busy]);
        for _ in 0..2 {
            let code = edge.stage.wechat.phone("alice").login();
            assert_eq!(edge.stage.send(&login_with(&code)).status, 503);
        }
        for n in 0..3 {
            let answer = edge.stage.send(&login_with(&format!("guess{n}")));
            assert_eq!(answer.status, 401, "{} {n}", edge.name);
        }
        assert_eq!(edge.stage.send(&login_with("guess3")).status, 429);
    }
}

#[test]
fn a_refused_code_is_one_write_on_redis() {
    for edge in each(&json!({})) {
        let Some(redis) = &edge.redis else { continue };
        let names = || crate::rig::backend::names(redis).len();
        let before = names();
        edge.stage.rig.spin.take_calls();
        assert_eq!(edge.stage.send(&login_with("guess")).status, 401);
        edge.stage.rig.spin.settle();
        let calls = edge.stage.rig.spin.take_calls();
        let writes = ["SET ends", "EVAL ends", "DEL ends"];
        let writes = calls.iter().filter(|call| writes.contains(&call.as_str()));
        assert_eq!(writes.count(), 1, "{calls:?}");
        assert_eq!(names(), before + 1);
    }
}

#[test]
fn what_one_instance_learns_of_wechats_trouble_the_next_one_knows() {
    for edge in each(&json!({})) {
        let wechat = &edge.stage.wechat;
        wechat.script(std::iter::repeat_n(Fault::Errcode(40125), 10));
        let login = || edge.stage.send(&login_with(&wechat.phone("alice").login()));
        for _ in 0..10 {
            assert_eq!(login().status, 500, "{}", edge.name);
        }
        let answer = login();
        let retry_after = answer.header("retry-after");
        assert_eq!(
            (answer.status, retry_after),
            (500, Some(&b"5"[..])),
            "{}",
            edge.name
        );
        assert_eq!(answer.json().unwrap()["errcode"], 40125);
        assert_eq!(edge.asked(), 10, "{}", edge.name);
        edge.stage.rig.spin.advance(Duration::from_secs(5));
        // One more opens it again, and an answer ends it.
        wechat.script([Fault::Errcode(40125)]);
        assert_eq!((login().status, login().status), (500, 500));
        assert_eq!(edge.asked(), 11, "{}", edge.name);
        edge.stage.rig.spin.advance(Duration::from_secs(5));
        assert_eq!(login().status, 200, "{}", edge.name);
        wechat.script(std::iter::repeat_n(Fault::Errcode(40125), 9));
        for _ in 0..9 {
            assert_eq!(login().status, 500, "{}", edge.name);
        }
        assert_eq!(login().status, 200, "{}", edge.name);
    }
}

fn decrypt(token: &str, data: &OpenData) -> Request {
    let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
    let request = Request::post("/wx/decrypt").header("X-WX-Skey", token);
    request.json(&body)
}

#[test]
fn no_more_open_data_is_tried_than_may_fail_however_many_instances_there_are() {
    for edge in each(&json!({})) {
        let phone = edge.stage.wechat.phone("alice");
        let token = edge.stage.login(&phone);
        let bad = phone.open_data(Source::UserInfo).bad_padding().build();
        let asks: Vec<_> = (0..24).map(|_| decrypt(&token, &bad)).collect();
        let answers = edge.send(&asks);
        let mut tried = answers.iter().filter(|answer| answer.status == 422).count();
        // Some may have given way to the others before these were counted: as many are left, one after the other.
        while tried < 5 && edge.stage.send(&decrypt(&token, &bad)).status == 422 {
            tried += 1;
        }
        let opened = edge.stage.rig.counter("wx_session.open_data.refused");
        assert!((1..=5).contains(&opened), "{}: {opened}", edge.name);
        assert!(tried <= 5, "{}: {tried}", edge.name);
        let check = Request::get("/me").header("X-WX-Skey", &token);
        assert_eq!(edge.stage.send(&check).status, 401, "{}", edge.name);
    }
}

#[test]
fn open_data_that_opens_is_opened_on_many_instances_at_once() {
    for edge in each(&json!({ "open_data": { "max_failures": 3 } })) {
        let phone = edge.stage.wechat.phone("alice");
        let token = edge.stage.login(&phone);
        // As many as wx.request has under way.
        let asks: Vec<_> = (0..10)
            .map(|_| decrypt(&token, &phone.user_info()))
            .collect();
        for answer in edge.send(&asks) {
            assert_eq!(answer.status, 200, "{} {}", edge.name, answer.text());
        }
        let bad = phone.open_data(Source::UserInfo).bad_padding().build();
        for left in [2, 1, 0] {
            let answer = edge.stage.send(&decrypt(&token, &bad));
            assert_eq!(answer.status, 422, "{} {left}", edge.name);
        }
        let answer = edge.stage.send(&decrypt(&token, &phone.user_info()));
        assert_eq!(answer.status, 401, "{}", edge.name);
    }
}
