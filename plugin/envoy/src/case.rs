//! What the callbacks of one request and the core's future share: how much of the request has arrived, and what was
//! decided about it. Never answers it.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use wx_session_core::{BodyError, Head, Request, Verdict, Worker};

use crate::hostcalls;
use crate::resources::Resources;

/// Said to clients and operators alike: with Envoy set up wrongly, no body ever comes.
const NO_BODY: &str = "the body did not come in time: a slow client, or Envoy without allow_on_headers_stop_iteration";

/// What Envoy may hold of a body that is left with the client: `per_connection_buffer_limit_bytes` of the shipped
/// configurations, in bytes.
const MOST_HELD: usize = 32 * 1024;

pub(crate) struct Case {
    pub(crate) context_id: u32,
    pub(crate) worker: Rc<Worker>,
    pub(crate) resources: Rc<Resources>,
    /// What of it is read here.
    pub(crate) head: Head,
    /// The head as it came, which Envoy keeps, in bytes.
    head_size: usize,
    /// The client is gone: nothing more comes from it, and nothing more is said to it.
    pub(crate) abandoned: Cell<bool>,
    pub(crate) body_size: Cell<usize>,
    pub(crate) complete: Cell<bool>,
    /// Its body is left with the client until there is a verdict.
    pub(crate) held: Cell<bool>,
    /// It waits for the client, and no longer than this.
    pub(crate) for_client_until: Cell<Option<Instant>>,
    pub(crate) verdict: Cell<Option<Verdict>>,
}

impl Case {
    /// `read` puts the head in its place, behind a pointer by then: it is not to be moved any more.
    pub(crate) fn new(
        worker: &Rc<Worker>,
        resources: &Rc<Resources>,
        context_id: u32,
        complete: bool,
        read: impl FnOnce(&mut Head),
    ) -> Rc<Self> {
        let mut case = Rc::new(Self {
            context_id,
            worker: Rc::clone(worker),
            resources: Rc::clone(resources),
            head: Head::default(),
            head_size: 0,
            abandoned: Cell::new(false),
            body_size: Cell::new(0),
            complete: Cell::new(complete),
            held: Cell::new(false),
            for_client_until: Cell::new(None),
            verdict: Cell::new(None),
        });
        // Nobody else has it yet.
        if let Some(own) = Rc::get_mut(&mut case) {
            read(&mut own.head);
            own.head_size = own.head.bytes();
            if let Some(light) = worker.lightened(&own.head) {
                own.head = light;
            }
        }
        case
    }

    /// What is held of the request while it waits, here and in Envoy.
    pub(crate) fn bytes(&self) -> usize {
        let body = if self.held.get() && !self.complete.get() {
            MOST_HELD
        } else {
            self.body_size.get()
        };
        self.head_size.saturating_add(body)
    }
}

impl Request for Case {
    fn head(&self) -> &Head {
        &self.head
    }

    fn client_address(&self) -> Option<String> {
        hostcalls::client_address()
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        std::future::poll_fn(|_| {
            let until = self.for_client_until.take();
            if self.abandoned.get() {
                return Poll::Ready(Err(BodyError::Unreadable));
            }
            let size = self.body_size.get();
            if size > limit {
                return Poll::Ready(Err(BodyError::TooLarge));
            }
            if !self.complete.get() {
                // Who waits for the client has nothing that must be finished without it.
                self.resources.release(self.context_id);
                let now = Instant::now();
                let until = until.unwrap_or_else(|| now + self.resources.body_timeout);
                if until <= now {
                    return Poll::Ready(Err(BodyError::TimedOut(NO_BODY)));
                }
                self.resources.clock.tick_by(now, until);
                self.for_client_until.set(Some(until));
                return Poll::Pending;
            }
            Poll::Ready(hostcalls::request_body(size).ok_or(BodyError::Unreadable))
        })
        .await
    }
}
