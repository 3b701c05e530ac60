//! What one Envoy worker shares between its requests: the edge, the metrics, and who waits for what.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use wx_session_core::config::StoreKind;
use wx_session_core::store::slots::Slots;
use wx_session_core::{CallError, Config, Counter, Edge, Histogram, HttpResponse};

use crate::clock::Clock;
use crate::exchange::Exchange;
use crate::hostcalls;
use crate::shared_data::SharedData;

pub(crate) struct Worker {
    pub(crate) edge: Edge,
    pub(crate) store: Slots<SharedData>,
    pub(crate) clock: Clock,
    counters: Vec<Option<u32>>,
    histograms: Vec<Option<u32>>,
    /// Exchanges that wait for something, by the id of their context.
    waiting: RefCell<BTreeMap<u32, Rc<Exchange>>>,
    /// A callback of the root context runs: what is sent now is answered to the root context.
    root_turn: Cell<bool>,
    /// Call-outs under way, by their id.
    calls: RefCell<BTreeMap<u32, Rc<Call>>>,
}

/// A call-out under way.
pub(crate) struct Call {
    pub(crate) context_id: u32,
    pub(crate) max_bytes: usize,
    pub(crate) answer: RefCell<Option<Result<HttpResponse, CallError>>>,
}

impl Worker {
    pub(crate) fn new(config: Config) -> Self {
        // With a second kind, `EnvoyHost::Store` becomes an enum of the stores.
        let StoreKind::Embedded { slots, slot_bytes } = config.store;
        Self {
            store: Slots::new(SharedData, slots, slot_bytes),
            edge: Edge::new(config),
            clock: Clock::default(),
            counters: Counter::ALL
                .iter()
                .map(|counter| hostcalls::define_counter(counter.name()))
                .collect(),
            histograms: Histogram::ALL
                .iter()
                .map(|histogram| hostcalls::define_histogram(histogram.name()))
                .collect(),
            waiting: RefCell::default(),
            root_turn: Cell::new(false),
            calls: RefCell::default(),
        }
    }

    pub(crate) fn count(&self, counter: Counter) {
        if let Some(Some(id)) = self.counters.get(counter as usize) {
            hostcalls::increment(*id);
        }
    }

    pub(crate) fn observe(&self, histogram: Histogram, value: u64) {
        if let Some(Some(id)) = self.histograms.get(histogram as usize) {
            hostcalls::record(*id, value);
        }
    }

    /// Remembers an exchange that is not decided yet.
    pub(crate) fn wait(&self, exchange: &Rc<Exchange>) {
        self.waiting
            .borrow_mut()
            .insert(exchange.context_id, Rc::clone(exchange));
    }

    /// The client is gone. What must be finished goes on without it; everything else ends here.
    pub(crate) fn abandon(&self, context_id: u32) {
        let must_finish = self
            .waiting
            .borrow()
            .get(&context_id)
            .is_some_and(|exchange| exchange.abandon());
        if !must_finish {
            self.forget(context_id);
        }
    }

    /// This exchange is to be carried on to its end, with or without its client.
    pub(crate) fn keep(&self, context_id: u32) {
        if let Some(exchange) = self.waiting.borrow().get(&context_id) {
            exchange.must_finish.set(true);
        }
    }

    /// Forgets an exchange.
    pub(crate) fn forget(&self, context_id: u32) {
        let exchange = self.waiting.borrow_mut().remove(&context_id);
        // Dropped here, after the borrow: what it holds may end call-outs of its own.
        drop(exchange);
    }

    pub(crate) fn call_started(&self, call_id: u32, call: Rc<Call>) {
        self.calls.borrow_mut().insert(call_id, call);
    }

    pub(crate) fn call_abandoned(&self, call_id: u32) {
        self.calls.borrow_mut().remove(&call_id);
    }

    /// Runs `work` as the root context.
    pub(crate) fn as_root(&self, work: impl FnOnce(&Self)) {
        self.root_turn.set(true);
        work(self);
        self.root_turn.set(false);
    }

    pub(crate) fn is_root_turn(&self) -> bool {
        self.root_turn.get()
    }

    /// An answer came, to whichever context Envoy gave it. Ids that nobody waits for are ignored.
    pub(crate) fn call_answered(&self, call_id: u32, headers: usize, body_size: usize) {
        let Some(call) = self.calls.borrow_mut().remove(&call_id) else {
            return;
        };
        let answer = hostcalls::call_response(headers, body_size, call.max_bytes);
        *call.answer.borrow_mut() = Some(answer);
        self.advance(call.context_id);
    }

    /// Wakes whoever has slept long enough.
    pub(crate) fn tick(&self) {
        for context_id in self.clock.due(Instant::now()) {
            self.advance(context_id);
        }
    }

    /// Takes a waiting exchange one step further, from whichever callback.
    fn advance(&self, context_id: u32) {
        let exchange = self.waiting.borrow().get(&context_id).map(Rc::clone);
        let Some(exchange) = exchange else {
            return;
        };
        if exchange.is_abandoned() || hostcalls::act_for(context_id) {
            exchange.advance_and_resume(self);
        }
    }
}
