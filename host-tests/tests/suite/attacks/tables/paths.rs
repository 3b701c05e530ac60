//! Paths that have two readings, and other spellings of paths that need a session.

use crate::attacks::message::Message;
use crate::attacks::row::{Door, Must, Row, TOKEN, Who, shown};

/// What follows a route's path. Each would be another path for some app server.
const TAILS: &[&[u8]] = &[
    b"/%2fx",
    b"/..%2Fapi/x",
    b"/%5cx",
    b"/..%5Capi",
    b"/%00",
    b"/x%00.html",
    b"/x%0d%0a",
    b"/x%0d%0ax-wx-openid:%20forged-by-a-client",
    b"//x",
    b"//",
    b"/./x",
    b"/.",
    b"/../api/x",
    b"/..",
    b"/x/../../api/x",
    b"/%2e%2e/api/x",
    b"/%2E/x",
    b"/.%2e/api/x",
    b"/%2e./api/x",
    b"/%252e%252e/api/x",
    b"/%25%32%66x",
    b"/%25252fx",
    b"/%u002fx",
    b"/%u2215x",
    b"/%uff0fx",
    b";x",
    b"/x;y=z",
    b"/..;/api/x",
    b"/..;x=y/api/x",
    b"/.;/x",
    b"/;/../api/x",
    b"/%3bx",
    b"/..%3b/api/x",
    b"\\x",
    b"/\\..\\api",
    b"/..\\api",
    b"/%",
    b"/%2",
    b"/%zz",
    b"/%ff",
    b"/%fe%ff",
    b"/%c0%af",
    b"/%c0%2f",
    b"/%c0%ae%c0%ae/api/x",
    b"/%e0%80%af",
    b"/%f0%80%80%af",
    b"/%f8%80%80%80%af",
    b"/%ed%a0%80",
    b"/%f4%90%80%80",
    b"/%f0%9f%98",
    b"/%c3%28",
    b"/%ef%bc%8f..%ef%bc%8fapi",
    b"/%ef%bc%8e%ef%bc%8e/api/x",
    b"/%e3%80%82%e3%80%82/api/x",
    b"/%e2%80%a5/api/x",
    b"/%e2%80%a6/api/x",
    b"/..%e2%80%8b/api/x",
    b"/..%ef%b8%8f/api/x",
    b"/%e2%81%84api",
    b"/%e2%88%95api",
    b"/%ef%bc%bcapi",
    b"/%ef%b9%a8api",
    b"/%e2%84%80",
    b"/%ef%bc%852e%ef%bc%852e/api",
    b"/x.",
    b"/x./y",
    b"/...",
    b"/....//api",
    b"/x%2e",
    b"/x%20",
    b"/x%20/y",
    b"/%20/y",
    b"/..%20/api/x",
    b"/..%09/api/x",
    b"/..%00/api/x",
    b"/..%0d/api/x",
    b"/..%01/api/x",
    b"/x%c2%a0",
    b"/x%e3%80%80",
    b"/x%e2%80%8b",
    b"/x%ef%bb%bf",
    b"/x%c2%ad",
    b"/x%7f",
    b"/x%c2%85",
    b"/x%e2%80%a8",
    b"/x%1b[0m",
    b"/%23",
    b"/%3f",
    b"/x%3fskey=y",
    b"/\xff",
    b"/x\x7f",
    b"/x\x0b",
    b"/x\ty",
    b"/x\0",
];

/// Some readers cut what follows a number sign off before they ask anybody.
const FRAGMENTS: &[&[u8]] = &[b"/x#y", b"#/../../api/x", b"#", b"/x#?y", b"?x#y"];

/// Whole request targets.
const TARGETS: &[&[u8]] = &[
    b"",
    b"*",
    b"?",
    b"#",
    b"api/x",
    b"public/x",
    b"//api/x",
    b"///public/x",
    b"\\api\\x",
    b"/\\api/x",
    b"/%2fapi/x",
    b"//public@edge/x",
    b"http:/public//x",
    b"http:public",
    b"http://edge//api/x",
    b"http://edge/public/../api/x",
    b"http://edge/public/%2e%2e/api/x",
    b"http://edge/public;/x",
    b"http://edge\\api",
    b"http://",
    b"http:///public",
    b"://edge/public",
    b"javascript:alert(1)",
    b"file:///etc/passwd",
    b"/../../../../etc/passwd",
    b"/..",
    b"/.",
    b"/public/x y",
    b"/public/x HTTP/1.1",
    b"/public/x\x0bHTTP/1.0",
    b"/public/x\rGET /api/x",
];

/// Absolute targets count by their path, whatever host they name.
const ABSOLUTE: &[&[u8]] = &[
    b"http://elsewhere/api/x",
    b"http://elsewhere",
    b"http://user:pass@edge/api/x",
    b"https://edge/api/x",
    b"HTTP://EDGE/api/x",
    b"http://edge:65536/api/x",
    b"http://[::1]/api/x",
    b"http://edge?x",
    b"http://edge?/public/x",
    b"http://edge#/public/x",
    b"ws://edge/api/x",
    b"ftp://edge/api/x",
    b"http://app.spin.internal/api/x",
];

