//! Bodies that are opened on their way to the app, in every way in which a client can send one to Spin.

use serde_json::json;
use testkit::client::{Connection, Request};

use crate::rig::Way;
use crate::rig::shapes::Shape;
use crate::rig::spin_world::{SpinWorld, TIMEOUT};

const SHAPES: [Shape; 4] = [
    Shape::ContentLength,
    Shape::Chunked,
    Shape::ChunkedWithPauses,
    Shape::ExpectContinue,
];
const JSON: (&str, &str) = ("content-type", "application/json");

fn start(way: Way) -> SpinWorld {
    let route = json!({ "path": "/api/profile", "session": "required", "open_data": "body" });
    SpinWorld::start_with(way, &json!({ "routes": [route] }), |_| {})
}

#[test]
fn open_data_is_opened_in_every_shape_and_other_bodies_come_as_they_were() {
    for way in Way::BOTH {
        let stage = start(way);
        let phone = stage.wechat.phone("alice");
        let token = stage.login(&phone);
        let sent = phone.user_info().to_json().to_string();
        let plain = format!("{{\"n\" : [{}]}}", " ".repeat(10_000));
        let headers = [("x-wx-skey", &*token), JSON];
        for shape in SHAPES {
            let post = |body: &str| {
                let body = body.as_bytes();
                let (status, _) =
                    shape.send_to(stage.addr(), "POST", "/api/profile", &headers, body);
                assert_eq!(status, 200, "{way:?} {shape:?}");
                stage.rig.app.take().remove(0)
            };
            let opened = post(&sent);
            let text = String::from_utf8(opened.body.clone()).unwrap();
            assert!(text.starts_with(r#"{"openData":{"#), "{text}");
            let length = text.len().to_string();
            assert_eq!(opened.header("content-length"), Some(length.as_bytes()));
            assert_eq!(opened.count("content-length"), 1);
            assert_eq!(opened.count("transfer-encoding"), 0);
            assert!(post(&plain).body == plain.as_bytes(), "{way:?} {shape:?}");
        }
        assert!(!stage.rig.spin.log().contains("[error]"), "{way:?}");
    }
}

#[test]
fn a_body_that_is_cut_off_never_reaches_the_app() {
    for way in Way::BOTH {
        let stage = start(way);
        let token = stage.login(&stage.wechat.phone("alice"));
        let sent = r#"{"a":1}"#;
        let request = Request::post("/api/profile").header("x-wx-skey", &token);
        let request = request.header(JSON.0, JSON.1).body(sent);
        for size in [0, 1, sent.len() - 1] {
            let mut connection = Connection::open(stage.addr(), TIMEOUT).unwrap();
            connection.write_head(&request).unwrap();
            connection.write(&sent.as_bytes()[..size]).unwrap();
            drop(connection);
        }
        assert_eq!(stage.send(&request).status, 200, "{way:?}");
        let seen = stage.rig.app.take();
        assert_eq!(seen.len(), 1, "{way:?}");
        assert_eq!(seen[0].body, sent.as_bytes());
    }
}
