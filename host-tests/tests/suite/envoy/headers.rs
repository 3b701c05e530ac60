//! Header names and values that a client makes up: bytes that are not UTF-8, doubled, misspelt, enormous.
//! A refusal or the true identity, never a trap and never a forged identity.

use testkit::client::Request;

use crate::rig::envoy_world::{EnvoyWorld, error_of, with_token};
use testkit::http2::pseudo;

pub type Field<'a> = (&'a [u8], &'a [u8]);

pub fn in_http1(path: &str, headers: &[Field<'_>]) -> Request {
    let request = Request::get(path);
    headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    })
}

/// `GET path` with these headers over HTTP/1.1 and over HTTP/2: both statuses.
pub fn get(edge: &EnvoyWorld, path: &str, headers: &[Field<'_>]) -> [u16; 2] {
    let all = [&pseudo("GET", path.as_bytes()), headers].concat();
    let mut connection = edge.connect_http2();
    let id = connection.request(&all, true);
    let http1 = edge.send(&in_http1(path, headers));
    [http1.status, connection.answer(id).status]
}

#[test]
fn a_session_header_that_is_doubled_or_not_utf8_is_refused() {
    let edge = EnvoyWorld::start();
    let (one, other) = (edge.login("a"), edge.login("b"));
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let bearer = [b"Bearer ", one].concat();
    let bearer_and_more = [b"Bearer ", one, b"\xff"].concat();
    let joined = [one, b", ", one].concat();
    let cases: &[&[Field<'_>]] = &[
        &[(b"x-wx-skey", b"\xff\xfe")],
        &[(b"x-3rd-session", b"\xc3")],
        &[(b"authorization", &bearer_and_more)],
        &[(b"x-wx-skey", one), (b"x-wx-skey", one)],
        &[(b"x-wx-skey", one), (b"x-wx-skey", other)],
        &[(b"x-wx-skey", one), (b"x-wx-skey", b"\xff")],
        &[(b"x-wx-skey", one), (b"x-3rd-session", other)],
        &[(b"authorization", &bearer), (b"authorization", &bearer)],
        &[(b"x-wx-skey", &joined)],
    ];
    for case in cases {
        for path in ["/api/orders", "/wx/user"] {
            for status in get(&edge, path, case) {
                assert!([400, 401].contains(&status), "{path} {case:?}: {status}");
            }
        }
    }
    assert_eq!(edge.app.bytes_received(), 0);
    edge.assert_sound();
}

#[test]
fn a_login_header_that_is_doubled_or_not_utf8_is_refused() {
    let edge = EnvoyWorld::start();
    let code = edge.wechat.phone("a").login();
    let code = code.as_bytes();
    let cases: &[&[Field<'_>]] = &[
        &[(b"x-wx-code", b"\xff\xfe")],
        &[(b"x-wx-code", code), (b"x-wx-code", code)],
    ];
    for case in cases {
        assert_eq!(get(&edge, "/wx/login", case), [400, 400], "{case:?}");
    }
    assert_eq!(edge.wechat.requests().len(), 0);
    edge.assert_sound();
}

#[test]
fn open_data_in_headers_that_are_not_utf8_costs_no_login() {
    let edge = EnvoyWorld::start();
    let cases: &[&[Field<'_>]] = &[
        &[(b"x-wx-iv", b"\xff")],
        &[(b"x-wx-encrypted-data", b"\xff"), (b"x-wx-iv", b"\xff")],
    ];
    for case in cases {
        let code = edge.wechat.phone("a").login();
        let fields = [&[(&b"x-wx-code"[..], code.as_bytes())], *case].concat();
        assert_eq!(get(&edge, "/wx/login", &fields), [200, 200], "{case:?}");
    }
    edge.assert_sound();
}

#[test]
fn bytes_in_headers_that_are_the_apps_own_pass_unchanged() {
    let edge = EnvoyWorld::start();
    let token = edge.login("a");
    for (name, value) in [
        (&b"x-random"[..], &b"\xff\xfe\x80"[..]),
        (b"cookie", b"\xff=\xc3; a=b"),
        (b"user-agent", "小程序".as_bytes()),
    ] {
        let fields = [(&b"x-wx-skey"[..], token.as_bytes()), (name, value)];
        assert_eq!(get(&edge, "/api/orders", &fields), [200, 200]);
        for seen in edge.app.take() {
            let name = std::str::from_utf8(name).unwrap();
            assert_eq!(seen.header(name), Some(value));
            assert_eq!(seen.count("x-wx-openid"), 1);
        }
    }
    edge.assert_sound();
}

#[test]
fn enormous_headers_are_refused_or_passed_but_never_a_trap() {
    let edge = EnvoyWorld::start();
    let token = edge.login("a");
    // Envoy takes 16 KiB of headers in all.
    let large = vec![b'x'; 14 * 1024];
    for (path, name, status) in [
        ("/api/orders", &b"x-random"[..], 200),
        ("/api/orders", b"x-wx-openid", 200),
        // No token, and ignored beside one.
        ("/api/orders", b"x-3rd-session", 200),
        ("/wx/login", b"x-wx-code", 400),
        ("/wx/login", b"content-type", 400),
    ] {
        let fields = [(&b"x-wx-skey"[..], token.as_bytes()), (name, &large)];
        assert_eq!(get(&edge, path, &fields)[0], status, "{path} {name:?}");
    }
    assert!(
        edge.app
            .take()
            .iter()
            .all(|seen| seen.header("x-wx-openid").unwrap() != large)
    );
    let too_large = vec![b'x'; 17 * 1024];
    let too_many = Request::get("/public/x");
    let too_many = (0..120).fold(too_many, |request, n| request.header(format!("x-{n}"), "1"));
    assert_eq!(
        get(&edge, "/public/x", &[(b"x-random", &too_large)])[0],
        431
    );
    assert_eq!(edge.send(&too_many).status, 431);
    assert_eq!(edge.app.requests().len(), 0);
    edge.assert_sound();
}

#[test]
fn a_refusal_names_the_header_that_it_is_about() {
    let edge = EnvoyWorld::start();
    let answer = edge.send(&with_token("x").header("x-wx-skey", "y"));
    assert_eq!(
        (answer.status, &*error_of(&answer)),
        (400, "invalid_header")
    );
    assert!(answer.text().contains("x-wx-skey"), "{}", answer.text());
}
