//! The core's `Host` on Spin, for one request. Spin has no metrics for components: what a request counted is one
//! line on stderr when all is done, which Spin keeps with the component's log.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use wx_session_core::{
    CallError, Counter, Delivering, Delivery, Head, Histogram, Host, HttpCall, HttpResponse, Level,
    NoEntropy, Trace, UnixMillis,
};

use crate::deliver::deliver;
use crate::instance::Instance;
use crate::log::log;
use crate::outbound;
use crate::own_store::OwnStore;
use crate::waiting::Waiter;

pub(crate) struct SpinHost {
    pub(crate) instance: Rc<Instance>,
    pub(crate) waiter: Rc<Waiter>,
    /// Of the request: looked at only where its trace is to be told.
    head: Rc<Head>,
    counted: RefCell<Counted>,
}

/// Names of counters and histograms with their numbers: a handful, in the order of their first time.
#[derive(Default)]
struct Counted(Vec<(&'static str, u64)>);

impl Counted {
    fn change(&mut self, name: &'static str, change: impl FnOnce(u64) -> u64) {
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some((_, number)) => *number = change(*number),
            None => self.0.push((name, change(0))),
        }
    }
}

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl SpinHost {
    pub(crate) fn new(instance: Rc<Instance>, waiter: Rc<Waiter>, head: Rc<Head>) -> Self {
        Self {
            instance,
            waiter,
            head,
            counted: RefCell::default(),
        }
    }

    /// For what comes after the line about the request: it counts anew.
    pub(crate) fn afterwards(&self) -> Self {
        let (instance, waiter) = (Rc::clone(&self.instance), Rc::clone(&self.waiter));
        Self::new(instance, waiter, Rc::clone(&self.head))
    }

    /// The line about what the app has said of a session.
    pub(crate) fn report_said(&self) {
        #[derive(Serialize)]
        struct AppSaid<'a> {
            event: &'a str,
            metrics: &'a Counted,
        }
        let line = serde_json::to_string(&AppSaid {
            event: "app_said",
            metrics: &self.counted.borrow(),
        });
        // What is in it can always be written.
        self.log(Level::Info, &line.unwrap_or_default());
    }

    /// The line of an access log: who it was, what became of it, what was counted.
    pub(crate) fn report(&self, openid: Option<&str>, auth_status: &str) {
        #[derive(Serialize)]
        struct Decided<'a> {
            event: &'a str,
            auth: &'a str,
            openid: Option<&'a str>,
            metrics: &'a Counted,
        }
        let line = serde_json::to_string(&Decided {
            event: "decided",
            auth: auth_status,
            openid,
            metrics: &self.counted.borrow(),
        });
        // What is in it can always be written.
        self.log(Level::Info, &line.unwrap_or_default());
    }
}

impl Host for SpinHost {
    type Store = OwnStore;

    const LIMITS_IN_STORE: bool = true;

    fn store(&self) -> Option<&Self::Store> {
        self.instance.store.as_ref()
    }

    /// `must_finish` needs nothing here: Spin runs a request to its end, with or without its client.
    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError> {
        // Before it is sent: a code that WeChat has seen is spent.
        if call.must_finish && !self.waiter.join() {
            return Err(CallError::NotSent(
                "too many requests wait on this instance".into(),
            ));
        }
        outbound::call(call).await
    }

    fn deliver(&self, delivery: Delivery) -> Delivering {
        Box::pin(deliver(
            delivery,
            Rc::clone(&self.instance),
            Rc::clone(&self.head),
        ))
    }

    async fn sleep(&self, span: Duration) {
        spin_sdk::time::sleep(span).await;
    }

    fn now(&self) -> UnixMillis {
        let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        UnixMillis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }

    fn count(&self, counter: Counter) {
        let mut counted = self.counted.borrow_mut();
        counted.change(counter.name(), |before| before.saturating_add(1));
    }

    fn observe(&self, histogram: Histogram, took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let mut counted = self.counted.borrow_mut();
        counted.change(histogram.name(), |_| millis);
    }

    fn trace(&self) -> Vec<(&'static str, String)> {
        let trace = Trace::of(&self.head);
        trace.map(|trace| trace.headers()).unwrap_or_default()
    }

    fn log(&self, level: Level, line: &str) {
        match Trace::of(&self.head) {
            Some(trace) => log(level, &trace.told(line)),
            None => log(level, line),
        }
    }
}
