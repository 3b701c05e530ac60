//! The client against the fake app, and against hand-written answers.

use super::*;
use crate::client::{Piece, send};
use crate::fakes::app::FakeApp;
use std::net::TcpListener;

const SHORT: Duration = Duration::from_secs(5);

/// A peer that reads something, says `answer`, and closes.
fn peer_that_says(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
    });
    addr
}

#[test]
fn a_connection_is_kept_for_a_second_request() {
    let app = FakeApp::start();
    let mut connection = Connection::open(app.addr(), SHORT).unwrap();
    for path in ["/one", "/two"] {
        let answer = connection.send(&Request::get(path)).unwrap();
        assert_eq!(
            (answer.status, answer.json().unwrap()["path"].as_str()),
            (200, Some(path))
        );
    }
    connection.abort();
}

#[test]
fn a_chunked_body_with_pauses_arrives_whole() {
    let app = FakeApp::start();
    let pieces = [
        Piece::from("ab"),
        Piece::after(Duration::from_millis(20), "cde"),
    ];
    send(app.addr(), &Request::post("/").chunked(pieces), SHORT).unwrap();
    assert_eq!(app.requests()[0].body, b"abcde");
}

#[test]
fn an_expected_continue_comes_before_the_body() {
    let app = FakeApp::start();
    let answer = send(
        app.addr(),
        &Request::post("/").body("hi").expect_continue(),
        SHORT,
    )
    .unwrap();
    assert_eq!((answer.interim, answer.status), (vec![100], 200));
    assert_eq!(app.requests()[0].body, b"hi");
}

#[test]
fn a_peer_that_refuses_instead_of_continuing_gets_no_body() {
    let addr = peer_that_says(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n");
    let answer = send(
        addr,
        &Request::post("/").body("hi").expect_continue(),
        SHORT,
    )
    .unwrap();
    assert_eq!((answer.status, answer.interim), (401, vec![]));
}

#[test]
fn answers_without_a_body_are_understood() {
    for (method, answer) in [
        ("HEAD", &b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"[..]),
        ("GET", b"HTTP/1.1 204 No\r\n\r\n"),
        (
            "GET",
            b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ),
    ] {
        let answer = send(peer_that_says(answer), &Request::new(method, "/"), SHORT).unwrap();
        assert!(answer.body.is_empty());
    }
}

#[test]
fn a_chunked_answer_and_one_until_close_are_read_to_the_end() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for answer in [&chunked[..], b"HTTP/1.1 200 OK\r\n\r\nabc"] {
        assert_eq!(
            send(peer_that_says(answer), &Request::get("/"), SHORT)
                .unwrap()
                .text(),
            "abc"
        );
    }
}

#[test]
fn an_answer_cut_short_is_an_error() {
    let addr = peer_that_says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
    assert!(send(addr, &Request::get("/"), SHORT).is_err());
}

#[test]
fn an_abort_after_a_continue_resets_in_the_middle_of_the_body() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut connection = Connection::open(listener.local_addr().unwrap(), SHORT).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    connection
        .write_head(&Request::post("/").body("hello").expect_continue())
        .unwrap();
    peer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    assert_eq!(connection.read_response("POST").unwrap().status, 100);
    connection.write(b"he").unwrap();
    connection.abort();
    let end =
        std::iter::repeat_with(|| peer.read(&mut [0; 4096])).find(|got| !matches!(got, Ok(1..)));
    assert_eq!(
        end.unwrap().unwrap_err().kind(),
        io::ErrorKind::ConnectionReset
    );
}

#[test]
fn after_a_half_close_the_answer_can_still_be_read() {
    let app = FakeApp::start();
    let mut connection = Connection::open(app.addr(), SHORT).unwrap();
    connection.write(b"GET /raw HTTP/1.1\r\n\r\n").unwrap();
    connection.half_close().unwrap();
    let drained = connection.drain();
    assert!(drained.bytes.starts_with(b"HTTP/1.1 200"));
    assert_eq!(drained.end, End::Closed);
}
