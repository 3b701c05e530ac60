//! Bodies that are opened while a far-away store is asked: complete long before their verdict, which then comes with an
//! answer of the store and not with a piece of the body.

use serde_json::{Value, json};
use testkit::client::Request;
use testkit::fakes::wechat::Source;
use testkit::redis::BridgeFault;

use crate::redis::real::slow_store::SlowStore;
use crate::rig::backend::Backend;
use crate::rig::shapes::SHAPES;
use testkit::eventually;

fn start() -> SlowStore {
    let routes = json!([{ "prefix": "/api", "session": "required", "open_data": "body" }]);
    SlowStore::with(Backend::webdis(), &json!({ "routes": routes }))
}

/// A body with open data of this user, and what the app is to get.
fn body(edge: &SlowStore, user: &str, number: usize) -> (String, String) {
    let phone = edge.wechat.phone(user);
    let plain = format!(
        r#"{{"nickName":"{user}{number}🎉","watermark":{{"timestamp":{},"appid":"{}"}}}}"#,
        edge.wechat.now(),
        phone.appid()
    );
    let data = phone.open_data(Source::UserProfile);
    let data = data.plaintext(&plain).build();
    let (encrypted, iv) = (data.encrypted_data, data.iv);
    let filling = "x".repeat(number * 1500);
    (
        format!(r#"{{"iv":"{iv}","encryptedData":"{encrypted}","n":"{filling}"}}"#),
        format!(r#"{{"openData":{plain},"n":"{filling}"}}"#),
    )
}

/// Sends one body in each shape, all at once, and gives the answers.
fn send_all(
    edge: &SlowStore,
    token: &str,
    bodies: &[String],
    meanwhile: impl FnOnce(),
) -> Vec<(u16, Value)> {
    let addr = edge.rig.envoy.addr();
    std::thread::scope(|scope| {
        let send = |(number, body): (usize, &String)| {
            let body = body.clone();
            scope.spawn(move || {
                let headers = [("x-wx-skey", token), ("content-type", "application/json")];
                let path = format!("/api/{number}");
                let answer = SHAPES[number].send_to(addr, "POST", &path, &headers, body.as_bytes());
                (
                    answer.0,
                    serde_json::from_slice(&answer.1).unwrap_or_default(),
                )
            })
        };
        let threads: Vec<_> = bodies.iter().enumerate().map(send).collect();
        meanwhile();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

#[test]
fn a_body_that_is_complete_before_the_verdict_is_opened_in_every_shape() {
    let edge = start();
    let token = edge.login("ming");
    let (asked, received) = (edge.asked(), edge.received());
    let (sent, expected): (Vec<_>, Vec<_>) = (0..SHAPES.len())
        .map(|number| body(&edge, "ming", number))
        .unzip();
    let size: usize = sent.iter().map(String::len).sum();
    let held = edge.hold();
    let answers = send_all(&edge, &token, &sent, || {
        edge.until_waiting(asked, SHAPES.len());
        eventually(|| edge.received() >= received + size as u64);
        assert_eq!(edge.rig.app.bytes_received(), 0);
        drop(held);
    });
    let seen = edge.rig.app.take();
    assert_eq!(seen.len(), SHAPES.len());
    for (number, shape) in SHAPES.into_iter().enumerate() {
        assert_eq!(answers[number].0, 200, "{shape:?} {}", answers[number].1);
        let path = format!("/api/{number}");
        let own = seen.iter().find(|seen| seen.path == path).unwrap();
        assert!(own.body == expected[number].as_bytes(), "{shape:?}");
        let length = expected[number].len().to_string();
        assert_eq!(own.header("content-length"), Some(length.as_bytes()));
        assert_eq!(own.count("content-length"), 1, "{shape:?}");
    }
    edge.assert_sound();
}

#[test]
fn where_the_keys_cannot_be_had_it_is_503_and_the_app_sees_none_of_it() {
    let edge = start();
    let token = edge.login("ming");
    let (sent, _) = body(&edge, "ming", 1);
    for fault in [BridgeFault::Status503, BridgeFault::LoseAnswer] {
        // The session is found, the user's keys are not.
        edge.backend.proxy.script([BridgeFault::Pass, fault]);
        let request = Request::post("/api/x").header("x-wx-skey", &token);
        let request = request
            .header("content-type", "application/json")
            .body(&sent);
        let answer = edge.send(&request);
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.json().unwrap()["error"], "store_unavailable");
    }
    assert_eq!(edge.rig.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_client_that_leaves_while_the_keys_are_fetched_is_forgotten() {
    let edge = start();
    let token = edge.login("ming");
    let (sent, _) = body(&edge, "ming", 1);
    edge.backend
        .proxy
        .script([BridgeFault::Pass, BridgeFault::Hang]);
    let asked = edge.asked();
    let mut connection = edge.connect();
    let request = Request::post("/api/x").header("x-wx-skey", &token);
    let request = request
        .header("content-type", "application/json")
        .body(&sent);
    connection.write_head(&request).unwrap();
    connection.write(sent.as_bytes()).unwrap();
    eventually(|| edge.asked() == asked + 2);
    drop(connection);
    edge.until_active(0);
    assert_eq!(edge.rig.app.bytes_received(), 0);
}
