//! What happens to a request's headers and trailers on their way to the app.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use serde_json::json;
use spin_host::{APP_OUTSIDE, Upstream};
use testkit::client::{Connection, Request};
use testkit::http2;
use testkit::http2::flag::{END_HEADERS, END_STREAM};
use testkit::http2::hpack::literal;
use testkit::http2::kind::{DATA, HEADERS, SETTINGS};

use super::streams::{accepted, read_until};
use crate::rig::spin_world::{SpinWorld, TIMEOUT};
use crate::rig::{APPID, Way};

/// wasmtime-wasi-http fails a request that still has one: a client could provoke 500s.
#[test]
fn headers_that_a_component_may_not_send_do_not_fail_the_request() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let token = stage.login(&stage.wechat.phone("alice"));
        for name in [
            "connection",
            "keep-alive",
            "proxy-authenticate",
            "proxy-authorization",
            "proxy-connection",
            "http2-settings",
        ] {
            let request = Request::get("/orders")
                .header("X-WX-Skey", &token)
                .header(name, "x");
            let answer = stage.send(&request);
            assert_eq!(answer.status, 200, "{way:?} {name} {}", stage.log());
            let seen = stage.rig.app.take().remove(0);
            assert_eq!(seen.count(name), 0, "{way:?} {name}");
        }
        let request = Request::post("/orders")
            .header("X-WX-Skey", &token)
            .chunked(["ab", "cd"]);
        assert_eq!(stage.send(&request).status, 200, "{way:?}");
        assert_eq!(stage.rig.app.take().remove(0).body, b"abcd", "{way:?}");
    }
}

#[test]
fn the_app_sees_who_it_is_and_nothing_a_client_forged() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let phone = stage.wechat.phone("alice");
        let token = stage.login(&phone);
        let request = Request::get("/orders?a=1")
            .header("X-WX-Skey", &token)
            .header("X-WX-OPENID", "forged")
            .header("x_wx_openid", "forged")
            .header("X-WX-From-Openid", "forged")
            .header("spin-client-addr", "6.6.6.6:1")
            .header("cookie", "theme=dark");
        assert_eq!(stage.send(&request).status, 200, "{way:?}");
        let seen = stage.rig.app.take().remove(0);
        assert_eq!(seen.path, "/orders?a=1");
        let openid = phone.openid();
        assert_eq!(seen.header("x-wx-openid").unwrap(), openid.as_bytes());
        assert_eq!(seen.count("x-wx-openid"), 1);
        let forged = seen.count("x_wx_openid") + seen.count("x-wx-from-openid");
        assert_eq!(forged, 0, "{way:?}");
        assert_eq!(seen.count("x-wx-skey"), 0, "{way:?}");
        assert_eq!(seen.header("cookie").unwrap(), b"theme=dark");
        let mut values = seen.headers.iter().map(|(_, value)| value);
        assert!(
            !values.any(|value| value.starts_with(b"6.6.6.6")),
            "{way:?}"
        );
    }
}

/// Spin appends its own headers to a client's. Behind a middleware the app sees Spin's alone, behind a service none: it
/// gets its own from Spin, as a component of the application.
#[test]
fn what_a_client_says_in_spins_name_never_reaches_the_app() {
    const OWN: [&str; 7] = [
        "spin-path-info",
        "spin-full-url",
        "spin-matched-route",
        "spin-base-path",
        "spin-raw-component-route",
        "spin-component-route",
        "spin-client-addr",
    ];
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let token = stage.login(&stage.wechat.phone("alice"));
        for path in ["/orders?a=1", "/public/a"] {
            let forged = OWN.iter().chain(&[
                "spin-path-match-user",
                "spin-anything",
                "spin_client_addr",
                "spin.full.url",
            ]);
            let request = Request::get(path).header("x-wx-skey", &token);
            let request = forged.fold(request, |request, name| {
                request.header(name, "forged").header(name, "forged too")
            });
            assert_eq!(stage.send(&request).status, 200, "{way:?}");
            let seen = stage.rig.app.take().remove(0);
            let is_spins = |name: &str| name.starts_with("spin");
            let of_spin = seen.headers.iter().filter(|(name, _)| is_spins(name));
            let mut names: Vec<&str> = of_spin.map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            let mut expected = match way {
                Way::Service => Vec::new(),
                Way::Middleware => OWN.to_vec(),
            };
            expected.sort_unstable();
            assert_eq!(names, expected, "{way:?} {path}");
            let mut values = seen.headers.iter().map(|(_, value)| value.as_slice());
            assert!(!values.any(|value| value.starts_with(b"forged")), "{way:?}");
            if way == Way::Middleware {
                let address = seen.header("spin-client-addr").unwrap();
                assert!(address.starts_with(b"127.0.0.1:"), "{address:?}");
                let url = seen.header("spin-full-url").unwrap();
                assert!(url.ends_with(path.as_bytes()), "{url:?}");
            }
        }
    }
}

