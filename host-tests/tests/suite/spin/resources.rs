//! What the manifest does not give: the log says what is missing, and nothing passes.

use std::net::SocketAddr;

use serde_json::{Value, json};
use spin_host::{Inherited, Manifest, Upstream};
use testkit::client::{Request, Response};
use testkit::redis::Server;

use super::documents::ship_in;
use crate::rig::spin_world::{SpinWorld, login_with};
use crate::rig::{SECRET, Way};

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
        ("Spin's variable wx_secret", |manifest| {
            manifest.variables.remove("wx_secret");
        }),
    ];
    for way in Way::BOTH {
        for (what, lack) in lacks {
            let stage = SpinWorld::start_with(way, &json!({}), lack);
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

/// What a middleware inherits, but for one kind.
fn without(kind: &str) -> Inherited {
    let all = [
        "allowed_outbound_hosts",
        "files",
        "key_value_stores",
        "variables",
    ];
    let others = all.into_iter().filter(|name| *name != kind);
    Inherited::Only(others.map(str::to_owned).collect())
}

fn error(answer: &Response) -> Value {
    answer.json().unwrap()["error"].clone()
}

#[test]
fn what_a_middleware_does_not_inherit_is_named_in_the_log_and_nothing_passes() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, named) in [
        ("files", "`files`"),
        ("key_value_stores", "key_value_stores"),
        ("variables", "wx_session_config"),
    ] {
        let stage = SpinWorld::start_with(Way::Middleware, &json!({}), |manifest| {
            if kind == "files" {
                ship_in(folder.path(), manifest);
            }
            manifest.inherited = without(kind);
        });
        let answer = stage.send(&Request::get("/public/a"));
        assert_eq!(
            (answer.status, error(&answer)),
            (500, json!("internal_error"))
        );
        let log = stage.log();
        assert!(
            log.contains(named) && log.contains("inherit_configuration"),
            "{log}"
        );
        assert_eq!(stage.rig.app.bytes_received(), 0);
    }
}

/// The lines that say why a call failed.
fn failures<'a>(log: &'a str, event: &str) -> Vec<&'a str> {
    let mark = format!("\"event\":\"{event}\"");
    log.lines().filter(|line| line.contains(&mark)).collect()
}

#[test]
fn wechat_where_it_may_not_be_asked_is_a_fault_of_ours_and_the_log_says_why() {
    type Lack = fn(&mut Manifest);
    let lacks: [(Way, Lack, &str); 3] = [
        (
            Way::Service,
            |manifest| drop(manifest.outbound.remove("api.weixin.qq.com")),
            "HttpRequestDenied",
        ),
        (
            Way::Middleware,
            |manifest| drop(manifest.outbound.remove("api.weixin.qq.com")),
            "HttpRequestDenied",
        ),
        (
            Way::Middleware,
            |manifest| manifest.inherited = without("allowed_outbound_hosts"),
            "InternalError",
        ),
    ];
    for (way, lack, code) in lacks {
        let stage = SpinWorld::start_with(way, &json!({}), lack);
        let js_code = stage.wechat.phone("alice").login();
        let answer = stage.send(&login_with(&js_code));
        assert_eq!(
            (answer.status, error(&answer)),
            (500, json!("internal_error")),
            "{way:?}"
        );
        let log = stage.log();
        let lines = failures(&log, "wechat_failed");
        let [line] = lines.as_slice() else {
            panic!("{log}")
        };
        for part in [code, "https://api.weixin.qq.com", "allowed_outbound_hosts"] {
            assert!(line.contains(part), "{way:?} {part}: {log}");
        }
        for secret in [&*js_code, SECRET, "jscode2session"] {
            assert!(!log.contains(secret), "{way:?} {log}");
        }
        // It is not WeChat's fault: the next one is told the same, and not that a breaker is open.
        for _ in 0..12 {
            let code = stage.wechat.phone("alice").login();
            assert_eq!(stage.send(&login_with(&code)).status, 500, "{way:?}");
        }
        assert_eq!(failures(&stage.log(), "wechat_failed").len(), 13, "{way:?}");
    }
}

#[test]
fn a_wechat_that_refuses_connections_is_unavailable_and_the_log_has_the_code() {
    for way in Way::BOTH {
        let stage = SpinWorld::start_with(way, &json!({}), |manifest| {
            let nobody = Upstream::plain(nobody());
            manifest.outbound.insert("api.weixin.qq.com".into(), nobody);
        });
        let answer = stage.send(&login_with(&stage.wechat.phone("alice").login()));
        assert_eq!(
            (answer.status, error(&answer)),
            (503, json!("wechat_unavailable"))
        );
        let log = stage.log();
        let lines = failures(&log, "wechat_failed");
        assert!(
            lines.len() == 1 && lines[0].contains("ConnectionRefused"),
            "{log}"
        );
    }
}

