//! Requests that end in another place for another reader: whatever comes behind them is judged as what it is.

use crate::attacks::row::{Door, Must, Row, TOKEN, Who, shown};

/// What would be smuggled in: for the edge it is a body, a request of its own, or nothing.
const SMUGGLED: &str = "GET /api/smuggled HTTP/1.1\r\nhost: edge\r\nx-wx-openid: smuggled\r\nx-sent-from: smuggled\r\n\r\n";

/// The lines of a head that frame its body.
const FRAMINGS: &[&str] = &[
    "content-length: 5\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ncontent-length: 5",
    "content-length: 0\r\ntransfer-encoding: chunked",
    "content-length: 5\r\ntransfer-encoding: identity",
    "content-length: 5\r\ntransfer-encoding: xchunked",
    "content-length: 5\r\ntransfer_encoding: chunked",
    "content_length: 5\r\ntransfer-encoding: chunked",
    "content-length: 5\r\ntransfer.encoding: chunked",
    "content-length: 5\r\ntransfer-encoding : chunked",
    "content-length: 5\r\ntransfer-encoding\t: chunked",
    "content-length: 5\r\n transfer-encoding: chunked",
    "content-length: 5\r\n\ttransfer-encoding: chunked",
    "content-length: 5\r\nx: y\r\n transfer-encoding: chunked",
    "content-length: 5\r\nx: y\rtransfer-encoding: chunked",
    "content-length: 5\r\nx: y\ntransfer-encoding: chunked",
    "content-length: 5\r\nx: y\0transfer-encoding: chunked",
    "content-length: 5\r\ntransfer-encoding:\r\n chunked",
    "content-length: 5\r\ntransfer-encoding: \r\n\tchunked",
    "content-length: 5\r\ntransfer-encoding: chunked\r",
    "content-length: 5\r\ntransfer-encoding: \x0bchunked",
    "content-length: 5\r\ntransfer-encoding: chunked\x0c",
    "content-length: 5\r\ntransfer-encoding: chunked\0",
    "content-length: 5\r\n\0transfer-encoding: chunked",
    "content-length: 5\r\ntransfer-encoding\0: chunked",
    "content-length: 5\r\ntransfer-encoding;: chunked",
    "content-length: 5\r\n\"transfer-encoding\": chunked",
    "content-length: 5\r\ntransfer-encoding:chunked",
    "content-length: 5\r\nTRANSFER-ENCODING: CHUNKED",
    "content-length: 5\r\ntransfer-encoding: \"chunked\"",
    "content-length: 5\r\ntransfer-encoding: chunked;q=1",
    "content-length: 5\r\ntransfer-encoding: chunked, identity",
    "content-length: 5\r\ntransfer-encoding: identity, chunked",
    "content-length: 5\r\ntransfer-encoding: identity\r\ntransfer-encoding: chunked",
    "content-length: 5\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity",
    "content-length: 5\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked",
    "content-length: 5\r\nconnection: content-length\r\ntransfer-encoding: chunked",
    "connection: transfer-encoding\r\ntransfer-encoding: chunked",
    "connection: content-length\r\ncontent-length: 5",
    "transfer-encoding: chunked",
    "transfer-encoding: gzip, chunked",
    "transfer-encoding: chunked, gzip",
    "transfer-encoding: chunked, chunked",
    "transfer-encoding: chunk",
    "transfer-encoding: chunkedchunked",
    "transfer-encoding: ,chunked",
    "transfer-encoding: chunked,",
    "transfer-encoding: ",
    "transfer-encoding: ch\u{fc}nked",
    "te: chunked",
    "content-encoding: chunked",
    "content-length: 5",
    "content-length: 5\r\ncontent-length: 5",
    "content-length: 5\r\ncontent-length: 0",
    "content-length: 0\r\ncontent-length: 5",
    "content-length: 5\r\nContent-Length: 6",
    "content-length: 5\r\ncontent_length: 0",
    "content_length: 5",
    "content.length: 5",
    "content-length: 5, 5",
    "content-length: 5, 6",
    "content-length: 5,",
    "content-length: ,5",
    "content-length: +5",
    "content-length: -5",
    "content-length: -0",
    "content-length: 05",
    "content-length: 0x5",
    "content-length: 5.0",
    "content-length: 5e0",
    "content-length: 5 5",
    "content-length: 5;x",
    "content-length: 5\x0b",
    "content-length: 5\0",
    "content-length: \u{ff15}",
    "content-length: ",
    "content-length: a",
    "content-length:\t5\t",
    "content-length : 5",
    "content-length\t: 5",
    " content-length: 5",
    "x: y\r\n content-length: 5",
    "content-length:\r\n 5",
    "content-length: 5\r\n 5",
    "content-length: 4294967301",
    "content-length: 18446744073709551621",
    "content-length: 9223372036854775813",
    "content-length: 99999999999999999999999999",
    "",
];

