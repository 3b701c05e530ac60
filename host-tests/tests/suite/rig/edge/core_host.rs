//! What the core in this process is given as its host: virtual time, a store in memory, calls that a test answers, and one
//! use of any of it that fails when told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use testkit::SplitMix64;
use wx_session_core::store::{Key, Store, StoreError, Write, Written};
use wx_session_core::{
    CallError, Counter, Delivering, Delivery, Histogram, Host, HttpCall, HttpResponse, Level,
    NoEntropy, UnixMillis,
};

use super::{Answer, Call, CallEnd};
use crate::rig::core_rig::owned;
use crate::rig::fake_store::FakeStore;
use crate::rig::schedule::step_aside;

/// What the requests of one worker share.
#[derive(Default)]
pub(super) struct Around {
    /// Since the epoch.
    pub(super) wall: Cell<Duration>,
    /// By the clock that nobody sets.
    pub(super) uptime: Cell<Duration>,
    /// When somebody wants to be woken, as far as was said since time last passed.
    pub(super) alarms: RefCell<BTreeSet<Duration>>,
    pub(super) calls: RefCell<Vec<UnderWay>>,
    numbers: Cell<u32>,
    pub(super) log: RefCell<Vec<String>>,
    pub(super) random: Cell<SplitMix64>,
    /// Uses until one fails, and in which way.
    pub(super) fuse: Cell<Option<(u64, usize)>>,
    pub(super) failed: RefCell<Option<String>>,
    /// Changes whenever somebody has got further without being done.
    pub(super) moves: Cell<u64>,
}

/// A call under way, and where its end is put.
pub(super) struct UnderWay {
    pub(super) call: Call,
    pub(super) end: Rc<RefCell<Option<CallEnd>>>,
}

/// How a use fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failing {
    /// Nothing is done.
    Before,
    /// It is done, and nobody learns of it.
    After,
}

impl Around {
    /// Whether this use of the host is the one that fails.
    fn fails(&self, what: &str) -> Option<Failing> {
        let (left, way) = self.fuse.get()?;
        if left > 1 {
            self.fuse.set(Some((left - 1, way)));
            return None;
        }
        self.fuse.set(None);
        self.failed.replace(Some(what.to_owned()));
        Some(if way.is_multiple_of(2) {
            Failing::Before
        } else {
            Failing::After
        })
    }

    fn moved(&self) {
        self.moves.set(self.moves.get() + 1);
    }

    fn start(&self, call: Call) -> Rc<RefCell<Option<CallEnd>>> {
        let id = self.numbers.get() + 1;
        self.numbers.set(id);
        let end = Rc::default();
        self.calls.borrow_mut().push(UnderWay {
            call: Call { id, ..call },
            end: Rc::clone(&end),
        });
        end
    }
}

/// The store of one worker: that of all, with an operation now and then that fails. Others get their turn before each.
pub struct StepStore {
    pub(super) store: FakeStore,
    pub(super) around: Rc<Around>,
}

impl StepStore {
    async fn turn(&self, what: &str) -> Option<Failing> {
        self.around.moved();
        step_aside().await;
        self.around.fails(what)
    }
}

impl Store for StepStore {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        match self.turn("store get").await {
            Some(_) => Err(StoreError::Unavailable),
            None => self.store.get(key, now).await,
        }
    }

    /// As several workers would have it: one write after the other.
    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        for write in writes {
            match self.turn("store write").await {
                Some(Failing::Before) => return Err(StoreError::Unavailable),
                Some(Failing::After) => {
                    self.store.write(std::slice::from_ref(write)).await?;
                    return Err(StoreError::Unavailable);
                }
                None => {}
            }
            let written = self.store.write(std::slice::from_ref(write)).await?;
            if written != Written::All {
                return Ok(written);
            }
        }
        Ok(Written::All)
    }
}

/// The host of one request.
pub(super) struct CoreHost {
    pub(super) around: Rc<Around>,
    pub(super) store: StepStore,
    /// It goes on without its client.
    pub(super) outlives: Rc<Cell<bool>>,
}

async fn end_of(end: Rc<RefCell<Option<CallEnd>>>) -> Result<Answer, CallError> {
    let ended = poll_fn(move |_| match end.take() {
        Some(end) => Poll::Ready(end),
        None => Poll::Pending,
    });
    match ended.await {
        CallEnd::Answered(answer) => Ok(answer),
        CallEnd::Broken => Err(CallError::Broken("reset".into())),
        CallEnd::TimedOut => Err(CallError::TimedOut),
    }
}

fn response(answer: Answer, most: usize, wants: Option<&str>) -> Result<HttpResponse, CallError> {
    if answer.body.len() > most {
        return Err(CallError::TooLarge(answer.status));
    }
    let wanted = wants.and_then(|name| answer.header(name).map(str::to_owned));
    Ok(HttpResponse {
        status: answer.status,
        body: answer.body,
        wanted,
    })
}

impl Host for CoreHost {
    type Store = StepStore;

    fn store(&self) -> Option<&StepStore> {
        Some(&self.store)
    }

    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError> {
        if self.around.fails("call").is_some() {
            return Err(CallError::Unreachable("refused".into()));
        }
        if call.must_finish {
            self.outlives.set(true);
        }
        let mut headers = owned(call.headers);
        headers.push((":authority".into(), call.authority.into_bytes()));
        let end = self.around.start(Call {
            id: 0,
            cluster: call.target,
            method: call.method.to_owned(),
            path: call.path,
            headers,
            body: call.body,
            timeout: call.timeout,
        });
        response(end_of(end).await?, call.max_response_bytes, call.wants)
    }

    fn deliver(&self, delivery: Delivery) -> Delivering {
        self.outlives.set(true);
        let around = Rc::clone(&self.around);
        Box::pin(async move {
            if around.fails("delivery").is_some() {
                return Err(CallError::Unreachable("refused".into()));
            }
            let end = around.start(Call {
                id: 0,
                cluster: delivery.target,
                method: "POST".to_owned(),
                path: delivery.path,
                headers: owned(delivery.headers),
                body: delivery.body,
                timeout: delivery.timeout,
            });
            let most = delivery.max_response_bytes;
            response(end_of(end).await?, most, Some("content-type"))
        })
    }

    async fn sleep(&self, span: Duration) {
        let until = self.around.uptime.get() + span;
        sleep_until(Rc::clone(&self.around), until).await;
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(u64::try_from(self.around.wall.get().as_millis()).unwrap())
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        if self.around.fails("randomness").is_some() {
            return Err(NoEntropy);
        }
        let mut random = self.around.random.get();
        random.fill(bytes);
        self.around.random.set(random);
        Ok(())
    }

    fn count(&self, _: Counter) {}

    fn observe(&self, _: Histogram, _: Duration) {}

    async fn outlive_client(&self) {
        self.outlives.set(true);
    }

    fn log(&self, _: Level, line: &str) {
        self.around.log.borrow_mut().push(line.to_owned());
    }
}

pub(super) fn sleep_until(around: Rc<Around>, until: Duration) -> impl Future<Output = ()> {
    poll_fn(move |_| {
        if around.uptime.get() >= until {
            return Poll::Ready(());
        }
        around.alarms.borrow_mut().insert(until);
        Poll::Pending
    })
}
