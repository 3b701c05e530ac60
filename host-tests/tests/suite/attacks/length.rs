//! What a request costs grows with its length and no faster, whatever it repeats: counted, not timed.

use proxy_wasm_host::SharedData;
use serde_json::json;
use testkit::fakes::wechat::FakeWechat;

use super::features;
use crate::rig::{APPID, Ask, Login, Rig as _, SECRET, WasmRig, module};

/// The shorter one, in bytes of what is repeated. The shipped Envoy lets twice as much into a head.
const IN_A_HEADER: usize = 8 * 1024;
const IN_A_BODY: usize = 64 * 1024;

/// Twice as long costs twice as much. What grows by the square costs four times.
const MOST: f64 = 2.6;

/// Pieces that some reader begins anew with.
const PIECES: [&str; 38] = [
    "a",
    "&#",
    "&#4",
    "&#43;",
    "%",
    "%2",
    "%25",
    "%u",
    "\\u",
    "\\u002b",
    "\\",
    "\"",
    "\\\"",
    "\n ",
    "-",
    "=",
    ";",
    "; a=b",
    ",",
    "a,",
    "a=b;",
    "sid=x; ",
    "&",
    "a=b&",
    "&skey=",
    "bearer",
    "Bearer ",
    "/",
    "/a",
    "/../",
    "..",
    "[",
    "{\"a\":",
    "\u{200b}",
    "\u{ff0d}",
    "null",
    "o.p-",
    "openData=",
];

/// Members, elements and parts.
const PIECES_OF_JSON: [&str; 7] = [
    "\"a\":1,",
    "\"encryptedData\":\"\",",
    "\"openData\":1,",
    "\"o_p_e_n_data\":[],",
    "\"\\u006fpenData\":{},",
    "\"session\":\"x\",",
    "\"a\":\"\\\\\",",
];

const PIECES_OF_MULTIPART: [&str; 5] = [
    "--b\r\n",
    "--b",
    "-",
    "\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n",
];

fn repeated(piece: &str, length: usize) -> String {
    piece.repeat(length.div_ceil(piece.len()))
}

type Made<'a> = Box<dyn Fn(usize) -> Ask + 'a>;

/// Names, and requests of a length.
fn rows<'a>(token: &'a str) -> Vec<(String, Made<'a>)> {
    let mut rows: Vec<(String, Made<'a>)> = Vec::new();
    let code = "0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p";
    for piece in PIECES {
        for name in [
            "x-wx-skey",
            "authorization",
            "cookie",
            "content-type",
            "connection",
            "upgrade",
            "referer",
            "x-wx-code",
            "x-wx-iv",
            "x-wx-encrypted-data",
            "x-wx-rawdata",
            "traceparent",
            "x-wx-app-id",
        ] {
            // In a header as it may stand there.
            let piece = piece.replace('\n', " ");
            let wanted = name == "x-wx-encrypted-data";
            rows.push((
                format!("{name}: {piece:?}"),
                Box::new(move |length| {
                    let ask = Ask::get("/api/orders").header(name, repeated(&piece, length));
                    if wanted {
                        ask.header("x-wx-code", code).header("x-wx-iv", "x")
                    } else {
                        ask
                    }
                }),
            ));
        }
        rows.push((
            format!("query: {piece:?}"),
            Box::new(move |length| {
                Ask::get(format!(
                    "/api/orders?{}",
                    repeated(&piece.replace('\n', "x"), length)
                ))
            }),
        ));
        rows.push((
            format!("path: {piece:?}"),
            Box::new(move |length| {
                Ask::get(format!(
                    "/public/{}",
                    repeated(&piece.replace('\n', "x"), length)
                ))
            }),
        ));
        for (path, name) in [
            ("/wx/login", "encryptedData"),
            ("/wx/login", "code"),
            ("/wx/decrypt", "iv"),
            ("/wx/phone", "code"),
        ] {
            rows.push((
                format!("{path} {name}: {piece:?}"),
                Box::new(move |length| {
                    let mut body = json!({ "code": code, "encryptedData": "x", "iv": "x" });
                    body[name] = json!(repeated(piece, length));
                    Ask::post(path, &body).token(token)
                }),
            ));
        }
        for media_type in ["application/x-www-form-urlencoded", "application/json"] {
            for path in [
                "/api/profile",
                "/api/any",
                "/auth/body",
                "/api/token-in-body",
            ] {
                rows.push((
                    format!("{path} {media_type}: {piece:?}"),
                    Box::new(move |length| {
                        let ask = Ask::new("POST", path).header("content-type", media_type);
                        ask.token(token).body(repeated(piece, length))
                    }),
                ));
            }
        }
    }
    for piece in PIECES_OF_JSON {
        for path in [
            "/wx/login",
            "/api/profile",
            "/api/detail",
            "/auth/body",
            "/api/token-in-body",
        ] {
            rows.push((
                format!("{path}: {piece}"),
                Box::new(move |length| {
                    let body = format!("{{{}\"z\":0}}", repeated(piece, length));
                    let ask = Ask::new("POST", path).header("content-type", "application/json");
                    ask.token(token).body(body)
                }),
            ));
        }
    }
    for piece in PIECES_OF_MULTIPART {
        for (path, boundary) in [
            ("/api/token-in-body", "b".to_owned()),
            ("/auth/body", "b".to_owned()),
            ("/api/any", "-".repeat(60)),
            ("/auth/body", "-".repeat(4000)),
        ] {
            rows.push((
                format!("{path} multipart {}: {piece:?}", boundary.len()),
                Box::new(move |length| {
                    let media_type = format!("multipart/form-data; boundary={boundary}");
                    let ask = Ask::new("POST", path).header("content-type", media_type);
                    ask.token(token).body(repeated(piece, length))
                }),
            ));
        }
    }
    rows
}

#[test]
fn what_a_request_costs_grows_with_its_length_alone() {
    let wechat = FakeWechat::seeded(APPID, SECRET, b"length");
    let mut patch = features::all();
    patch["limits"] =
        json!({ "body_bytes": 1_048_576, "waiting_bytes": 67_108_864, "body_timeout_ms": 2000 });
    patch["login"] = json!({ "failures_per_minute": 0 });
    let mut rig = WasmRig::running(module(), &wechat, &patch, &SharedData::default(), 1);
    let login = Ask::post(
        "/wx/login",
        &json!({ "code": wechat.phone("alice").login() }),
    );
    let token = Login::from(&rig.ask(vec![login])[0]).token;
    let mut dear = Vec::new();
    for (name, made) in rows(&token) {
        let mut fuel = |length: usize| {
            let ask = made(length);
            rig.vm.reset_counts();
            let stream = rig.send(&ask);
            rig.settle(&[stream]);
            rig.vm.counts().fuel
        };
        let is_body = made(1).body.is_some();
        let length = if is_body { IN_A_BODY } else { IN_A_HEADER };
        let costs = [0, 1, 2, 4].map(|times| fuel(times * length));
        let thousands = costs.map(|fuel| u32::try_from(fuel / 1000).map_or(f64::MAX, f64::from));
        let grows = |once: f64, twice: f64| {
            // What is refused at once costs what nothing costs.
            twice - thousands[0] > MOST * (once - thousands[0]).max(1000.0)
        };
        // Some cost more from a length on, and then grow with it.
        if grows(thousands[1], thousands[2]) && grows(thousands[2], thousands[3]) {
            dear.push(format!("{name}: {costs:?}"));
        }
    }
    assert!(dear.is_empty(), "{} rows:\n{}", dear.len(), dear.join("\n"));
}
