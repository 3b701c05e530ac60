//! HTTP that a component sends: only to hosts that the manifest names, each at the address that the test gave it.

use std::io::{self, BufReader};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use http::uri::{Authority, Scheme};
use http::{HeaderName, Request, Response, Uri};
use http_body_util::BodyExt as _;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, RequestOptions, WasiBody, WasiHttpHooks,
};

use crate::arrival::{chained_component, from_component};
use crate::body::watched;
use crate::job::empty_500;
use crate::manifest::{APP_OUTSIDE, Destination};
use crate::ruin::Ruin;
use crate::shared::Shared;

pub(crate) struct Outbound {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ruin: Arc<Ruin>,
    /// So many headers of an answer are about to be looked at, which Spin's older wasmtime-wasi-http leaves as they are.
    pub(crate) arriving: Arc<AtomicUsize>,
}

type Finished = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answered = Result<(Response<WasiBody>, Finished), Error>;

impl WasiHttpHooks for Outbound {
    /// Asked for each name of an answer, in the moment in which it comes, and for each that a component wants to send.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        let less = |left: usize| left.checked_sub(1);
        let is_arriving = self.arriving.fetch_update(Relaxed, Relaxed, less).is_ok();
        !is_arriving && DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Finished,
    ) -> Box<dyn Future<Output = Answered> + Send> {
        let (shared, ruin) = (Arc::clone(&self.shared), Arc::clone(&self.ruin));
        let arriving = Arc::clone(&self.arriving);
        Box::new(async move {
            let authority = request.uri().authority().cloned();
            let authority = authority.ok_or(Error::HttpRequestUriInvalid)?;
            let inherited = &shared.manifest.inherited;
            if authority != APP_OUTSIDE && !inherited.has("allowed_outbound_hosts") {
                // What stands in a middleware's way, in place of Spin's own client.
                let words = "\"wasi:http/client\" is not permitted".to_owned();
                return Err(Error::InternalError(Some(words)));
            }
            let scheme = request.uri().scheme_str().unwrap_or("https");
            let upstream = shared.manifest.upstream(scheme, authority.as_str());
            let place = &upstream.ok_or(Error::HttpRequestDenied)?.0;
            let sent = send(place, &authority, request, &shared, &ruin);
            let sent = shared.calls.call("request", sent);
            let (response, finished) = match options.and_then(|options| options.first_byte_timeout)
            {
                None => sent.await?,
                Some(span) => tokio::time::timeout(span, sent)
                    .await
                    .unwrap_or(Err(Error::ConnectionReadTimeout))?,
            };
            let response = response.map(|body| watched(body, "answer's body", &shared));
            arriving.store(response.headers().keys_len(), Relaxed);
            Ok((response, finished))
        })
    }
}

async fn send(
    place: &Destination,
    authority: &Authority,
    request: Request<WasiBody>,
    shared: &Arc<Shared>,
    ruin: &Ruin,
) -> Answered {
    let (address, trusted_ca) = match place {
        Destination::Socket(address, trusted_ca) => (*address, trusted_ca.as_ref()),
        Destination::Named => (resolved(authority).await?, None),
        Destination::Component(_) => return chained(authority, request, shared).await,
        Destination::NoComponent => {
            ruin.ruin(format!("unknown routing destination '{authority}'"));
            // The instance is gone before there is an answer.
            return std::future::pending().await;
        }
    };
    // As Spin, without TCP_NODELAY.
    let stream = TcpStream::connect(address).await.map_err(refused)?;
    match trusted_ca {
        Some(trusted_ca) if request.uri().scheme() == Some(&Scheme::HTTPS) => {
            let stream = over_tls(stream, authority, trusted_ca)
                .await
                .map_err(Error::Tls)?;
            exchange(stream, request).await
        }
        _ => exchange(stream, request).await,
    }
}

fn refused(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        _ => Error::Connect(error),
    }
}

async fn resolved(authority: &Authority) -> Result<SocketAddr, Error> {
    let port = authority.port_u16().unwrap_or(80);
    let found = tokio::net::lookup_host((authority.host(), port)).await;
    let found = found.ok().and_then(|mut found| found.next());
    found.ok_or(Error::DnsError {
        rcode: Some("address not available".to_owned()),
        info_code: Some(0),
    })
}

/// Another component, without a way over the network.
async fn chained(
    authority: &Authority,
    request: Request<WasiBody>,
    shared: &Arc<Shared>,
) -> Answered {
    let name = chained_component(authority.as_str()).unwrap_or_default();
    let queue = shared.chained.get().and_then(|all| all.get(name));
    let response = match (queue, from_component(request)) {
        (Some(queue), Ok(request)) => queue.handle(request, &shared.activity).await,
        _ => empty_500(),
    };
    Ok((response, Box::new(async { Ok(()) })))
}

async fn exchange<S>(stream: S, mut request: Request<WasiBody>) -> Answered
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
    let driving = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let response = response.map(|body| body.map_err(Error::from).boxed_unsync());
    let finished = async move {
        // What went wrong shows in the body.
        let _ = driving.await;
        Ok(())
    };
    Ok((response, Box::new(finished)))
}

async fn over_tls(
    stream: TcpStream,
    authority: &Authority,
    trusted_ca: &str,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(trusted_ca.as_bytes())) {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(authority.host().to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// What stands in for Spin where a request comes in: it takes no header off, not even those that a component may not
/// send on.
pub(crate) struct Inbound;

impl WasiHttpHooks for Inbound {
    fn is_forbidden_header(&mut self, _: &HeaderName) -> bool {
        false
    }

    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Finished,
    ) -> Box<dyn Future<Output = Answered> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
