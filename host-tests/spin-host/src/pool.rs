//! The instances of one component, and which of them a request goes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::instance::Loaded;
use crate::job::{Job, Jobs, Queue, Seat};
use crate::manifest::Instances;
use crate::shared::Shared;

/// As many requests at once as Spin gives to one instance.
const AT_ONCE: usize = 16;

/// Instances of `loaded`, as many as the manifest wants, and the way to them.
pub(crate) fn start(loaded: Arc<Loaded>, shared: &Arc<Shared>) -> Queue {
    let (queue, jobs) = Queue::new();
    let shared = Arc::clone(shared);
    match shared.manifest.instances {
        Instances::Reused => tokio::spawn(reused(loaded, shared, jobs)),
        Instances::OneForEach => tokio::spawn(one_for_each(loaded, shared, jobs)),
        Instances::Recycled { requests, idle } => {
            tokio::spawn(recycled(loaded, shared, jobs, requests, idle))
        }
    };
    queue
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
            job.place = Some(Seat::taken(&one.at_work));
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
