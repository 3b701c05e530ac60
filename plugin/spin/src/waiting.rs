//! The requests that wait in one instance: the verdict of one that has to wait comes only if there is room for it, and
//! a body is awaited for a bounded time. Never counts what is merely relayed: there the app has the request.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use wx_session_core::{BodyError, Config, Crowd, Request as _, Verdict, crowded, handle};

use crate::host::SpinHost;
use crate::incoming::Incoming;
use crate::instance::Instance;
use crate::outbound::within;

/// How often one who waits for its client looks whether it is to give way: nobody can wake it, for wit-bindgen wakes no
/// request from within another.
const LOOK: Duration = Duration::from_millis(100);

pub(crate) struct Waiting {
    crowd: RefCell<Crowd>,
    body_timeout: Duration,
    tickets: Cell<u32>,
}

impl Waiting {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            crowd: RefCell::new(Crowd::new(config.waiting)),
            body_timeout: config.body_timeout,
            tickets: Cell::new(0),
        }
    }

    /// How long a body that is relayed to the app may stand still: with the default, as long as Envoy lets one.
    pub(crate) fn relay_idle(&self) -> Duration {
        30 * self.body_timeout
    }
}

/// The place of one request among those that wait, once it has to.
pub(crate) struct Place {
    instance: Rc<Instance>,
    ticket: u32,
    /// What is held of the request.
    bytes: Cell<usize>,
    for_client: Cell<bool>,
    taken: Cell<bool>,
    refused: Cell<bool>,
}

impl Place {
    pub(crate) fn new(instance: &Rc<Instance>, bytes: usize) -> Self {
        let tickets = &instance.waiting.tickets;
        Self {
            instance: Rc::clone(instance),
            ticket: tickets.replace(tickets.get().wrapping_add(1)),
            bytes: Cell::new(bytes),
            for_client: Cell::new(false),
            taken: Cell::new(false),
            refused: Cell::new(false),
        }
    }

    fn crowd(&self) -> &RefCell<Crowd> {
        &self.instance.waiting.crowd
    }

    /// Whether the request may wait. If not, it is over.
    pub(crate) fn take(&self) -> bool {
        if !self.taken.get() {
            let mut crowd = self.crowd().borrow_mut();
            let fits = crowd.join(self.ticket, self.bytes.get(), self.for_client.get());
            self.taken.set(fits);
            self.refused.set(!fits);
        }
        self.taken.get()
    }

    /// More is held of the request, or it waits for somebody else. `false` if there is no room.
    fn update(&self, bytes: usize, for_client: bool) -> bool {
        self.bytes.set(bytes);
        self.for_client.set(for_client);
        let mut crowd = self.crowd().borrow_mut();
        crowd.update(self.ticket, bytes, for_client)
    }

    /// What comes of `receiving`, which waits for the client, and for which `bytes` more are held.
    pub(crate) async fn for_client<T>(
        &self,
        bytes: usize,
        receiving: impl Future<Output = T>,
    ) -> Result<T, BodyError> {
        let bytes = self.bytes.get().saturating_add(bytes);
        if !self.update(bytes, true) {
            return Err(BodyError::Crowded);
        }
        let received = self.in_time(receiving).await;
        // As many bytes as before.
        let _ = self.update(bytes, false);
        received
    }

    async fn in_time<T>(&self, receiving: impl Future<Output = T>) -> Result<T, BodyError> {
        let mut receiving = pin!(receiving);
        let mut left = self.instance.waiting.body_timeout;
        while !left.is_zero() {
            let step = left.min(LOOK);
            if let Some(received) = within(step, receiving.as_mut()).await {
                return Ok(received);
            }
            left = left.saturating_sub(step);
            let crowd = self.crowd().borrow();
            if crowd.giving_way().any(|own| own == self.ticket) {
                return Err(BodyError::Crowded);
            }
        }
        Err(BodyError::TimedOut("the body did not come in time"))
    }

    /// The request waits no longer.
    pub(crate) fn leave(&self) {
        if self.taken.replace(false) {
            self.crowd().borrow_mut().leave(self.ticket);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The core's verdict, or that there is no room to wait for it.
pub(crate) async fn verdict(host: &SpinHost, incoming: &Incoming) -> Verdict {
    let edge = &host.instance.edge;
    let place = &host.place;
    let mut work = pin!(handle(edge, host, incoming));
    let verdict = poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Pending if place.take() => Poll::Pending,
        Poll::Ready(verdict) if !place.refused.get() => Poll::Ready(verdict),
        _ => Poll::Ready(crowded(edge, host, incoming.head())),
    })
    .await;
    // What is left to be done holds nothing of it.
    let _ = place.update(0, false);
    verdict
}
