//! The core in this process as such a worker: no proxy, no module.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use testkit::SplitMix64;
use wx_session_core::{
    Host as _, HttpCall, ToWechat, Worker, carry_out, finish, handle, hear, mark_if_dead,
    once_more, unanswered,
};

use super::core_exchange::Exchange;
use super::core_host::{Around, CoreHost, StepStore};
use super::{Answer, Call, CallEnd, Edge, Fate, Pairs};
use crate::rig::Ask;
use crate::rig::core_rig::{change_response, configured};
use crate::rig::fake_store::FakeStore;

/// What all workers share.
pub type CoreStore = FakeStore;

pub struct CoreEdge {
    worker: Rc<Worker>,
    around: Rc<Around>,
    store: FakeStore,
    body_timeout: Duration,
    exchanges: Vec<Rc<Exchange>>,
    /// What is under way, by the number of its request; and what is for none.
    work: Vec<(Option<usize>, Work)>,
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// More rounds than any work takes while no time passes.
const PATIENCE: usize = 100_000;

impl CoreEdge {
    /// A worker with this configuration, on this store. `seed`: of its randomness.
    pub fn new(document: &str, store: &FakeStore, seed: u64, now: Duration) -> Self {
        let config = configured(document);
        let around = Around::default();
        around.random.set(SplitMix64(seed << 32));
        around.wall.set(now);
        Self {
            body_timeout: config.body_timeout,
            worker: Rc::new(Worker::new(config)),
            around: Rc::new(around),
            store: store.clone(),
            exchanges: Vec::new(),
            work: Vec::new(),
        }
    }

    fn host(&self, exchange: &Exchange) -> CoreHost {
        CoreHost {
            around: Rc::clone(&self.around),
            store: StepStore {
                store: self.store.clone(),
                around: Rc::clone(&self.around),
            },
            outlives: Rc::clone(&exchange.outlives),
        }
    }

    /// Everybody gets a turn until nobody can do anything while no time passes.
    fn turn(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..PATIENCE {
            let before = self.around.moves.get();
            let mut done = false;
            self.work.retain_mut(|(_, work)| {
                let ready = work.as_mut().poll(&mut context) == Poll::Ready(());
                done |= ready;
                !ready
            });
            if !done && self.around.moves.get() == before {
                return;
            }
        }
        panic!("the core is busy for ever");
    }
}

impl Edge for CoreEdge {
    fn request(&mut self, ask: &Ask) -> usize {
        let exchange = Rc::new(Exchange::new(&self.around, ask, self.body_timeout));
        let (worker, host) = (Rc::clone(&self.worker), self.host(&exchange));
        let request = Rc::clone(&exchange);
        let number = self.exchanges.len();
        self.exchanges.push(exchange);
        let work = Box::pin(async move {
            let mut verdict = handle(&worker, &host, &*request).await;
            let pending = verdict.pending.take();
            request.decide(verdict);
            finish(&worker, &host, pending).await;
        });
        self.work.push((Some(number), work));
        self.turn();
        number
    }

    fn body(&mut self, request: usize, piece: &[u8], last: bool) {
        self.exchanges[request].receive(piece, last);
        self.turn();
    }

    fn trailers(&mut self, request: usize, trailers: Pairs) {
        self.exchanges[request].end_with(trailers);
        self.turn();
    }

    fn leave(&mut self, request: usize) {
        self.exchanges[request].leave();
        if !self.exchanges[request].outlives.get() {
            self.work.retain(|(number, _)| *number != Some(request));
        }
        self.turn();
    }

    fn is_undecided(&self, request: usize) -> bool {
        self.exchanges[request].is_undecided()
    }

    fn fate(&self, request: usize) -> Fate {
        self.exchanges[request].fate()
    }

