//! The HTTP server in front, and the thread on which everything runs.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::arrival::{Unfit, from_client};
use crate::body::watched;
use crate::instance::Loaded;
use crate::job::{Queue, empty_500};
use crate::pool;
use crate::shared::Shared;

pub(crate) fn run(
    listener: TcpListener,
    loaded: Arc<Loaded>,
    chained: BTreeMap<String, Arc<Loaded>>,
    shared: &Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let queues = chained.into_iter();
        let queues = queues.map(|(name, loaded)| (name, pool::start(loaded, shared)));
        // Nobody else sets them.
        let _ = shared.chained.set(queues.collect());
        let queue = Arc::new(pool::start(loaded, shared));
        tokio::spawn(accept(listener, queue, Arc::clone(shared)));
        // Dropped, it means the same.
        let _ = stopped.await;
    });
}

async fn accept(listener: tokio::net::TcpListener, queue: Arc<Queue>, shared: Arc<Shared>) {
    while let Ok((stream, client)) = listener.accept().await {
        if shared.manifest.nodelay {
            // Slower without.
            let _ = stream.set_nodelay(true);
        }
        let stream = Counted(stream, Arc::clone(&shared));
        let (queue, shared) = (Arc::clone(&queue), Arc::clone(&shared));
        let service = service_fn(move |request| {
            let (queue, shared) = (Arc::clone(&queue), Arc::clone(&shared));
            async move { serve(request, client, &queue, &shared).await }
        });
        // HTTP/1.1 and HTTP/2 on one port, as Spin.
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            server.serve_connection(TokioIo::new(stream), service).await
        });
    }
}

/// The connection ends without an answer.
#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no 'Host' header present in request")
    }
}

impl std::error::Error for Closed {}

async fn serve(
    request: Request<Incoming>,
    client: SocketAddr,
    queue: &Queue,
    shared: &Arc<Shared>,
) -> Result<Response<WasiBody>, Closed> {
    let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
    match from_client(request, client) {
        Ok(request) => {
            let request = request.map(|body| watched(body, "request's body", shared));
            Ok(queue.handle(request, &shared.activity).await)
        }
        Err(Unfit::NotText) => Ok(empty_500()),
        Err(Unfit::NoHost) => Err(Closed),
    }
}

/// A client's connection, whose writes are counted.
struct Counted(TcpStream, Arc<Shared>);

impl Counted {
    /// Counted before the client can have read it.
    fn noted(
        &mut self,
        write: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.1.activity.writes(1);
        let written = write(Pin::new(&mut self.0));
        if !matches!(written, Poll::Ready(Ok(_))) {
            self.1.activity.writes(-1);
        }
        written
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.noted(|stream| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.noted(|stream| stream.poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
