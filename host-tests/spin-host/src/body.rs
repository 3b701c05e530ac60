//! A body whose first piece is a step of [`crate::calls`]: whoever waits for it can be stopped there.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::shared::Shared;

struct Watched {
    body: WasiBody,
    /// Until it has been made.
    step: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// The same body; the step is called `name`.
pub(crate) fn watched(body: WasiBody, name: &'static str, shared: &Arc<Shared>) -> WasiBody {
    let shared = Arc::clone(shared);
    let step = async move { shared.calls.step(name.to_owned()).await };
    let watched = Watched {
        body,
        step: Some(Box::pin(step)),
    };
    watched.boxed_unsync()
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(step) = &mut self.step {
            ready!(step.as_mut().poll(context));
            self.step = None;
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
