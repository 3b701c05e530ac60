//! The instances of one component, and which of them a request goes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use tokio::sync::{mpsc, oneshot};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::instance::{Job, Jobs, Loaded};
use crate::manifest::Instances;
use crate::shared::{Shared, UnderWay};

/// As many requests at once as Spin gives to one instance.
const AT_ONCE: usize = 16;

/// A component that takes requests.
pub(crate) struct Pool {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Pool {
    pub(crate) fn start(loaded: Arc<Loaded>, shared: &Arc<Shared>) -> Self {
        let (sender, jobs) = mpsc::unbounded_channel();
        let shared = Arc::clone(shared);
        match shared.manifest.instances {
            Instances::Reused => tokio::spawn(reused(loaded, shared, jobs)),
            Instances::OneForEach => tokio::spawn(one_for_each(loaded, shared, jobs)),
            Instances::Recycled { requests, idle } => {
                tokio::spawn(recycled(loaded, shared, jobs, requests, idle))
            }
        };
        Self { jobs: sender }
    }

    /// What the component answers, or Spin's empty 500 in its place.
    pub(crate) async fn handle(
        &self,
        request: Request<WasiBody>,
        shared: &Arc<Shared>,
    ) -> Response<WasiBody> {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            request,
            answer,
            under_way: UnderWay::begins(shared),
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

/// Says why an instance is gone, on stderr as Spin does.
async fn serve(
    loaded: &Loaded,
    shared: &Arc<Shared>,
    jobs: &mut Jobs,
    idle: Option<Duration>,
) -> bool {
    let served = loaded.serve(shared, jobs, idle).await;
    if let Err(trap) = &served {
        eprintln!("worker failed: {trap:?}");
    }
    served.is_ok()
}

/// An instance that traps is replaced.
async fn reused(loaded: Arc<Loaded>, shared: Arc<Shared>, mut jobs: Jobs) {
    while !serve(&loaded, &shared, &mut jobs, None).await {}
}

async fn one_for_each(loaded: Arc<Loaded>, shared: Arc<Shared>, mut jobs: Jobs) {
    while let Some(job) = jobs.recv().await {
        let (loaded, shared) = (Arc::clone(&loaded), Arc::clone(&shared));
        tokio::spawn(async move {
            let (sender, mut one) = mpsc::unbounded_channel();
            if sender.send(job).is_ok() {
                drop(sender);
                serve(&loaded, &shared, &mut one, None).await;
            }
        });
    }
}

/// An instance that may be given more.
struct Open {
    jobs: mpsc::UnboundedSender<Job>,
    given: usize,
    at_work: Arc<AtomicUsize>,
}

/// A request's place in its instance, until its answer has begun.
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn recycled(
    loaded: Arc<Loaded>,
    shared: Arc<Shared>,
    mut jobs: Jobs,
    requests: usize,
    idle: Duration,
) {
    let mut open: Vec<Open> = Vec::new();
    while let Some(mut job) = jobs.recv().await {
        loop {
            // Dropped, it ends when it has done what it was given.
            open.retain(|one| one.given < requests && !one.jobs.is_closed());
            let has_room = |one: &Open| one.at_work.load(Ordering::Relaxed) < AT_ONCE;
            let at = open.iter().position(has_room).unwrap_or_else(|| {
                open.push(Open::start(&loaded, &shared, idle));
                open.len() - 1
            });
            let one = &mut open[at];
            one.given += 1;
            one.at_work.fetch_add(1, Ordering::Relaxed);
            job.place = Some(Seat(Arc::clone(&one.at_work)));
            match one.jobs.send(job) {
                Ok(()) => break,
                // It has ended in this moment.
                Err(back) => job = back.0,
            }
        }
    }
}

impl Open {
    fn start(loaded: &Arc<Loaded>, shared: &Arc<Shared>, idle: Duration) -> Self {
        let (sender, mut jobs) = mpsc::unbounded_channel();
        let (loaded, shared) = (Arc::clone(loaded), Arc::clone(shared));
        tokio::spawn(async move { serve(&loaded, &shared, &mut jobs, Some(idle)).await });
        Self {
            jobs: sender,
            given: 0,
            at_work: Arc::default(),
        }
    }
}