/// What comes behind the head.
const BODIES: [&str; 4] = [
    "hello",
    "0\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "b\r\nx-wx-appid:\r\n0\r\n\r\n",
];

/// Chunks of a body, with what ends it.
const CHUNKS: &[&str] = &[
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a=b\r\nhello\r\n0\r\n\r\n",
    "5;a=\"\r\nx\"\r\nhello\r\n0\r\n\r\n",
    "5;\nhello\r\n0\r\n\r\n",
    "5;\r\nhello\r\n0;\r\n\r\n",
    "5;a\rb\r\nhello\r\n0\r\n\r\n",
    "5;a\0b\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5\t\r\nhello\r\n0\r\n\r\n",
    "05\r\nhello\r\n00\r\n\r\n",
    "0000000000000000000000005\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "5\nhello\n0\n\n",
    "5\rhello\r0\r\r",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloX\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "5\r\nhello\r\n\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\n\n",
    "5\r\nhello\r\n0\r\n\n",
    "5\r\nhello\r\n0\r\n\r",
    "5\r\nhello\r\n0",
    "5\r\nhell",
    "5",
    "g\r\nhello\r\n0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
    "5,5\r\nhello\r\n0\r\n\r\n",
    "5\x0b\r\nhello\r\n0\r\n\r\n",
    "7fffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "fffffffffffffffb\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "100000005\r\nhello\r\n0\r\n\r\n",
    "0\r\ncontent-length: 5\r\n\r\n",
    "0\r\ntransfer-encoding: chunked\r\n\r\n",
    "0\r\nhost: elsewhere\r\n\r\n",
    "0\r\n:path: /api/x\r\n\r\n",
    "0\r\nx y: z\r\n\r\n",
    "0\r\nx\r\n\r\n",
    "0\r\n x: y\r\n\r\n",
    "0\r\nx: y\r\n z\r\n\r\n",
    "0\r\nx: a\0b\r\n\r\n",
    "0\r\nx: \u{ff}\r\n\r\n",
    "0\r\nx: y\r\n",
    "0;a=b\r\nx: y\r\n\r\n",
    "00\r\n\r\n",
    "0_0\r\n\r\n",
];

/// The first line, and what stands before it.
const LINES: &[&str] = &[
    "\r\nGET /api/x HTTP/1.1",
    "\r\n\r\n\r\nGET /api/x HTTP/1.1",
    "\nGET /api/x HTTP/1.1",
    "\rGET /api/x HTTP/1.1",
    " GET /api/x HTTP/1.1",
    "\0GET /api/x HTTP/1.1",
    "GET  /api/x HTTP/1.1",
    "GET /api/x  HTTP/1.1",
    "GET\t/api/x\tHTTP/1.1",
    "GET\x0b/api/x\x0bHTTP/1.1",
    "GET /api/x HTTP/1.1 ",
    "GET /api/x HTTP/1.1\0",
    "GET /api/x HTTP/1.1 HTTP/1.1",
    "GET /api/x /public/x HTTP/1.1",
    "GET /api/x http/1.1",
    "GET /api/x HTTP/1.0",
    "GET /api/x HTTP/0.9",
    "GET /api/x HTTP/1.2",
    "GET /api/x HTTP/1.10",
    "GET /api/x HTTP/11",
    "GET /api/x HTTP/2.0",
    "GET /api/x HTTP/3",
    "GET /api/x HTTP/1.x",
    "GET /api/x HTTP/",
    "GET /api/x HTTPS/1.1",
    "GET /api/x FTP/1.1",
    "GET /api/x",
    "GET /api/x ",
    "GET",
    "/api/x HTTP/1.1",
    ":method: GET",
    "HTTP/1.1 200 OK",
    "HELO edge",
    "\u{16}\u{3}\u{1}",
    "\u{80}",
];

/// Headers of one request that two readers may see as another.
const HEADS: &[&str] = &[
    "host: edge\nx-wx-skey: {TOKEN}",
    "host: edge\rx-wx-skey: {TOKEN}",
    "host: edge\r\nx-wx-skey: {TOKEN}\r\n x",
    "host: edge\r\nx-wx-skey:\r\n {TOKEN}",
    "host: edge\r\nx-wx-skey: {TOKEN}\r\n\r",
    "host: edge\r\nx-wx-skey : {TOKEN}",
    "host: edge\r\nx-wx-skey\r\n: {TOKEN}",
    "host: edge\r\nx-wx-skey={TOKEN}",
    "host: edge\r\nx-wx-skey: {TOKEN}\r\nx-wx-openid",
    "host: edge\r\nx-wx-skey: {TOKEN}\r\n: x",
    "host: edge\r\nx-wx-skey: {TOKEN}\r\n:x",
    "host: edge\r\nhost: elsewhere\r\nx-wx-skey: {TOKEN}",
    "host: edge\r\nHost: edge\r\nx-wx-skey: {TOKEN}",
    "host : edge\r\nx-wx-skey: {TOKEN}",
    " host: edge\r\nx-wx-skey: {TOKEN}",
    "host: edge\r\n host: elsewhere\r\nx-wx-skey: {TOKEN}",
    "x-wx-skey: {TOKEN}",
    "host: \r\nx-wx-skey: {TOKEN}",
    "host: edge, elsewhere\r\nx-wx-skey: {TOKEN}",
    "host: edge\r\n:authority: elsewhere\r\nx-wx-skey: {TOKEN}",
    "host: edge\r\n:path: /public/x\r\nx-wx-skey: {TOKEN}",
    "host: edge\r\nconnection: close\r\nx-wx-skey: {TOKEN}",
    "host: edge\r\nconnection: close, x-wx-openid\r\nx-wx-skey: {TOKEN}",
];

