//! The trace of a request goes on to the store and into the log.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;
use testkit::client::{Request, send};
use testkit::envoy::Config;
use testkit::eventually;
use testkit::fakes::wechat::FakeWechat;

use crate::rig::envoy_world::PATIENCE;
use crate::rig::{APPID, EnvoyRig, SECRET};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn a_call_to_the_store_and_a_line_in_the_log_belong_to_the_trace_of_their_request() {
    let store = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Config::read("examples/webdis/envoy.yaml").unwrap();
    let config = config.sessions(store.local_addr().unwrap());
    let wechat = FakeWechat::new(APPID, SECRET);
    let rig = EnvoyRig::start_on(config, &wechat, &json!({}), None);
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let request = Request::get("/orders")
        .header("x-wx-skey", "A".repeat(43))
        .header("traceparent", &parent)
        .header("tracestate", "a=1");
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| send(rig.envoy.addr(), &request, PATIENCE).unwrap());
        let (mut call, _) = store.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            call.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        for carried in [
            format!("traceparent: {parent}\r\n"),
            "tracestate: a=1\r\n".to_owned(),
            "x-request-id: ".to_owned(),
        ] {
            assert!(head.contains(&carried), "{head}");
        }
        call.write_all(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        drop(call);
        assert_eq!(asked.join().unwrap().status, 503);
    });
    let told = format!(r#""trace_id":"{TRACE}""#);
    eventually(|| {
        let log = rig.envoy.log();
        let of = |event: &str| {
            let mut lines = log.lines().filter(|line| line.contains(event));
            lines.any(|line| line.contains(&told))
        };
        of("store_failed") && of(r#""event":"refused""#)
    });
}
