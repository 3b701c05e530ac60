//! The verdict about one request. One that has to wait gets it only if there is room.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use wx_session_core::{Request as _, Verdict, crowded, handle};

use crate::host::SpinHost;
use crate::incoming::Incoming;

/// The core's verdict, or that there is no room to wait for it.
pub(crate) async fn of(host: &SpinHost, incoming: &Incoming) -> Verdict {
    let worker = &host.instance.worker;
    let waiter = &host.waiter;
    let mut work = pin!(handle(worker, host, incoming));
    let verdict = poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Pending if waiter.join() => Poll::Pending,
        Poll::Ready(verdict) if !waiter.is_refused() => Poll::Ready(verdict),
        _ => Poll::Ready(crowded(worker, host, incoming.head())),
    })
    .await;
    // What is left to be done holds nothing of it.
    let _ = waiter.update(0, false);
    verdict
}
