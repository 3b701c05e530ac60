//! The core's `Host` on Envoy, for one request.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wx_session_core::store::embedded::EmbeddedStore;
use wx_session_core::{
    CallError, Counter, Delivering, Delivery, Histogram, Host, HttpCall, HttpResponse, Level,
    NoEntropy, Trace, UnixMillis,
};

use crate::case::Case;
use crate::hostcalls;
use crate::resources::{Call, Resources};
use crate::shared_data::SharedData;

pub(crate) struct EnvoyHost {
    pub(crate) resources: Rc<Resources>,
    pub(crate) context_id: u32,
    /// The request, while there is no verdict.
    pub(crate) case: Weak<Case>,
}

impl Host for EnvoyHost {
    type Store = EmbeddedStore<SharedData>;

    fn store(&self) -> Option<&Self::Store> {
        self.resources.store.as_ref()
    }

    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError> {
        // What follows such a call must finish too. In whatever callback it was woken, here it waits for one that does not
        // end with its client: there alone an answer can be waited for.
        if call.must_finish || self.resources.must_finish(self.context_id) {
            root_turn(&self.resources, self.context_id).await;
            self.resources.keep(self.context_id);
        }
        if self.resources.is_warming_up() {
            return Err(CallError::NotSent("nothing is asked yet".into()));
        }
        let call_id = hostcalls::dispatch(&call)?;
        let wanted = (call.max_response_bytes, call.wants);
        Response::of(&self.resources, self.context_id, call_id, wanted).await
    }

    /// Sent in a turn of the root context, which outlives the client; from now on the delivery does too.
    fn deliver(&self, delivery: Delivery) -> Delivering {
        let (resources, context_id) = (Rc::clone(&self.resources), self.context_id);
        resources.keep(context_id);
        Box::pin(async move {
            root_turn(&resources, context_id).await;
            let call_id = hostcalls::deliver(&delivery)?;
            let wanted = (delivery.max_response_bytes, Some("content-type"));
            Response::of(&resources, context_id, call_id, wanted).await
        })
    }

    async fn sleep(&self, span: Duration) {
        Sleep {
            host: self,
            until: Instant::now() + span,
        }
        .await;
    }

    fn now(&self) -> UnixMillis {
        self.resources.now()
    }

    fn recent(&self) -> UnixMillis {
        self.resources.recent()
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }

    fn count(&self, counter: Counter) {
        self.resources.count(counter);
    }

    fn observe(&self, histogram: Histogram, took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.resources.observe(histogram, millis);
    }

    async fn outlive_client(&self) {
        self.resources.keep(self.context_id);
        root_turn(&self.resources, self.context_id).await;
    }

    fn trace(&self) -> Vec<(&'static str, String)> {
        self.of_trace(Trace::headers).unwrap_or_default()
    }

    fn log(&self, level: Level, line: &str) {
        if self.resources.is_warming_up() {
            return;
        }
        let told = self.of_trace(|trace| trace.told(line));
        hostcalls::log(level, told.as_deref().unwrap_or(line));
    }
}

/// Ready when the response to a call-out has come. Dropped before, that will be ignored.
struct Response {
    resources: Rc<Resources>,
    call_id: u32,
    under_way: Rc<Call>,
}

impl Response {
    /// `wanted`: how long it may be, and a header of it.
    fn of(
        resources: &Rc<Resources>,
        context_id: u32,
        call_id: u32,
        (max_bytes, wants): (usize, Option<&'static str>),
    ) -> Self {
        let under_way = Rc::new(Call {
            context_id,
            max_bytes,
            wants,
            response: RefCell::new(None),
        });
        resources.call_started(call_id, Rc::clone(&under_way));
        Self {
            resources: Rc::clone(resources),
            call_id,
            under_way,
        }
    }
}

impl Future for Response {
    type Output = Result<HttpResponse, CallError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.under_way.response.take() {
            Some(response) => Poll::Ready(response),
            None => Poll::Pending,
        }
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        self.resources.call_abandoned(self.call_id);
    }
}

impl EnvoyHost {
    /// What the trace of the request says, if it has one.
    fn of_trace<T>(&self, says: impl FnOnce(&Trace) -> T) -> Option<T> {
        let trace = Trace::of(&self.case.upgrade()?.head)?;
        Some(says(&trace))
    }
}

/// Waits for a turn in a callback of the root context. The answer to a call-out goes to the context in whose
/// callback it was sent (the SDK's dispatcher), and the root context is the one that outlives the client.
async fn root_turn(resources: &Resources, context_id: u32) {
    std::future::poll_fn(|_| {
        if resources.is_root_turn() {
            return Poll::Ready(());
        }
        let now = Instant::now();
        resources.clock.wake_at(now, now, context_id);
        Poll::Pending
    })
    .await;
}

struct Sleep<'a> {
    host: &'a EnvoyHost,
    until: Instant,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if now >= self.until {
            return Poll::Ready(());
        }
        let host = self.host;
        host.resources
            .clock
            .wake_at(now, self.until, host.context_id);
        Poll::Pending
    }
}
