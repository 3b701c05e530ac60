//! The core's `Host` on Envoy, for one request.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wx_session_core::store::slots::Slots;
use wx_session_core::{
    CallError, Counter, Histogram, Host, HttpCall, HttpResponse, Level, NoEntropy, UnixMillis,
};

use crate::hostcalls;
use crate::powers::{Call, Powers};
use crate::shared_data::SharedData;

pub(crate) struct EnvoyHost {
    pub(crate) powers: Rc<Powers>,
    pub(crate) context_id: u32,
}

impl Host for EnvoyHost {
    type Store = Slots<SharedData>;

    fn store(&self) -> &Self::Store {
        &self.powers.store
    }

    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError> {
        if call.must_finish {
            self.root_turn().await;
            self.powers.keep(self.context_id);
        }
        if self.powers.is_rehearsing() {
            return Err(CallError::NotSent("nothing is asked yet".into()));
        }
        let call_id = hostcalls::dispatch(&call)?;
        let under_way = Rc::new(Call {
            context_id: self.context_id,
            max_bytes: call.max_response_bytes,
            wants: call.wants,
            answer: RefCell::new(None),
        });
        self.powers.call_started(call_id, Rc::clone(&under_way));
        Answer {
            powers: Rc::clone(&self.powers),
            call_id,
            under_way,
        }
        .await
    }

    async fn sleep(&self, span: Duration) {
        Sleep {
            host: self,
            until: Instant::now() + span,
        }
        .await;
    }

    fn now(&self) -> UnixMillis {
        hostcalls::now()
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }

    fn count(&self, counter: Counter) {
        self.powers.count(counter);
    }

    fn observe(&self, histogram: Histogram, took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.powers.observe(histogram, millis);
    }

    fn log(&self, level: Level, line: &str) {
        if !self.powers.is_rehearsing() {
            hostcalls::log(level, line);
        }
    }
}

/// Ready when the answer has come. Dropped before, the call's answer will be ignored.
struct Answer {
    powers: Rc<Powers>,
    call_id: u32,
    under_way: Rc<Call>,
}

impl Future for Answer {
    type Output = Result<HttpResponse, CallError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.under_way.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.powers.call_abandoned(self.call_id);
    }
}

impl EnvoyHost {
    /// Waits for a turn in a callback of the root context. The answer to a call-out goes to the context in whose
    /// callback it was sent (the SDK's dispatcher), and the root context is the one that outlives the client.
    async fn root_turn(&self) {
        std::future::poll_fn(|_| {
            if self.powers.is_root_turn() {
                return Poll::Ready(());
            }
            let now = Instant::now();
            self.powers.clock.wake_at(now, now, self.context_id);
            Poll::Pending
        })
        .await;
    }
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
        host.powers.clock.wake_at(now, self.until, host.context_id);
        Poll::Pending
    }
}
