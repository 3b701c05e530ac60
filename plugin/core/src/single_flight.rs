//! One piece of work at a time under one name: who comes second while it is under way waits for its outcome. Knows
//! nothing of the work.
//!
//! Waiting is a sleep in small steps and not a wake-up from one request to another: a host runs a request only in
//! its own turns, and two taps on a button are rare enough for 20 ms.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::{Cell, RefCell};
use core::time::Duration;

use crate::host::Host;

/// No button has more taps than this.
pub(crate) const TAPS: u16 = 16;
const STEP: Duration = Duration::from_millis(20);

/// A minute: nobody waits for ever behind a store that keeps the leader waiting. Longer than any work takes that ends.
const STEPS: u32 = 3000;

/// Work under way, by its name. `T` is what it comes to.
pub(crate) struct SingleFlight<T>(RefCell<BTreeMap<String, Rc<Flight<T>>>>);

struct Flight<T> {
    outcome: RefCell<Option<T>>,
    over: Cell<bool>,
    followers: Cell<u16>,
}

/// Somebody who waits for it; also if it leaves before it is over.
struct Follower<'a>(&'a Cell<u16>);

impl<'a> Follower<'a> {
    fn of(followers: &'a Cell<u16>) -> Self {
        followers.set(followers.get().saturating_add(1));
        Self(followers)
    }
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// A place in the queue of one name.
pub(crate) enum Turn<'a, T> {
    /// Nobody else is at it.
    Lead(Lead<'a, T>),
    /// Somebody was, and this came of it.
    Followed(T),
    /// As many wait for it as may, or it takes longer than anything does.
    Crowded,
}

/// Held by the one that does the work. Dropping it without an outcome (its client went away) lets the next one try.
pub(crate) struct Lead<'a, T> {
    flights: &'a SingleFlight<T>,
    name: String,
    flight: Rc<Flight<T>>,
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> SingleFlight<T> {
    fn forget(&self, name: &str, flight: &Rc<Flight<T>>) {
        let mut flights = self.0.borrow_mut();
        if flights.get(name).is_some_and(|own| Rc::ptr_eq(own, flight)) {
            flights.remove(name);
        }
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Waits for the outcome of the work of this name that is under way, beside at most so many others, or leads it.
    pub(crate) async fn join(&self, host: &impl Host, name: &str, most: u16) -> Turn<'_, T> {
        loop {
            let under_way = self.0.borrow().get(name).map(Rc::clone);
            let Some(flight) = under_way else {
                return Turn::Lead(self.lead(name));
            };
            if flight.followers.get() >= most {
                return Turn::Crowded;
            }
            let follower = Follower::of(&flight.followers);
            for _ in 0..STEPS {
                if flight.over.get() {
                    break;
                }
                host.sleep(STEP).await;
            }
            drop(follower);
            if !flight.over.get() {
                // Whoever comes next leads another one.
                self.forget(name, &flight);
                return Turn::Crowded;
            }
            let outcome = flight.outcome.borrow().clone();
            if let Some(outcome) = outcome {
                return Turn::Followed(outcome);
            }
        }
    }

    fn lead(&self, name: &str) -> Lead<'_, T> {
        let flight = Rc::new(Flight {
            outcome: RefCell::new(None),
            over: Cell::new(false),
            followers: Cell::new(0),
        });
        self.0.borrow_mut().insert(name.into(), Rc::clone(&flight));
        Lead {
            flights: self,
            name: name.into(),
            flight,
        }
    }
}

impl<T: Clone> Lead<'_, T> {
    /// Ends the flight with its outcome.
    pub(crate) fn land(self, outcome: &T) {
        *self.flight.outcome.borrow_mut() = Some(outcome.clone());
    }
}

impl<T> Drop for Lead<'_, T> {
    fn drop(&mut self) {
        self.flight.over.set(true);
        self.flights.forget(&self.name, &self.flight);
    }
}
