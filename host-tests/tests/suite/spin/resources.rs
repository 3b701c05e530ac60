//! What the manifest does not give: the log says what is missing, and nothing passes.

use host_tests::client::Request;
use serde_json::json;
use spin_host::Manifest;

use super::{Stage, login_with};
use crate::rig::Way;

#[test]
fn what_the_manifest_lacks_is_named_in_the_log_and_nothing_passes() {
    type Lack = (&'static str, fn(&mut Manifest));
    let lacks: [Lack; 3] = [
        ("key_value_stores", |manifest| {
            manifest.key_value_stores.clear();
        }),
        ("wx_session_config", |manifest| {
            manifest.variables.remove("wx_session_config");
        }),
        ("WX_SECRET", |manifest| {
            manifest.variables.remove("wx_secret");
        }),
    ];
    for way in Way::BOTH {
        for (what, lack) in lacks {
            let stage = Stage::start_with(way, &json!({}), lack);
            // Each time, and not only at the first request.
            for seen in 1..=2 {
                let answer = stage.send(&Request::get("/public/a"));
                assert_eq!(answer.status, 500, "{way:?} {what}");
                let error = answer.json().unwrap()["error"].clone();
                assert_eq!(error, "internal_error", "{way:?} {what}");
                let log = stage.log();
                let lines = log.lines().filter(|line| line.contains(what));
                assert_eq!(lines.count(), seen, "{way:?} {log}");
            }
            assert_eq!(stage.rig.app.bytes_received(), 0);
        }
    }
}

#[test]
fn wechat_where_it_may_not_be_asked_is_unavailable_and_the_log_says_why() {
    for way in Way::BOTH {
        let stage = Stage::start_with(way, &json!({}), |manifest| {
            manifest.outbound.remove("api.weixin.qq.com");
        });
        let answer = stage.send(&login_with(&stage.wechat.phone("alice").login()));
        let error = answer.json().unwrap()["error"].clone();
        assert_eq!((answer.status, error), (503, json!("wechat_unavailable")));
        assert!(stage.log().contains("allowed_outbound_hosts"), "{way:?}");
    }
}

#[test]
fn an_app_that_may_not_be_asked_or_is_not_there_is_a_503_of_ours() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = closed.local_addr().unwrap();
    drop(closed);
    let changes: [&dyn Fn(&mut Manifest); 2] = [
        &|manifest| drop(manifest.outbound.remove("app.spin.internal")),
        &|manifest| {
            let nobody = spin_host::Upstream::plain(nobody);
            manifest.outbound.insert("app.spin.internal".into(), nobody);
        },
    ];
    for way in Way::BOTH {
        for change in changes {
            let stage = Stage::start_with(way, &json!({}), change);
            let answer = stage.send(&Request::get("/public/a"));
            let error = answer.json().unwrap()["error"].clone();
            let expected = (503, json!("upstream_unavailable"));
            assert_eq!((answer.status, error), expected, "{way:?}");
            assert!(stage.log().contains("the app does not answer"), "{way:?}");
        }
    }
}
