//! What is to be done for no request: what apps have said of sessions, and what came to be done after a verdict. In turns of
//! the root context, which outlives every client. A bounded number, each for a bounded time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Waker};

use wx_session_core::{Said, Worker, carry_out, finish, give_up, hear};

use crate::host::EnvoyHost;
use crate::resources::Resources;

/// At a time.
const MOST: usize = 1024;

/// Of what ends no session: there is room left for what does.
const MOST_OTHERS: usize = MOST / 2;

#[derive(Default)]
pub(crate) struct Chores {
    /// Those that wait for a turn.
    asked: RefCell<VecDeque<Said>>,
    /// What the worker has left for later is to be done too.
    finishes: Cell<bool>,
    /// Those under way, by a number in the place of a context's.
    under_way: RefCell<BTreeMap<u32, Work>>,
    /// How many there were.
    numbers: Cell<u32>,
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

impl Chores {
    /// Hears what an app has said, and takes up what is left of it, in the next turn of the root context.
    pub(crate) fn take(&self, worker: &Rc<Worker>, resources: &Rc<Resources>, said: Said) {
        let host = host(resources, self.next_number());
        if !hear(worker, &host, &said) {
            return;
        }
        let most = if said.ends() { MOST } else { MOST_OTHERS };
        if self.asked.borrow().len() + self.under_way.borrow().len() < most {
            self.asked.borrow_mut().push_back(said);
        } else {
            give_up(worker, &host, &said);
        }
    }

    /// What the worker has left for later is done in the next turn of the root context.
    pub(crate) fn finish(&self) {
        self.finishes.set(true);
    }

    pub(crate) fn are_asked_for(&self) -> bool {
        self.finishes.get() || !self.asked.borrow().is_empty()
    }

    /// Begins those that were asked for. In a turn of the root context.
    pub(crate) fn begin(&self, worker: &Rc<Worker>, resources: &Rc<Resources>) {
        if self.finishes.take() {
            let worker = Rc::clone(worker);
            self.start(resources, async move |host| {
                finish(&worker, &host, None).await
            });
        }
        for said in self.asked.take() {
            let worker = Rc::clone(worker);
            self.start(resources, async move |host| {
                carry_out(&worker, &host, &said).await;
            });
        }
    }

    fn start(&self, resources: &Rc<Resources>, work: impl AsyncFnOnce(EnvoyHost) + 'static) {
        let number = self.next_number();
        let (resources, host) = (Rc::clone(resources), host(resources, number));
        let work: Work = Box::pin(async move {
            work(host).await;
            resources.release(number);
        });
        self.under_way.borrow_mut().insert(number, work);
        self.advance(number);
    }

    /// Takes one a step further. Whether there is one of this number.
    pub(crate) fn advance(&self, number: u32) -> bool {
        let Some(mut work) = self.under_way.borrow_mut().remove(&number) else {
            return false;
        };
        let mut context = Context::from_waker(Waker::noop());
        if work.as_mut().poll(&mut context).is_pending() {
            self.under_way.borrow_mut().insert(number, work);
        }
        true
    }

    /// Envoy counts contexts upwards: these come from the other end.
    fn next_number(&self) -> u32 {
        let number = self.numbers.get().wrapping_add(1);
        self.numbers.set(number);
        u32::MAX.wrapping_sub(number)
    }
}

fn host(resources: &Rc<Resources>, number: u32) -> EnvoyHost {
    EnvoyHost {
        resources: Rc::clone(resources),
        context_id: number,
        case: Weak::new(),
    }
}
