//! One code2Session call per code and worker: who comes second while a login is under way waits for its outcome.
//!
//! Waiting is a sleep in small steps and not a wake-up from one request to another: a host runs a request only in
//! its own turns, and two taps on a button are rare enough for 20 ms.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::{Cell, RefCell};
use core::time::Duration;

use crate::endpoint::LoggedIn;
use crate::host::Host;
use crate::rejection::Rejection;

const MOST_FOLLOWERS: u8 = 16;
const STEP: Duration = Duration::from_millis(20);

/// A login, or its refusal.
pub(crate) type Outcome = Result<LoggedIn, Rejection>;

/// Logins under way, by the name of their code.
#[derive(Default)]
pub(crate) struct Flights(RefCell<BTreeMap<String, Rc<Flight>>>);

#[derive(Default)]
struct Flight {
    outcome: RefCell<Option<Outcome>>,
    over: Cell<bool>,
    followers: Cell<u8>,
}

/// Somebody who waits for it; also if it leaves before it is over.
struct Follower<'a>(&'a Cell<u8>);

impl<'a> Follower<'a> {
    fn of(flight: &'a Flight) -> Self {
        let followers = &flight.followers;
        followers.set(followers.get().saturating_add(1));
        Self(followers)
    }
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// A place in the queue of one code.
pub(crate) enum Turn<'a> {
    /// Nobody else is at it.
    Lead(Lead<'a>),
    /// Somebody was, and this came of it.
    Followed(Outcome),
    /// More wait for it than any button has taps.
    Crowded,
}

/// Held by the one that does the work. Dropping it without an outcome (its client went away) lets the next one try.
pub(crate) struct Lead<'a> {
    flights: &'a Flights,
    name: String,
    flight: Rc<Flight>,
}

impl Flights {
    /// Waits for the outcome of a login of `name` under way, or leads one.
    pub(crate) async fn join(&self, host: &impl Host, name: &str) -> Turn<'_> {
        loop {
            let under_way = self.0.borrow().get(name).map(Rc::clone);
            let Some(flight) = under_way else {
                return Turn::Lead(self.lead(name));
            };
            if flight.followers.get() >= MOST_FOLLOWERS {
                return Turn::Crowded;
            }
            let follower = Follower::of(&flight);
            while !flight.over.get() {
                host.sleep(STEP).await;
            }
            drop(follower);
            let outcome = flight.outcome.borrow().clone();
            if let Some(outcome) = outcome {
                return Turn::Followed(outcome);
            }
        }
    }

    fn lead(&self, name: &str) -> Lead<'_> {
        let flight = Rc::new(Flight::default());
        self.0.borrow_mut().insert(name.into(), Rc::clone(&flight));
        Lead {
            flights: self,
            name: name.into(),
            flight,
        }
    }
}

impl Lead<'_> {
    /// Ends the flight with its outcome.
    pub(crate) fn land(self, outcome: &Outcome) {
        *self.flight.outcome.borrow_mut() = Some(outcome.clone());
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.flight.over.set(true);
        self.flights.0.borrow_mut().remove(&self.name);
    }
}
