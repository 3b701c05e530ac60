//! The verdict about one request: that of one that has to wait comes only if there is room for it, and in the end comes in
//! any case.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use spin_sdk::time::sleep;
use wx_session_core::{Request as _, Verdict, crowded, handle};

use crate::host::SpinHost;
use crate::incoming::Incoming;

/// Longer than all that has a limit of its own: then a store on the network hangs, for which Spin has none.
const LONGEST: Duration = Duration::from_secs(180);

/// The core's verdict, or that there is no room or no time to wait for it.
pub(crate) async fn of(host: &SpinHost, incoming: &Incoming) -> Verdict {
    let worker = &host.instance.worker;
    let waiter = &host.waiter;
    let mut work = pin!(handle(worker, host, incoming));
    // Most have a verdict before it would be of use.
    let mut over = None;
    let verdict = poll_fn(|context| {
        let is_over = match work.as_mut().poll(context) {
            Poll::Ready(verdict) if !waiter.is_refused() => return Poll::Ready(verdict),
            Poll::Pending if waiter.join() => {
                let over = over.get_or_insert_with(|| Box::pin(sleep(LONGEST)));
                over.as_mut().poll(context).is_ready()
            }
            _ => true,
        };
        if is_over {
            Poll::Ready(crowded(worker, host, incoming.head()))
        } else {
            Poll::Pending
        }
    })
    .await;
    // What is left to be done holds nothing of it.
    let _ = waiter.update(0, false);
    verdict
}
