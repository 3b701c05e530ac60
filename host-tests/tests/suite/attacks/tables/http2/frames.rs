//! Frames beside the rules of HTTP/2: of the wrong size, on the wrong stream, in the wrong order.

use testkit::http2::flag::{ACK, END_HEADERS, END_STREAM, PADDED, PRIORITY};
use testkit::http2::hpack::literal;
use testkit::http2::kind::{
    self, CONTINUATION, DATA, GOAWAY, HEADERS, PING, PUSH_PROMISE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE,
};
use testkit::http2::{frame, pseudo};

use super::{Frames, WHOLE, good, head};

/// Frames beside the rules of HTTP/2.
pub fn frames() -> Vec<Frames> {
    let begun = head(1, END_STREAM, &pseudo("GET", b"/public/x"));
    vec![
        ("an even stream", good(2)),
        ("stream 0", good(0)),
        ("streams in reverse", [good(5), good(3)].concat()),
        ("a stream twice", [good(1), good(1)].concat()),
        ("a block that nobody ends", begun.clone()),
        (
            "another frame within a block",
            [begun.clone(), frame(PING, 0, 0, &[0; 8])].concat(),
        ),
        (
            "another stream within a block",
            [begun.clone(), good(3)].concat(),
        ),
        (
            "a continuation of another stream",
            [begun.clone(), frame(CONTINUATION, END_HEADERS, 3, &[])].concat(),
        ),
        (
            "a continuation of nothing",
            frame(CONTINUATION, END_HEADERS, 1, &[]),
        ),
        (
            "a continuation behind an end",
            [good(1), frame(CONTINUATION, END_HEADERS, 1, &[])].concat(),
        ),
        (
            "an empty continuation",
            [begun.clone(), frame(CONTINUATION, END_HEADERS, 1, &[])].concat(),
        ),
        ("settings that are none", frame(SETTINGS, 0, 0, &[0, 1, 0])),
        (
            "settings on a stream",
            frame(SETTINGS, 0, 1, &[0, 3, 0, 0, 0, 1]),
        ),
        (
            "settings with an acknowledged body",
            frame(SETTINGS, ACK, 0, &[0, 3, 0, 0, 0, 1]),
        ),
        (
            "an acknowledgement of nothing",
            frame(SETTINGS, ACK, 0, &[]).repeat(3),
        ),
        (
            "a window too large",
            frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff]),
        ),
        (
            "frames too small",
            frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1]),
        ),
        (
            "frames too large",
            frame(SETTINGS, 0, 0, &[0, 5, 0xff, 0xff, 0xff, 0xff]),
        ),
        (
            "push turned on to 2",
            frame(SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 2]),
        ),
        (
            "settings of nobody",
            frame(SETTINGS, 0, 0, &[0xff, 0xff, 1, 2, 3, 4]),
        ),
        (
            "extended CONNECT from a client",
            frame(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1]),
        ),
        ("a window update of 0", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        (
            "a window update too large",
            frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(2),
        ),
        (
            "a window update of a stream of nobody",
            frame(WINDOW_UPDATE, 0, 9, &[0, 0, 0, 1]),
        ),
        (
            "a window update of three bytes",
            frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1]),
        ),
        ("a ping of seven bytes", frame(PING, 0, 0, &[0; 7])),
        ("a ping on a stream", frame(PING, 0, 1, &[0; 8])),
        ("a push", frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])),
        ("a goodbye", frame(GOAWAY, 0, 0, &[0; 8])),
        (
            "a goodbye and a request",
            [frame(GOAWAY, 0, 0, &[0; 8]), good(1)].concat(),
        ),
        ("a reset of nothing", frame(RST_STREAM, 0, 1, &[0; 4])),
        ("a reset of stream 0", frame(RST_STREAM, 0, 0, &[0; 4])),
        (
            "a reset of three bytes",
            [good(1), frame(RST_STREAM, 0, 1, &[0; 3])].concat(),
        ),
        (
            "a request and its reset",
            [good(1), frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes())].concat(),
        ),
        (
            "a stream that waits for itself",
            frame(
                HEADERS,
                WHOLE | PRIORITY,
                1,
                &[
                    &[0, 0, 0, 1, 255][..],
                    &literal(&pseudo("GET", b"/public/x")),
                ]
                .concat(),
            ),
        ),
        (
            "a priority of four bytes",
            frame(kind::PRIORITY, 0, 1, &[0; 4]),
        ),
        ("a kind of nobody", frame(0xfa, 0xff, 1, b"hello")),
        (
            "a kind of nobody within a block",
            [begun, frame(0xfa, 0, 0, b"hello")].concat(),
        ),
        (
            "padded headers",
            frame(
                HEADERS,
                WHOLE | PADDED,
                1,
                &[&[3][..], &literal(&pseudo("GET", b"/public/x")), &[0; 3]].concat(),
            ),
        ),
        (
            "headers padded with more than there is",
            frame(HEADERS, WHOLE | PADDED, 1, &[200, 1, 2]),
        ),
        (
            "a frame longer than allowed",
            frame(DATA, 0, 1, &[0; 20_000]),
        ),
        (
            "a frame of three bytes more than come",
            [&[0, 0, 8, PING, 0, 0, 0, 0, 0][..], &[0; 8]].concat(),
        ),
        (
            "HTTP/1.1 in the middle",
            b"GET /api/x HTTP/1.1\r\nhost: edge\r\n\r\n".to_vec(),
        ),
        ("the preface again", testkit::http2::PREFACE.to_vec()),
        ("zeros", vec![0; 1000]),
        ("ones", vec![0xff; 1000]),
    ]
}
