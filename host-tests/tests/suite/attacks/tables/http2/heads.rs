//! Pseudo headers in any order and number, and headers that HTTP/2 has not.

use super::Fields;
use crate::attacks::row::TOKEN_OF_LENGTH;

const METHOD: (&[u8], &[u8]) = (b":method", b"GET");
const SCHEME: (&[u8], &[u8]) = (b":scheme", b"http");
const AUTHORITY: (&[u8], &[u8]) = (b":authority", b"edge");
const PATH: (&[u8], &[u8]) = (b":path", b"/api/x");
const OPEN: (&[u8], &[u8]) = (b":path", b"/public/x");
pub const TOKEN: (&[u8], &[u8]) = (b"x-wx-skey", TOKEN_OF_LENGTH.as_bytes());

/// Headers as they are sent, pseudo headers in any order and number.
pub fn heads() -> Vec<(&'static str, Fields<'static>)> {
    let usual = || vec![METHOD, SCHEME, AUTHORITY, PATH];
    let with = |more: &[(&'static [u8], &'static [u8])]| [usual(), more.to_vec()].concat();
    let connect = |protocol: &'static [u8], path| {
        let wanted = (&b":protocol"[..], protocol);
        vec![
            (&b":method"[..], &b"CONNECT"[..]),
            wanted,
            SCHEME,
            AUTHORITY,
            path,
        ]
    };
    vec![
        ("no method", vec![SCHEME, AUTHORITY, PATH]),
        ("no scheme", vec![METHOD, AUTHORITY, PATH]),
        ("no path", vec![METHOD, SCHEME, AUTHORITY]),
        ("no authority", vec![METHOD, SCHEME, PATH]),
        ("nothing", vec![]),
        (
            "two methods",
            vec![METHOD, (b":method", b"POST"), SCHEME, AUTHORITY, PATH],
        ),
        (
            "two paths, the open one first",
            vec![METHOD, SCHEME, AUTHORITY, OPEN, PATH],
        ),
        (
            "two paths, the open one last",
            vec![METHOD, SCHEME, AUTHORITY, PATH, OPEN],
        ),
        (
            "two authorities",
            vec![
                METHOD,
                SCHEME,
                AUTHORITY,
                (b":authority", b"elsewhere"),
                PATH,
            ],
        ),
        (
            "two schemes",
            vec![METHOD, SCHEME, (b":scheme", b"https"), AUTHORITY, PATH],
        ),
        (
            "empty method",
            vec![(b":method", b""), SCHEME, AUTHORITY, PATH],
        ),
        (
            "empty path",
            vec![METHOD, SCHEME, AUTHORITY, (b":path", b"")],
        ),
        (
            "empty scheme",
            vec![METHOD, (b":scheme", b""), AUTHORITY, PATH],
        ),
        (
            "empty authority",
            vec![METHOD, SCHEME, (b":authority", b""), PATH],
        ),
        (
            "odd scheme",
            vec![METHOD, (b":scheme", b"javascript"), AUTHORITY, PATH],
        ),
        (
            "a scheme with a path",
            vec![
                METHOD,
                (b":scheme", b"http://edge/public/x?"),
                AUTHORITY,
                PATH,
            ],
        ),
        (
            "a scheme with a line",
            vec![
                METHOD,
                (b":scheme", b"http\r\nx-wx-openid: forged-by-a-client"),
                AUTHORITY,
                PATH,
            ],
        ),
        (
            "an authority with a path",
            vec![METHOD, SCHEME, (b":authority", b"edge/public/x"), PATH],
        ),
        (
            "an authority with a user",
            vec![METHOD, SCHEME, (b":authority", b"user@edge"), PATH],
        ),
        (
            "an authority with a line",
            vec![
                METHOD,
                SCHEME,
                (b":authority", b"edge\r\nx-wx-openid: forged-by-a-client"),
                PATH,
            ],
        ),
        (
            "an authority with two ports",
            vec![METHOD, SCHEME, (b":authority", b"edge:80:80"), PATH],
        ),
        (
            "a method with a line",
            vec![
                (
                    b":method",
                    b"GET /public/x HTTP/1.1\r\nhost: edge\r\n\r\nGET",
                ),
                SCHEME,
                AUTHORITY,
                PATH,
            ],
        ),
        (
            "a method with a blank",
            vec![(b":method", b"GET /api/x"), SCHEME, AUTHORITY, PATH],
        ),
        (
            "a path with a line",
            vec![
                METHOD,
                SCHEME,
                AUTHORITY,
                (b":path", b"/public/x HTTP/1.1\r\nhost: edge\r\nx: y"),
            ],
        ),
        (
            "a path with a blank",
            vec![METHOD, SCHEME, AUTHORITY, (b":path", b"/public/x HTTP/1.1")],
        ),
        (
            "a path with a fragment",
            vec![METHOD, SCHEME, AUTHORITY, (b":path", b"/public/x#/api/x")],
        ),
        (
            "a path without a slash",
            vec![METHOD, SCHEME, AUTHORITY, (b":path", b"public/x")],
        ),
        (
            "a path that is a URL",
            vec![
                METHOD,
                SCHEME,
                AUTHORITY,
                (b":path", b"http://edge/public/x"),
            ],
        ),
        (
            "an asterisk",
            vec![METHOD, SCHEME, AUTHORITY, (b":path", b"*")],
        ),
        (
            "an asterisk for OPTIONS",
            vec![
                (b":method", b"OPTIONS"),
                SCHEME,
                AUTHORITY,
                (b":path", b"*"),
            ],
        ),
        (
            "a pseudo header behind others",
            vec![METHOD, SCHEME, AUTHORITY, (b"x", b"y"), PATH],
        ),
        (
            "a path behind others, and one before",
            with(&[(b"x", b"y"), OPEN]),
        ),
        ("a status", with(&[(b":status", b"200")])),
        ("a pseudo header of nobody", with(&[(b":openid", b"x")])),
        (
            "a protocol without CONNECT",
            with(&[(b":protocol", b"websocket")]),
        ),
        ("capitals", with(&[(b"X-Random", b"y")])),
        ("an empty name", with(&[(b"", b"y")])),
        ("a colon in a name", with(&[(b"x:y", b"z")])),
        (
            "a line in a name",
            with(&[(b"x\r\nx-wx-openid", b"forged-by-a-client")]),
        ),
        ("a zero in a name", with(&[(b"x\0y", b"z")])),
        (
            "a line in a value",
            with(&[(b"x", b"y\r\nx-wx-openid: forged-by-a-client")]),
        ),
        (
            "a line feed in a value",
            with(&[(b"x", b"y\nx-wx-openid: forged-by-a-client")]),
        ),
        (
            "a carriage return in a value",
            with(&[(b"x", b"y\rx-wx-openid: forged-by-a-client")]),
        ),
        ("a zero in a value", with(&[(b"x", b"y\0z")])),
        ("blanks around a value", with(&[(b"x", b" y ")])),
        (
            "a whole request in a value",
            with(&[(
                b"x",
                b"y\r\n\r\nGET /api/smuggled HTTP/1.1\r\nhost: edge\r\n\r\n",
            )]),
        ),
        ("connection", with(&[(b"connection", b"close")])),
        ("keep-alive", with(&[(b"keep-alive", b"1")])),
        (
            "transfer-encoding",
            with(&[(b"transfer-encoding", b"chunked")]),
        ),
        (
            "transfer-encoding in capitals",
            with(&[(b"Transfer-Encoding", b"chunked")]),
        ),
        (
            "transfer_encoding",
            with(&[(b"transfer_encoding", b"chunked")]),
        ),
        ("upgrade", with(&[(b"upgrade", b"h2c")])),
        ("proxy-connection", with(&[(b"proxy-connection", b"close")])),
        ("te", with(&[(b"te", b"chunked")])),
        ("http2-settings", with(&[(b"http2-settings", b"AAMAAABk")])),
        ("a host beside", with(&[(b"host", b"elsewhere")])),
        (
            "two hosts beside",
            with(&[(b"host", b"edge"), (b"host", b"elsewhere")]),
        ),
        (
            "a host alone",
            vec![METHOD, SCHEME, PATH, (b"host", b"elsewhere")],
        ),
        (
            "CONNECT",
            vec![(b":method", b"CONNECT"), (b":authority", b"app:80")],
        ),
        (
            "CONNECT with a path",
            vec![(b":method", b"CONNECT"), SCHEME, AUTHORITY, OPEN],
        ),
        ("CONNECT for a WebSocket", connect(b"websocket", OPEN)),
        (
            "CONNECT for a WebSocket in the API",
            connect(b"websocket", PATH),
        ),
        ("CONNECT for UDP", connect(b"connect-udp", OPEN)),
        ("CONNECT for nothing", connect(b"", OPEN)),
        (
            "content-length of nothing",
            with(&[(b"content-length", b"5")]),
        ),
        (
            "two lengths",
            with(&[(b"content-length", b"0"), (b"content-length", b"5")]),
        ),
        ("a negative length", with(&[(b"content-length", b"-1")])),
        ("a length that is none", with(&[(b"content-length", b"x")])),
        ("content_length", with(&[(b"content_length", b"5")])),
    ]
}
