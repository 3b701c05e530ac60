//! One request to the core in this process, as it comes in and as it goes on.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use wx_session_core::{
    Action, BodyError, Head, OfResponse, Request, ToWechat, TrailerPolicy, Verdict,
};

use super::core_host::Around;
use super::{Answer, Fate, Pairs, Passed};
use crate::rig::Ask;
use crate::rig::core_rig::{changed, owned};

pub(super) struct Exchange {
    around: Rc<Around>,
    head: Head,
    /// The body so far.
    sent: RefCell<Vec<u8>>,
    trailers: RefCell<Pairs>,
    complete: Cell<bool>,
    body_timeout: Duration,
    /// Its client is gone.
    left: Cell<bool>,
    /// What has begun goes on without its client.
    pub(super) outlives: Rc<Cell<bool>>,
    decided: RefCell<Option<Decided>>,
    /// What the client has of the upstream's answer.
    pub(super) answer: RefCell<Option<Answer>>,
}

enum Decided {
    Replied(Answer),
    Passed(Box<Onward>),
}

/// A request that goes on.
struct Onward {
    headers: Pairs,
    /// In place of the client's.
    body: Option<Vec<u8>>,
    trailers: TrailerPolicy,
    response: Option<Box<OfResponse>>,
    to_wechat: Option<Box<ToWechat>>,
}

impl Exchange {
    pub(super) fn new(around: &Rc<Around>, ask: &Ask, body_timeout: Duration) -> Self {
        Self {
            around: Rc::clone(around),
            head: Head::from_pairs(ask.head()),
            sent: RefCell::default(),
            trailers: RefCell::default(),
            complete: Cell::new(ask.body.is_none()),
            body_timeout,
            left: Cell::new(false),
            outlives: Rc::default(),
            decided: RefCell::default(),
            answer: RefCell::default(),
        }
    }

    pub(super) fn receive(&self, piece: &[u8], last: bool) {
        self.sent.borrow_mut().extend(piece);
        self.complete.set(last);
    }

    pub(super) fn end_with(&self, trailers: Pairs) {
        self.trailers.replace(trailers);
        self.complete.set(true);
    }

    pub(super) fn leave(&self) {
        self.left.set(true);
    }

    pub(super) fn is_undecided(&self) -> bool {
        self.decided.borrow().is_none() && !self.left.get()
    }

    /// What the client has sent, if that was all.
    pub(super) fn whole(&self) -> Option<Vec<u8>> {
        self.complete.get().then(|| self.sent.borrow().clone())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.head.text(name).map(str::to_owned)
    }

    pub(super) fn decide(&self, verdict: Verdict) {
        // Nobody is there to be told.
        if self.left.get() {
            return;
        }
        let decided = match verdict.action {
            Action::Reply(response) => Decided::Replied(Answer {
                status: response.status,
                headers: owned(response.headers),
                body: response.body,
            }),
            Action::Forward(mut changes) => {
                let to_wechat = changes.take_to_wechat();
                if let Some(call) = &to_wechat {
                    let authority = call.authority.as_str().into();
                    changes.set.push((":authority".into(), authority));
                    changes
                        .set
                        .push((":path".into(), call.path_with_token().into()));
                }
                Decided::Passed(Box::new(Onward {
                    headers: changed(&self.head, &changes),
                    body: changes.body,
                    trailers: changes.trailers,
                    response: changes.response,
                    to_wechat,
                }))
            }
        };
        self.decided.replace(Some(decided));
    }

    /// What becomes of the response, once; and the call that it is the answer to, if that is one of WeChat's API.
    pub(super) fn of_response(&self) -> (Option<Box<OfResponse>>, Option<Box<ToWechat>>) {
        match &mut *self.decided.borrow_mut() {
            Some(Decided::Passed(onward)) => (onward.response.take(), onward.to_wechat.take()),
            _ => (None, None),
        }
    }

    pub(super) fn fate(&self) -> Fate {
        match &*self.decided.borrow() {
            None if self.left.get() => Fate::Gone,
            None => Fate::Undecided,
            Some(Decided::Replied(answer)) => Fate::Replied(answer.clone()),
            Some(Decided::Passed(onward)) => {
                let trailers = self.trailers.borrow();
                let passing = trailers
                    .iter()
                    .filter(|(name, _)| !onward.trailers.forbids(name));
                let own = || self.sent.borrow().clone();
                Fate::Passed(Passed {
                    headers: onward.headers.clone(),
                    body: onward.body.clone().unwrap_or_else(own),
                    trailers: passing.cloned().collect(),
                    complete: self.complete.get(),
                })
            }
        }
    }
}

impl Request for Exchange {
    fn head(&self) -> &Head {
        &self.head
    }

    fn client_address(&self) -> Option<String> {
        Some("192.0.2.1".into())
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let mut until = None;
        poll_fn(|_| {
            if self.left.get() {
                return Poll::Ready(Err(BodyError::Unreadable));
            }
            if self.sent.borrow().len() > limit {
                return Poll::Ready(Err(BodyError::TooLarge));
            }
            if self.complete.get() {
                return Poll::Ready(Ok(self.sent.borrow().clone()));
            }
            // Who waits for the client has nothing that must be finished without it.
            self.outlives.set(false);
            let now = self.around.uptime.get();
            let until = *until.get_or_insert(now + self.body_timeout);
            if until <= now {
                return Poll::Ready(Err(BodyError::TimedOut("the body did not come in time")));
            }
            self.around.alarms.borrow_mut().insert(until);
            Poll::Pending
        })
        .await
    }
}
