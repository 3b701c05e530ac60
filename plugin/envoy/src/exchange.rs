//! One request under way: the core's future, what the callbacks bring to it, and its verdict carried out.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use wx_session_core::{Action, BodyError, Head, Request, Verdict, handle};

use crate::host::EnvoyHost;
use crate::hostcalls;
use crate::worker::Worker;

pub(crate) struct Exchange {
    pub(crate) context_id: u32,
    /// It has used something up that cannot be had again: see `HttpCall::must_finish`.
    pub(crate) must_finish: Cell<bool>,
    abandoned: Cell<bool>,
    state: RefCell<State>,
    incoming: Rc<Incoming>,
}

enum State {
    Deciding(Pin<Box<dyn Future<Output = Verdict>>>),
    Forwarded,
    Replied,
}

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

/// What has arrived of the request.
struct Incoming {
    head: Head,
    body_size: Cell<usize>,
    complete: Cell<bool>,
}

impl Exchange {
    pub(crate) fn new(worker: &Rc<Worker>, context_id: u32, complete: bool) -> Self {
        let incoming = Rc::new(Incoming {
            head: hostcalls::request_head(),
            body_size: Cell::new(0),
            complete: Cell::new(complete),
        });
        let host = EnvoyHost {
            worker: Rc::clone(worker),
            context_id,
        };
        let request = Rc::clone(&incoming);
        let verdict = Box::pin(async move { handle(&host.worker.edge, &host, &*request).await });
        Self {
            context_id,
            must_finish: Cell::new(false),
            abandoned: Cell::new(false),
            state: RefCell::new(State::Deciding(verdict)),
            incoming,
        }
    }

    /// More of the body is buffered: `size` bytes in all.
    pub(crate) fn received(&self, size: usize, complete: bool) {
        self.incoming.body_size.set(size);
        self.complete_if(complete);
    }

    pub(crate) fn complete_if(&self, complete: bool) {
        if complete {
            self.incoming.complete.set(true);
        }
    }

    /// The client is gone: nothing more is said to it. Whether the exchange goes on all the same.
    pub(crate) fn abandon(&self) -> bool {
        self.abandoned.set(true);
        self.must_finish.get()
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.get()
    }

    pub(crate) fn standing(&self) -> Standing {
        match *self.state.borrow() {
            State::Deciding(_) => Standing::Deciding,
            State::Forwarded => Standing::Forwarded,
            State::Replied => Standing::Replied,
        }
    }

    /// Polls once from a callback of the request itself, which lets the request pass by its return value.
    pub(crate) fn advance(&self) -> Standing {
        let verdict = match &mut *self.state.borrow_mut() {
            State::Deciding(future) => {
                match future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                {
                    Poll::Ready(verdict) => verdict,
                    Poll::Pending => return Standing::Deciding,
                }
            }
            State::Forwarded => return Standing::Forwarded,
            State::Replied => return Standing::Replied,
        };
        let decided = if self.is_abandoned() {
            State::Replied
        } else {
            carry_out(&verdict)
        };
        // Replaced only now: dropping the future may abandon call-outs, which must not find the state borrowed.
        let finished = self.state.replace(decided);
        drop(finished);
        self.standing()
    }

    /// Polls once from a callback of something else (a call-out's answer, a tick), and resumes the request if it may
    /// pass.
    pub(crate) fn advance_and_resume(&self, worker: &Worker) {
        if self.standing() != Standing::Deciding {
            return;
        }
        match self.advance() {
            Standing::Deciding => return,
            Standing::Forwarded => hostcalls::resume_request(),
            Standing::Replied => {}
        }
        worker.forget(self.context_id);
    }
}

fn carry_out(verdict: &Verdict) -> State {
    hostcalls::publish(verdict.openid.as_deref(), verdict.auth_status);
    match &verdict.action {
        Action::Forward(changes) if hostcalls::change_request(changes) => State::Forwarded,
        // Headers that could not be changed could still be the client's: then nothing passes.
        Action::Forward(_) => {
            hostcalls::reply(&wx_session_core::internal_error());
            State::Replied
        }
        Action::Reply(response) => {
            hostcalls::reply(response);
            State::Replied
        }
    }
}

impl Request for Incoming {
    fn head(&self) -> &Head {
        &self.head
    }

    fn client_address(&self) -> Option<String> {
        hostcalls::client_address()
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        std::future::poll_fn(|_| {
            let size = self.body_size.get();
            if size > limit {
                return Poll::Ready(Err(BodyError::TooLarge));
            }
            if !self.complete.get() {
                return Poll::Pending;
            }
            Poll::Ready(hostcalls::request_body(size).ok_or(BodyError::Unreadable))
        })
        .await
    }
}
