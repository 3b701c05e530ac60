//! Requests that would turn a connection into something that nobody looks at any more.

use crate::attacks::message::Message;
use crate::attacks::row::{Door, Must, Row, TOKEN, Who, shown};

const PROTOCOLS: &[&str] = &[
    "websocket",
    "WebSocket",
    "websocket, h2c",
    "h2c, websocket",
    "websocket/13",
    "websocket\t",
    "h2c",
    "H2C",
    "h2",
    "TLS/1.0",
    "TLS/1.3, HTTP/1.1",
    "HTTP/2.0",
    "connect-udp",
    "connect-ip",
    "webtransport",
    "spdy/3.1",
    "?",
    "",
    ",",
    "websocket,",
];

/// What makes an upgrade of it, or nearly.
const CONNECTIONS: &[&str] = &[
    "Upgrade",
    "keep-alive, upgrade, http2-settings",
    "close, upgrade, x-wx-openid",
    "close",
];

const TARGETS: [&[u8]; 7] = [
    b"app:80",
    b"127.0.0.1:80",
    b"/public/x",
    b"/api/x",
    b"*",
    b"edge",
    b"http://edge/public/x",
];

/// Of HTTP/1.1, where Envoy would take such an upgrade, and as it is shipped.
const DOORS: [Door; 3] = [Door::Bare, Door::Shipped, Door::Spin];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let own = |name: String, message: &Message| {
        Row::http1(name, message.http1(<[u8]>::to_vec)).at(&DOORS)
    };
    for protocol in PROTOCOLS {
        for path in ["/api/x", "/feed/x", "/public/x", "/ws", "/wx/login"] {
            // There it is the one that the route names, once Envoy has taken off what it passes over.
            let named = protocol.trim_matches([',', '\t']);
            if path == "/ws" && named.eq_ignore_ascii_case("websocket") {
                continue;
            }
            for connection in CONNECTIONS {
                let message = upgrade(path, protocol, connection).field("x-wx-skey", TOKEN);
                let name = format!("{protocol:?} on {path}, {connection:?}");
                rows.push(own(name, &message).who(Who::Attacker));
            }
            // In HTTP/2 there is no such header.
            let message = Message::get(path)
                .field("upgrade", protocol)
                .field("x-wx-skey", TOKEN);
            let row = Row::message(format!("{protocol:?} on {path}, alone"), message);
            rows.push(row.who(Who::Attacker).at(&[Door::Shipped]).in_both());
        }
        let message = upgrade("/ws", protocol, "upgrade");
        rows.push(own(format!("{protocol:?} on /ws by nobody"), &message).must(Must::NotPass));
        let twice = message.field("upgrade", "h2c").field("x-wx-skey", TOKEN);
        rows.push(own(format!("{protocol:?} and h2c"), &twice).who(Who::Attacker));
    }
    for target in TARGETS {
        for extra in ["", "hello"] {
            let message = Message::new("CONNECT", target)
                .field("x-wx-skey", TOKEN)
                .body(extra);
            let row = Row::message(format!("CONNECT {}", shown(target)), message);
            rows.push(row.must(Must::NotPass).at(&DOORS).in_both());
        }
    }
    // What is no preflight, as it asks for more than that.
    for protocol in ["websocket", "h2c"] {
        let message = upgrade("/api/x", protocol, "upgrade").method("OPTIONS");
        let message = message
            .field("origin", "https://evil.example")
            .field("access-control-request-method", "GET");
        rows.push(Row::message(format!("a preflight for {protocol}"), message));
    }
    for (name, message) in [
        ("with a body", preflight().body("x")),
        ("with chunks", preflight().chunked("x")),
        (
            "with a form",
            preflight()
                .field("content-type", "application/x-www-form-urlencoded")
                .body("_method=POST"),
        ),
    ] {
        rows.push(Row::message(format!("a preflight {name}"), message).must(Must::NotPass));
    }
    rows.push(
        Row::message("a preflight", preflight())
            .must(Must::Pass)
            .at(&[Door::Shipped]),
    );
    rows
}

fn upgrade(path: &str, protocol: &str, connection: &str) -> Message {
    Message::get(path)
        .field("connection", connection)
        .field("upgrade", protocol)
        .field("http2-settings", "AAMAAABkAAQAAP__")
        .field("sec-websocket-version", "13")
        .field("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

fn preflight() -> Message {
    Message::new("OPTIONS", "/api/x")
        .field("origin", "https://example.com")
        .field("access-control-request-method", "POST")
}