/// Requests that have no body, with one.
const METHODS: &[&str] = &["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "PUT"];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for framing in FRAMINGS {
        for body in BODIES {
            for (path, token, who) in [
                ("/public/x", String::new(), Who::Nobody),
                ("/api/x", format!("x-wx-skey: {TOKEN}\r\n"), Who::Attacker),
            ] {
                let head =
                    format!("POST {path} HTTP/1.1\r\nhost: edge\r\n{token}{framing}\r\n\r\n");
                rows.push(
                    open(
                        format!("{framing:?} {path} {body:?}"),
                        format!("{head}{body}{SMUGGLED}"),
                    )
                    .who(who),
                );
            }
            // To what is read here, and with nothing smuggled.
            let head = format!(
                "POST /wx/login HTTP/1.1\r\nhost: edge\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
            );
            rows.push(open(
                format!("a login with {framing:?} {body:?}"),
                format!("{head}{body}"),
            ));
        }
    }
    for chunks in CHUNKS {
        for path in ["/public/x", "/wx/login", "/api/x"] {
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n");
            rows.push(open(
                format!("{chunks:?} to {path}"),
                format!("{head}{chunks}{SMUGGLED}"),
            ));
        }
    }
    for line in LINES {
        for end in ["\r\n", "\n"] {
            let bytes = format!("{line}{end}host: edge{end}x-wx-skey: {TOKEN}{end}{end}");
            rows.push(open(format!("{line:?} and {end:?}"), bytes).who(Who::Attacker));
        }
    }
    for head in HEADS {
        let bytes = format!("GET /api/x HTTP/1.1\r\n{head}\r\n\r\n");
        rows.push(open(shown(head), bytes).who(Who::Attacker));
        let old = format!("GET /api/x HTTP/1.0\r\n{head}\r\n\r\n");
        rows.push(open(format!("{}, HTTP/1.0", shown(head)), old).who(Who::Attacker));
        let absolute = format!("GET http://elsewhere/api/x HTTP/1.1\r\n{head}\r\n\r\n");
        rows.push(open(format!("{}, absolute", shown(head)), absolute).who(Who::Attacker));
    }
    for method in METHODS {
        for (path, token, who) in [
            ("/public/x", String::new(), Who::Nobody),
            ("/api/x", format!("x-wx-skey: {TOKEN}\r\n"), Who::Attacker),
        ] {
            let length = SMUGGLED.len();
            let head = format!("{method} {path} HTTP/1.1\r\nhost: edge\r\n{token}");
            for framed in [
                format!("content-length: {length}\r\n\r\n{SMUGGLED}"),
                format!("transfer-encoding: chunked\r\n\r\n{length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n"),
                format!("\r\n{SMUGGLED}"),
                format!("expect: 100-continue\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"),
                format!("expect: 100-continue\r\n\r\n{SMUGGLED}"),
                format!("expect: 100-Continue, x\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"),
                format!("connection: close\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"),
                format!(
                    "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
                ),
            ] {
                let mut row = open(
                    format!("{method} {path}, {}", shown(&framed)),
                    format!("{head}{framed}"),
                );
                row.head = *method == "HEAD";
                rows.push(row.who(who));
            }
        }
    }
    let hundred =
        format!("GET /api/x HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {TOKEN}\r\n\r\n").repeat(100);
    let pipeline = Row::http1("a hundred at once", hundred)
        .who(Who::Attacker)
        .requests(100);
    rows.push(pipeline);
    let alone = Row::http1(
        "a body",
        "POST /public/x HTTP/1.1\r\nhost: edge\r\ncontent-length: 5\r\n\r\nhello",
    );
    rows.push(alone.must(Must::Pass));
    rows
}

/// It may be two requests, or the beginning of one.
fn open(name: String, bytes: String) -> Row {
    // Latin-1, so that a table can say every byte.
    let bytes: Vec<u8> = bytes
        .chars()
        .flat_map(|c| {
            u8::try_from(u32::from(c))
                .map_or_else(|_| c.to_string().into_bytes(), |byte| vec![byte])
        })
        .collect();
    let doors = [Door::Shipped, Door::Bare, Door::Spin];
    Row::http1(name, bytes).at(&doors).requests(2).unfinished()
}
