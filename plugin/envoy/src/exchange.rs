//! One request under way: the core's future, what the callbacks bring to it, and its verdict carried out.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use wx_session_core::{Action, BodyError, Edge, Head, Request, Verdict, finish, handle};

use crate::host::EnvoyHost;
use crate::hostcalls;
use crate::powers::Powers;

pub(crate) struct Exchange {
    pub(crate) context_id: u32,
    standing: Cell<Standing>,
    /// What the answer is to carry, once it comes. Most often nothing.
    answer: RefCell<Headers>,
    /// Decides, hands out the verdict, and then does what could wait until then. `None` when all is done.
    work: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    case: Rc<Case>,
}

type Headers = Vec<(Rc<str>, Rc<str>)>;

/// Where an exchange stands after a callback.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No verdict yet: nothing may pass.
    Deciding,
    /// The request may pass.
    Forwarded,
    /// It was answered here.
    Replied,
}

/// What the callbacks and the future share: how much of the request has arrived, and what was decided about it.
struct Case {
    context_id: u32,
    edge: Rc<Edge>,
    powers: Rc<Powers>,
    head: Head,
    /// The client is gone: nothing more comes from it, and nothing more is said to it.
    abandoned: Cell<bool>,
    body_size: Cell<usize>,
    complete: Cell<bool>,
    verdict: Cell<Option<Verdict>>,
}

impl Exchange {
    pub(crate) fn new(
        edge: &Rc<Edge>,
        powers: &Rc<Powers>,
        context_id: u32,
        head: Head,
        complete: bool,
    ) -> Self {
        let case = Rc::new(Case {
            context_id,
            edge: Rc::clone(edge),
            powers: Rc::clone(powers),
            head,
            abandoned: Cell::new(false),
            body_size: Cell::new(0),
            complete: Cell::new(complete),
            verdict: Cell::new(None),
        });
        let host = EnvoyHost {
            powers: Rc::clone(powers),
            context_id,
        };
        let request = Rc::clone(&case);
        let work = Box::pin(async move {
            let verdict = handle(&request.edge, &host, &*request).await;
            request.verdict.set(Some(verdict));
            finish(&request.edge, &host).await;
        });
        Self {
            context_id,
            standing: Cell::new(Standing::Deciding),
            answer: RefCell::default(),
            work: RefCell::new(Some(work)),
            case,
        }
    }

    /// More of the body is buffered: `size` bytes in all.
    pub(crate) fn received(&self, size: usize, complete: bool) {
        self.case.body_size.set(size);
        self.complete_if(complete);
    }

    pub(crate) fn complete_if(&self, complete: bool) {
        if complete {
            self.case.complete.set(true);
        }
    }

    /// The client is gone: nothing more is said to it.
    pub(crate) fn abandon(&self) {
        self.case.abandoned.set(true);
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.case.abandoned.get()
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing.get()
    }

    /// Whether nothing is left to be done.
    pub(crate) fn is_over(&self) -> bool {
        self.work.borrow().is_none()
    }

    /// Takes off what the client says of itself, before it waits: should the client leave now, an access log must not say
    /// it after it.
    pub(crate) fn hide_claims(&self) {
        for name in self.case.edge.claims(&self.case.head) {
            hostcalls::remove_request_header(name);
        }
    }

    /// Polls once, carries out the verdict if there is one now, and says where the request stands.
    pub(crate) fn advance(&self) -> Standing {
        let mut work = self.work.borrow_mut();
        let polled = work.as_mut().map(|work| {
            let mut context = Context::from_waker(Waker::noop());
            work.as_mut().poll(&mut context)
        });
        // Dropped only after the borrow: what it holds may end call-outs of its own.
        let finished = match polled {
            Some(Poll::Ready(())) => work.take(),
            _ => None,
        };
        drop(work);
        drop(finished);
        if let Some(verdict) = self.case.verdict.take() {
            self.standing.set(if self.is_abandoned() {
                Standing::Replied
            } else {
                self.carry_out(&verdict)
            });
        }
        self.standing()
    }

    fn carry_out(&self, verdict: &Verdict) -> Standing {
        match &verdict.action {
            Action::Forward(changes) if hostcalls::change_request(changes) => {
                self.answer.borrow_mut().clone_from(&changes.answer);
                Standing::Forwarded
            }
            // Headers that could not be changed could still be the client's: then nothing passes.
            Action::Forward(_) => {
                hostcalls::reply(&wx_session_core::internal_error());
                Standing::Replied
            }
            Action::Reply(response) => {
                // Access logs are best effort.
                let _ =
                    hostcalls::change_request(&self.case.edge.for_log(&self.case.head, verdict));
                hostcalls::reply(response);
                Standing::Replied
            }
        }
    }

    /// Whether the answer is to carry something.
    pub(crate) fn has_answer(&self) -> bool {
        !self.answer.borrow().is_empty()
    }

    /// The answer is on its way to the client: the app's, or Envoy's own in its place.
    pub(crate) fn answered(&self) {
        let headers = self.answer.take();
        if !headers.is_empty() {
            hostcalls::change_answer(&headers);
        }
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
            if self.abandoned.get() {
                return Poll::Ready(Err(BodyError::Unreadable));
            }
            let size = self.body_size.get();
            if size > limit {
                return Poll::Ready(Err(BodyError::TooLarge));
            }
            if !self.complete.get() {
                // Who waits for the client has nothing that must be finished without it.
                self.powers.release(self.context_id);
                return Poll::Pending;
            }
            Poll::Ready(hostcalls::request_body(size).ok_or(BodyError::Unreadable))
        })
        .await
    }
}
