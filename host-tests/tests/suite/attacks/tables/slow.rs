//! Clients that begin and never end: each is given up in time, in both protocols. For Envoy alone, since the host that
//! stands in for Spin does not wait for anybody's head.

use testkit::http2::flag::{END_HEADERS, END_STREAM};
use testkit::http2::hpack::literal;
use testkit::http2::kind::{DATA, HEADERS};
use testkit::http2::{PREFACE, frame, pseudo};

use crate::attacks::row::{Door, Row, Who};

/// What comes, and then nothing.
const BEGUN: &[&str] = &[
    "",
    "G",
    "GET ",
    "GET /api/x",
    "GET /api/x HTTP/1.1",
    "GET /api/x HTTP/1.1\r\n",
    "GET /api/x HTTP/1.1\r\nhost",
    "GET /api/x HTTP/1.1\r\nhost: edge\r\n",
    "GET /api/x HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {TOKEN}\r\nx: ",
    "GET /api/x HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {TOKEN}\r\n\r",
    "POST /wx/login HTTP/1.1\r\nhost: edge\r\ncontent-length: 30\r\n\r\n",
    "POST /wx/login HTTP/1.1\r\nhost: edge\r\ncontent-length: 30\r\n\r\n{\"code\":\"",
    "POST /wx/login HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n",
    "POST /wx/login HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
    "POST /wx/login HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n",
    "POST /api/profile HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {TOKEN}\r\ncontent-length: 30\r\n\r\n{",
    "POST /api/x HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {TOKEN}\r\ncontent-length: 30\r\n\r\n{",
    "POST /public/x HTTP/1.1\r\nhost: edge\r\ncontent-length: 30\r\n\r\n{",
    "POST /public/x HTTP/1.1\r\nhost: edge\r\nexpect: 100-continue\r\ncontent-length: 30\r\n\r\n",
    "POST /wx-admin/end-all HTTP/1.1\r\nhost: edge\r\ncontent-length: 30\r\n\r\n",
    "POST /wx/push HTTP/1.1\r\nhost: edge\r\ncontent-length: 30\r\n\r\n",
    "OPTIONS /api/x HTTP/1.1\r\nhost: edge\r\norigin: a\r\naccess-control-request-method: GET\r\ntransfer-encoding: chunked\r\n\r\n",
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for begun in BEGUN.iter().skip(1) {
        rows.push(Row::http1(format!("{begun:?}"), begun).who(Who::Attacker));
    }
    let post =
        |path: &'static [u8]| frame(HEADERS, END_HEADERS, 1, &literal(&pseudo("POST", path)));
    for (name, frames) in [
        ("a login without a body", post(b"/wx/login")),
        (
            "a login with half a body",
            [post(b"/wx/login"), frame(DATA, 0, 1, b"{")].concat(),
        ),
        (
            "an upload without an end",
            [post(b"/public/x"), frame(DATA, 0, 1, b"x")].concat(),
        ),
        (
            "a block without an end",
            frame(HEADERS, END_STREAM, 1, &literal(&pseudo("GET", b"/api/x"))),
        ),
        (
            "half a frame",
            frame(HEADERS, END_STREAM, 1, &[0; 100])[..50].to_vec(),
        ),
    ] {
        rows.push(Row::http2(name, frames));
    }
    rows.push(Row::http1("half a preface", &PREFACE[..10]));
    rows.into_iter()
        .map(|row| row.at(&[Door::Shipped]).alone())
        .collect()
}
