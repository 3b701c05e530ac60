//! JSON that two parsers read in two ways, or that costs one of them too much.

use crate::attacks::message::Message;
use crate::attacks::row::{Door, FORGED, Must, OTHER, Row, TOKEN, Who, shown};

/// Texts that are no JSON, or more than one object.
fn texts() -> Vec<Vec<u8>> {
    let fixed: &[&[u8]] = &[
        b"",
        b" ",
        b"\0",
        b"{",
        b"}",
        b"{}{}",
        b"{}\0",
        b"{} x",
        b"{},",
        b"[]",
        b"null",
        b"true",
        b"0",
        b"\"code\"",
        b"{\"code\"}",
        b"{\"code\":}",
        b"{code:1}",
        b"{'code':'x'}",
        b"{\"code\":\"x\",}",
        b"{\"code\":\"x\"//c\n}",
        b"{/**/\"code\":\"x\"}",
        b"{\"code\":\"x\"}#",
        b"{\"code\":NaN}",
        b"{\"code\":Infinity}",
        b"{\"code\":0x10}",
        b"{\"code\":01}",
        b"{\"code\":+1}",
        b"{\"code\":.5}",
        b"{\"code\":1e99999}",
        b"{\"code\":-0}",
        b"{\"code\":123456789012345678901234567890}",
        b"{\"code\":\"\xff\"}",
        b"{\"code\":\"\xed\xa0\x80\"}",
        b"{\"code\":\"\xc0\x80\"}",
        b"{\"code\":\"a\nb\"}",
        b"{\"code\":\"a\0b\"}",
        b"{\"code\":\"\\x41\"}",
        b"{\"code\":\"\\u00\"}",
        b"{\"code\":\"\\ud800\"}",
        b"{\"code\":\"\\udc00\\ud800\"}",
        b"{\"\\ud800\":1,\"code\":\"x\"}",
        b"{\"code\":\"\\u0000\"}",
        b"\xef\xbb\xbf{\"code\":\"x\"}",
        b"\xef\xbb\xbf\xef\xbb\xbf{\"code\":\"x\"}",
        b"\xff\xfe{\0\"\0c\0",
        b"\xfe\xff\0{\0\"",
        b"+/v8-{\"code\":\"x\"}",
        b"{\"__proto__\":{\"code\":\"x\"}}",
        b"{\"constructor\":{\"prototype\":{\"code\":\"x\"}}}",
        b"{\"code\":{\"$ne\":null}}",
        b"{\"code\":[\"x\"]}",
        b"{\"code\":{\"code\":\"x\"}}",
        b"{\"code\":true}",
        b"{\"code\":\"x\",\"code\":\"y\"}",
        b"{\"code\":\"x\",\"\\u0063ode\":\"y\"}",
        b"{\"code\":null,\"code\":\"y\"}",
        b"{\"code\":\"\",\"CODE\":\"y\"}",
        b"{\"code\":\"x&appid=wx0000000000000000&secret=\"}",
        b"{\"code\":\"x#\"}",
        b"{\"code\":\"x\\r\\nhost: elsewhere\"}",
        b"{\"code\":\"../../cgi-bin/token\"}",
        b"{\"code\":\"x%26grant_type%3dclient_credential\"}",
        b"{\"appid\":\"wxffffffffffffffff\",\"code\":\"x\"}",
        b"{\"appid\":\"../x\",\"code\":\"x\"}",
        b"{\"appid\":{},\"code\":\"x\"}",
        b"{\"encryptedData\":\"x\"}",
        b"{\"iv\":\"x\"}",
        b"{\"encryptedData\":1,\"iv\":2}",
        b"{\"encryptedData\":\"\",\"iv\":\"\"}",
        b"{\"encryptedData\":\"AAAA\",\"iv\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
        b"{\"encryptedData\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"iv\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
        b"{\"encryptedData\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"iv\":\"AAAA\"}",
        b"{\"encryptedData\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"encryptedData\":\"BAAAAAAAAAAAAAAAAAAAAA==\",\"iv\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
        b"{\"rawData\":\"{}\",\"signature\":\"x\"}",
        b"{\"rawData\":\"{\\\"openId\\\":\\\"x\\\"}\",\"signature\":\"0000000000000000000000000000000000000000\"}",
        b"{\"everywhere\":\"maybe\"}",
        b"{\"everywhere\":2}",
        b"{\"keep\":[]}",
    ];
    let mut texts: Vec<Vec<u8>> = fixed.iter().map(|text| text.to_vec()).collect();
    for depth in [100, 127, 128, 129, 1000, 7000] {
        texts.push([b"[".repeat(depth), b"]".repeat(depth)].concat());
        texts.push(b"{\"a\":".repeat(depth.min(3000)));
        let nested = [
            b"{\"code\":".repeat(depth.min(1500)),
            b"1".to_vec(),
            b"}".repeat(depth.min(1500)),
        ]
        .concat();
        texts.push(nested);
    }
    let many: String = (0..1500).map(|n| format!("\"{n}\":0,")).collect();
    texts.push(format!("{{{many}\"code\":\"x\"}}").into_bytes());
    texts.push(format!("{{{}\"code\":\"x\"}}", "\"code\":\"x\",".repeat(1000)).into_bytes());
    texts.push(format!("{{\"code\":{}}}", "9".repeat(10_000)).into_bytes());
    texts.push(format!("{{\"code\":\"{}\"}}", "x".repeat(15_000)).into_bytes());
    texts.push(format!("{{\"code\":\"{}\"}}", "\\u0041".repeat(2500)).into_bytes());
    texts.push(format!("{{\"{}\":1}}", "k".repeat(15_000)).into_bytes());
    texts.push(vec![b' '; 16_384]);
    texts.push(vec![b' '; 16_385]);
    texts.push(vec![b'"'; 16_000]);
    texts.push(vec![b'\\'; 16_000]);
    texts
}