    fn respond(&mut self, request: usize, mut answer: Answer) {
        let exchange = Rc::clone(&self.exchanges[request]);
        let (of_response, to_wechat) = exchange.of_response();
        let (worker, host) = (Rc::clone(&self.worker), self.host(&exchange));
        if let Some(call) = to_wechat {
            let work = async move {
                if let Some(again) = repeated(&worker, &host, &exchange, &call, &answer).await {
                    answer = again;
                }
                let of_response = *of_response.unwrap_or_default();
                change_response(answer.status, &mut answer.headers, of_response, host.now());
                exchange.answer.replace(Some(answer));
            };
            self.work.push((Some(request), Box::pin(work)));
        } else {
            let changes = of_response.map(|own| *own);
            let now = host.now();
            let said = changes
                .and_then(|own| change_response(answer.status, &mut answer.headers, own, now));
            exchange.answer.replace(Some(answer));
            if let Some(said) = said
                && hear(&worker, &host, &said)
            {
                let work = async move { carry_out(&worker, &host, &said).await };
                self.work.push((None, Box::pin(work)));
            }
        }
        self.turn();
    }

    fn answered(&self, request: usize) -> Option<Answer> {
        self.exchanges[request].answer.borrow().clone()
    }

    fn calls(&self) -> Vec<Call> {
        let calls = self.around.calls.borrow();
        calls.iter().map(|own| own.call.clone()).collect()
    }

    fn end_call(&mut self, call: u32, end: CallEnd) {
        let mut calls = self.around.calls.borrow_mut();
        let Some(at) = calls.iter().position(|own| own.call.id == call) else {
            return;
        };
        calls.remove(at).end.replace(Some(end));
        drop(calls);
        self.turn();
    }

    /// Everybody is woken when they want to be.
    fn advance(&mut self, span: Duration) {
        let end = self.around.uptime.get() + span;
        while self.around.uptime.get() < end {
            let around = &self.around;
            let now = around.uptime.get();
            let mut alarms = around.alarms.borrow_mut();
            alarms.retain(|alarm| *alarm > now);
            let next = alarms.first().map_or(end, |alarm| end.min(*alarm));
            drop(alarms);
            around.wall.set(around.wall.get() + (next - now));
            around.uptime.set(next);
            self.turn();
        }
    }

    fn until_next(&self) -> Option<Duration> {
        let now = self.around.uptime.get();
        let alarms = self.around.alarms.borrow();
        let next = alarms.iter().find(|alarm| **alarm > now)?;
        Some(*next - now)
    }

    fn set_wall_clock(&mut self, now: Duration) {
        self.around.wall.set(now);
    }

    fn fail_host(&mut self, nth: u64, way: usize) {
        self.around.fuse.set(Some((nth, way)));
    }

    fn calm(&mut self) -> Option<String> {
        self.around.fuse.set(None);
        self.take_failure()
    }

    fn take_failure(&mut self) -> Option<String> {
        self.around.failed.take()
    }

    fn take_log(&mut self) -> Vec<String> {
        self.around.log.take()
    }

    /// One verdict of each request is all that there can be.
    fn misdeed(&self) -> Option<String> {
        None
    }
}

/// What comes of a call of the backend's that is sent once more, as its token was rejected.
async fn repeated(
    worker: &Worker,
    host: &CoreHost,
    exchange: &Exchange,
    call: &ToWechat,
    answer: &Answer,
) -> Option<Answer> {
    let length = answer.body.len().to_string();
    let most = ToWechat::to_be_seen(answer.header("content-type"), Some(&length));
    let was_dead = most > 0 && mark_if_dead(worker, host, call, &answer.body);
    let body = exchange.whole().filter(|_| was_dead)?;
    if body.len() > call.most_kept {
        return None;
    }
    let again = once_more(worker, host, call).await?;
    let content_type = exchange.text("content-type");
    let sent = host.call(HttpCall {
        target: again.target.clone(),
        method: "POST",
        authority: again.authority.clone(),
        path: again.path_with_token(),
        headers: content_type
            .map(|own| ("content-type", own))
            .into_iter()
            .collect(),
        body,
        timeout: again.timeout,
        max_response_bytes: usize::MAX,
        must_finish: false,
        wants: Some("content-type"),
    });
    match sent.await {
        Ok(response) => {
            mark_if_dead(worker, host, &again, &response.body);
            let content_type = response.wanted.unwrap_or_default();
            Some(Answer::new(response.status, &content_type, response.body))
        }
        Err(error) => {
            let told = unanswered(worker, host, &again, &error)?;
            Some(Answer::new(told.status, "application/json", told.body))
        }
    }
}
