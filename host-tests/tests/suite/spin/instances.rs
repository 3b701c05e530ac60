//! Instances come and go: one lives through trouble and thousands of requests, and none keeps what others need.

use std::time::Duration;

use serde_json::json;
use spin_host::Instances;
use testkit::client::{Connection, Request};
use testkit::fakes::wechat::Fault;

use crate::rig::spin_world::{SpinWorld, TIMEOUT, login_with, token};
use crate::rig::{APPID, Way};

#[test]
fn an_instance_lives_through_wechats_faults() {
    for way in Way::BOTH {
        let patch = json!({ "wechat": { "timeout_ms": 400 } });
        let stage = SpinWorld::start_with(way, &patch, |_| {});
        for fault in [
            Fault::Slow(Duration::from_secs(3)),
            Fault::Refused,
            Fault::ResetMidBody,
            Fault::BigBody,
            Fault::EmptyBody,
            Fault::Http500,
            Fault::Truncated,
            Fault::Html,
        ] {
            stage.wechat.script([fault.clone()]);
            let code = stage.wechat.phone("alice").login();
            let answer = stage.send(&login_with(&code));
            assert!((503..=504).contains(&answer.status), "{way:?} {fault:?}");
            assert!(answer.json().is_ok(), "{way:?} {fault:?}");
        }
        stage.login(&stage.wechat.phone("bob"));
        assert_eq!(stage.rig.spin.instances(), 1, "{way:?}");
    }
}

/// Fuel, because it grows with whatever a request has to walk through.
#[test]
fn thousands_of_requests_leave_nothing_behind_in_the_instance() {
    for way in Way::BOTH {
        let patch = json!({ "session": { "cache_ttl_s": 60 } });
        let stage = SpinWorld::start_with(way, &patch, |manifest| manifest.nodelay = true);
        let token = stage.login(&stage.wechat.phone("alice"));
        let request = Request::get("/me").header("X-WX-Skey", &token);
        let mut client = Connection::open(stage.addr(), TIMEOUT).unwrap();
        let mut hundred = || {
            for _ in 0..100 {
                assert_eq!(client.send(&request).unwrap().status, 200, "{way:?}");
            }
            stage.rig.spin.take_fuel()
        };
        hundred();
        let first = hundred();
        for _ in 0..17 {
            hundred();
        }
        let last = hundred();
        assert_eq!(stage.rig.spin.instances(), 1, "{way:?}");
        assert!(last < first + first / 20, "{way:?}: {first}, then {last}");
    }
}

#[test]
fn what_an_instance_has_learnt_is_in_the_store() {
    for way in Way::BOTH {
        let stage = SpinWorld::start_with(way, &json!({}), |manifest| {
            manifest.instances = Instances::OneForEach;
        });
        let phone = stage.wechat.phone("alice");
        let code = phone.login();
        let first = token(&stage.send(&login_with(&code)));
        let again = token(&stage.send(&login_with(&code)));
        assert_eq!(first, again, "{way:?}");
        assert_eq!(stage.wechat.code_requests(&code), 1, "{way:?}");
        let check = Request::get("/me").header("X-WX-Skey", &first);
        assert!(stage.send(&check).text().contains(&phone.openid()));
        let out = Request::post("/wx/logout").header("X-WX-Skey", &first);
        assert_eq!(stage.send(&out).status, 200, "{way:?}");
        // At once: no instance has it in a cache.
        assert_eq!(stage.send(&check).status, 401, "{way:?}");
        stage.rig.spin.settle();
        assert_eq!(stage.rig.spin.instances(), 5, "{way:?}");
    }
}

/// Whoever serves one call and is gone cannot give the next one another token: it leaves it in the store.
#[test]
fn a_dead_token_is_given_up_by_an_instance_that_serves_one_large_call() {
    const TOKEN: &str = "/cgi-bin/stable_token";
    let patch = json!({ "wechat_api": { "allow": ["/cgi-bin/media/"] } });
    let stage = SpinWorld::start_with(Way::Service, &patch, |manifest| {
        manifest.instances = Instances::OneForEach;
    });
    // Too large to be sent once more.
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"media\"; filename=\"a.jpg\"\r\n\r\n{}\r\n--b--\r\n",
        "x".repeat(100_000)
    );
    let upload = || {
        let request = Request::post("/cgi-bin/media/upload?type=image")
            .header("content-type", "multipart/form-data; boundary=b")
            .body(body.clone().into_bytes());
        let answer = stage.send(&request).json().unwrap();
        // What is done behind the answer is done.
        stage.rig.spin.settle();
        answer
    };
    assert_eq!(upload()["media_id"], "MEDIA");
    stage.wechat.kill_tokens(APPID);
    assert_eq!(upload()["errcode"], 40001);
    for _ in 0..2 {
        assert_eq!(upload()["media_id"], "MEDIA");
    }
    assert_eq!(stage.wechat.access_tokens().len(), 2);
    assert_eq!(stage.wechat.requests_for(TOKEN), 2);
}
