//! The HTTP server in front, and the thread on which everything runs.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::sync::{mpsc, oneshot};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::body::watched;
use crate::instance::{Job, Jobs, Loaded};
use crate::manifest::Instances;
use crate::shared::{Shared, UnderWay};

pub(crate) fn run(
    listener: TcpListener,
    loaded: &Arc<Loaded>,
    shared: &Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let (sender, jobs) = mpsc::unbounded_channel();
        tokio::spawn(accept(listener, sender, Arc::clone(shared)));
        let (loaded, shared) = (Arc::clone(loaded), Arc::clone(shared));
        match shared.manifest.instances {
            Instances::Reused => tokio::spawn(reused(loaded, shared, jobs)),
            Instances::OneForEach => tokio::spawn(one_for_each(loaded, shared, jobs)),
        };
        // Dropped, it means the same.
        let _ = stopped.await;
    });
}

/// An instance that traps is replaced.
async fn reused(loaded: Arc<Loaded>, shared: Arc<Shared>, mut jobs: Jobs) {
    while let Err(trap) = loaded.serve(&shared, &mut jobs).await {
        eprintln!("the instance is gone: {trap:?}");
    }
}

async fn one_for_each(loaded: Arc<Loaded>, shared: Arc<Shared>, mut jobs: Jobs) {
    while let Some(job) = jobs.recv().await {
        let (loaded, shared) = (Arc::clone(&loaded), Arc::clone(&shared));
        tokio::spawn(async move {
            let (sender, mut one) = mpsc::unbounded_channel();
            if sender.send(job).is_ok() {
                drop(sender);
                if let Err(trap) = loaded.serve(&shared, &mut one).await {
                    eprintln!("the instance is gone: {trap:?}");
                }
            }
        });
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    jobs: mpsc::UnboundedSender<Job>,
    shared: Arc<Shared>,
) {
    while let Ok((stream, client)) = listener.accept().await {
        // Slower without.
        let _ = stream.set_nodelay(true);
        let (jobs, shared) = (jobs.clone(), Arc::clone(&shared));
        let service =
            service_fn(move |request| serve(request, client, jobs.clone(), Arc::clone(&shared)));
        let connection = hyper::server::conn::http1::Builder::new();
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
    }
}

async fn serve(
    request: Request<Incoming>,
    client: SocketAddr,
    jobs: mpsc::UnboundedSender<Job>,
    shared: Arc<Shared>,
) -> Result<Response<WasiBody>, Infallible> {
    let (answer, answered) = oneshot::channel();
    if let Some(request) = prepared(request, client) {
        let request = request.map(|body| watched(body, "request's body", &shared));
        let job = Job {
            request,
            answer,
            under_way: UnderWay::begins(&shared),
        };
        if jobs.send(job).is_ok()
            && let Ok(response) = answered.await
        {
            return Ok(response);
        }
    }
    let nothing = Empty::<Bytes>::new().map_err(Error::from).boxed_unsync();
    let mut response = Response::new(nothing);
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    Ok(response)
}

/// The request as Spin shows it to a component: a whole URL, and `spin-` headers in place of any that were sent.
fn prepared(request: Request<Incoming>, client: SocketAddr) -> Option<Request<WasiBody>> {
    let mut request = request.map(|body| body.map_err(Error::from).boxed_unsync());
    let host = request.headers().get(HOST)?.to_str().ok()?;
    let authority: Authority = host.parse().ok()?;
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    let url = Uri::from_parts(parts).ok()?;
    let spin_headers = [
        ("spin-full-url", url.to_string()),
        ("spin-path-info", url.path().to_owned()),
        ("spin-matched-route", "/...".to_owned()),
        ("spin-base-path", "/".to_owned()),
        ("spin-raw-component-route", "/...".to_owned()),
        ("spin-component-route", "/".to_owned()),
        ("spin-client-addr", client.to_string()),
    ];
    for (name, value) in spin_headers {
        let value = HeaderValue::from_str(&value).ok()?;
        request
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    *request.uri_mut() = url;
    Some(request)
}
