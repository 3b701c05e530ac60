//! One request under way: the core's future, what the callbacks bring to it, and its verdict carried out.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use wx_session_core::{
    Action, OfResponse, Request as _, Said, Verdict, crowded, finish, handle, reads_body,
};

use crate::api_call::ApiCall;
use crate::case::Case;
use crate::host::EnvoyHost;
use crate::hostcalls;

pub(crate) struct Exchange {
    pub(crate) context_id: u32,
    standing: Cell<Standing>,
    abandoned: Cell<bool>,
    /// It goes to WeChat's API.
    api_call: RefCell<Option<Rc<ApiCall>>>,
    /// What becomes of the app's response, once it comes. Most often nothing.
    response: RefCell<Option<Box<OfResponse>>>,
    /// Decides, hands out the verdict, and then does what could wait until then. `None` when all is done.
    work: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    /// `None` when the verdict is carried out: a request that has passed may take long, and needs it no more.
    case: RefCell<Option<Rc<Case>>>,
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

impl Exchange {
    pub(crate) fn of(case: Rc<Case>) -> Self {
        let context_id = case.context_id;
        let host = EnvoyHost {
            resources: Rc::clone(&case.resources),
            context_id,
            case: Rc::downgrade(&case),
        };
        let request = Rc::clone(&case);
        let work = Box::pin(async move {
            let mut verdict = handle(&request.worker, &host, &*request).await;
            let pending = verdict.pending.take();
            request.verdict.set(Some(verdict));
            let worker = Rc::clone(&request.worker);
            // What follows may wait too, and needs it no more.
            drop(request);
            finish(&worker, &host, pending).await;
        });
        Self {
            context_id,
            standing: Cell::new(Standing::Deciding),
            abandoned: Cell::new(false),
            api_call: RefCell::default(),
            response: RefCell::default(),
            work: RefCell::new(Some(work)),
            case: RefCell::new(Some(case)),
        }
    }

    /// More of the body is buffered: `size` bytes in all.
    pub(crate) fn received(&self, size: usize, complete: bool) {
        if let Some(case) = &*self.case.borrow() {
            case.body_size.set(size);
        }
        self.complete_if(complete);
    }

    pub(crate) fn complete_if(&self, complete: bool) {
        if complete && let Some(case) = &*self.case.borrow() {
            case.complete.set(true);
        }
    }

    /// The client is gone: nothing more is said to it.
    pub(crate) fn abandon(&self) {
        self.abandoned.set(true);
        if let Some(case) = &*self.case.borrow() {
            case.abandoned.set(true);
        }
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.get()
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing.get()
    }

    /// Whether nothing is left to be done.
    pub(crate) fn is_over(&self) -> bool {
        self.work.borrow().is_none()
    }

    /// What is held of the request while it waits, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.case.borrow().as_ref().map_or(0, |case| case.bytes())
    }

    /// Until when it waits for its client, if it does.
    pub(crate) fn for_client_until(&self) -> Option<Instant> {
        self.case.borrow().as_ref()?.for_client_until.get()
    }

    /// Where its client is, while that is of interest.
    pub(crate) fn client_address(&self) -> Option<String> {
        self.case.borrow().as_ref()?.client_address()
    }

    pub(crate) fn is_for_client(&self) -> bool {
        self.for_client_until().is_some()
    }

    /// Leaves its body with the client until there is a verdict, unless it may be read here before.
    pub(crate) fn hold_unread(&self) {
        if let Some(case) = &*self.case.borrow() {
            let is_read =
                case.for_client_until.get().is_some() || reads_body(&case.worker, &case.head);
            case.held.set(!is_read);
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        let case = self.case.borrow();
        case.as_ref().is_some_and(|case| case.held.get())
    }

    /// Takes off what the client says of itself, before it waits: should the client leave now, an access log must not say
    /// it after it.
    pub(crate) fn hide_claims(&self) {
        if let Some(case) = &*self.case.borrow() {
            for name in case.worker.claims(&case.head) {
                hostcalls::remove_request_header(name);
            }
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
        if let Some((case, verdict)) = self.decided() {
            self.standing.set(if self.is_abandoned() {
                Standing::Replied
            } else {
                self.carry_out(&case, verdict)
            });
        }
        self.standing()
    }

    /// The verdict, once, with what it is about.
    fn decided(&self) -> Option<(Rc<Case>, Verdict)> {
        let mut case = self.case.borrow_mut();
        let verdict = case.as_ref()?.verdict.take()?;
        Some((case.take()?, verdict))
    }

    /// There is no room for it to wait: its work ends here, and it is answered that there is none, if it was not
    /// answered before.
    pub(crate) fn turn_away(&self) {
        let work = self.work.borrow_mut().take();
        drop(work);
        let case = self.case.borrow_mut().take();
        if let Some(case) = case {
            let host = EnvoyHost {
                resources: Rc::clone(&case.resources),
                context_id: case.context_id,
                case: Rc::downgrade(&case),
            };
            let verdict = crowded(&case.worker, &host, &case.head);
            self.standing.set(self.carry_out(&case, verdict));
        }
    }

    fn carry_out(&self, case: &Case, verdict: Verdict) -> Standing {
        // Access logs are best effort.
        let log = |verdict: &Verdict| {
            let _ = hostcalls::change_request(&case.worker.for_log(&case.head, verdict));
        };
        match verdict.action {
            Action::Forward(mut changes) => {
                // Also where the answer is not the app's: what was begun for it must end then.
                if let Some(call) = changes.take_to_wechat() {
                    changes
                        .set
                        .push((":authority".into(), (&*call.authority).into()));
                    changes
                        .set
                        .push((":path".into(), call.path_with_token().into()));
                    let complete = case.complete.get() && case.body_size.get() == 0;
                    let call = ApiCall::new(call, &case.head, complete);
                    self.api_call.replace(Some(Rc::new(call)));
                }
                self.response.replace(changes.response.take());
                if hostcalls::change_request(&changes) {
                    return Standing::Forwarded;
                }
                // Headers that could not be changed could still be the client's: then nothing passes.
                hostcalls::reply(&wx_session_core::internal_error());
            }
            Action::Reply(ref response) => {
                log(&verdict);
                hostcalls::reply(response);
            }
        }
        Standing::Replied
    }

    /// If it goes to WeChat's API.
    pub(crate) fn api_call(&self) -> Option<Rc<ApiCall>> {
        self.api_call.borrow().clone()
    }

    /// Whether something becomes of the response.
    pub(crate) fn changes_response(&self) -> bool {
        self.response.borrow().is_some()
    }

    /// The response is on its way to the client: the app's, or Envoy's own in its place. What it says of the session.
    pub(crate) fn responded(&self) -> Option<Said> {
        hostcalls::change_response(*self.response.take()?)
    }
}
