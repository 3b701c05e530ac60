//! Headers and trailers by which a client says who it is: in every name that the edge, Cloud Run or a framework has for
//! that, and in every spelling that an app server reads as the same.

use crate::attacks::message::Message;
use crate::attacks::row::{Door, FORGED, Must, Row, TOKEN, Who};
use crate::attacks::seen::OURS;

/// What else only the edge may say, and by what frameworks are led elsewhere.
const OTHERS: &[&str] = &[
    "x-wx-sources",
    "x-wx-login-anything",
    "x-wx-session-end",
    "x-wx-skey-expires-in",
    "x-wx-from-openid",
    "x-wx-from-appid",
    "x-wx-from-unionid",
    "x-wx-open-id",
    "x-wx-union-id",
    "x-wx-env",
    "x-wx-service",
    "x-wx-region",
    "x-wx-call-id",
    "x-wx-cloudbase-access-token",
    "x-wx-container-name",
    "x-original-url",
    "x-rewrite-url",
    "x-original-forwarded-for",
];

fn names() -> impl Iterator<Item = &'static str> {
    OURS.iter().chain(OTHERS).copied()
}

/// What servers take for the sign between two words, beside `-` and `_`: all that a name may hold.
const SEPARATORS: &str = ".!#$%&'*+^`|~";

/// `name` with capitals, in HTTP/1.1 alone: in HTTP/2 they are no names.
fn in_capitals(name: &str) -> [String; 2] {
    let odd = |(at, c): (usize, char)| {
        if at % 2 == 0 {
            c.to_ascii_uppercase()
        } else {
            c
        }
    };
    [
        name.to_ascii_uppercase(),
        name.char_indices().map(odd).collect(),
    ]
}

fn with_underscores(name: &str) -> Vec<String> {
    let mut all = vec![name.replace('-', "_"), name.replacen('-', "_", 1)];
    all.extend(
        name.rsplit_once('-')
            .map(|(head, tail)| format!("{head}_{tail}")),
    );
    all
}

fn with_other_signs(name: &str) -> Vec<String> {
    let all = SEPARATORS
        .chars()
        .map(|sign| name.replace('-', &sign.to_string()));
    all.collect()
}

fn saying<'a>(message: Message, names: impl IntoIterator<Item = &'a String>) -> Message {
    names.into_iter().fold(message, |message, name| {
        message
            .field(name, FORGED)
            .field(name, [FORGED.as_bytes(), b"\xff"].concat())
    })
}

/// Who asks for what.
const ASKS: [(&str, Who); 4] = [
    ("/api/orders", Who::Attacker),
    ("/feed/x", Who::Nobody),
    ("/public/x", Who::Nobody),
    ("/observed/x", Who::Nobody),
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (path, who) in ASKS {
        let message = || {
            let message = Message::get(path);
            if who == Who::Attacker {
                message.field("x-wx-skey", TOKEN)
            } else {
                message
            }
        };
        for name in names() {
            let plain = [name.to_owned()];
            for (kind, spellings, doors) in [
                ("plain", &plain[..], &[Door::Shipped, Door::Bare][..]),
                (
                    "with underscores",
                    &with_underscores(name),
                    &[Door::Shipped, Door::Drops, Door::Rejects],
                ),
                (
                    "with other signs",
                    &with_other_signs(name),
                    &[Door::Shipped, Door::Bare],
                ),
            ] {
                let row = Row::message(
                    format!("{name} {kind}, {path} by {who:?}"),
                    saying(message(), spellings),
                );
                rows.push(row.who(who).at(doors));
                // There what is not UTF-8 goes no further.
                let readable = spellings
                    .iter()
                    .fold(message(), |message, name| message.field(name, FORGED));
                let row = Row::message(
                    format!("{name} {kind} and readable, {path} by {who:?}"),
                    readable,
                );
                rows.push(row.who(who).at(&[Door::Spin]).must(Must::Pass));
            }
            let mut bytes = format!("GET {path} HTTP/1.1\r\nhost: edge\r\n");
            for name in in_capitals(name) {
                bytes += &format!("{name}: {FORGED}\r\n{name}:{FORGED}\r\n");
            }
            if who == Who::Attacker {
                bytes += &format!("X-WX-SKEY: {TOKEN}\r\n");
            }
            let row = Row::http1(
                format!("{name} in capitals, {path} by {who:?}"),
                bytes + "\r\n",
            );
            rows.push(row.who(who).must(Must::Pass));
        }
    }
    rows.extend(names().flat_map(trailers));
    rows.extend(TOKENS.iter().flat_map(|trailer| token_trailers(trailer)));
    rows
}

/// A live token where no token is looked for.
const TOKENS: &[&str] = &[
    "x-wx-skey: {TOKEN}",
    "X_WX_SKEY: {TOKEN}",
    "x-3rd-session: Bearer {TOKEN}",
    "authorization: Bearer {TOKEN}",
];

fn token_trailers(trailer: &str) -> [Row; 2] {
    ["/public/x", "/api/orders"].map(|path| {
        let (who, token) = if path == "/public/x" {
            (Who::Nobody, "")
        } else {
            (Who::Attacker, "x-wx-skey: {TOKEN}\r\n")
        };
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: edge\r\n{token}transfer-encoding: chunked\r\n\r\n\
             2\r\n{{}}\r\n0\r\n{trailer}\r\nx-sum: 1\r\n\r\n"
        );
        let row = Row::http1(format!("{trailer} in a trailer of {path}"), bytes);
        row.who(who).must(Must::Pass)
    })
}

/// The same behind a body. Servers that do not tell trailers from headers are many.
fn trailers(name: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (path, who, token) in [
        (
            "/api/orders",
            Who::Attacker,
            format!("x-wx-skey: {TOKEN}\r\n"),
        ),
        (
            "/api/profile",
            Who::Attacker,
            format!("x-wx-skey: {TOKEN}\r\ncontent-type: application/json\r\n"),
        ),
        ("/public/x", Who::Nobody, String::new()),
    ] {
        for announced in ["", "trailer: x-wx-openid\r\n"] {
            let other = name.replace('-', "_");
            let bytes = format!(
                "POST {path} HTTP/1.1\r\nhost: edge\r\n{token}{announced}transfer-encoding: chunked\r\n\r\n\
                 2\r\n{{}}\r\n0\r\n{name}: {FORGED}\r\n{other}: {FORGED}\r\nx-sum: 1\r\n\r\n"
            );
            let row = Row::http1(
                format!("{name} in a trailer of {path}, {announced:?}"),
                bytes,
            );
            rows.push(row.who(who).must(Must::Pass));
        }
    }
    rows
}
