//! The app, met with the raw client.

use super::*;
use crate::client::{Connection, Request, send};
use std::time::Duration;

const SHORT: Duration = Duration::from_secs(5);

#[test]
fn the_answer_and_the_record_show_what_was_sent() {
    let app = FakeApp::start();
    let request = Request::post("/a?b=c")
        .header("x-two", "1")
        .header("X-Two", [0xff])
        .body("hello");
    let answer = send(app.addr(), &request, SHORT).unwrap();
    assert_eq!(answer.json().unwrap()["body_length"], 5);
    let seen = app.take();
    assert_eq!(
        (
            seen[0].path.as_str(),
            seen[0].body.as_slice(),
            seen[0].count("x-two")
        ),
        ("/a?b=c", &b"hello"[..], 2)
    );
    assert!(app.requests().is_empty());
}

#[test]
fn a_script_answers_what_it_knows_and_the_rest_is_as_ever() {
    let app = FakeApp::start();
    app.answer_with(|request| {
        (request.path == "/login").then(|| Scripted {
            status: 201,
            headers: vec![("x-one".into(), "1".into())],
            body: r#"{"errno":0}"#.into(),
            ..Scripted::default()
        })
    });
    let answer = send(app.addr(), &Request::get("/login"), SHORT).unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (201, r#"{"errno":0}"#)
    );
    assert_eq!(answer.header("x-one"), Some(&b"1"[..]));
    let answer = send(app.addr(), &Request::get("/orders"), SHORT).unwrap();
    assert_eq!(answer.json().unwrap()["path"], "/orders");
    assert_eq!(app.take().len(), 2);
}

#[test]
fn an_unfinished_request_is_counted_in_bytes_only() {
    let app = FakeApp::start();
    assert_eq!(app.bytes_received(), 0);
    let mut connection = Connection::open(app.addr(), SHORT).unwrap();
    connection.write(b"GET / HTT").unwrap();
    connection.half_close().unwrap();
    connection.drain();
    assert_eq!((app.bytes_received(), app.requests().len()), (9, 0));
}

#[test]
fn a_websocket_upgrade_echoes_bytes() {
    let app = FakeApp::start();
    let mut connection = Connection::open(app.addr(), SHORT).unwrap();
    let upgrade = Request::get("/ws")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let answer = connection.send(&upgrade).unwrap();
    assert_eq!(answer.status, 101);
    assert_eq!(
        answer.header("sec-websocket-accept"),
        Some(&b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="[..])
    );
    connection.write(b"\x00ping").unwrap();
    assert_eq!(connection.read_exact(5).unwrap(), b"\x00ping");
}

#[test]
fn dropping_the_app_closes_its_connections() {
    let app = FakeApp::start();
    let mut connection = Connection::open(app.addr(), SHORT).unwrap();
    connection.send(&Request::get("/")).unwrap();
    drop(app);
    assert_ne!(connection.drain().end, crate::client::End::Open);
}
