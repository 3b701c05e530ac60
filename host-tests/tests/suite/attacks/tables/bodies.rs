//! Forms and multipart bodies that two parsers take apart in two ways, and bodies of every length.

use crate::attacks::message::Message;
use crate::attacks::row::{CODE, Door, FORGED, Must, Row, TOKEN, Who, shown};

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=b";

/// A token in a field of a form. What the edge reads as its token, the app does not see.
const TOKENS_IN_FORMS: &[(&str, bool)] = &[
    ("session={TOKEN}", true),
    ("%73ession={TOKEN}", true),
    ("%73%65%73%73%69%6f%6e={TOKEN}", true),
    ("a=1&session={TOKEN}&b=2", true),
    ("session={TOKEN}&session={TOKEN}", true),
    ("session=Bearer+{TOKEN}", true),
    ("&&session={TOKEN}&&", true),
    ("session={TOKEN}&session={OTHER}", false),
    ("session={TOKEN}&%73ession={OTHER}", false),
    ("session[]={TOKEN}", false),
    ("session[a]={TOKEN}", false),
    ("+session={TOKEN}", false),
    ("a=1;session={TOKEN}", false),
    ("%2573ession={TOKEN}", false),
    ("%252573ession={TOKEN}", false),
    ("session%00={TOKEN}", false),
    ("SESSION={TOKEN}", false),
];

/// The same of the code of a login, by the routes that take one. What is written otherwise is the app's.
const CODES: &[(&str, &str, &str)] = &[
    ("/auth/body", "", "loginCode={CODE}"),
    ("/auth/body", "", "a=1&login%43ode={CODE}&b="),
    ("/auth/body", "", "login%2543ode=of-the-app"),
    ("/auth/body", "", "loginCode={CODE}&loginCode=x"),
    ("/auth/body", "", "loginCode[]=of-the-app"),
    ("/auth/query", "?js_code={CODE}", ""),
    ("/auth/query", "?js%5fcode={CODE}", ""),
    ("/auth/query", "?js%255fcode=of-the-app", ""),
    ("/auth/query", "?a=1&js_code={CODE}&skey=undefined", ""),
    ("/auth/query", "?js_code={CODE}&js_code=x", ""),
    ("/auth/query", "?js_code[]=of-the-app", ""),
    ("/auth/query", "?js+code=of-the-app", ""),
];

/// Parts around a field `session`, and whether it is one.
const PARTS: &[(&str, bool)] = &[
    (
        "--b\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n{TOKEN}\r\n--b--\r\n",
        true,
    ),
    (
        "preamble\r\n--b\r\ncontent-disposition:form-data;name=session\r\n\r\n{TOKEN}\r\n--b--",
        true,
    ),
    (
        "--b\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; NAME=\"session\"\r\n\r\n{TOKEN}\r\n--b--\r\nepilogue",
        true,
    ),
    (
        "--b\nContent-Disposition: form-data; name=\"session\"\n\n{TOKEN}\n--b--\n",
        false,
    ),
    (
        "--b\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n{TOKEN}\r\n",
        false,
    ),
    (
        "--b\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n{TOKEN}",
        false,
    ),
    ("--b\r\n\r\n{TOKEN}\r\n--b--\r\n", false),
    (
        "--c\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n{TOKEN}\r\n--c--\r\n",
        false,
    ),
    (
        "--b\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n{TOKEN}\r\n--b\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n{OTHER}\r\n--b--\r\n",
        false,
    ),
    ("", false),
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (form, is_good) in TOKENS_IN_FORMS {
        let message = Message::post("/api/token-in-body", FORM, form);
        rows.push(
            Row::message(*form, message)
                .who(Who::Attacker)
                .must(if *is_good { Must::Pass } else { Must::NotPass }),
        );
        // The route beside it needs no session: there it is only taken off.
        let beside = format!("{form}&loginCode=undefined");
        let message = Message::post("/auth/body", FORM, &beside);
        if *is_good {
            rows.push(Row::message(beside, message).who(Who::Nobody));
        }
    }
    for (path, query, form) in CODES {
        let message = Message::new("POST", format!("{path}{query}"));
        let message = if form.is_empty() {
            message
        } else {
            message.field("content-type", FORM).body(form)
        };
        let row = Row::message(format!("{path}{query} {form}"), message).who(Who::NewUser);
        let is_ours = query.contains(CODE) || form.contains(CODE);
        rows.push(if is_ours { row } else { row.must(Must::Pass) });
    }
    for (body, is_good) in PARTS {
        let message = Message::post("/api/token-in-body", MULTIPART, body);
        let row = Row::message(shown(body), message).who(Who::Attacker);
        rows.push(row.must(if *is_good { Must::Pass } else { Must::NotPass }));
    }
    // In a part, wherever a parser may look for the name of it.
    for head in [
        "Content-Disposition: form-data; name=\"openData\"",
        "content-disposition: form-data; name=openData",
        "Content-Disposition: form-data; name=\"a\"; name=\"openData\"",
        "Content-Disposition: form-data; name=\"openData\"; name=\"a\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"openData\"",
        "Content-Disposition: attachment; name=\"openData\"",
        "Content-Disposition: form-data;\r\n name=\"openData\"",
        "Content-Disposition: form-data; name=\"open\\Data\"",
        "Content-Disposition: form-data; name=\"open%44ata\"",
        "Content-Disposition: form-data; name=\"openData[x]\"",
        "Content-Disposition: form-data; filename=\"openData\"; name=\"a\"",
        "Content-Disposition: form-data; name*=utf-8''openData",
        "Content-Disposition: form-data; name*0=open; name*1=Data",
        "Content-Disposition: form-data; name=\"=?utf-8?Q?openData?=\"",
        "Content-Disposition : form-data; name=\"openData\"",
        "X: y\r\nContent-Disposition: form-data; name=\"openData\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Disposition: form-data; name=\"openData\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=utf-7",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: application/json; charset=ibm037",
    ] {
        for (begin, end) in [
            ("", "--\r\n"),
            ("preamble\r\n", "--"),
            ("\r\n", "--\r\n--b--\r\n"),
            ("", "-- \r\nx"),
        ] {
            let body = format!("{begin}--b\r\n{head}\r\n\r\n{FORGED}\r\n--b{end}");
            for kind in [
                MULTIPART,
                "multipart/form-data; boundary=\"b\"",
                "multipart/mixed; boundary=b",
            ] {
                let message = Message::post("/api/any", kind, &body).field("x-wx-skey", TOKEN);
                let row =
                    Row::message(format!("{kind} {}", shown(&body)), message).who(Who::Attacker);
                rows.push(row.must(Must::NotPass).at(&[Door::Shipped, Door::Spin]));
            }
        }
    }
    for size in [0, 1, 16_383, 16_384, 16_385, 32_768, 65_536] {
        for target in [
            "/wx/login",
            "/api/profile",
            "/api/token-in-body",
            "/api/x",
            "/public/x",
        ] {
            for kind in ["application/json", FORM, MULTIPART] {
                let message = Message::post(target, kind, vec![b'a'; size]);
                let row = Row::message(format!("{size} bytes as {kind} to {target}"), message);
                rows.push(row.at(&[Door::Shipped, Door::Spin]));
            }
        }
    }
    rows
}