/// An app that is a component of the application is asked by Spin, which knows of no client there.
#[test]
fn a_component_behind_the_service_sees_no_client_and_no_host() {
    let stage = SpinWorld::start_with(Way::Service, &json!({}), |manifest| {
        let app = manifest.outbound.remove("app.spin.internal").unwrap();
        manifest.outbound.insert(APP_OUTSIDE.to_owned(), app);
        let component = spin_host::components::component("spin-app").unwrap();
        let component = Upstream::component(component);
        manifest
            .outbound
            .insert("app.spin.internal".to_owned(), component);
    });
    let phone = stage.wechat.phone("alice");
    let token = stage.login(&phone);
    let request = Request::post("/orders?a=1")
        .header("x-wx-skey", &token)
        .header("spin-client-addr", "6.6.6.6:1")
        .body("what is sent");
    assert_eq!(stage.send(&request).status, 200, "{}", stage.log());
    let seen = stage.rig.app.take().remove(0);
    assert_eq!(seen.path, "/orders?a=1");
    assert_eq!(seen.body, b"what is sent");
    assert_eq!(seen.count("spin-client-addr"), 1);
    assert_eq!(seen.header("spin-client-addr").unwrap(), b"0.0.0.0:0");
    let url = seen.header("spin-full-url").unwrap();
    assert_eq!(url, b"http://localhost/orders?a=1");
    let openid = phone.openid();
    assert_eq!(seen.header("x-wx-openid").unwrap(), openid.as_bytes());
}

/// Spin writes the whole URL into a header of its own.
#[test]
fn a_token_in_the_query_reaches_the_app_in_no_header_either() {
    for way in Way::BOTH {
        let patch = json!({ "session": { "query": "wx" } });
        let stage = SpinWorld::start_with(way, &patch, |_| {});
        let token = stage.login(&stage.wechat.phone("alice"));
        let answer = stage.send(&Request::get(format!("/orders?a=1&wx={token}&b=2")));
        assert_eq!(answer.status, 200, "{way:?}");
        let seen = stage.rig.app.take().remove(0);
        assert_eq!(seen.path, "/orders?a=1&b=2", "{way:?}");
        for (name, value) in &seen.headers {
            let value = String::from_utf8_lossy(value);
            assert!(!value.contains(&token), "{way:?} {name}");
        }
    }
}

#[test]
fn identity_in_trailers_does_not_pass() {
    for way in Way::BOTH {
        let app = TcpListener::bind("127.0.0.1:0").unwrap();
        let renamed = json!({ "identity_headers": { "openid": "X-User-Openid" } });
        let stage = SpinWorld::start_with(way, &renamed, |manifest| {
            let app = Upstream::plain(app.local_addr().unwrap());
            manifest.outbound.insert("app.spin.internal".into(), app);
        });
        let token = stage.login(&stage.wechat.phone("alice"));
        let mut client = Connection::open(stage.addr(), TIMEOUT).unwrap();
        let request = format!(
            "POST /up HTTP/1.1\r\nhost: edge\r\nx-wx-skey: {token}\r\ntrailer: x-wx-openid, x-checksum\r\n\
             transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-wx-openid: forged\r\nx-user-openid: forged\r\n\
             x_wx_env: forged\r\nx-checksum: 7\r\n\r\n"
        );
        client.write(request.as_bytes()).unwrap();
        let mut stream = accepted(&app);
        let seen = read_until(&mut stream, "0\r\n");
        let seen = seen + &read_until(&mut stream, "\r\n\r\n");
        assert!(!seen.contains("forged"), "{way:?} {seen}");
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .unwrap();
        assert_eq!(client.read_response("POST").unwrap().status, 204, "{way:?}");
    }
}

/// Nor does HTTP/2 tell of a body: a parameter in a header takes the place of none.
#[test]
fn a_body_that_no_header_tells_of_is_read() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let mut client = http2::Http2::open(stage.addr());
        let mut head = http2::pseudo("POST", b"/wx/login");
        head.push((b"x-wx-app", APPID.as_bytes()));
        let stream = client.request(&head, false);
        let body = json!({ "code": stage.wechat.phone("alice").login() });
        client.data(stream, body.to_string().as_bytes(), true);
        assert_eq!(client.answer(stream).status, 200, "{way:?}");
    }
}

