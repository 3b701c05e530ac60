//! The callbacks of one request. Until the verdict is "forward", every one of them pauses: with
//! `allow_on_headers_stop_iteration`, a body callback that continues would send the request on unjudged. For a request
//! whose body nobody reads here, no body callback comes before the verdict.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::api_call::Piece;
use crate::exchange::{Exchange, Standing};
use crate::executor::Executor;
use crate::hostcalls;

pub(crate) struct Filter {
    context_id: u32,
    /// `None` if the plugin has no configuration: then nothing passes.
    executor: Option<Rc<Executor>>,
    /// What waits for something. Most requests never do.
    exchange: Option<Rc<Exchange>>,
    standing: Standing,
    /// A call of the backend's was sent once more.
    sends_again: bool,
}

impl Filter {
    pub(crate) fn new(context_id: u32, executor: Option<Rc<Executor>>) -> Self {
        Self {
            context_id,
            executor,
            exchange: None,
            standing: Standing::Deciding,
            sends_again: false,
        }
    }

    /// Polls the exchange, if one waits, and says what Envoy is to do with what it has of the request.
    fn step(&mut self) -> Action {
        if let (Some(executor), Some(exchange)) = (&self.executor, &self.exchange) {
            self.standing = executor.step(exchange);
        }
        self.action()
    }

    fn action(&self) -> Action {
        match self.standing {
            Standing::Forwarded => Action::Continue,
            Standing::Deciding | Standing::Replied => Action::Pause,
        }
    }
}

impl Context for Filter {
    fn on_http_call_response(&mut self, call_id: u32, headers: usize, body: usize, _: usize) {
        if let Some(executor) = &self.executor {
            executor.call_answered(self.context_id, call_id, headers, body);
        }
    }
}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let Some(executor) = &self.executor else {
            hostcalls::reply(&wx_session_core::internal_error());
            return Action::Pause;
        };
        let exchange = executor.exchange(self.context_id, end_of_stream, hostcalls::request_head);
        self.standing = exchange.advance();
        if self.standing == Standing::Deciding {
            exchange.hide_claims();
        }
        self.exchange = if exchange.is_over() {
            exchange.changes_response().then(|| Rc::new(exchange))
        } else {
            let kept = executor.keep(exchange);
            self.standing = kept.standing();
            if kept.is_held() {
                hostcalls::hold_everything();
            }
            Some(kept)
        };
        self.action()
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if let Some(exchange) = &self.exchange {
            // It may have been resumed since the callback before.
            if let Some(call) = exchange.api_call()
                && exchange.standing() == Standing::Forwarded
            {
                self.standing = Standing::Forwarded;
                call.sent(size, end_of_stream, || hostcalls::request_body(size));
                return Action::Continue;
            }
            exchange.received(size, end_of_stream);
        }
        self.step()
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        if let Some(exchange) = &self.exchange {
            exchange.complete_if(true);
        }
        if let Some(executor) = &self.executor {
            hostcalls::strip_trailers(&executor.worker.trailers());
        }
        self.step()
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let (Some(executor), Some(exchange)) = (&self.executor, &self.exchange) else {
            return Action::Continue;
        };
        // Envoy's own answer, if it was not forwarded.
        let call = exchange.api_call().filter(|_| !end_of_stream);
        let is_held = call.is_some_and(|call| call.answered(&hostcalls::response_head()));
        if let Some(said) = exchange.responded() {
            executor.hear(said);
        }
        if is_held {
            Action::Pause
        } else {
            Action::Continue
        }
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let (Some(executor), Some(exchange)) = (&self.executor, &self.exchange) else {
            return Action::Continue;
        };
        let Some(call) = exchange.api_call() else {
            return Action::Continue;
        };
        let host = executor.host(self.context_id);
        let read = || hostcalls::response_body(size);
        match call.piece(&executor.worker, &host, size, end_of_stream, read) {
            Piece::Passes => Action::Continue,
            Piece::Held => Action::Pause,
            Piece::Dead => {
                let again = call.again(&executor.worker, host);
                self.sends_again = executor.send_again(self.context_id, again);
                if self.sends_again {
                    Action::Pause
                } else {
                    executor.finish_soon();
                    Action::Continue
                }
            }
            Piece::DeadForGood => {
                executor.finish_soon();
                Action::Continue
            }
        }
    }
}

impl Drop for Filter {
    /// The client is gone, or the request is over.
    fn drop(&mut self) {
        if let (Some(executor), Some(_)) = (&self.executor, &self.exchange) {
            executor.abandon(self.context_id);
            if self.sends_again {
                executor.forget_again(self.context_id);
                executor.finish_soon();
            }
        }
    }
}
