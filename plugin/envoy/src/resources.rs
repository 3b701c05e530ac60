//! What Envoy gives to the requests of one worker, beside the hostcalls themselves: the embedded store, the clock, the
//! metrics, and the call-outs under way. Knows no request, only the ids of their contexts.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

use wx_session_core::config::{HostStore, StoreKind};
use wx_session_core::store::embedded::EmbeddedStore;
use wx_session_core::{CallError, Config, Counter, Histogram, HttpResponse, UnixMillis};

use crate::clock::Clock;
use crate::hostcalls;
use crate::pulse::{Beat, Pulse};
use crate::shared_data::SharedData;

pub(crate) struct Resources {
    /// If the configuration names it.
    pub(crate) store: Option<EmbeddedStore<SharedData>>,
    pub(crate) clock: Clock,
    pulse: Pulse,
    /// How long a body may take to come.
    pub(crate) body_timeout: Duration,
    counters: Vec<Counted>,
    histograms: Vec<Option<u32>>,
    /// Call-outs under way, by their id.
    calls: RefCell<BTreeMap<u32, Rc<Call>>>,
    /// Contexts that have used something up: see `HttpCall::must_finish`.
    must_finish: RefCell<BTreeSet<u32>>,
    /// A callback of the root context runs: what is sent now is answered to the root context.
    root_turn: Cell<bool>,
    /// Nothing leaves: no call, no count, no line.
    warming_up: Cell<bool>,
}

/// A counter.
struct Counted {
    /// As Envoy knows it.
    id: Option<u32>,
    /// How often since Envoy was told.
    untold: Cell<u64>,
}

/// A call-out under way.
pub(crate) struct Call {
    pub(crate) context_id: u32,
    pub(crate) max_bytes: usize,
    pub(crate) wants: Option<&'static str>,
    pub(crate) response: RefCell<Option<Result<HttpResponse, CallError>>>,
}

impl Resources {
    pub(crate) fn new(config: &Config) -> Self {
        let store = match config.store {
            StoreKind::OfHost(HostStore::Embedded { slots, slot_bytes }) => {
                Some(EmbeddedStore::new(SharedData, slots, slot_bytes))
            }
            _ => None,
        };
        Self {
            store,
            clock: Clock::default(),
            pulse: Pulse::default(),
            body_timeout: config.body_timeout,
            counters: Counter::ALL
                .iter()
                .map(|counter| Counted {
                    id: hostcalls::define_counter(counter.name()),
                    untold: Cell::default(),
                })
                .collect(),
            histograms: Histogram::ALL
                .iter()
                .map(|histogram| hostcalls::define_histogram(histogram.name()))
                .collect(),
            calls: RefCell::default(),
            must_finish: RefCell::default(),
            root_turn: Cell::new(false),
            warming_up: Cell::new(false),
        }
    }

    pub(crate) fn count(&self, counter: Counter) {
        if !self.warming_up.get()
            && let Some(Counted { untold, .. }) = self.counters.get(counter as usize)
        {
            self.keep_beating();
            untold.set(untold.get().saturating_add(1));
        }
    }

    /// The time, as Envoy has it now.
    pub(crate) fn now(&self) -> UnixMillis {
        let now = hostcalls::now();
        self.pulse.learn(now);
        now
    }

    /// The time, at most a tenth of a second late.
    pub(crate) fn recent(&self) -> UnixMillis {
        if self.warming_up.get() {
            return self.now();
        }
        self.keep_beating();
        self.pulse.time()
    }

    fn keep_beating(&self) {
        if let Some((now, next)) = self.pulse.use_it(Instant::now) {
            self.now();
            self.clock.tick_by(now, next);
        }
    }

    /// A tick.
    pub(crate) fn beat(&self, now: Instant) {
        match self.pulse.beat(now) {
            Beat::None => {}
            Beat::Goes => {
                self.now();
                self.tell_counted();
            }
            Beat::Ends => self.tell_counted(),
        }
    }

    /// When there has to be a tick for it.
    pub(crate) fn next_beat(&self) -> Option<Instant> {
        self.pulse.next()
    }

    /// Tells Envoy what was counted.
    pub(crate) fn tell_counted(&self) {
        for Counted { id, untold } in &self.counters {
            let times = untold.take();
            if let Some(id) = id.filter(|_| times > 0) {
                hostcalls::increment(id, times);
            }
        }
    }

    pub(crate) fn observe(&self, histogram: Histogram, value: u64) {
        if !self.warming_up.get()
            && let Some(Some(id)) = self.histograms.get(histogram as usize)
        {
            hostcalls::record(*id, value);
        }
    }

    pub(crate) fn call_started(&self, call_id: u32, call: Rc<Call>) {
        self.calls.borrow_mut().insert(call_id, call);
    }

    pub(crate) fn call_abandoned(&self, call_id: u32) {
        self.calls.borrow_mut().remove(&call_id);
    }

    /// Takes up the answer to a call-out and gives the context that waits for it. Ids that nobody waits for are
    /// ignored.
    pub(crate) fn call_answered(
        &self,
        call_id: u32,
        headers: usize,
        body_size: usize,
    ) -> Option<u32> {
        let call = self.calls.borrow_mut().remove(&call_id)?;
        let response = hostcalls::call_response(headers, body_size, call.max_bytes, call.wants);
        *call.response.borrow_mut() = Some(response);
        Some(call.context_id)
    }

    /// This exchange is to be carried on to its end, with or without its client.
    pub(crate) fn keep(&self, context_id: u32) {
        self.must_finish.borrow_mut().insert(context_id);
    }

    pub(crate) fn must_finish(&self, context_id: u32) -> bool {
        self.must_finish.borrow().contains(&context_id)
    }

    /// The exchange is over.
    pub(crate) fn release(&self, context_id: u32) {
        self.must_finish.borrow_mut().remove(&context_id);
    }

    /// Runs `work` as the root context.
    pub(crate) fn as_root(&self, work: impl FnOnce()) {
        self.root_turn.set(true);
        work();
        self.root_turn.set(false);
    }

    /// Runs `play` with nothing leaving.
    pub(crate) fn warm_up(&self, play: impl FnOnce()) {
        self.warming_up.set(true);
        self.as_root(play);
        self.warming_up.set(false);
    }

    pub(crate) fn is_warming_up(&self) -> bool {
        self.warming_up.get()
    }

    pub(crate) fn is_root_turn(&self) -> bool {
        self.root_turn.get()
    }
}
