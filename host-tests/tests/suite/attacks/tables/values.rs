//! Values that no honest client writes, in every header that the edge reads.

use crate::attacks::message::Message;
use crate::attacks::row::{CODE, OTHER, Row, TOKEN, Who, shown};

const READ: &[&str] = &[
    "x-wx-skey",
    "x-3rd-session",
    "authorization",
    "x-wx-id",
    "x-wx-code",
    "x-wx-encrypted-data",
    "x-wx-iv",
    "x-wx-rawdata",
    "x-wx-signature",
    "x-wx-app",
    "x-wx-everywhere",
    "x-wx-keep",
    "login_code",
    "cookie",
    "origin",
    "referer",
    "content-type",
    "content-encoding",
    "traceparent",
    "tracestate",
    "x-request-id",
    "access-control-request-method",
    "upgrade",
    "user-agent",
    "x-of-the-app",
];

const VALUES: &[&[u8]] = &[
    b"",
    b" ",
    b"\t",
    b"\xff",
    b"\xff\xfe\xfd",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\0",
    b"a\0b",
    b"\x01",
    b"\x7f",
    b"a\rb",
    b"a\nb",
    b"a\r\n b",
    b"a\r\nx-wx-openid: smuggled",
    b"a\nx-wx-openid: smuggled",
    b"a\rx-wx-openid: smuggled",
    b"a\r\nx_wx_openid: smuggled",
    b"a%0d%0ax-wx-appid: b",
    b"\xe5\x98\x8a\xe5\x98\x8dx: b",
    b"undefined",
    b"null",
    b"[object Object]",
    b",",
    b",,,,",
    b";",
    b"=",
    b"\"",
    b"\"\\",
    b"'",
    b"%",
    b"%00",
    b"%ff",
    b"%25%32%35",
    b"${jndi:ldap://x}",
    b"() { :;}; x",
    b"../../etc/passwd",
    b"{}",
    b"[]",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"\xe5\xb0\x8f\xe7\xa8\x8b\xe5\xba\x8f",
];

/// What is nearly a token.
const NEARLY: &[&str] = &[
    "Bearer {TOKEN}",
    "bearer{TOKEN}",
    "Bearer Bearer {TOKEN}",
    "Basic {TOKEN}",
    "{TOKEN}=",
    "{TOKEN}A",
    "A{TOKEN}",
    "{TOKEN},",
    "{TOKEN}, {TOKEN}",
    "{TOKEN}, {OTHER}",
    "{TOKEN} {OTHER}",
    "{TOKEN};{OTHER}",
    "\"{TOKEN}\"",
    "'{TOKEN}'",
    "%22{TOKEN}%22",
    "undefined, {TOKEN}",
    "{TOKEN}, null",
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let long = vec![b'A'; 8000];
    for name in READ {
        let is_session = ["x-wx-skey", "x-3rd-session", "authorization"].contains(name);
        for value in VALUES.iter().copied().chain([&long[..]]) {
            // One protocol ends a line there, the other does not.
            let ends = value.iter().any(|byte| b"\r\n\0".contains(byte));
            for (target, who) in [("/api/x", Who::Attacker), ("/wx/login", Who::Nobody)] {
                let message = Message::get(target).field(name, value);
                let message = if who == Who::Attacker {
                    message.field("x-wx-skey", TOKEN)
                } else {
                    message
                };
                let row = Row::message(format!("{name}: {}, {target}", shown(value)), message);
                let row = row.who(who);
                rows.push(if ends { row.in_both() } else { row });
            }
        }
        if is_session {
            for value in NEARLY {
                for target in ["/api/x", "/wx/user", "/public/x"] {
                    let row = Row::message(
                        format!("{name}: {value}, {target}"),
                        Message::get(target).field(name, value),
                    );
                    rows.push(row.who(Who::Attacker));
                }
            }
        }
    }
    // Of two codes nobody can tell which is meant; the second is as good as the first.
    let doubled = Message::get("/wx/login")
        .field("x-wx-code", CODE)
        .field("x-wx-code", CODE);
    rows.push(Row::message("two codes", doubled));
    let beside = Message::get("/api/x")
        .field("x-wx-skey", OTHER)
        .field("x-wx-code", "{}")
        .field("x-wx-skey", TOKEN);
    rows.push(Row::message("two tokens and a code that is none", beside));
    rows
}
