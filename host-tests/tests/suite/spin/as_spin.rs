//! What Spin does to requests, instances and manifests, the project's host for its components does too. Each of these was
//! seen on Spin 4.1.0-pre0.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use spin_host::{Instances, Manifest, SpinHost, Upstream};
use testkit::client::Request;
use testkit::fakes::wechat::Fault;

use crate::rig::Way;
use crate::rig::spin_world::{SpinWorld, TIMEOUT, login_with};

#[test]
fn an_instance_ends_after_so_many_requests_and_after_a_time_without_any() {
    for way in Way::BOTH {
        let stage = SpinWorld::start_with(way, &json!({}), |manifest| {
            manifest.instances = Instances::Recycled {
                requests: 3,
                idle: Duration::from_millis(400),
            };
        });
        let ask = |times: usize| {
            for _ in 0..times {
                assert_eq!(stage.send(&Request::get("/public/a")).status, 200);
            }
            stage.rig.spin.settle();
            stage.rig.spin.instances()
        };
        assert_eq!(ask(6), 2, "{way:?}");
        assert_eq!(ask(1), 3, "{way:?}");
        std::thread::sleep(Duration::from_millis(900));
        assert_eq!(ask(1), 4, "{way:?}");
    }
}

#[test]
fn by_default_an_instance_serves_128_requests_and_waits_a_second() {
    let expected = Instances::Recycled {
        requests: 128,
        idle: Duration::from_secs(1),
    };
    assert_eq!(Manifest::default().instances, expected);
}

/// What the client gets when it sends these bytes: all of it, to the end of the connection. The client keeps its
/// half of it open till then: hyper, which Spin has too, answers nothing to one that it sees closed.
fn answer_to(stage: &SpinWorld, request: &[u8]) -> String {
    let mut client = TcpStream::connect(stage.addr()).unwrap();
    client.set_read_timeout(Some(TIMEOUT)).unwrap();
    client.write_all(request).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).to_ascii_lowercase()
}

#[test]
fn requests_that_spin_does_not_hand_on() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let start = "GET /public/a HTTP/1.1\r\nconnection: close\r\n";
        let with = |headers: &[u8]| [start.as_bytes(), headers, b"\r\n"].concat();
        for closed in [&b""[..], b"host: app.spin.internal\r\n"] {
            assert_eq!(answer_to(&stage, &with(closed)), "", "{way:?}");
        }
        let empty = answer_to(&stage, &with(b"host: edge\r\nx-name: \xe5\r\n"));
        assert!(empty.starts_with("http/1.1 500 "), "{empty}");
        assert!(empty.contains("content-length: 0\r\n"), "{empty}");
        let many = "x: 1\r\n".repeat(101);
        let refused = answer_to(&stage, &with(format!("host: edge\r\n{many}").as_bytes()));
        assert!(refused.starts_with("http/1.1 431 "), "{refused}");
        assert_eq!(stage.rig.app.bytes_received(), 0, "{way:?}");
        assert_eq!(stage.log(), "", "{way:?}");
    }
}

/// Of `NAME.spin.internal`, when there is no component NAME.
#[test]
fn an_upstream_that_is_no_component_takes_the_instance_with_it() {
    let stage = SpinWorld::start_with(Way::Service, &json!({}), |manifest| {
        let nobody = Upstream::no_component();
        manifest.outbound.insert("app.spin.internal".into(), nobody);
    });
    stage.wechat.script([Fault::Slow(Duration::from_secs(5))]);
    let code = stage.wechat.phone("alice").login();
    std::thread::scope(|scope| {
        let login = scope.spawn(|| stage.send(&login_with(&code)));
        while stage.wechat.code_requests(&code) == 0 {
            std::thread::yield_now();
        }
        let answer = stage.send(&Request::get("/public/a"));
        assert_eq!((answer.status, &*answer.body), (500, &b""[..]));
        // Somebody else's request, in the same instance.
        let answer = login.join().unwrap();
        assert_eq!((answer.status, &*answer.body), (500, &b""[..]));
    });
    // The next one has another instance.
    assert_eq!(stage.send(&Request::get("/orders")).status, 401);
}

#[test]
fn what_spin_does_not_start_with_is_refused_at_the_start() {
    let refusal = |change: fn(&mut Manifest)| {
        let mut manifest = Manifest::default();
        change(&mut manifest);
        let started = SpinHost::start(Way::Service.component(), manifest);
        started.err().map(|error| format!("{error:#}"))
    };
    let braces = refusal(|manifest| {
        let document = r#"{"store":{{"kind":"spin_kv"}}"#.to_owned();
        manifest
            .variables
            .insert("wx_session_config".into(), document);
    });
    assert!(braces.unwrap().contains("{{"));
    let label = |manifest: &mut Manifest| manifest.key_value_stores.push("wx".into());
    assert!(
        refusal(label)
            .unwrap()
            .contains("unknown key_value_stores label")
    );
    let defined = refusal(|manifest| {
        manifest.key_value_stores.push("wx".into());
        manifest.defined_stores.push("wx".into());
    });
    assert_eq!(defined, None);
    let files = refusal(|manifest| manifest.files = Some("/nowhere/at/all".into()));
    assert!(files.unwrap().contains("/nowhere/at/all"));
}
