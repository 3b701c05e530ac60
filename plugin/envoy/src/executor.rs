//! The executor of one Envoy worker: has the exchanges that wait for something carried on, or gives them up where there
//! is no room. Never decides about a request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use wx_session_core::{Config, Crowd, Head, Said, Worker};

use crate::api_call::Again;
use crate::case::Case;
use crate::chores::Chores;
use crate::exchange::{Exchange, Standing};
use crate::host::EnvoyHost;
use crate::hostcalls;
use crate::resources::Resources;

/// No request has it: Envoy counts contexts from 1.
pub(crate) const NO_CONTEXT: u32 = 0;

/// How many others a tick may answer. Envoy sends the replies that one callback decides one inside the other: hundreds
/// of them overflow the stack, and the VM dies with everybody who waits in it.
const IN_A_TICK: usize = 32;

/// How many others give way, beside a request for which there was no room, for those that come after it.
const BESIDE_A_REFUSAL: usize = 8;

pub(crate) struct Executor {
    pub(crate) worker: Rc<Worker>,
    pub(crate) resources: Rc<Resources>,
    /// By the id of their context.
    waiting: RefCell<BTreeMap<u32, Rc<Exchange>>>,
    /// The same ones.
    crowd: RefCell<Crowd>,
    chores: Chores,
    /// Calls of the backend's that are sent once more, by the ids of their contexts.
    again: RefCell<BTreeMap<u32, Again>>,
}

