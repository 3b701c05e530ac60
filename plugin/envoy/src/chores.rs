//! What is to be done for no request: sessions to be ended whose apps have refused them. In turns of the root context,
//! which outlives every client. A bounded number, each for a bounded time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Waker};

use wx_session_core::{Begun, Worker, end_refused, not_ended};

use crate::host::EnvoyHost;
use crate::resources::Resources;

/// At a time. Each that waits is a session that its user could still use.
const MOST: usize = 1024;

#[derive(Default)]
pub(crate) struct Chores {
    /// Those that wait for a turn.
    asked: RefCell<VecDeque<Begun>>,
    /// Those under way, by a number in the place of a context's.
    under_way: RefCell<BTreeMap<u32, Work>>,
    /// How many there were.
    numbers: Cell<u32>,
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

impl Chores {
    /// Takes one up, in the next turn of the root context.
    pub(crate) fn end(&self, worker: &Rc<Worker>, resources: &Rc<Resources>, begun: Begun) {
        if self.asked.borrow().len() + self.under_way.borrow().len() < MOST {
            self.asked.borrow_mut().push_back(begun);
        } else {
            not_ended(worker, &host(resources, self.next_number()), &begun);
        }
    }

    pub(crate) fn are_asked_for(&self) -> bool {
        !self.asked.borrow().is_empty()
    }

    /// Begins those that were asked for. In a turn of the root context.
    pub(crate) fn begin(&self, worker: &Rc<Worker>, resources: &Rc<Resources>) {
        let asked = self.asked.take();
        for begun in asked {
            let number = self.next_number();
            let (worker, host) = (Rc::clone(worker), host(resources, number));
            let work: Work = Box::pin(async move { end_refused(&worker, &host, &begun).await });
            self.under_way.borrow_mut().insert(number, work);
            self.advance(number);
        }
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
