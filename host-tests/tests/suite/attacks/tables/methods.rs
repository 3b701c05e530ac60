//! Methods that are none, and requests that name another one beside their own, by which some apps go.

use crate::attacks::message::Message;
use crate::attacks::row::{Must, Row, TOKEN, Who, shown};

/// None of them is one that a rule could name.
const ODD: &[&[u8]] = &[
    b"get",
    b"Get",
    b"gET",
    b"post",
    b"GeT",
    b"get ",
    b" GET",
    b"GET\t",
    b"GET\x0b",
    b"GET\0",
    b"G\0ET",
    b"GET\xff",
    b"G\xc3\x8bT",
    b"GET/",
    b"GET,POST",
    b"GET;POST",
    b"GET\r\nPOST",
    b"GET\nPOST",
    b"GET:",
    b"",
    b"$",
    b"()",
    b"{}",
    b"0",
    b"__proto__",
    b"CONNECT",
    b"connect",
    b"GETGETGETGETGETGETGETGETGETGETGETGET",
    b"Options",
];

/// Any token in capitals is a method, and a rule without methods is for it too.
const RARE: &[&str] = &[
    "HEAD", "TRACE", "TRACK", "DEBUG", "PUT", "DELETE", "PATCH", "PROPFIND", "MKCOL", "MOVE",
    "COPY", "LOCK", "M-SEARCH", "SEARCH", "PURGE", "BAN", "LINK", "REPORT", "PRI", "QUERY", "X",
    "OPTIONS", "INDEX",
];

const OVERRIDES: &[&str] = &[
    "x-http-method-override",
    "X-HTTP-Method-Override",
    "x-http-method",
    "x-method-override",
    "x-method",
    "x_http_method_override",
    "x_method_override",
    "x.http.method.override",
    "x-http_method-override",
];

const IN_QUERY: &[&str] = &[
    "_method=POST",
    "_method=post",
    "a=1&_method=POST",
    "_method",
    "_method=",
    "%5fmethod=POST",
    "%5Fmethod=POST",
    "_%6dethod=POST",
    "_ajax_method=POST",
    "a;_method=POST",
    "a=1;_method=POST",
    "?_method=POST",
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for method in ODD {
        for target in ["/public/x", "/api/x", "/wx/session"] {
            let message = Message::new(method, target).field("x-wx-skey", TOKEN);
            let row = Row::message(format!("{} {target}", shown(method)), message);
            rows.push(row.who(Who::Attacker).in_both());
        }
    }
    for method in RARE {
        let nobodys = Row::message(
            format!("{method} by nobody"),
            Message::new(method, "/api/x"),
        );
        rows.push(nobodys.must(Must::NotPass));
        let message = Message::new(method, "/api/x").field("x-wx-skey", TOKEN);
        rows.push(Row::message(*method, message).who(Who::Attacker));
        for endpoint in ["/wx/session", "/wx/user", "/wx/decrypt", "/wx/nowhere"] {
            let message = Message::new(method, endpoint).field("x-wx-skey", TOKEN);
            rows.push(Row::message(format!("{method} {endpoint}"), message).who(Who::Attacker));
        }
    }
    // `/edit` is open to GET alone.
    rows.push(Row::message("GET /edit", Message::get("/edit/x")).must(Must::Pass));
    for method in RARE.iter().filter(|method| **method != "OPTIONS") {
        let message = Message::new(method, "/edit/x");
        rows.push(Row::message(format!("{method} /edit"), message).must(Must::NotPass));
    }
    for name in OVERRIDES {
        for (method, other) in [
            ("GET", "POST"),
            ("GET", "delete"),
            ("GET", ""),
            ("POST", "GET"),
            ("OPTIONS", "GET"),
        ] {
            let message = Message::new(method, "/edit/x").field(name, other);
            rows.push(
                Row::message(format!("{method}, {name}: {other}"), message).must(Must::NotPass),
            );
        }
        let twice = Message::get("/edit/x")
            .field(name, "GET")
            .field(name, "PUT");
        rows.push(Row::message(format!("{name} twice"), twice).must(Must::NotPass));
        let unreadable = Message::get("/edit/x").field(name, b"PUT\xff");
        rows.push(Row::message(format!("{name} unreadable"), unreadable).must(Must::NotPass));
        // Nor is what names another method a preflight.
        let preflight = Message::new("OPTIONS", "/api/x")
            .field("origin", "https://evil.example")
            .field("access-control-request-method", "POST")
            .field(name, "POST");
        rows.push(Row::message(format!("a preflight with {name}"), preflight).must(Must::NotPass));
    }
    for query in IN_QUERY {
        let message = Message::get(format!("/edit/x?{query}"));
        rows.push(Row::message(format!("?{query}"), message).must(Must::NotPass));
    }
    rows
}