/// Other spellings of a path that needs a session, below one that needs none.
const PRIVATE: &[&str] = &[
    "/public/private",
    "/public/private/",
    "/public/PRIVATE",
    "/public/Private",
    "/public/%70rivate",
    "/public/priv%61te",
    "/public/private.json",
    "/public/private.",
    "/public/private~1",
    "/public/private,x",
    "/public/private;x",
    "/public/private%3bx",
    "/public/private%00",
    "/public/private%20",
    "/public/%20private",
    "/public/+private",
    "/public/private+",
    "/public/private?x",
    "/public/private%3fx",
    "/public/private%23x",
    "/public/private:443",
    "/public/private@x",
    "/public/private!",
    "/public/private'",
    "/public/private\"",
    "/public/private*",
    "/public/private|x",
    "/public/private$",
    "/public/private=",
    "/public/private%c2%a0",
    "/public/private%e2%80%8b",
    "/public/pri%e2%80%8bvate",
    "/public/pri%c2%advate",
    "/public/%ef%bc%b0rivate",
    "/public/pr%c4%b1vate",
    "/public/PR%c4%b0VATE",
    "/public/%e2%93%9frivate",
    "/public/%f0%9d%90%a9rivate",
    "/public/private%ef%bc%8ejson",
    "/public//private",
    "/public/./private",
    "/public/x/../private",
    "/public/%2e/private",
    "/public%2fprivate",
    "/public%5cprivate",
    "/public\\private",
    "/public;/private",
    "//public/private",
    "/public/private//",
    "/public/private/.",
    "/public/private/x/..",
];

/// What belongs to WeChat, to the operator, and to the edge itself: no client's request for it reaches the app, and with no
/// session either. The endpoints' own spellings aside, whose others are the app's.
const OF_OTHERS: &[&str] = &[
    "/wx/push",
    "/wx/push/",
    "/WX/push",
    "/wx/PUSH",
    "/wx/push.json",
    "/wx/%70ush",
    "/wx/push;x",
    "/wx/push%20",
    "/%77x/push",
    "/%ef%bd%97x/push",
    "/wx/push?signature=x&timestamp=1&nonce=2&msg_signature=y",
    "/wx-admin",
    "/wx-admin/",
    "/wx-admin/sessions",
    "/WX-ADMIN/end-all",
    "/wx_admin/end-all",
    "/wx-admin.json",
    "/wx-admin/end-all/x",
    "/wx-%61dmin/end",
    "/ wx-admin/end",
    "/%20wx-admin/end",
    "/+wx-admin/end",
    "/wx-admin;/end",
    "/%ef%bd%97x-admin/end",
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut ambiguous = |target: Vec<u8>| {
        for (who, method) in [
            (Who::Nobody, "GET"),
            (Who::Attacker, "GET"),
            (Who::Attacker, "OPTIONS"),
        ] {
            let row = Row::message(
                format!("{method} {} by {who:?}", shown(&target)),
                of(method, &target, who),
            );
            let row = row.who(who);
            rows.push(row.clone().at(&[Door::Bare]).in_both().must(Must::NotPass));
            if method == "GET" {
                rows.push(row.in_both());
            }
        }
    };
    for tail in TAILS {
        for route in ["/api", "/feed", "/public"] {
            ambiguous([route.as_bytes(), tail].concat());
        }
    }
    for tail in FRAGMENTS {
        ambiguous([b"/public", *tail].concat());
    }
    for target in TARGETS {
        ambiguous(target.to_vec());
    }
    for target in ABSOLUTE {
        for who in [Who::Nobody, Who::Attacker] {
            rows.push(
                Row::message(
                    format!("{} by {who:?}", shown(target)),
                    of("GET", target, who),
                )
                .who(who),
            );
        }
    }
    for target in PRIVATE {
        let row = Row::message(*target, Message::get(target)).must(Must::NotPass);
        rows.push(row.at(&[Door::Shipped, Door::Bare, Door::Spin]));
    }
    for target in OF_OTHERS {
        for method in ["GET", "POST", "OPTIONS"] {
            let message = of(method, target.as_bytes(), Who::Attacker);
            let row = Row::message(format!("{method} {target}"), message).who(Who::Attacker);
            rows.push(
                row.must(Must::NotPass)
                    .at(&[Door::Shipped, Door::Bare, Door::Spin]),
            );
        }
    }
    let query = "/public/x?next=//a/../b;c=%2f%00&d=\\";
    rows.push(
        Row::message("a query may hold what a path may not", Message::get(query))
            .must(Must::Pass)
            .at(&[Door::Shipped, Door::Bare]),
    );
    rows.push(
        Row::message("a path", of("GET", b"/api/x", Who::Attacker))
            .who(Who::Attacker)
            .must(Must::Pass),
    );
    rows.push(
        Row::message("a path without a session", Message::get("/api/x"))
            .must(Must::Refuse("no_session")),
    );
    rows
}

fn of(method: &str, target: &[u8], who: Who) -> Message {
    let message = Message::new(method, target);
    match who {
        Who::Attacker => message.field("x-wx-skey", TOKEN),
        _ => message,
    }
}