/// Each reads a body in its own way.
const TARGETS: [&str; 4] = [
    "/wx/login",
    "/wx/decrypt",
    "/api/profile",
    "/api/token-in-body",
];

/// As one of them does.
const OTHER_TARGETS: [&str; 8] = [
    "/wx/verify",
    "/wx/register",
    "/wx/phone",
    "/weapp/login",
    "/api/detail",
    "/auth/told",
    "/bind",
    "/wx-admin/end-all",
];

/// A token in a member of the body, and what two readers may take for two.
const TOKENS_IN_JSON: &[(&str, bool)] = &[
    (r#"{"session":"{TOKEN}"}"#, true),
    (r#"{"\u0073ession":"{TOKEN}"}"#, true),
    (r#"{"a":1,"session" : "Bearer {TOKEN}","b":2}"#, true),
    (r#"{"session":"{TOKEN}","session":"{TOKEN}"}"#, true),
    (r#"{"session":"{TOKEN}","session":"{OTHER}"}"#, false),
    (r#"{"session":"{TOKEN}","\u0073ession":"{OTHER}"}"#, false),
    (r#"{"\u0073ession":"{OTHER}","session":"{TOKEN}"}"#, false),
    (r#"{"session":["{TOKEN}"]}"#, false),
    (r#"{"session":{"session":"{TOKEN}"}}"#, false),
    (r#"{"session":"{TOKEN}"} {}"#, false),
    (r#"{"session":"{TOKEN}""#, false),
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, text) in texts().into_iter().enumerate() {
        let other = OTHER_TARGETS[number % OTHER_TARGETS.len()];
        for target in TARGETS.into_iter().chain([other]) {
            let message = Message::post(target, "application/json", &text);
            // A code beside it would end the session of a token.
            let logs_in = target.ends_with("login") || target.starts_with("/auth");
            let (message, who) = if logs_in {
                (message, Who::Nobody)
            } else {
                (message.field("x-wx-skey", TOKEN), Who::Attacker)
            };
            let row = Row::message(format!("{} to {target}", shown(&text)), message);
            rows.push(row.who(who).at(&[Door::Shipped, Door::Spin]));
        }
    }
    for (text, is_good) in TOKENS_IN_JSON {
        for chunked in [false, true] {
            let message = Message::post("/api/token-in-body", "application/json", text);
            let message = if chunked {
                message.chunked(text)
            } else {
                message
            };
            let row =
                Row::message(format!("{text}, chunked: {chunked}"), message).who(Who::Attacker);
            rows.push(row.must(if *is_good { Must::Pass } else { Must::NotPass }));
        }
        if *is_good {
            let beside = Message::post("/api/token-in-body", "application/json", text);
            let beside = beside.field("x-3rd-session", OTHER);
            let row = Row::message(format!("{text} and another in a header"), beside);
            rows.push(row.must(Must::NotPass));
        }
    }
    // Of what a client says of itself beside a code, the app hears only what the edge says.
    let body =
        format!("{{\"loginCode\":\"{{CODE}}\",\"openId\":\"{FORGED}\"}}").replace(FORGED, "x");
    let login =
        Message::post("/auth/body", "application/json", body).field("x-wx-login-token", FORGED);
    rows.push(
        Row::message("a login through the app", login)
            .who(Who::NewUser)
            .must(Must::Pass),
    );
    rows
}
