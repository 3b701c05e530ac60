//! TLS to an edge, for one of the two protocols, by the authority that has signed the edges' certificates.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::Tls;
use crate::answer::Broken;
use crate::ask::Protocol;

/// The name that the edges' certificates are for.
pub(crate) const NAME: &str = "edge.example.com";

/// Whom a client believes.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl Trust {
    /// Believes what this authority has signed.
    ///
    /// # Errors
    /// When it is no authority.
    pub(crate) fn new(authority: &CertificateDer<'static>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let speaks = |name: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![name.to_vec()];
            Arc::new(config)
        };
        Ok(Self {
            http1: speaks(b"http/1.1"),
            http2: speaks(b"h2"),
        })
    }

    /// A connection on which the handshake is over. `patience` is for each wait, later ones too.
    pub(super) fn open(
        &self,
        addr: SocketAddr,
        protocol: Protocol,
        patience: Duration,
    ) -> Result<Tls, Broken> {
        let mut stream =
            TcpStream::connect_timeout(&addr, patience).map_err(|_| Broken::Refused)?;
        let prepared = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(patience)))
            .and_then(|()| stream.set_write_timeout(Some(patience)));
        prepared.map_err(|error| broken(&error, false))?;
        let config = match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        };
        let name = ServerName::try_from(NAME).expect("a name");
        let mut tls = ClientConnection::new(Arc::clone(config), name)
            .map_err(|error| Broken::Tls(error.to_string()))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)
                .map_err(|error| broken(&error, false))?;
        }
        if tls.alpn_protocol() != config.alpn_protocols.first().map(Vec::as_slice) {
            return Err(Broken::Tls(format!("no {protocol}")));
        }
        Ok(StreamOwned::new(tls, stream))
    }

    /// The certificate that is shown at this address.
    ///
    /// # Errors
    /// When there is no connection to be had.
    pub(crate) fn certificate(&self, addr: SocketAddr) -> Result<CertificateDer<'static>, Broken> {
        let tls = self.open(addr, Protocol::Http1, super::PATIENCE)?;
        let shown = tls.conn.peer_certificates().and_then(<[_]>::first);
        let shown = shown.ok_or_else(|| Broken::Tls("no certificate".to_owned()))?;
        Ok(shown.clone().into_owned())
    }
}

/// What an error of a stream says.
pub(super) fn broken(error: &io::Error, reused: bool) -> Broken {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Broken::Silent,
        ErrorKind::InvalidData => Broken::Tls(error.to_string()),
        _ => Broken::Ended { reused },
    }
}

/// Whether nothing has come on a stream on which nothing is awaited: neither its end nor word of it.
pub(super) fn is_quiet(stream: &TcpStream) -> bool {
    let nonblocking = stream.set_nonblocking(true);
    let peeked = stream.peek(&mut [0]);
    let blocking = stream.set_nonblocking(false);
    let nothing = matches!(&peeked, Err(error) if error.kind() == ErrorKind::WouldBlock);
    nothing && nonblocking.is_ok() && blocking.is_ok()
}
