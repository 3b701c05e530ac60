//! The server, met over loopback with TLS and without.

use super::*;
use crate::client::wire::Wire;
use crate::client::{Connection, End, Request, send};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_secs(5);

/// One of the names in the certificate.
const NAME: &str = "api.weixin.qq.com";

fn wechat() -> FakeWechat {
    FakeWechat::seeded("wxapp", "s", b"tests")
}

fn login(wechat: &FakeWechat) -> Request {
    let code = wechat.phone("alice").login();
    Request::get(format!(
        "/sns/jscode2session?appid=wxapp&secret=s&js_code={code}&grant_type=authorization_code"
    ))
    .header("host", NAME)
}

fn tls(server: &WechatServer, name: &'static str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let client =
        ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap()).unwrap();
    let stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(SHORT)).unwrap();
    StreamOwned::new(client, stream)
}

#[test]
fn over_tls_two_requests_share_a_connection_and_the_names_are_recorded() {
    let wechat = wechat();
    let server = wechat.serve();
    let mut wire = Wire::new(tls(&server, NAME));
    for _ in 0..2 {
        wire.stream()
            .write_all(&login(&wechat).head_bytes(""))
            .unwrap();
        let head = wire.response_head().unwrap().unwrap();
        let body = wire.body(head.framing(false).unwrap()).unwrap();
        assert_eq!(
            header(&head.headers, "content-type"),
            Some(&b"text/plain"[..])
        );
        assert!(
            String::from_utf8(body)
                .unwrap()
                .contains(&wechat.phone("alice").openid())
        );
    }
    let seen = wechat.requests();
    assert_eq!(
        (seen.len(), seen[1].sni.as_deref(), seen[1].host.as_deref()),
        (2, Some(NAME), Some(NAME))
    );
}

#[test]
fn the_certificate_is_for_no_other_name() {
    let wechat = wechat();
    let server = wechat.serve();
    assert!(
        tls(&server, "example.com")
            .write_all(b"GET / HTTP/1.1\r\n\r\n")
            .is_err()
    );
}

#[test]
fn a_reset_in_mid_body_is_a_reset_with_tls_too() {
    let wechat = wechat();
    wechat.script([Fault::ResetMidBody, Fault::ResetMidBody]);
    let server = wechat.serve();
    let mut wire = Wire::new(tls(&server, NAME));
    wire.stream()
        .write_all(&login(&wechat).head_bytes(""))
        .unwrap();
    let head = wire.response_head().unwrap().unwrap();
    let error = wire.body(head.framing(false).unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

    let plain = wechat.serve_plain();
    let mut connection = Connection::open(plain.addr(), SHORT).unwrap();
    connection.write_head(&login(&wechat)).unwrap();
    let drained = connection.drain();
    assert_eq!(drained.end, End::Reset);
    assert!(drained.bytes.starts_with(b"HTTP/1.1 200") && !drained.bytes.ends_with(b"}"));
}

#[test]
fn a_refusal_closes_a_new_connection_and_a_kept_one_without_a_byte() {
    let wechat = wechat();
    let server = wechat.serve_plain();
    let mut kept = Connection::open(server.addr(), SHORT).unwrap();
    kept.send(&login(&wechat)).unwrap();
    wechat.script([Fault::Refused, Fault::Refused]);
    assert!(send(server.addr(), &login(&wechat), SHORT).is_err());
    assert!(kept.send(&login(&wechat)).is_err());
    assert_eq!((wechat.refusals(), wechat.requests().len()), (2, 1));
}

#[test]
fn slow_big_and_broken_answers_arrive_as_scripted() {
    let wechat = wechat();
    let server = wechat.serve_plain();
    let delay = Duration::from_millis(80);
    wechat.script([
        Fault::Slow(delay),
        Fault::BigBody,
        Fault::Html,
        Fault::Http500,
        Fault::EmptyBody,
        Fault::Truncated,
    ]);
    let ask = || send(server.addr(), &login(&wechat), SHORT).unwrap();
    let start = Instant::now();
    assert!(ask().json().unwrap()["openid"].is_string() && start.elapsed() >= delay);
    assert!(ask().json().unwrap().as_str().unwrap().len() == 1 << 20);
    assert_eq!(ask().header("content-type"), Some(&b"text/html"[..]));
    assert_eq!(ask().status, 500);
    assert!(ask().body.is_empty());
    assert!(ask().json().is_err());
}

#[test]
fn garbage_and_clients_that_go_away_do_no_harm() {
    let wechat = wechat();
    let server = wechat.serve();
    for bytes in [&b""[..], b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut connection = Connection::open(server.addr(), SHORT).unwrap();
        connection.write(bytes).unwrap();
        connection.abort();
    }
    let mut client = tls(&server, NAME);
    client.write_all(b"\x00\x01nonsense\r\n\r\n").unwrap();
    assert!(matches!(client.read(&mut [0; 9]), Ok(0) | Err(_)));
    let mut wire = Wire::new(tls(&server, NAME));
    wire.stream()
        .write_all(&login(&wechat).head_bytes(""))
        .unwrap();
    assert_eq!(wire.response_head().unwrap().unwrap().status, 200);
}
