//! A host for tests of the core's parts: time and randomness as told, a store in memory, an upstream that is a function,
//! nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fake, of tests and of what is fuzzed"
)]

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn, ready};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::host::{
    CallError, Delivering, Delivery, Host, HttpCall, HttpResponse, Level, NoEntropy,
};
use crate::metrics::{Counter, Histogram};
use crate::store::{Change, Key, Store, StoreError, Write, Written};
use crate::time::UnixMillis;

/// What a call comes to.
pub(crate) type Answer = Box<dyn Fn(&HttpCall) -> Result<HttpResponse, CallError>>;

#[derive(Default)]
pub(crate) struct FakeHost {
    pub(crate) now: Cell<u64>,
    pub(crate) has_no_entropy: Cell<bool>,
    pub(crate) store: FakeStore,
    /// `None`: no call is sent.
    pub(crate) answer: RefCell<Option<Answer>>,
    /// How many messages the app was given. It took them.
    pub(crate) deliveries: Cell<usize>,
    /// Of the log.
    pub(crate) lines: RefCell<Vec<String>>,
    seed: Cell<u64>,
}

/// Each operation yields first, so that requests interleave. Its entries end by the wall clock, wherever that goes.
#[derive(Default)]
pub(crate) struct FakeStore {
    entries: RefCell<BTreeMap<String, (Vec<u8>, UnixMillis)>>,
    /// Compare-and-swap is beyond it, as beyond Spin's own.
    pub(crate) only_reads_and_writes: bool,
    pub(crate) reads: Cell<usize>,
    pub(crate) writes: Cell<usize>,
}

impl FakeHost {
    pub(crate) fn at(now: u64) -> Self {
        let host = Self::default();
        host.now.set(now);
        host
    }

    /// Other random numbers come from now on.
    pub(crate) fn reseed(&self, seed: u64) {
        self.seed.set(seed);
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.now.set(self.now().after(span).0);
    }
}

async fn turn() {
    let mut waited = false;
    poll_fn(|_| {
        if core::mem::replace(&mut waited, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Runs all of them, one step each in turn; those of higher number begin `later` turns after the one before.
pub(crate) fn together<T>(
    later: usize,
    all: impl IntoIterator<Item = impl Future<Output = T>>,
) -> Vec<T> {
    type Running<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
    let mut running: Vec<(usize, Running<'_, T>, Option<T>)> = all
        .into_iter()
        .enumerate()
        .map(|(number, one)| (number * later, Box::pin(one) as Running<'_, T>, None))
        .collect();
    for step in 0..100_000 {
        for (begins, future, done) in &mut running {
            if step < *begins || done.is_some() {
                continue;
            }
            if let Poll::Ready(value) = future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                *done = Some(value);
            }
        }
        if running.iter().all(|(_, _, done)| done.is_some()) {
            return running
                .into_iter()
                .filter_map(|(_, _, done)| done)
                .collect();
        }
    }
    panic!("somebody hangs");
}

pub(crate) fn run<T>(one: impl Future<Output = T>) -> T {
    together(0, [one]).remove(0)
}

/// WeChat gives another access_token with each answer, or an errcode. How often it was asked.
#[cfg(test)]
pub(crate) fn answering(host: &FakeHost, errcode: Option<i64>) -> alloc::rc::Rc<Cell<u32>> {
    let asked = alloc::rc::Rc::new(Cell::new(0));
    let count = alloc::rc::Rc::clone(&asked);
    let answer = move |_: &HttpCall| {
        count.set(count.get() + 1);
        let body = match errcode {
            Some(errcode) => alloc::format!(r#"{{"errcode":{errcode},"errmsg":"no"}}"#),
            None => alloc::format!(r#"{{"access_token":"t{}","expires_in":7200}}"#, count.get()),
        };
        Ok(HttpResponse {
            status: 200,
            body: body.into_bytes(),
            wanted: None,
        })
    };
    *host.answer.borrow_mut() = Some(Box::new(answer));
    asked
}

impl Host for FakeHost {
    type Store = FakeStore;

    const LIMITS_IN_STORE: bool = true;

    fn store(&self) -> Option<&FakeStore> {
        Some(&self.store)
    }

    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError> {
        match &*self.answer.borrow() {
            Some(answer) => answer(&call),
            None => Err(CallError::NotSent("a fake".into())),
        }
    }

    fn deliver(&self, _: Delivery) -> Delivering {
        self.deliveries.set(self.deliveries.get() + 1);
        Box::pin(ready(Ok(HttpResponse {
            status: 200,
            body: Vec::new(),
            wanted: None,
        })))
    }

    async fn sleep(&self, span: Duration) {
        self.pass(span);
        turn().await;
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.now.get())
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        if self.has_no_entropy.get() {
            return Err(NoEntropy);
        }
        for byte in bytes {
            let seed = self
                .seed
                .get()
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            self.seed.set(seed);
            *byte = u8::try_from(seed >> 56).unwrap();
        }
        Ok(())
    }

    fn count(&self, _: Counter) {}

    fn observe(&self, _: Histogram, _: Duration) {}

    fn log(&self, _: Level, line: &str) {
        self.lines.borrow_mut().push(line.into());
    }
}

impl FakeStore {
    fn found(&self, key: &Key, now: UnixMillis) -> Option<Vec<u8>> {
        let entries = self.entries.borrow();
        let (value, expires_at) = entries.get(&key.name)?;
        (now < *expires_at).then(|| value.clone())
    }
}

impl Store for FakeStore {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        turn().await;
        self.reads.set(self.reads.get() + 1);
        Ok(self.found(key, now))
    }

    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        let mut written = Written::All;
        for Write { key, change } in writes {
            turn().await;
            let (value, life) = match change {
                Change::Delete => {
                    self.entries.borrow_mut().remove(&key.name);
                    continue;
                }
                Change::Put(value, life) => (value, life),
                Change::Swap {
                    expected,
                    value,
                    life,
                } => {
                    assert!(!self.only_reads_and_writes, "a swap");
                    let found = self.found(key, life.now);
                    if found != *expected {
                        written = Written::Found(found);
                        continue;
                    }
                    (value, life)
                }
            };
            self.writes.set(self.writes.get() + 1);
            let entry = (value.clone(), life.expires_at);
            self.entries.borrow_mut().insert(key.name.clone(), entry);
        }
        Ok(written)
    }

    fn swaps_are_atomic(&self) -> bool {
        !self.only_reads_and_writes
    }
}
