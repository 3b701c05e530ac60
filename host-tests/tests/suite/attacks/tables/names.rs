//! Header names that are none, and headers that are another one to some reader.

use crate::attacks::message::Message;
use crate::attacks::row::{Door, FORGED, Row, TOKEN, Who, shown};

/// Whatever becomes of these, nobody may find `x-wx-openid` in them. Names of HTTP/1.1 and of HTTP/2.
const NAMES: &[&[u8]] = &[
    b"x\xff",
    b"x\xc3\xa9",
    b"x y",
    b"",
    b"x\0",
    b":x",
    b"x\xff-wx-openid",
    b"x-wx-openid ",
    b"x-wx-openid\t",
    b"x-wx-openid\x0b",
    b"x-wx-openid\x0c",
    b"x-wx-openid\0",
    b"x-wx-openid\xa0",
    b"x-wx-openid\x85",
    b"x-wx-openid\x7f",
    b"x-wx-openid\r",
    b"x-wx-openid\n",
    b"x-wx-openid\r\n",
    b"\0x-wx-openid",
    b"\x0bx-wx-openid",
    b"\rx-wx-openid",
    b"\nx-wx-openid",
    b"\r\nx-wx-openid",
    b":x-wx-openid",
    b"x-wx-openid:",
    b"z: y\r\nx-wx-openid",
    b"z: y\nx-wx-openid",
    b"x-wx-openid=",
    b"\"x-wx-openid\"",
    b"x-wx-openid[]",
    b"x-wx-openid;",
    b"x-wx-openid,",
    b"x-wx-openid/",
    b"x-wx-openid\\",
    b"(x-wx-openid)",
    b"x-wx-open\0id",
    b"x-wx-open\nid",
    b"x-wx-\xef\xbd\x8fpenid",
    b"x\xe2\x80\x90wx\xe2\x80\x90openid",
    b"x-wx-\xe2\x80\x8bopenid",
    b"x-wx-open\xc4\xb1d",
    b"X-WX-OPENID",
    b"x-wX-openid",
    b":authority",
    b":path",
    b":method",
    b":status",
    b":protocol",
    b":openid",
];

/// Of one connection, of a proxy, or of Envoy itself: none may make an app or Envoy do something else.
const OTHERS: &[(&str, &str)] = &[
    ("connection", "x-wx-openid"),
    ("connection", "close, x-wx-openid, x-wx-skey"),
    ("connection", "x-sent-from, content-length, host"),
    ("connection", "keep-alive, transfer-encoding"),
    ("connection", "te"),
    ("keep-alive", "timeout=5, max=1"),
    ("proxy-connection", "keep-alive"),
    ("proxy-authorization", "Basic eDp5"),
    ("te", "trailers"),
    ("te", "gzip, trailers"),
    ("te", "chunked"),
    ("trailer", "x-wx-openid"),
    ("max-forwards", "0"),
    ("via", "1.1 edge"),
    ("forwarded", "for=127.0.0.1;host=elsewhere;proto=https"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-forwarded-for", "127.0.0.1, 10.0.0.1, ::1"),
    ("x-forwarded-for", "unknown"),
    ("x-forwarded-host", "elsewhere"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-proto", "javascript"),
    ("x-forwarded-port", "0"),
    ("x-forwarded-prefix", "/public"),
    ("x-forwarded-client-cert", "By=x"),
    ("x-real-ip", "127.0.0.1"),
    ("x-client-ip", "127.0.0.1"),
    ("true-client-ip", "127.0.0.1"),
    ("x-sent-from", "127.0.0.1"),
    ("x_sent_from", "127.0.0.1"),
    ("x-envoy-internal", "true"),
    ("x-envoy-original-path", "/public/x"),
    ("x-envoy-original-dst-host", "127.0.0.1:1"),
    ("x-envoy-decorator-operation", "x"),
    ("x-envoy-downstream-service-cluster", "x"),
    ("x-envoy-external-address", "127.0.0.1"),
    ("x-envoy-force-trace", "true"),
    ("x-envoy-hedge-on-per-try-timeout", "true"),
    ("x-envoy-ip-tags", "x"),
    ("x-envoy-max-retries", "100"),
    ("x-envoy-retry-on", "5xx,reset"),
    ("x-envoy-upstream-alt-stat-name", "x"),
    ("x-envoy-upstream-rq-timeout-alt-response", "1"),
    ("x-envoy-upstream-rq-timeout-ms", "1"),
    ("x-envoy-upstream-rq-per-try-timeout-ms", "1"),
    ("x-envoy-expected-rq-timeout-ms", "1"),
    ("x-envoy-attempt-count", "3"),
    ("x-b3-traceid", "x"),
    ("x-request-id", "x\"y"),
    ("range", "bytes=0-0,1-1,2-2"),
    ("if-match", "*"),
    ("expect", "100-continue"),
    ("expect", "200-ok"),
    ("expect", "100-continue, 100-continue"),
    ("http2-settings", "AAMAAABkAAQAAP__"),
    ("early-data", "1"),
    ("content-length", "0"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("host", "app.spin.internal"),
    ("host", "edge:80"),
    ("host", "edge/public"),
    ("host", "edge@elsewhere"),
    ("host", "a, b"),
    ("host", ""),
    ("host", "[::1"),
    ("host", "edge\u{0}"),
    ("host", "x y"),
    ("spin-client-addr", "6.6.6.6:1"),
    ("spin-full-url", "http://edge/public"),
    ("spin-path-info", "/public"),
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for name in NAMES {
        for value in [FORGED, "/public/forged-by-a-client"] {
            let message = Message::get("/api/x")
                .field("x-wx-skey", TOKEN)
                .field(name, value);
            let row = Row::message(format!("{} = {value}", shown(name)), message);
            // A line end may end the head.
            rows.push(row.who(Who::Attacker).requests(2).in_both());
        }
        let first = [b"GET /api/x HTTP/1.1\r\n", *name, b": ", FORGED.as_bytes()].concat();
        let first = [
            &first[..],
            b"\r\nhost: edge\r\nx-wx-skey: ",
            TOKEN.as_bytes(),
            b"\r\n\r\n",
        ]
        .concat();
        rows.push(
            Row::http1(format!("{} first", shown(name)), first)
                .who(Who::Attacker)
                .requests(2),
        );
    }
    for (name, value) in OTHERS {
        for (target, who) in [
            ("/api/x", Who::Attacker),
            ("/api/x", Who::Nobody),
            ("/public/x", Who::Nobody),
        ] {
            let message = Message::get(target).field(name, value);
            let message = if who == Who::Attacker {
                message.field("x-wx-skey", TOKEN)
            } else {
                message
            };
            let row = Row::message(format!("{name}: {value}, {target} by {who:?}"), message);
            rows.push(row.who(who));
        }
        let twice = Message::get("/api/x")
            .field("x-wx-skey", TOKEN)
            .field(name, value)
            .field(name, value);
        rows.push(Row::message(format!("{name}: {value}, twice"), twice).who(Who::Attacker));
    }
    // So many that every reader has a limit.
    for count in [90, 99, 100, 101, 120, 1000] {
        let message = (0..count).fold(Message::get("/public/x"), |message, n| {
            message.field(format!("x-{n}"), "1")
        });
        rows.push(Row::message(format!("{count} headers"), message));
        let same = (0..count).fold(Message::get("/api/x"), |message, _| {
            message.field("x-wx-skey", TOKEN)
        });
        rows.push(
            Row::message(format!("{count} tokens"), same)
                .who(Who::Attacker)
                .at(&[Door::Shipped, Door::Spin]),
        );
    }
    rows
}
