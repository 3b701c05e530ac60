//! A call of the backend's for WeChat's API on its way through Envoy, which carries it there and back. What passes of
//! it is looked at only as far as it is small: its body, to be sent once more, and the answer, to learn whether the
//! token was rejected.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use wx_session_core::{
    Head, Host as _, HttpCall, HttpResponse, Response, ToWechat, Worker, mark_if_dead, once_more,
    unanswered,
};

use crate::host::EnvoyHost;

/// Longer answers to what is sent once more are not waited for, in bytes. Pictures have two hundred kilobytes, and Envoy's
/// `per_connection_buffer_limit_bytes` must have room for one.
const MOST_ANSWERED: usize = 1_000_000;

pub(crate) struct ApiCall {
    pub(crate) call: Box<ToWechat>,
    /// `None`: it cannot be sent once more.
    method: Option<&'static str>,
    headers: Vec<(&'static str, String)>,
    /// The body, as far as it is small.
    kept: RefCell<Option<Vec<u8>>>,
    complete: Cell<bool>,
    /// How much of the answer is looked at.
    most: Cell<usize>,
}

/// What becomes of a piece of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    Passes,
    /// More has to come first.
    Held,
    /// It was the last, and the token was rejected: the call is sent once more.
    Dead,
    /// The same of a call that cannot be sent once more: its answer passes.
    DeadForGood,
}

/// What is sent once more, and the answer that takes the place of the first. `None`: the first one holds.
pub(crate) type Again = Pin<Box<dyn Future<Output = Option<Response>>>>;

impl ApiCall {
    /// `complete`: there is no body.
    pub(crate) fn new(call: Box<ToWechat>, head: &Head, complete: bool) -> Self {
        let method = match head.text(":method") {
            Some("GET") => Some("GET"),
            Some("POST") => Some("POST"),
            _ => None,
        };
        let names = ["accept", "content-encoding", "content-type", "user-agent"];
        let header = |name: &'static str| Some((name, head.text(name)?.to_owned()));
        Self {
            call,
            method,
            headers: names.into_iter().filter_map(header).collect(),
            kept: RefCell::new(method.map(|_| Vec::new())),
            complete: Cell::new(complete),
            most: Cell::new(0),
        }
    }

    /// A piece of the body, which `read` gives.
    pub(crate) fn sent(&self, size: usize, complete: bool, read: impl FnOnce() -> Option<Vec<u8>>) {
        let mut kept = self.kept.borrow_mut();
        let length = kept.as_ref().map_or(usize::MAX, Vec::len);
        let piece = (length.saturating_add(size) <= self.call.most_kept).then(read);
        match (kept.as_mut(), piece.flatten()) {
            (Some(kept), Some(piece)) => kept.extend(piece),
            _ => *kept = None,
        }
        self.complete.set(complete);
    }

    /// The answer begins. Whether it is to be held.
    pub(crate) fn answered(&self, head: &Head) -> bool {
        let seen = ToWechat::to_be_seen(head.text("content-type"), head.text("content-length"));
        self.most.set(seen);
        seen > 0
    }

    /// A piece of the answer: `size` bytes in all so far, which `read` gives.
    pub(crate) fn piece(
        &self,
        worker: &Worker,
        host: &EnvoyHost,
        size: usize,
        complete: bool,
        read: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Piece {
        if self.most.get() == 0 {
            return Piece::Passes;
        }
        if size > self.most.get() {
            self.most.set(0);
            return Piece::Passes;
        }
        if !complete {
            return Piece::Held;
        }
        self.most.set(0);
        let answer = read().unwrap_or_default();
        if !mark_if_dead(worker, host, &self.call, &answer) {
            Piece::Passes
        } else if self.may_be_repeated() {
            Piece::Dead
        } else {
            Piece::DeadForGood
        }
    }

    fn may_be_repeated(&self) -> bool {
        self.complete.get() && self.kept.borrow().is_some()
    }

    /// The call once more, with another token.
    pub(crate) fn again(self: &Rc<Self>, worker: &Rc<Worker>, host: EnvoyHost) -> Again {
        let (own, worker) = (Rc::clone(self), Rc::clone(worker));
        Box::pin(async move {
            let call = once_more(&worker, &host, &own.call).await?;
            let again = HttpCall {
                target: call.target.clone(),
                method: own.method?,
                authority: call.authority.clone(),
                path: call.path_with_token(),
                headers: own.headers.clone(),
                body: own.kept.take()?,
                timeout: call.timeout,
                max_response_bytes: MOST_ANSWERED,
                must_finish: false,
                wants: Some("content-type"),
            };
            match host.call(again).await.and_then(HttpResponse::of_upstream) {
                Ok(HttpResponse {
                    status,
                    body,
                    wanted,
                }) => {
                    mark_if_dead(&worker, &host, &call, &body);
                    let content_type = wanted.map(|own| ("content-type", own));
                    Some(Response {
                        status,
                        headers: content_type.into_iter().collect(),
                        body,
                    })
                }
                Err(error) => unanswered(&worker, &host, &call, &error),
            }
        })
    }
}
