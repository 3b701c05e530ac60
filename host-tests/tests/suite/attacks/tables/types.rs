//! Media types that careless readers take for another one, and what a body is packed in.

use crate::attacks::message::Message;
use crate::attacks::row::{Door, FORGED, Row, TOKEN, Who, shown};

/// What a body may be said to be.
pub const TYPES: [Option<&str>; 24] = [
    None,
    Some(""),
    Some("application/json"),
    Some("application/json; charset=utf-8"),
    Some("application/json; charset=utf-16"),
    Some("application/json; x=urlencoded"),
    Some("application/json; x=multipart; boundary=b"),
    Some("application/json, application/x-www-form-urlencoded"),
    Some("application/json;application/x-www-form-urlencoded"),
    Some("application/json/x"),
    Some("application/ json"),
    Some("application/jsonp"),
    Some("application/problem+json"),
    Some("text/json"),
    Some("text/plain; x=json"),
    Some("application/x-www-form-urlencoded"),
    Some("application/x-www-form-urlencoded; x=json"),
    Some("application/x-www-form-urlencoded;application/json"),
    Some("application/x-www-form-urlencoded, application/json"),
    Some("application/x-www-form-urlencoded; charset=utf-8"),
    Some("Application/X-WWW-Form-Urlencoded ;"),
    Some("multipart/form-data; boundary=b"),
    Some("multipart/form-data; x=json; boundary=\"b\""),
    Some("multipart/mixed; boundary=b"),
];

/// Others, which no framework here reads.
const ODD: &[&str] = &[
    "application/json; charset=utf-7",
    "application/json; charset=UTF-16LE",
    "application/json; charset=ibm037",
    "application/json; charset=utf-8; charset=utf-16",
    "application/json; charset*=utf-16''x",
    "application/json; charset=\"utf\\-7\"",
    "application/json;charset = utf-7",
    "application/x-www-form-urlencoded; charset=ibm500",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded\0",
    "application/json\0/x-www-form-urlencoded",
    "application/jso\u{fb01}",
    "application\\json",
    "application//json",
    "/json",
    "json",
    "*/*",
    "application/*",
    "application/json;boundary=b",
    "application/graphql",
    "application/xml",
    "text/xml",
    "application/x-yaml",
    "application/x-msgpack",
    "application/x-java-serialized-object",
    "application/csp-report",
    "application/ld+json",
    "application/vnd.api+json; ext=x",
    "text/plain",
    "text/html",
    "image/svg+xml",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b; boundary=c",
    "multipart/form-data; boundary=\"b\\\"\"",
    "multipart/form-data; boundary*=utf-8''b",
    "multipart/form-data; boundary*0=b",
    "multipart/form-data; BOUNDARY=b",
    "multipart/form-data; boundary=b, multipart/form-data; boundary=c",
    "multipart/related; boundary=b",
    "multipart/x-mixed-replace; boundary=b",
    "message/http",
];

/// Codings of a body: none of them is undone here, and some app undoes each.
const CODINGS: &[&str] = &[
    "gzip",
    "x-gzip",
    "deflate",
    "br",
    "zstd",
    "compress",
    "identity, gzip",
    "gzip, identity",
    "GZIP",
    "identity",
    "Identity",
    "chunked",
    "aes128gcm",
    "",
    " ",
    "gzip;q=1",
    "*",
    "gzip, gzip, gzip, gzip",
];

/// 10 MiB of zeros in gzip, as far as it matters: its head, and no end.
const BOMB: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xec\xc1\x01\r\0\0\0\xc2\xa0\xf7Om\x0e7\xa0";

const FORGING: &str = "{\"openData\":{\"phoneNumber\":\"forged-by-a-client\"}}";

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let of_both = || TYPES.into_iter().flatten().chain(ODD.iter().copied());
    for kind in of_both() {
        let form = format!("a=1&openData[phoneNumber]={FORGED}&opened={FORGED}");
        let part = format!(
            "--b\r\nContent-Disposition: form-data; name=\"openData\"\r\n\r\n{FORGED}\r\n--b--\r\n"
        );
        for (what, body) in [("JSON", FORGING), ("a form", &form), ("a part", &part)] {
            for target in ["/api/profile", "/wx/login", "/wx/decrypt", "/auth/body"] {
                let message = Message::post(target, kind, body).field("x-wx-skey", TOKEN);
                let row = Row::message(format!("{what} as {}, {target}", shown(kind)), message);
                let shut = ["/api/profile", "/wx/decrypt"].contains(&target);
                // What is not looked into is the app's, a route that logs in too.
                let row = if target == "/auth/body" {
                    as_the_apps(row)
                } else {
                    row
                };
                rows.push(
                    if shut { row.who(Who::Attacker) } else { row }
                        .at(&[Door::Shipped, Door::Spin]),
                );
            }
        }
        let two =
            Message::post("/api/profile", kind, FORGING).field("content-type", "application/json");
        rows.push(
            Row::message(
                format!("{} and JSON", shown(kind)),
                two.field("x-wx-skey", TOKEN),
            )
            .who(Who::Attacker),
        );
        let disguised = Message::post("/api/profile", "application/json", "{\"a\":\"&openDat&\"}")
            .field("content_type", kind);
        let disguised = disguised.field("x-wx-skey", TOKEN);
        rows.push(
            Row::message(format!("{} as content_type", shown(kind)), disguised).who(Who::Attacker),
        );
    }
    for coding in CODINGS {
        for body in [BOMB, FORGING.as_bytes()] {
            for target in [
                "/api/profile",
                "/api/any",
                "/wx/login",
                "/api/token-in-body",
            ] {
                let message = Message::post(target, "application/json", body)
                    .field("content-encoding", coding);
                let row = Row::message(
                    format!("{coding:?}, {} to {target}", shown(body)),
                    message.field("x-wx-skey", TOKEN),
                );
                // There nothing but a token is looked for.
                let row = if target == "/api/token-in-body" {
                    as_the_apps(row)
                } else {
                    row
                };
                rows.push(row.who(Who::Attacker).at(&[Door::Shipped, Door::Spin]));
            }
            let twice = Message::post("/api/profile", "application/json", body);
            let twice = twice
                .field("content-encoding", "identity")
                .field("content-encoding", coding);
            rows.push(
                Row::message(
                    format!("identity and {coding:?}"),
                    twice.field("x-wx-skey", TOKEN),
                )
                .who(Who::Attacker),
            );
        }
    }
    rows
}

/// The same without a forgery: on this route the body is the app's affair.
fn as_the_apps(mut row: Row) -> Row {
    if let crate::attacks::row::Says::Message(message) = &mut row.says {
        *message = message.clone().without(FORGED);
    }
    row
}
