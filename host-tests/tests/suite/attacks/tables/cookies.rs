//! Cookies in every odd form that some parser takes, and pages that may not use them.

use crate::attacks::features::ORIGIN;
use crate::attacks::message::Message;
use crate::attacks::row::{Must, Row, Who};

/// In each stands a token, where the edge looks for it.
const COOKIES: &[&str] = &[
    "sid={TOKEN}",
    "sid={TOKEN};",
    ";sid={TOKEN};;",
    " sid = {TOKEN} ",
    "sid=\"{TOKEN}\"",
    "sid='{TOKEN}'",
    "sid=%22{TOKEN}%22",
    "sid=Bearer%20{TOKEN}",
    "a=b;sid={TOKEN};c=d",
    "$Version=1; sid={TOKEN}; $Path=/",
    "$Version=\"1\"; sid=\"{TOKEN}\"; $Path=\"/\"; $Domain=\"edge\"",
    "a=\"x; sid={TOKEN}; y\"",
    "a=\"; sid={TOKEN}",
    "sid={TOKEN}; sid={TOKEN}",
    "sid=; sid={TOKEN}",
    "sid; sid={TOKEN}",
    "sid=undefined; sid={TOKEN}",
    "sid={TOKEN}; Sid=x; SID=y",
    "sid={TOKEN}; sid",
    "sid={TOKEN}; Path=/; HttpOnly; Secure",
    "sid={TOKEN},a=b",
    "sid={TOKEN}=a",
    "sid={TOKEN}\t;a=b",
    "==;sid={TOKEN}",
    "__Host-sid=x; sid={TOKEN}",
    "sid={TOKEN}; a=小程序",
];

/// Of these, what holds more than a token.
const NO_TOKENS: &[&str] = &["sid={TOKEN},a=b", "sid={TOKEN}=a"];

/// Nobody can tell whose request it is.
const TWO: &[&str] = &[
    "sid={TOKEN}; sid={OTHER}",
    "sid={OTHER}; a=b; sid={TOKEN}",
    "sid=\"{TOKEN}\"; sid={OTHER}",
    "sid={TOKEN};sid={OTHER};sid={TOKEN}",
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for cookie in COOKIES {
        for target in [
            "/api/x",
            "/feed/x",
            "/public/x",
            "/wx/session",
            "/observed/x",
        ] {
            // There an app has cookies of its own under the same name, and only what is a token is none of them.
            if target == "/observed/x" && NO_TOKENS.contains(cookie) {
                continue;
            }
            let message = Message::get(target).field("cookie", cookie);
            rows.push(Row::message(format!("{cookie}, {target}"), message).who(Who::Attacker));
        }
        // In HTTP/2 a client may split its cookies anywhere between two.
        let split = cookie
            .split(';')
            .fold(Message::get("/api/x"), |message, part| {
                message.field("cookie", part)
            });
        let row = Row::message(format!("{cookie}, split"), split);
        rows.push(row.who(Who::Attacker).in_both());
        for origin in [
            "https://evil.example",
            "null",
            "",
            "https://h5.example.com.evil.example",
            "https://h5.example.com:444",
            "http://h5.example.com",
            "HTTPS://H5.EXAMPLE.COM",
            "https://h5.example.com, https://evil.example",
        ] {
            let message = Message::post("/api/x", "application/json", "{}")
                .field("cookie", cookie)
                .field("origin", origin);
            rows.push(Row::message(format!("{cookie} from {origin}"), message).must(Must::NotPass));
        }
    }
    for cookie in TWO {
        let message = Message::get("/api/x").field("cookie", cookie);
        rows.push(Row::message(*cookie, message).must(Must::NotPass));
        let split = cookie
            .split(';')
            .fold(Message::get("/feed/x"), |message, part| {
                message.field("cookie", part)
            });
        let row = Row::message(format!("{cookie}, split"), split);
        rows.push(row.must(Must::NotPass).in_both());
    }
    let own = Message::get("/api/x")
        .field("cookie", COOKIES[0])
        .field("origin", ORIGIN);
    rows.push(
        Row::message("its own page", own)
            .who(Who::Attacker)
            .must(Must::Pass),
    );
    // Of two origins nobody can tell whose page it is.
    let two = Message::get("/api/x")
        .field("cookie", COOKIES[0])
        .field("origin", ORIGIN)
        .field("origin", ORIGIN);
    rows.push(Row::message("two origins", two).must(Must::NotPass));
    for (size, count) in [(3000, 1), (4096, 1), (8000, 1), (1, 400), (40, 90)] {
        let many = (0..count)
            .map(|n| format!("c{n}={}; ", "x".repeat(size)))
            .collect::<String>();
        let message = Message::get("/api/x").field("cookie", many + "sid={TOKEN}");
        rows.push(
            Row::message(format!("{count} cookies of {size} bytes"), message).who(Who::Attacker),
        );
    }
    rows
}