/// A store by each of the ways to it: what the manifest lacks is no outage.
#[test]
fn a_store_where_it_may_not_be_asked_is_a_fault_of_ours_and_the_log_says_why() {
    let stores = [
        json!({ "kind": "spin_redis", "address": "redis://sessions:6379" }),
        json!({ "kind": "redis_rest", "authority": "sessions", "url": "http://sessions", "token": { "env": "WX_STORE_TOKEN" } }),
        json!({ "kind": "webdis", "authority": "sessions", "url": "http://sessions" }),
    ];
    let token = "A".repeat(43);
    for store in stores {
        for inherited in [None, Some(without("allowed_outbound_hosts"))] {
            let way = if inherited.is_some() {
                Way::Middleware
            } else {
                Way::Service
            };
            let anonymous =
                json!({ "prefix": "/feed", "session": "optional", "outage": "anonymous" });
            let patch = json!({ "store": store, "routes": [anonymous] });
            let stage = SpinWorld::start_with(way, &patch, |manifest| {
                manifest.inherited = inherited.unwrap_or_default();
            });
            // Also where the route would go on in an outage.
            for path in ["/orders", "/feed"] {
                let answer = stage.send(&Request::get(path).header("x-wx-skey", &token));
                assert_eq!(
                    (answer.status, error(&answer)),
                    (500, json!("internal_error")),
                    "{way:?} {store}"
                );
            }
            let log = stage.log();
            let lines = failures(&log, "store_failed");
            assert_eq!(lines.len(), 2, "{way:?} {store} {log}");
            for part in ["sessions", "allowed_outbound_hosts"] {
                assert!(lines[0].contains(part), "{way:?} {part}: {log}");
            }
            assert_eq!(stage.rig.app.bytes_received(), 0);
        }
    }
}

#[test]
fn a_redis_that_is_not_there_or_refuses_is_an_outage_in_its_own_words() {
    let redis = Server::options()
        .password("a-password-of-twenty")
        .start()
        .unwrap();
    for (at, words) in [(nobody(), "refused"), (redis.addr(), "NOAUTH")] {
        let store = json!({ "kind": "spin_redis", "address": "redis://sessions:6379" });
        let stage = SpinWorld::start_with(Way::Service, &json!({ "store": store }), |manifest| {
            let sessions = Upstream::plain(at);
            manifest.outbound.insert("sessions:6379".into(), sessions);
        });
        let request = Request::get("/orders").header("x-wx-skey", "A".repeat(43));
        let answer = stage.send(&request);
        assert_eq!(
            (answer.status, error(&answer)),
            (503, json!("store_unavailable"))
        );
        let log = stage.log();
        let lines = failures(&log, "store_failed");
        assert!(lines.len() == 1 && lines[0].contains(words), "{log}");
        assert!(
            lines[0].contains("redis://sessions:6379") && !lines[0].contains("Error::"),
            "{log}"
        );
    }
}

/// An address of this machine at which nobody listens.
pub fn nobody() -> SocketAddr {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    closed.local_addr().unwrap()
}

#[test]
fn an_app_that_is_not_there_is_a_503_of_ours_and_one_that_may_not_be_asked_a_fault() {
    let refuses: fn(&mut Manifest) = |manifest| {
        let nobody = Upstream::plain(nobody());
        manifest.outbound.insert("app.spin.internal".into(), nobody);
    };
    let denied: fn(&mut Manifest) = |manifest| drop(manifest.outbound.remove("app.spin.internal"));
    for (way, change, expected, words) in [
        (
            Way::Service,
            refuses,
            (503, "upstream_unavailable"),
            "the app does not answer (http://app.spin.internal)",
        ),
        (
            Way::Service,
            denied,
            (500, "internal_error"),
            "allowed_outbound_hosts",
        ),
        (
            Way::Middleware,
            refuses,
            (503, "upstream_unavailable"),
            "the app does not answer",
        ),
        // There it is the app itself that may not.
        (
            Way::Middleware,
            denied,
            (503, "upstream_unavailable"),
            "the app does not answer",
        ),
    ] {
        let stage = SpinWorld::start_with(way, &json!({}), change);
        let answer = stage.send(&Request::get("/public/a"));
        assert_eq!(
            (answer.status, error(&answer)),
            (expected.0, json!(expected.1)),
            "{way:?}"
        );
        let log = stage.log();
        assert!(log.contains(words), "{way:?} {log}");
    }
}
