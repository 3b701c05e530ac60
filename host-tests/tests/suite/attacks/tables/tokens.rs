//! Tokens that are none, and two at once in all places where a token may stand.

use crate::attacks::message::Message;
use crate::attacks::row::{Door, Must, OTHER, Row, TOKEN, Who};

/// Where a token may stand: a header, or a parameter of the query.
const PLACES: &[(&str, &str)] = &[
    ("x-wx-skey", ""),
    ("x-3rd-session", ""),
    ("authorization", "Bearer "),
    ("authorization", ""),
    ("cookie", "sid="),
    ("cookie", "a=b; sid="),
    ("?", "skey="),
    ("?", "a=b&skey="),
    ("?", "%73key="),
];

/// Spellings of a place in which the edge looks for no token. Nor does what stands there make anybody somebody.
const NO_PLACES: &[(&str, &str)] = &[
    ("x_wx_skey", ""),
    ("x.wx.skey", ""),
    ("x-wx-skey-", ""),
    ("x-wx-skeys", ""),
    ("x-3rd_session", ""),
    ("proxy-authorization", "Bearer "),
    ("cookie", "a=sid="),
    ("cookie", "xsid="),
    ("?", "a=skey="),
];

fn at(
    message: &Message,
    target: &str,
    (place, before): (&str, &str),
    token: &str,
) -> (Message, String) {
    if place != "?" {
        return (
            message.clone().field(place, format!("{before}{token}")),
            target.to_owned(),
        );
    }
    let sign = if target.contains('?') { '&' } else { '?' };
    (message.clone(), format!("{target}{sign}{before}{token}"))
}

/// No second token.
const NOTHING: ((&str, &str), &str) = (("x-of-the-app", ""), "1");

/// A request with both.
fn with(target: &str, one: ((&str, &str), &str), other: ((&str, &str), &str)) -> Message {
    let message = Message::get("");
    let (message, target) = at(&message, target, one.0, one.1);
    let (message, target) = at(&message, &target, other.0, other.1);
    message.to(target)
}

/// Bytes that decode to what a token decodes to, or nearly.
const NO_TOKENS: &[&str] = &[
    "{TOKEN}=",
    "{TOKEN}==",
    "{TOKEN}A",
    " {TOKEN}A",
    "A{TOKEN}",
    "{TOKEN}{TOKEN}",
    "{TOKEN}/",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
    "__________________________________________8",
    "-------------------------------------------",
    "+++++++++++++++++++++++++++++++++++++++++++",
    "///////////////////////////////////////////",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41",
    "Bearer",
    "Bearer ",
    "Bearer Bearer",
    "admin",
    "1",
    "' OR '1'='1",
    "../../../session",
    "wx:s:*",
    "eyJhbGciOiJub25lIn0.eyJvcGVuaWQiOiJ4In0.",
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for one in PLACES {
        let single = with("/api/x", (*one, TOKEN), NOTHING);
        rows.push(
            Row::message(format!("{one:?}"), single)
                .who(Who::Attacker)
                .must(Must::Pass),
        );
        for other in PLACES {
            for target in ["/api/x", "/feed/x", "/wx/user"] {
                let two = with(target, (*one, TOKEN), (*other, OTHER));
                let row = Row::message(format!("{one:?} and another in {other:?}, {target}"), two);
                rows.push(row.must(Must::NotPass).at(&[Door::Shipped, Door::Spin]));
            }
            for (second, target) in [
                (TOKEN, "/api/x"),
                (OTHER, "/public/x"),
                ("undefined", "/api/x"),
                ("%ff", "/api/x"),
            ] {
                let two = with(target, (*one, TOKEN), (*other, second));
                let row = Row::message(format!("{one:?} and {second} in {other:?}, {target}"), two);
                rows.push(row.who(Who::Attacker).at(&[Door::Shipped, Door::Spin]));
            }
        }
        for none in NO_TOKENS {
            // In a query a space would end the target.
            let none = if one.0 == "?" {
                none.replace(' ', "%20")
            } else {
                (*none).to_owned()
            };
            let message = with("/api/x", (*one, &none), NOTHING);
            let row = Row::message(format!("{none} in {one:?}"), message);
            rows.push(row.must(Must::NotPass).at(&[Door::Shipped, Door::Spin]));
        }
    }
    for place in NO_PLACES {
        let message = with("/api/x", (*place, TOKEN), NOTHING);
        rows.push(Row::message(format!("{place:?}"), message).must(Must::NotPass));
    }
    // The client's own name of its session is no proof of it, and a wrong one beside it a refusal.
    for id in ["0", "deadbeef", "*", "a, b"] {
        let message = Message::get("/api/x")
            .field("x-wx-skey", TOKEN)
            .field("x-wx-id", id);
        rows.push(Row::message(format!("x-wx-id: {id}"), message).who(Who::Attacker));
        rows.push(
            Row::message(
                format!("x-wx-id: {id} alone"),
                Message::get("/api/x").field("x-wx-id", id),
            )
            .must(Must::NotPass),
        );
    }
    rows
}
