//! Carries the fake's answers over TCP, with TLS or without, and plays the faults of transport.
//! It never forms an answer, and a client that misbehaves ends its own connection only.

use super::{Asked, FakeWechat, Fault, Platform, Transport};
use crate::client::wire::header;
use crate::listener::Listener;
use crate::reset::reset_on_drop;
use crate::serve::{Then, serve};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// A running server. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct WechatServer {
    listener: Listener,
    ca_pem: Option<String>,
}

impl WechatServer {
    pub(super) fn https(wechat: FakeWechat, addr: SocketAddr) -> io::Result<Self> {
        let (config, ca_pem) = credentials();
        let listener = Listener::start_at(addr, move |stream| {
            if !wechat.refuses() {
                let _ = over_tls(stream, &config, &wechat);
            }
        })?;
        Ok(Self {
            listener,
            ca_pem: Some(ca_pem),
        })
    }

    pub(super) fn plain(wechat: FakeWechat, addr: SocketAddr) -> io::Result<Self> {
        let listener = Listener::start_at(addr, move |stream| {
            if !wechat.refuses() {
                let _ = converse(stream, |stream| stream, None, &wechat);
            }
        })?;
        Ok(Self {
            listener,
            ca_pem: None,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr().port()
    }

    /// The certificate of the CA to trust, PEM.
    ///
    /// # Panics
    /// On a plain server.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.ca_pem
            .as_deref()
            .expect("a plain server has no certificate")
    }
}

impl FakeWechat {
    /// A scripted refusal is played on the new connection, before a byte is read.
    fn refuses(&self) -> bool {
        let mut world = self.world();
        let refuses = world.script.front() == Some(&Fault::Refused);
        if refuses {
            world.script.pop_front();
            world.refusals += 1;
        }
        refuses
    }
}

fn over_tls(stream: TcpStream, config: &Arc<ServerConfig>, wechat: &FakeWechat) -> io::Result<()> {
    let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut stream = stream;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    let sni = tls.server_name().map(str::to_owned);
    let tls = StreamOwned::new(tls, stream);
    converse(tls, |tls| &tls.sock, sni.as_deref(), wechat)
}

/// Answers requests until either side has had enough.
fn converse<S: Read + Write>(
    stream: S,
    socket: fn(&S) -> &TcpStream,
    sni: Option<&str>,
    wechat: &FakeWechat,
) -> io::Result<()> {
    serve(stream, |wire, head, body| {
        let host = header(&head.headers, "host").map(String::from_utf8_lossy);
        let content_type = header(&head.headers, "content-type").map(String::from_utf8_lossy);
        let answer = wechat.answer_asked(&Asked {
            method: &head.method,
            target: &head.target,
            host: host.as_deref(),
            sni,
            content_type: content_type.as_deref(),
            body: &body,
        });
        let framing = format!(
            "HTTP/1.1 {} WeChat\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n",
            answer.status,
            answer.content_type,
            answer.body.len(),
        );
        let mut bytes = [framing.as_bytes(), &answer.body].concat();
        match answer.transport {
            Transport::Whole => {}
            Transport::Slow(delay) => std::thread::sleep(delay),
            Transport::Refuse => return Ok(Then::Close),
            Transport::ResetMidBody => bytes.truncate(framing.len() + answer.body.len() / 2),
        }
        wire.stream().write_all(&bytes)?;
        wire.stream().flush()?;
        if answer.transport == Transport::ResetMidBody {
            reset_on_drop(socket(wire.stream()));
            return Ok(Then::Close);
        }
        Ok(Then::Next)
    })
}

/// A certificate for the hosts of all platforms from a new CA, and that CA's certificate as PEM.
fn credentials() -> (Arc<ServerConfig>, String) {
    let mut ca = CertificateParams::new(Vec::new()).expect("no names, no bad names");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name
        .push(DnType::CommonName, "FakeWechat CA");
    let ca_key = KeyPair::generate().expect("a key");
    let ca_certificate = ca.self_signed(&ca_key).expect("a CA");
    let issuer = Issuer::new(ca, ca_key);

    let names = Platform::ALL.map(|platform| platform.host().to_owned());
    let mut leaf = CertificateParams::new(names).expect("good names");
    leaf.distinguished_name
        .push(DnType::CommonName, Platform::Wechat.host());
    leaf.use_authority_key_identifier_extension = true;
    let leaf_key = KeyPair::generate().expect("a key");
    let leaf_certificate = leaf.signed_by(&leaf_key, &issuer).expect("a leaf");

    let key = PrivateKeyDer::try_from(leaf_key.serialize_der()).expect("PKCS#8");
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![leaf_certificate.der().clone()], key)
            .expect("the key fits the certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (Arc::new(config), ca_certificate.pem())
}

#[cfg(test)]
mod tests;