impl Executor {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            resources: Rc::new(Resources::new(&config)),
            crowd: RefCell::new(Crowd::new(config.waiting)),
            worker: Rc::new(Worker::new(config)),
            waiting: RefCell::default(),
            chores: Chores::default(),
            again: RefCell::default(),
        }
    }

    /// A request with the head that `read` gives, `complete` if that is all of it.
    pub(crate) fn exchange(
        &self,
        context_id: u32,
        complete: bool,
        read: impl FnOnce(&mut Head),
    ) -> Exchange {
        let (worker, resources) = (&self.worker, &self.resources);
        Exchange::of(Case::new(worker, resources, context_id, complete, read))
    }

    /// What the core may use for a request that has its verdict.
    pub(crate) fn host(&self, context_id: u32) -> EnvoyHost {
        EnvoyHost {
            resources: Rc::clone(&self.resources),
            context_id,
            case: Weak::new(),
        }
    }

    /// Has the engine compile what the first requests need.
    pub(crate) fn warm_up(&self) {
        self.resources.warm_up(|| {
            for head in self.worker.warm_ups() {
                let exchange = self.exchange(NO_CONTEXT, true, |own| *own = head);
                exchange.abandon();
                exchange.advance();
            }
        });
        self.resources.release(NO_CONTEXT);
    }

    /// Keeps an exchange that waits for something, if there is room; else it is answered that there is none. From a
    /// callback of its own request.
    pub(crate) fn keep(&self, exchange: Exchange) -> Rc<Exchange> {
        exchange.hold_unread();
        let exchange = Rc::new(exchange);
        let id = exchange.context_id;
        let mut crowd = self.crowd.borrow_mut();
        let fits = crowd.join(id, exchange.bytes(), exchange.is_for_client(), || {
            exchange.client_address()
        });
        drop(crowd);
        if fits {
            let kept = Rc::clone(&exchange);
            self.waiting.borrow_mut().insert(id, kept);
            self.call_for_room();
        } else {
            self.refuse(&exchange);
        }
        exchange
    }

    /// Polls an exchange that was kept. From a callback of its own request, that lets it pass by its return value.
    pub(crate) fn step(&self, exchange: &Exchange) -> Standing {
        exchange.advance();
        let id = exchange.context_id;
        if exchange.is_over() {
            self.forget(id);
        } else {
            let mut crowd = self.crowd.borrow_mut();
            let fits = crowd.update(id, exchange.bytes(), exchange.is_for_client(), || {
                exchange.client_address()
            });
            drop(crowd);
            if fits {
                self.call_for_room();
            } else {
                // More of its body came: so this is a callback of its own.
                self.refuse(exchange);
            }
        }
        exchange.standing()
    }

    /// The client is gone. What must be finished goes on without it; everything else ends here.
    pub(crate) fn abandon(&self, context_id: u32) {
        if self.resources.must_finish(context_id) {
            if let Some(exchange) = self.waiting.borrow().get(&context_id) {
                exchange.abandon();
            }
        } else {
            self.forget(context_id);
        }
    }

    fn forget(&self, context_id: u32) {
        let exchange = self.waiting.borrow_mut().remove(&context_id);
        self.crowd.borrow_mut().leave(context_id);
        // Dropped here, after the borrow: what it holds may end call-outs of its own.
        drop(exchange);
        self.resources.release(context_id);
    }

    /// An answer came, to whichever context Envoy gave it: this callback is of `own`.
    pub(crate) fn call_answered(&self, own: u32, call_id: u32, headers: usize, body_size: usize) {
        if let Some(context_id) = self.resources.call_answered(call_id, headers, body_size) {
            self.advance(own, context_id);
        }
    }

    /// What an app has said of a session: counts here at once, and in the store as soon as the root context has a turn.
    pub(crate) fn hear(&self, said: Said) {
        self.chores.take(&self.worker, &self.resources, said);
        self.tick_soon();
    }

    /// What waits until a verdict is carried out came after that of its request: it has a turn of the root context.
    pub(crate) fn finish_soon(&self) {
        self.chores.finish();
        self.tick_soon();
    }

    fn tick_soon(&self) {
        let now = Instant::now();
        self.resources.clock.tick_by(now, now);
    }

    /// Wakes those who have slept long enough, ends those whose body is overdue, and those who are to give way: a few at
    /// a time.
    pub(crate) fn tick(&self) {
        let now = Instant::now();
        self.resources.beat(now);
        if self.chores.are_asked_for() {
            self.chores.begin(&self.worker, &self.resources);
        }
        let due = self.resources.clock.due(now, IN_A_TICK);
        let mut left = IN_A_TICK.saturating_sub(due.len());
        for context_id in due {
            self.advance(NO_CONTEXT, context_id);
        }
        while left > 0
            && let Some((context_id, until)) = self.longest_for_client()
            && until <= now
        {
            self.advance(NO_CONTEXT, context_id);
            left -= 1;
        }
        self.make_room(left);
        let crowded = self.crowd.borrow().is_dense().then_some(now);
        let overdue = self.longest_for_client().map(|(_, until)| until);
        // Also one that something in this tick has asked for.
        let beat = self.resources.next_beat();
        let also = [crowded.or(overdue), beat].into_iter().flatten().min();
        self.resources.clock.settle(now, also);
    }

    /// Who has waited longest for its client, and until when it may.
    fn longest_for_client(&self) -> Option<(u32, Instant)> {
        let context_id = self.crowd.borrow().longest()?;
        let waiting = self.waiting.borrow();
        let until = waiting.get(&context_id)?.for_client_until()?;
        Some((context_id, until))
    }

    /// Has those who are to give way do so in a tick: in the callback of one request, nobody else can be answered.
    /// Envoy would take what that callback returns for a stop of everything, and call it no more.
    fn call_for_room(&self) {
        if self.crowd.borrow().is_dense() {
            let now = Instant::now();
            self.resources.clock.tick_by(now, now);
        }
    }

    /// There is no room for this one. If it is answered, what its callback returns says nothing, and others can be
    /// answered in it too. If it may pass, only what is left to be done after it ends here: Envoy would take an answer to
    /// somebody else for a stop of this one.
    fn refuse(&self, exchange: &Exchange) {
        exchange.turn_away();
        self.forget(exchange.context_id);
        if exchange.standing() == Standing::Forwarded {
            return self.call_for_room();
        }
        self.make_room(BESIDE_A_REFUSAL);
        hostcalls::act_for(exchange.context_id);
    }

    /// Ends those who are to give way, at most so many.
    fn make_room(&self, most: usize) {
        let giving_way = self.crowd.borrow().giving_way(most);
        for context_id in giving_way {
            let exchange = self.waiting.borrow().get(&context_id).map(Rc::clone);
            if let Some(exchange) = exchange
                && hostcalls::act_for(context_id)
            {
                exchange.turn_away();
            }
            self.forget(context_id);
        }
    }

    /// Sends a call of the backend's once more: its answer takes the place of the one that is held. Whether there is
    /// something to wait for.
    pub(crate) fn send_again(&self, context_id: u32, mut again: Again) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let waits = again.as_mut().poll(&mut context).is_pending();
        if waits {
            self.again.borrow_mut().insert(context_id, again);
        }
        waits
    }

    fn advance_again(&self, context_id: u32) {
        let again = self.again.borrow_mut().remove(&context_id);
        let Some(mut again) = again else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        match again.as_mut().poll(&mut context) {
            Poll::Pending => {
                self.again.borrow_mut().insert(context_id, again);
            }
            Poll::Ready(answer) if hostcalls::act_for(context_id) => {
                if let Some(answer) = answer {
                    hostcalls::replace_response(&answer);
                }
                hostcalls::resume_response();
            }
            Poll::Ready(_) => {}
        }
    }

    /// Its client is gone.
    pub(crate) fn forget_again(&self, context_id: u32) {
        let again = self.again.borrow_mut().remove(&context_id);
        drop(again);
    }

    /// Takes a waiting exchange one step further from a callback of something else, and resumes the request if it may
    /// pass now. `acts_for`: whose hostcalls those of this callback are.
    fn advance(&self, acts_for: u32, context_id: u32) {
        if self.chores.advance(context_id) {
            return;
        }
        // Beside it the request that it repeats may still renew the token.
        self.advance_again(context_id);
        let exchange = self.waiting.borrow().get(&context_id).map(Rc::clone);
        let Some(exchange) = exchange else {
            return;
        };
        let acts = || acts_for == context_id || hostcalls::act_for(context_id);
        if !exchange.is_abandoned() && !acts() {
            self.forget(context_id);
            return;
        }
        let before = exchange.standing();
        if self.step(&exchange) == Standing::Forwarded && before == Standing::Deciding {
            hostcalls::resume_request();
        }
    }
}
