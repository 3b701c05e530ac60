//! The requests that wait in one instance: as many as there is room for, and for a body no longer than a bounded time.
//! Never counts what is merely relayed: there the app has the request.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use wx_session_core::{BodyError, Config, Crowd};

use crate::outbound::within;

/// How often one who waits for its client looks whether it is to give way: nobody can wake it, for wit-bindgen wakes no
/// request from within another.
const LOOK: Duration = Duration::from_millis(100);

pub(crate) struct Waiting {
    crowd: RefCell<Crowd>,
    body_timeout: Duration,
    /// The number of the next one.
    numbers: Cell<u32>,
}

impl Waiting {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            crowd: RefCell::new(Crowd::new(config.waiting)),
            body_timeout: config.body_timeout,
            numbers: Cell::new(0),
        }
    }

    /// How long a body that is relayed to the app may stand still: with the default, as long as Envoy lets one.
    pub(crate) fn relay_idle(&self) -> Duration {
        30 * self.body_timeout
    }
}

/// One request among those that wait, once it has to.
pub(crate) struct Waiter {
    waiting: Rc<Waiting>,
    number: u32,
    /// What is held of the request.
    bytes: Cell<usize>,
    for_client: Cell<bool>,
    /// Where its client is, once it waits for that.
    address: RefCell<Option<String>>,
    joined: Cell<bool>,
    refused: Cell<bool>,
}

impl Waiter {
    pub(crate) fn new(waiting: &Rc<Waiting>, bytes: usize) -> Self {
        let numbers = &waiting.numbers;
        Self {
            waiting: Rc::clone(waiting),
            number: numbers.replace(numbers.get().wrapping_add(1)),
            bytes: Cell::new(bytes),
            for_client: Cell::new(false),
            address: RefCell::default(),
            joined: Cell::new(false),
            refused: Cell::new(false),
        }
    }

    fn crowd(&self) -> &RefCell<Crowd> {
        &self.waiting.crowd
    }

    /// Whether the request may wait. If not, it is over.
    pub(crate) fn join(&self) -> bool {
        if !self.joined.get() {
            let mut crowd = self.crowd().borrow_mut();
            let fits = crowd.join(self.number, self.bytes.get(), self.for_client.get(), || {
                self.address.borrow().clone()
            });
            self.joined.set(fits);
            self.refused.set(!fits);
        }
        self.joined.get()
    }

    /// More is held of the request, or it waits for somebody else. `false` if there is no room.
    pub(crate) fn update(&self, bytes: usize, for_client: bool) -> bool {
        self.bytes.set(bytes);
        self.for_client.set(for_client);
        let mut crowd = self.crowd().borrow_mut();
        crowd.update(self.number, bytes, for_client, || {
            self.address.borrow().clone()
        })
    }

    /// What comes of `receiving`, which waits for the client at `address`, and for which `bytes` more are held.
    pub(crate) async fn for_client<T>(
        &self,
        bytes: usize,
        address: Option<String>,
        receiving: impl Future<Output = T>,
    ) -> Result<T, BodyError> {
        let bytes = self.bytes.get().saturating_add(bytes);
        self.address.replace(address);
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
        let mut left = self.waiting.body_timeout;
        while !left.is_zero() {
            let step = left.min(LOOK);
            if let Some(received) = within(step, receiving.as_mut()).await {
                return Ok(received);
            }
            left = left.saturating_sub(step);
            let crowd = self.crowd().borrow();
            if crowd.giving_way(usize::MAX).contains(&self.number) {
                return Err(BodyError::Crowded);
            }
        }
        Err(BodyError::TimedOut("the body did not come in time"))
    }

    /// There was no room for it.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.get()
    }

    /// The request waits no longer.
    pub(crate) fn leave(&self) {
        if self.joined.replace(false) {
            self.crowd().borrow_mut().leave(self.number);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.leave();
    }
}
