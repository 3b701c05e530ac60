//! Bodies while a far-away store is asked: the app gets each of them whole, once, and not before the verdict.

mod large;
mod opened;
mod sending;

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use testkit::client::Request;
use testkit::redis::BridgeFault;

use super::slow_store::SlowStore;
use crate::rig::backend::Backend;
use crate::rig::envoy_world::with_token;
use crate::rig::shapes::SHAPES;
use sending::{Upload, assert_arrived, bytes, send_all};
use testkit::eventually;
use testkit::http2::pseudo;

/// All of them fit what `per_connection_buffer_limit_bytes` lets Envoy hold.
const SMALL: [usize; 4] = [0, 1, 16_384, 31_000];
const UNKNOWN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn every_body_arrives_whole_and_only_after_the_verdict() {
    let edge = SlowStore::start();
    let token = edge.login("ming");
    let (asked, received) = (edge.asked(), edge.received());
    let size: usize = SMALL.iter().sum::<usize>() * SHAPES.len();
    let held = edge.hold();
    let all = send_all(&edge, &token, &SHAPES, &SMALL, || {
        edge.until_waiting(asked, SMALL.len() * SHAPES.len());
        eventually(|| edge.received() >= received + size as u64);
        assert_eq!(edge.rig.app.bytes_received(), 0);
        drop(held);
    });
    assert_arrived(&edge, &all, "ming");
    edge.assert_sound();
}

#[test]
fn no_byte_of_a_refused_request_reaches_the_app() {
    let patch = json!({ "store": { "timeout_ms": 1500 } });
    let edge = SlowStore::with(Backend::webdis(), &patch);
    let token = edge.login("ming");
    let asked = edge.asked();
    let held = edge.hold();
    let unknown = send_all(&edge, UNKNOWN, &SHAPES, &SMALL, || {
        edge.until_waiting(asked, SMALL.len() * SHAPES.len());
        drop(held);
    });
    for sent in unknown {
        let got = (sent.answer.0, sent.error());
        assert_eq!(got, (401, json!("invalid_token")), "{:?}", sent.shape);
    }
    edge.backend.proxy.set(BridgeFault::Hang);
    for token in [UNKNOWN, &token] {
        for sent in send_all(&edge, token, &SHAPES, &SMALL, || {}) {
            let got = (sent.answer.0, sent.error());
            assert_eq!(got, (503, json!("store_unavailable")), "{:?}", sent.shape);
        }
    }
    edge.backend.proxy.set(BridgeFault::Pass);
    assert_eq!(edge.rig.app.bytes_received(), 0);
    edge.assert_sound();
}

/// Guards against <https://github.com/envoyproxy/envoy/issues/46841>.
#[test]
fn no_piece_is_lost_before_while_or_after_the_verdict_comes() {
    let edge = SlowStore::start();
    let token = edge.login("ming");
    let app = &edge.rig.app;
    for round in 0..24 {
        let (asked, seen_before) = (edge.asked(), app.bytes_received());
        let held = edge.hold();
        let begin = [Upload::http1, Upload::http2][round % 2];
        let mut upload = begin(&edge, "/api/orders", &token);
        let mut sent = 0;
        let mut write = |size| {
            upload.write(&bytes(sent, size));
            sent += size;
            sent
        };
        for _ in 0..round % 4 {
            write(1000);
        }
        edge.until_waiting(asked, 1);
        assert_eq!(app.bytes_received(), seen_before);
        drop(held);
        // Paced, so that the verdict finds the body neither ended nor too large to be held.
        while app.bytes_received() == seen_before && write(500) < 30_000 {
            sleep(Duration::from_micros(300));
        }
        eventually(|| app.bytes_received() > seen_before);
        // Far more than could have been held.
        for _ in 0..40 {
            write(7000);
        }
        let with_trailers = round % 4 < 2;
        assert_eq!(upload.end(with_trailers), 200, "round {round}");
        let seen = app.take();
        assert_eq!(seen.len(), 1);
        let got = &seen[0].body;
        assert!(got == &bytes(0, sent), "round {round}: {}", got.len());
    }
    edge.assert_sound();
}

#[test]
fn pipelined_requests_are_judged_one_after_the_other() {
    let edge = SlowStore::start();
    let token = edge.login("ming");
    let post = |token: &str, size| {
        let request = Request::post("/api/orders").header("x-wx-skey", token);
        let request = request.body(bytes(size, size));
        [request.head_bytes("edge"), bytes(size, size)].concat()
    };
    let get = with_token(&token).head_bytes("edge");
    let mut connection = edge.connect();
    for first in [token.as_str(), UNKNOWN] {
        let (asked, seen_before) = (edge.asked(), edge.rig.app.bytes_received());
        let held = edge.hold();
        let all = [post(first, 5000), post(&token, 7000), get.clone()].concat();
        connection.write(&all).unwrap();
        edge.until_waiting(asked, 1);
        assert_eq!(edge.rig.app.bytes_received(), seen_before);
        drop(held);

        let mut status = |method| connection.read_response(method).unwrap().status;
        let passes = first == token;
        assert_eq!(status("POST"), if passes { 200 } else { 401 });
        assert_eq!((status("POST"), status("GET")), (200, 200));
        let seen = edge.rig.app.take();
        let bodies: Vec<_> = seen.iter().map(|seen| seen.body.clone()).collect();
        let expected = [bytes(5000, 5000), bytes(7000, 7000), Vec::new()];
        assert!(bodies == expected[usize::from(!passes)..], "{passes}");
    }
    edge.assert_sound();
}

#[test]
fn streams_of_one_connection_do_not_mix() {
    let edge = SlowStore::start();
    let tokens = [edge.login("ming"), UNKNOWN.into(), edge.login("hong")];
    let asked = edge.asked();
    let held = edge.hold();
    let mut connection = edge.connect_http2();
    let begin = |(user, token): (usize, &String)| {
        let mut headers = pseudo("POST", b"/api/orders");
        headers.push((b"x-wx-skey", token.as_bytes()));
        let id = connection.request(&headers, false);
        connection.data(id, &bytes(user, 9000), false);
        id
    };
    let ids: Vec<u32> = tokens.iter().enumerate().map(begin).collect();
    edge.until_waiting(asked, 3);
    assert_eq!(edge.rig.app.bytes_received(), 0);
    drop(held);
    assert_eq!(connection.answer(ids[1]).status, 401);
    for user in [2, 0] {
        connection.data(ids[user], &bytes(user + 9000, 9000), true);
        assert_eq!(connection.answer(ids[user]).status, 200);
    }
    for (seen, (user, name)) in edge.rig.app.take().iter().zip([(2, "hong"), (0, "ming")]) {
        let openid = edge.wechat.phone(name).openid().as_bytes().to_vec();
        assert_eq!(seen.header("x-wx-openid"), Some(&*openid));
        assert!(seen.body == bytes(user, 18_000), "{name}");
    }
    edge.assert_sound();
}
