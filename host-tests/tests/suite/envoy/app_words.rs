//! What the app says of a session in headers of its answers, over HTTP/2 and while a stream is open.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use serde_json::json;
use testkit::envoy::Config;
use testkit::eventually;
use testkit::http2::pseudo;

use crate::rig::envoy_world::{EnvoyWorld, PATIENCE, with_token};
use crate::spin::streams::{accepted, read_until};

const END: &str = "x-wx-session-end";
const ATTRIBUTES: &str = "x-wx-session-attributes";

fn edge(change: impl FnOnce(Config) -> Config) -> EnvoyWorld {
    EnvoyWorld::with(|config| {
        let patch = json!({
            "responses": { "session_end": true, "attributes": true },
            "session": { "cache_ttl_s": 60 },
        });
        change(config.patch_plugin(&patch))
    })
}

#[test]
fn over_http2_an_app_is_heard_and_its_words_stay_here() {
    let edge = edge(|config| config);
    let mut client = edge.connect_http2();
    for (method, status) in [("GET", 200), ("HEAD", 200), ("GET", 304), ("POST", 404)] {
        let token = edge.login("a");
        let mut ask = |words: &str| {
            let path = format!("/api/answer/{status}?{words}");
            let mut headers = pseudo(method, path.as_bytes());
            headers.push((b"x-wx-skey", token.as_bytes()));
            let stream = client.request(&headers, true);
            client.answer(stream)
        };
        for words in [format!("{ATTRIBUTES}=uid%3D42"), format!("{END}=this")] {
            let answer = ask(&words);
            assert_eq!(answer.status, status, "{method}");
            let told = |(name, _): &(String, String)| name.starts_with("x-wx-session");
            assert!(!answer.headers.iter().any(told), "{:?}", answer.headers);
            if words.starts_with(ATTRIBUTES) {
                let _ = edge.app.take();
                assert_eq!(edge.send(&with_token(&token)).status, 200);
                let seen = edge.app.take().remove(0);
                assert_eq!(seen.header(ATTRIBUTES), Some(&b"uid%3D42"[..]), "{method}");
            }
        }
        assert_eq!(edge.send(&with_token(&token)).status, 401, "{method}");
    }
    edge.assert_sound();
}

/// An event stream may go on for hours: what its headers say counts when they come.
#[test]
fn a_stream_is_heard_while_it_is_open_and_goes_on() {
    let app = TcpListener::bind("127.0.0.1:0").unwrap();
    let edge = edge(|config| config.endpoint("app", app.local_addr().unwrap()));
    let token = edge.login("a");
    let mut client = TcpStream::connect(edge.envoy.addr()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET /events HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {token}\r\n\r\n");
    client.write_all(head.as_bytes()).unwrap();
    let mut stream = accepted(&app);
    read_until(&mut stream, "\r\n\r\n");
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{END}: all\r\n\
         transfer-encoding: chunked\r\n\r\n6\r\ndata: \r\n"
    );
    stream.write_all(answer.as_bytes()).unwrap();
    let begun = read_until(&mut client, "data: ");
    assert!(!begun.to_ascii_lowercase().contains(END), "{begun}");
    // Refused here, so the app is not asked.
    assert_eq!(edge.send(&with_token(&token)).status, 401);
    stream.write_all(b"4\r\nmore\r\n0\r\n\r\n").unwrap();
    read_until(&mut client, "more");
    // Counted when the store has it.
    eventually(|| edge.counter("session.ended_by_app") == 1);
}
