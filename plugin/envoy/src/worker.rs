//! One Envoy worker: the edge, its powers, and the exchanges that wait for something.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use wx_session_core::{Config, Edge};

use crate::exchange::{Exchange, Standing};
use crate::hostcalls;
use crate::powers::Powers;

/// No request has it: Envoy counts contexts from 1.
const NO_CONTEXT: u32 = 0;

pub(crate) struct Worker {
    pub(crate) edge: Rc<Edge>,
    pub(crate) powers: Rc<Powers>,
    /// By the id of their context.
    waiting: RefCell<BTreeMap<u32, Rc<Exchange>>>,
}

impl Worker {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            powers: Rc::new(Powers::new(&config)),
            edge: Rc::new(Edge::new(config)),
            waiting: RefCell::default(),
        }
    }

    /// Has the engine compile what the first requests need.
    pub(crate) fn rehearse(&self) {
        self.powers.rehearse(|| {
            for head in self.edge.rehearsals() {
                let exchange = Exchange::new(&self.edge, &self.powers, NO_CONTEXT, head, true);
                exchange.abandon();
                exchange.advance();
            }
        });
        self.powers.release(NO_CONTEXT);
    }

    /// Keeps an exchange that waits for something.
    pub(crate) fn keep(&self, exchange: Exchange) -> Rc<Exchange> {
        let exchange = Rc::new(exchange);
        self.waiting
            .borrow_mut()
            .insert(exchange.context_id, Rc::clone(&exchange));
        exchange
    }

    /// Polls an exchange that was kept. From a callback of its own request, that lets it pass by its return value.
    pub(crate) fn step(&self, exchange: &Exchange) -> Standing {
        let standing = exchange.advance();
        if exchange.is_over() {
            self.forget(exchange.context_id);
        }
        standing
    }

    /// The client is gone. What must be finished goes on without it; everything else ends here.
    pub(crate) fn abandon(&self, context_id: u32) {
        if self.powers.must_finish(context_id) {
            if let Some(exchange) = self.waiting.borrow().get(&context_id) {
                exchange.abandon();
            }
        } else {
            self.forget(context_id);
        }
    }

    fn forget(&self, context_id: u32) {
        let exchange = self.waiting.borrow_mut().remove(&context_id);
        // Dropped here, after the borrow: what it holds may end call-outs of its own.
        drop(exchange);
        self.powers.release(context_id);
    }

    /// An answer came, to whichever context Envoy gave it.
    pub(crate) fn call_answered(&self, call_id: u32, headers: usize, body_size: usize) {
        if let Some(context_id) = self.powers.call_answered(call_id, headers, body_size) {
            self.advance(context_id);
        }
    }

    /// Wakes whoever has slept long enough.
    pub(crate) fn tick(&self) {
        for context_id in self.powers.clock.due(Instant::now()) {
            self.advance(context_id);
        }
    }

    /// Takes a waiting exchange one step further from a callback of something else, and resumes the request if it may
    /// pass now.
    fn advance(&self, context_id: u32) {
        let exchange = self.waiting.borrow().get(&context_id).map(Rc::clone);
        let Some(exchange) = exchange else {
            return;
        };
        if !exchange.is_abandoned() && !hostcalls::act_for(context_id) {
            return;
        }
        let before = exchange.standing();
        if self.step(&exchange) == Standing::Forwarded && before == Standing::Deciding {
            hostcalls::resume_request();
        }
    }
}