/// HTTP/2 has them without a body, too.
#[test]
fn identity_in_trailers_of_no_body_does_not_pass() {
    for way in Way::BOTH {
        for empty_piece in [false, true] {
            let app = TcpListener::bind("127.0.0.1:0").unwrap();
            let stage = SpinWorld::start_with(way, &json!({}), |manifest| {
                let app = Upstream::plain(app.local_addr().unwrap());
                manifest.outbound.insert("app.spin.internal".into(), app);
            });
            let token = stage.login(&stage.wechat.phone("alice"));
            let mut head = http2::pseudo("POST", b"/up");
            head.push((b"x-wx-skey", token.as_bytes()));
            head.push((b"trailer", b"x-wx-openid"));
            // In one write, so that all of it is there when somebody looks.
            let mut all = [http2::PREFACE, &http2::frame(SETTINGS, 0, 0, &[])].concat();
            all.extend(http2::frame(HEADERS, END_HEADERS, 1, &literal(&head)));
            if empty_piece {
                all.extend(http2::frame(DATA, 0, 1, b""));
            }
            let ended = END_HEADERS | END_STREAM;
            all.extend(http2::frame(
                HEADERS,
                ended,
                1,
                &literal(&[(b"x-wx-openid", b"forged")]),
            ));
            let mut client = TcpStream::connect(stage.addr()).unwrap();
            client.set_read_timeout(Some(TIMEOUT)).unwrap();
            client.write_all(&all).unwrap();
            let mut stream = accepted(&app);
            let mut seen = read_until(&mut stream, "\r\n\r\n");
            if seen.contains("transfer-encoding") {
                seen += &read_until(&mut stream, "0\r\n");
                seen += &read_until(&mut stream, "\r\n");
            }
            assert!(seen.starts_with("POST /up "), "{way:?} {seen}");
            assert!(!seen.contains("forged"), "{way:?} {seen}");
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .unwrap();
            loop {
                let (kind, _, number, _) = http2::read_frame(&mut client).unwrap();
                if (kind, number) == (HEADERS, 1) {
                    break;
                }
            }
        }
    }
}

/// Answers that were given a token on their way: as the app sent them, but for what is of one connection.
#[test]
fn an_answer_with_a_token_is_otherwise_the_apps() {
    for way in Way::BOTH {
        let app = TcpListener::bind("127.0.0.1:0").unwrap();
        let stage = SpinWorld::start_with(way, &piggyback(), |manifest| {
            let app = Upstream::plain(app.local_addr().unwrap());
            manifest.outbound.insert("app.spin.internal".into(), app);
        });
        let code = stage.wechat.phone("alice").login();
        let mut client = TcpStream::connect(stage.addr()).unwrap();
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        let head = format!("GET /a HTTP/1.1\r\nhost: edge\r\nx-wx-code: {code}\r\n\r\n");
        client.write_all(head.as_bytes()).unwrap();
        let mut stream = accepted(&app);
        read_until(&mut stream, "\r\n\r\n");
        stream
            .write_all(
                b"HTTP/1.1 206 Partial Content\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\
                  set-cookie: a=1\r\nset-cookie: b=2\r\n\r\n3\r\none\r\n",
            )
            .unwrap();
        // The first part arrives before the second is sent.
        let head = read_until(&mut client, "one").to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 206 "), "{head}");
        assert_eq!(head.matches("set-cookie: ").count(), 2, "{head}");
        assert_eq!(head.matches("x-wx-skey: ").count(), 1, "{head}");
        stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").unwrap();
        read_until(&mut client, "two\r\n0\r\n\r\n");
        assert!(!stage.log().contains("[error]"), "{way:?}");
    }
}

#[test]
fn an_answer_without_a_body_or_of_ours_carries_a_token_too() {
    for way in Way::BOTH {
        let stage = SpinWorld::start_with(way, &piggyback(), |_| {});
        let phone = stage.wechat.phone("alice");
        let head = Request::new("HEAD", "/a").header("x-wx-code", phone.login());
        let answer = stage.send(&head);
        assert_eq!(answer.status, 200, "{way:?}");
        assert_eq!(answer.header("x-wx-skey").unwrap().len(), 43, "{way:?}");

        let stage = SpinWorld::start_with(way, &piggyback(), |manifest| {
            let nobody = Upstream::plain(super::resources::nobody());
            manifest.outbound.insert("app.spin.internal".into(), nobody);
        });
        let code = stage.wechat.phone("alice").login();
        let answer = stage.send(&Request::get("/a").header("x-wx-code", &code));
        assert_eq!(answer.status, 503, "{way:?}");
        assert_eq!(answer.header("x-wx-skey").unwrap().len(), 43, "{way:?}");
    }
}

fn piggyback() -> serde_json::Value {
    json!({ "session": { "piggyback": true } })
}

#[test]
fn the_line_of_a_refusal_belongs_to_the_trace_of_its_request() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let id = "0af7651916cd43dd8448eb211c80319c";
        let traced =
            Request::get("/orders").header("traceparent", format!("00-{id}-b7ad6b7169203331-01"));
        assert_eq!(stage.send(&traced).status, 401, "{way:?}");
        assert_eq!(stage.send(&Request::get("/orders")).status, 401, "{way:?}");
        let log = stage.log();
        let told = format!(r#""trace_id":"{id}""#);
        // That of the request, and the one that says what was counted.
        assert_eq!(log.matches(&told).count(), 2, "{way:?} {log}");
        assert_eq!(
            log.matches(r#""event":"refused""#).count(),
            2,
            "{way:?} {log}"
        );
    }
}
