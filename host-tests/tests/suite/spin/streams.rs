//! Bodies on their way through: as they come, whole, and not above what the plugin reads itself.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::json;
use spin_host::Upstream;
use testkit::client::{Connection, Request};

use crate::rig::Way;
use crate::rig::spin_world::{SpinWorld, TIMEOUT};

/// The answer begins before the request ends, and each part arrives before the next is sent.
#[test]
fn bodies_are_streamed_both_ways() {
    for way in Way::BOTH {
        let app = TcpListener::bind("127.0.0.1:0").unwrap();
        let stage = SpinWorld::start_with(way, &json!({}), |manifest| {
            let app = Upstream::plain(app.local_addr().unwrap());
            manifest.outbound.insert("app.spin.internal".into(), app);
        });
        let token = stage.login(&stage.wechat.phone("alice"));
        let mut client = TcpStream::connect(stage.addr()).unwrap();
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        let head = format!(
            "POST /up HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {token}\r\ncontent-length: 6\r\n\r\none"
        );
        client.write_all(head.as_bytes()).unwrap();
        let mut stream = accepted(&app);
        read_until(&mut stream, "one");
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nfour")
            .unwrap();
        read_until(&mut client, "four");
        client.write_all(b"two").unwrap();
        read_until(&mut stream, "two");
        stream.write_all(b"five").unwrap();
        read_until(&mut client, "five");
        assert!(!stage.rig.spin.log().contains("[error]"), "{way:?}");
    }
}

/// Its chunks are none, or end before their end.
#[test]
fn a_client_that_breaks_its_body_off_is_told_so_and_nobody_blames_the_app() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        for body in ["5\r\nhelloX", "x\r\nhello", "5\r\nhel"] {
            let mut client = Connection::open(stage.addr(), TIMEOUT).unwrap();
            let head =
                "POST /public/x HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n";
            client.write(format!("{head}{body}").as_bytes()).unwrap();
            if body.ends_with("hel") {
                client.half_close().unwrap();
                client.drain();
                continue;
            }
            let answer = client.read_response("POST").unwrap();
            assert_eq!(answer.status, 400, "{way:?} {}", answer.text());
            let error = answer.json().unwrap()["error"].clone();
            assert_eq!(error, "malformed_body", "{way:?}");
        }
        assert_eq!(stage.rig.app.take(), []);
        assert!(!stage.log().contains("[error]"), "{}", stage.log());
    }
}

/// What the headers of a stream say of its session counts when they come, and the stream goes on.
#[test]
fn an_event_stream_is_heard_while_it_is_open() {
    for way in Way::BOTH {
        let app = TcpListener::bind("127.0.0.1:0").unwrap();
        let hears = json!({ "responses": { "session_end": true } });
        let stage = SpinWorld::start_with(way, &hears, |manifest| {
            let app = Upstream::plain(app.local_addr().unwrap());
            manifest.outbound.insert("app.spin.internal".into(), app);
        });
        let token = stage.login(&stage.wechat.phone("alice"));
        let mut client = TcpStream::connect(stage.addr()).unwrap();
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        let head = format!("GET /events HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {token}\r\n\r\n");
        client.write_all(head.as_bytes()).unwrap();
        let mut stream = accepted(&app);
        read_until(&mut stream, "\r\n\r\n");
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-wx-session-end: this\r\n\
                      transfer-encoding: chunked\r\n\r\n6\r\ndata: \r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        let begun = read_until(&mut client, "data: ");
        assert!(
            !begun.to_ascii_lowercase().contains("x-wx-session"),
            "{way:?} {begun}"
        );
        let request = Request::get("/api/orders").header("X-WX-Skey", &token);
        assert_eq!(stage.send(&request).status, 401, "{way:?}");
        stream.write_all(b"4\r\nmore\r\n0\r\n\r\n").unwrap();
        read_until(&mut client, "more");
    }
}

#[test]
fn a_body_of_many_megabytes_passes_whole() {
    let body: Vec<u8> = (0..32 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let token = stage.login(&stage.wechat.phone("alice"));
        let request = Request::post("/up").header("X-WX-Skey", &token).body(&body);
        assert_eq!(stage.send(&request).status, 200, "{way:?}");
        assert!(stage.rig.app.take().remove(0).body == body, "{way:?}");
    }
}

/// The app must not take what came for the whole.
#[test]
fn an_upload_that_stands_still_is_broken_off_at_the_app() {
    for way in Way::BOTH {
        let app = TcpListener::bind("127.0.0.1:0").unwrap();
        let shortly = json!({ "limits": { "body_timeout_ms": 100 } });
        let stage = SpinWorld::start_with(way, &shortly, |manifest| {
            let app = Upstream::plain(app.local_addr().unwrap());
            manifest.outbound.insert("app.spin.internal".into(), app);
        });
        let token = stage.login(&stage.wechat.phone("alice"));
        let mut client = TcpStream::connect(stage.addr()).unwrap();
        let head = format!(
            "POST /up HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {token}\r\n\
             transfer-encoding: chunked\r\n\r\n3\r\none\r\n"
        );
        client.write_all(head.as_bytes()).unwrap();
        let mut stream = accepted(&app);
        read_until(&mut stream, "one");
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = stream.read_to_end(&mut rest);
        let rest = String::from_utf8_lossy(&rest);
        assert!(!rest.contains("0\r\n\r\n"), "{way:?} {rest:?}");
    }
}

#[test]
fn a_body_above_the_limit_is_refused() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        for size in [16_384, 16_385, 5 << 20] {
            let body = vec![b' '; size];
            let request = Request::post("/wx/login").header("content-type", "application/json");
            let answer = stage.send(&request.body(&body));
            let expected = if size == 16_384 { 400 } else { 413 };
            assert_eq!(answer.status, expected, "{way:?} {size} {}", answer.text());
        }
        assert_eq!(stage.rig.spin.instances(), 1, "{way:?}");
    }
}

/// The connection that comes in time.
pub fn accepted(listener: &TcpListener) -> TcpStream {
    let listener = listener.try_clone().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(listener.accept()));
    let (stream, _) = told.recv_timeout(TIMEOUT).expect("nobody comes").unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

pub fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(end.as_bytes()) {
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    String::from_utf8(seen).unwrap()
}
