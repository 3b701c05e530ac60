//! The name that only the edge writes, in spellings that a framework may read as it: `cargo xtask frameworks` asks real
//! ones which of these they take.

use crate::attacks::message::Message;
use crate::attacks::row::{Door, FORGED, Must, Row, TOKEN, Who};

pub const KEYS: [&str; 22] = [
    "openData",
    "openData[phoneNumber]",
    "openData[]",
    "openData[",
    "openData.phoneNumber",
    "detail[openData]",
    "detail.openData",
    "detail[a][openData]",
    "[openData]",
    "a[][openData]",
    "__proto__[openData]",
    " openData",
    "openData ",
    "+openData",
    "open%44ata",
    "%6F%70%65%6E%44%61%74%61",
    "openData%5Bx%5D",
    "openData%00",
    "open\\u0044ata",
    "open\\Data",
    "ｏpenData",
    "open\u{200b}Data",
];

/// More of them, which no framework there takes.
const MORE: &[&str] = &[
    "OPENDATA",
    "open_data",
    "open-data",
    "open data",
    "openData\\u0000",
    "openData\\u0000x",
    "\\u006fpenData",
    "\\uff4fpenData",
    "\\ud835\\udc28penData",
    "openData:x",
    "openData/x",
    "openData,x",
    "openData;x",
    "!openData",
    "$openData",
    "@openData",
    "openData__x",
    "form-0-openData",
    "a.b.c.openData.d",
    "constructor.prototype.openData",
    "open%2544ata",
    "open%252544ata",
    "open%u0044ata",
    "𝗼𝗽𝗲𝗻𝗗𝗮𝘁𝗮",
    "ⓞpenData",
    "open\\u200bData",
    "\\ufeffopenData",
    "openData\\ufe0f",
    "o\\u0301penData",
    "openData\\ufffd",
];

/// Bodies around a key.
pub fn bodies(key: &str) -> Vec<String> {
    let part = |disposition: &str| {
        format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\nF\r\n--b--\r\n")
    };
    vec![
        format!("{key}=F"),
        format!("\"&{key}=F&\""),
        format!("{{\"a\":\"&{key}=F&\"}}"),
        format!("{{\"{key}\":\"F\"}}"),
        format!("{{\"detail\":{{\"{key}\":\"F\"}}}}"),
        part(&format!("name=\"{key}\"")),
        part(&format!("name={key}")),
        part(&format!("name='{key}'")),
        part(&format!("name*=utf-8''{key}")),
        part(&format!("name=\"{key}\"; filename=\"f\"")),
        part(&format!("name=\"{key}\"")).replace("\r\n", "\n"),
        part("name*0=\"open\"; name*1=\"Data\""),
        part("name=\"=?utf-8?B?b3BlbkRhdGE=?=\""),
        "{}".to_owned(),
    ]
}

/// Whether a framework that has found this name lets its app find what only the edge writes.
pub fn is_ours(name: &str) -> bool {
    // With what is left of it where a framework does not make a tree.
    let spelled = name.trim();
    ["openData", "detail.openData", "[openData]"].contains(&spelled)
        || spelled.starts_with("openData[")
        || spelled.starts_with("openData.")
        || spelled.ends_with("[openData]")
}

const JSON: &str = "application/json";

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let both = || KEYS.iter().chain(MORE);
    for key in both() {
        // A tree of JSON at every place where an object may stand.
        for body in [
            format!("{{\"{key}\":\"{FORGED}\"}}"),
            format!("{{\"a\":[1,{{\"{key}\":\"{FORGED}\"}}]}}"),
            format!("{{\"detail\":{{\"{key}\":\"{FORGED}\"}}}}"),
            format!("{{\"{key}\":null,\"a\":\"{FORGED}\"}}"),
            format!("[[[{{\"{key}\" \t\n: \"{FORGED}\"}}]]]"),
            format!("{{\"a\":1,\"a\":{{\"{key}\":\"{FORGED}\"}}}}"),
        ] {
            for target in ["/api/profile", "/api/any"] {
                let message = Message::post(target, JSON, &body).field("x-wx-skey", TOKEN);
                let row = Row::message(format!("{body} to {target}"), message);
                rows.push(
                    row.who(Who::Attacker)
                        .must(Must::NotPass)
                        .at(&[Door::Shipped, Door::Spin]),
                );
            }
        }
        // What a JSON text would spell by an escape, a form does not.
        if key.contains('\\') || !key.is_ascii() {
            continue;
        }
        let query = key.replace(' ', "%20");
        for target in ["/api/profile", "/api/any"] {
            let target = format!("{target}?a=1&{query}={FORGED}");
            for message in [Message::post(&target, JSON, "{}"), Message::get(&target)] {
                let row =
                    Row::message(&target, message.field("x-wx-skey", TOKEN)).who(Who::Attacker);
                rows.push(row.must(Must::NotPass).at(&[Door::Shipped, Door::Spin]));
            }
        }
        let form = format!("a=1&{key}={FORGED}");
        let message = Message::post("/api/any", "application/x-www-form-urlencoded", form);
        let row = Row::message(
            format!("a form with {key}"),
            message.field("x-wx-skey", TOKEN),
        )
        .who(Who::Attacker);
        rows.push(row.must(Must::NotPass).at(&[Door::Shipped, Door::Spin]));
    }
    // A name of the operator's own choice is held to the same.
    for key in ["opened", "\\u006fpened", "opened.x", "OPENED", "open_ed"] {
        let body = format!("{{\"detail\":{{\"{key}\":\"{FORGED}\"}}}}");
        let message = Message::post("/api/detail", JSON, &body).field("x-wx-skey", TOKEN);
        rows.push(
            Row::message(body, message)
                .who(Who::Attacker)
                .must(Must::NotPass),
        );
    }
    // And what only looks like it is the app's.
    for key in ["openDatabase", "opendat", "reopenData", "手机号"] {
        let body = format!("{{\"{key}\":1}}");
        let message = Message::post("/api/profile", JSON, &body).field("x-wx-skey", TOKEN);
        rows.push(
            Row::message(body, message)
                .who(Who::Attacker)
                .must(Must::Pass),
        );
    }
    rows
}
