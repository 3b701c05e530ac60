//! Bodies beside their length, trailers, and what comes behind the end.

use testkit::http2::flag::{END_HEADERS, END_STREAM, PADDED};
use testkit::http2::frame;
use testkit::http2::kind::DATA;

use super::heads::TOKEN;
use super::{Frames, WHOLE, good, head, post};
use crate::attacks::row::FORGED;

/// Bodies beside their length, and trailers.
pub fn bodies() -> Vec<Frames> {
    const SMUGGLED: &[u8] =
        b"GET /api/smuggled HTTP/1.1\r\nhost: edge\r\nx-wx-openid: smuggled\r\n\r\n";
    let to = |length: &'static [u8], body: &[u8]| {
        let fields = post(b"/public/x", &[(b"content-length", length)]);
        [
            head(1, END_HEADERS, &fields),
            frame(DATA, END_STREAM, 1, body),
        ]
        .concat()
    };
    let trailers = |more: &[(&[u8], &[u8])]| {
        let fields = post(b"/api/x", &[TOKEN]);
        [
            head(1, END_HEADERS, &fields),
            frame(DATA, 0, 1, b"hello"),
            head(1, WHOLE, more),
        ]
        .concat()
    };
    vec![
        ("a length of 0 and a request", to(b"0", SMUGGLED)),
        ("a length of 5 and a request", to(b"5", SMUGGLED)),
        ("a length of 500 and a request", to(b"500", SMUGGLED)),
        ("two lengths in one and a request", to(b"0, 66", SMUGGLED)),
        ("a length with a sign and a request", to(b"+66", SMUGGLED)),
        (
            "no length and a request",
            [
                head(1, END_HEADERS, &post(b"/public/x", &[])),
                frame(DATA, END_STREAM, 1, SMUGGLED),
            ]
            .concat(),
        ),
        (
            "chunks in a body",
            [
                head(1, END_HEADERS, &post(b"/public/x", &[])),
                frame(
                    DATA,
                    END_STREAM,
                    1,
                    b"0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nhost: edge\r\n\r\n",
                ),
            ]
            .concat(),
        ),
        (
            "trailers that say who it is",
            trailers(&[
                (b"x-wx-openid", FORGED.as_bytes()),
                (b"x_wx_openid", FORGED.as_bytes()),
                (b"x.wx.unionid", FORGED.as_bytes()),
            ]),
        ),
        (
            "trailers with a pseudo header",
            trailers(&[(b":path", b"/public/x")]),
        ),
        (
            "trailers with a length",
            trailers(&[(b"content-length", b"0")]),
        ),
        (
            "trailers with a coding",
            trailers(&[(b"transfer-encoding", b"chunked")]),
        ),
        ("trailers with a host", trailers(&[(b"host", b"elsewhere")])),
        (
            "trailers with a line",
            trailers(&[(b"x", b"y\r\nx-wx-openid: forged-by-a-client")]),
        ),
        (
            "trailers in capitals",
            trailers(&[(b"X-WX-OPENID", FORGED.as_bytes())]),
        ),
        ("no trailers", trailers(&[])),
        (
            "trailers twice",
            [trailers(&[(b"x", b"y")]), head(1, WHOLE, &[(b"x", b"z")])].concat(),
        ),
        ("trailers without an end", {
            let fields = post(b"/api/x", &[TOKEN]);
            [
                head(1, END_HEADERS, &fields),
                frame(DATA, 0, 1, b"hello"),
                head(1, END_HEADERS, &[(b"x", b"y")]),
            ]
            .concat()
        }),
        (
            "a body behind the end",
            [good(1), frame(DATA, END_STREAM, 1, b"hello")].concat(),
        ),
        ("headers behind the end", [good(1), good(1)].concat()),
        ("a body of nobody", frame(DATA, END_STREAM, 1, b"hello")),
        ("a body on stream 0", frame(DATA, END_STREAM, 0, b"hello")),
        (
            "a body padded with all of it",
            [
                head(1, END_HEADERS, &post(b"/public/x", &[])),
                frame(
                    DATA,
                    END_STREAM | PADDED,
                    1,
                    &[[255].as_slice(), &[0; 255]].concat(),
                ),
            ]
            .concat(),
        ),
        (
            "a body padded with more than there is",
            [
                head(1, END_HEADERS, &post(b"/public/x", &[])),
                frame(DATA, END_STREAM | PADDED, 1, &[200, 1, 2]),
            ]
            .concat(),
        ),
    ]
}
