//! Much of what is cheap to send, on one connection.

use testkit::http2::flag::{ACK, END_HEADERS, END_STREAM, PADDED};
use testkit::http2::hpack::literal;
use testkit::http2::kind::{
    self, CONTINUATION, DATA, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
use testkit::http2::{frame, pseudo};

use super::{Frames, WHOLE, good, head};

/// Much of what is cheap to send. Envoy ends such a connection, and serves the others.
pub fn floods() -> Vec<Frames> {
    let usual = literal(&pseudo("GET", b"/public/x"));
    let streams = |count: u32| (0..count).map(|n| 2 * n + 1);
    let begun = frame(HEADERS, END_STREAM, 1, &usual);
    let posted = head(1, END_HEADERS, &pseudo("POST", b"/public/x"));
    let reset = |id| [good(id), frame(RST_STREAM, 0, id, &8_u32.to_be_bytes())].concat();
    vec![
        ("pings", frame(PING, 0, 0, &[0; 8]).repeat(5000)),
        (
            "acknowledged pings",
            frame(PING, ACK, 0, &[0; 8]).repeat(5000),
        ),
        (
            "settings",
            frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]).repeat(5000),
        ),
        ("empty settings", frame(SETTINGS, 0, 0, &[]).repeat(5000)),
        (
            "window updates",
            frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(5000),
        ),
        (
            "priorities",
            frame(kind::PRIORITY, 0, 1, &[0, 0, 0, 3, 1]).repeat(5000),
        ),
        (
            "continuations",
            [
                begun.clone(),
                frame(CONTINUATION, 0, 1, &literal(&[(b"x", &[b'y'; 900])])).repeat(1000),
            ]
            .concat(),
        ),
        (
            "empty continuations",
            [begun, frame(CONTINUATION, 0, 1, &[]).repeat(5000)].concat(),
        ),
        (
            "empty pieces of a body",
            [posted.clone(), frame(DATA, 0, 1, &[]).repeat(5000)].concat(),
        ),
        (
            "padded empty pieces of a body",
            [
                posted.clone(),
                frame(DATA, PADDED, 1, &[[255].as_slice(), &[0; 255]].concat()).repeat(500),
            ]
            .concat(),
        ),
        (
            "pieces of a byte",
            [posted, frame(DATA, 0, 1, b"x").repeat(3000)].concat(),
        ),
        (
            "requests that are reset at once",
            streams(3000).flat_map(reset).collect(),
        ),
        ("requests", streams(500).flat_map(good).collect()),
        (
            "refused requests",
            streams(500)
                .flat_map(|id| head(id, WHOLE, &pseudo("GET", b"/api/x")))
                .collect(),
        ),
        (
            "requests that are never finished",
            streams(500)
                .flat_map(|id| head(id, END_HEADERS, &pseudo("POST", b"/wx/login")))
                .collect(),
        ),
        (
            "requests that are none",
            streams(500)
                .flat_map(|id| head(id, WHOLE, &[(b":method", b"GET")]))
                .collect(),
        ),
        (
            "empty requests",
            streams(500)
                .flat_map(|id| frame(HEADERS, WHOLE, id, &[]))
                .collect(),
        ),
        ("kinds of nobody", frame(0xfa, 0, 0, &[0; 100]).repeat(3000)),
        (
            "resets of nothing",
            frame(RST_STREAM, 0, 1, &[0; 4]).repeat(3000),
        ),
    ]
}
