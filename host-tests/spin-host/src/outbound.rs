//! HTTP that a component sends: only to hosts that the manifest names, each at the address that the test gave it.

use std::io::{self, BufReader};
use std::sync::Arc;

use http::uri::{Authority, Scheme};
use http::{HeaderName, Request, Response, Uri};
use http_body_util::BodyExt as _;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::body::watched;
use crate::manifest::Upstream;
use crate::shared::Shared;

pub(crate) struct Outbound(pub(crate) Arc<Shared>);

type Finished = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answered = Result<(Response<WasiBody>, Finished), Error>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Finished,
    ) -> Box<dyn Future<Output = Answered> + Send> {
        let shared = Arc::clone(&self.0);
        Box::new(async move {
            let authority = request.uri().authority().cloned();
            let authority = authority.ok_or(Error::HttpRequestUriInvalid)?;
            let upstream = shared.manifest.outbound.get(authority.as_str());
            let upstream = upstream.ok_or(Error::HttpRequestDenied)?;
            let sent = send(upstream, &authority, request);
            let sent = shared.calls.call("request", sent);
            let (response, finished) = match options.and_then(|options| options.first_byte_timeout)
            {
                None => sent.await?,
                Some(span) => tokio::time::timeout(span, sent)
                    .await
                    .unwrap_or(Err(Error::ConnectionReadTimeout))?,
            };
            let response = response.map(|body| watched(body, "answer's body", &shared));
            Ok((response, finished))
        })
    }
}

async fn send(upstream: &Upstream, authority: &Authority, request: Request<WasiBody>) -> Answered {
    let stream = TcpStream::connect(upstream.address)
        .await
        .map_err(Error::Connect)?;
    stream.set_nodelay(true).map_err(Error::Connect)?;
    match &upstream.trusted_ca {
        Some(trusted_ca) if request.uri().scheme() == Some(&Scheme::HTTPS) => {
            let stream = over_tls(stream, authority, trusted_ca)
                .await
                .map_err(Error::Tls)?;
            exchange(stream, request).await
        }
        _ => exchange(stream, request).await,
    }
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
