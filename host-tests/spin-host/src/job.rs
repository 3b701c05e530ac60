//! A request on its way to an instance, and the way itself. Which instance takes it is for the pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use tokio::sync::{mpsc, oneshot};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::activity::{Activity, UnderWay};

/// A request, and where its answer goes. Dropped unanswered, its client gets a 500, as from Spin.
pub(crate) struct Job {
    pub(crate) request: Request<WasiBody>,
    pub(crate) answer: oneshot::Sender<Response<WasiBody>>,
    pub(crate) under_way: UnderWay,
    /// Among those that the instance serves at once.
    pub(crate) place: Option<Seat>,
}

pub(crate) type Jobs = mpsc::UnboundedReceiver<Job>;

/// A request's place in its instance, until its answer has begun.
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Seat {
    /// One more of those that are `at_work`.
    pub(crate) fn taken(at_work: &Arc<AtomicUsize>) -> Self {
        at_work.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(at_work))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The way to a component that takes requests.
pub(crate) struct Queue {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Queue {
    /// And its other end.
    pub(crate) fn new() -> (Self, Jobs) {
        let (sender, jobs) = mpsc::unbounded_channel();
        (Self { jobs: sender }, jobs)
    }

    /// What the component answers, or Spin's empty 500 in its place.
    pub(crate) async fn handle(
        &self,
        request: Request<WasiBody>,
        activity: &Arc<Activity>,
    ) -> Response<WasiBody> {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            request,
            answer,
            under_way: UnderWay::begins(activity),
            place: None,
        };
        if self.jobs.send(job).is_ok()
            && let Ok(response) = answered.await
        {
            return response;
        }
        empty_500()
    }
}

pub(crate) fn empty_500() -> Response<WasiBody> {
    let nothing = Empty::<Bytes>::new().map_err(Error::from).boxed_unsync();
    let mut response = Response::new(nothing);
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
