//! A push is delivered once, whoever of all workers and edges gets its repetitions. WeChat sends it again where it had
//! no answer for 5 s, three times in all: a repetition that comes during the first delivery waits for its outcome, one
//! that comes after it was delivered is answered at once, and one after a delivery that failed is the next delivery.
//!
//! Where the store cannot say, or says it in words of a newer release, the push goes on: it is WeChat's, and an app that
//! gets one twice loses less than one that gets none. A worker that is gone in the midst of a delivery has its claim for a
//! few seconds only.

use alloc::string::String;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};

use super::judge::Push;
use super::told;
use crate::config::PushApp;
use crate::host::Host;
use crate::memory::keyed_lock::Guard;
use crate::metrics::Counter;
use crate::records::push::{PushState, entry, push_key, read};
use crate::rejection::{Reason, Rejection};
use crate::store::{Change, Key, Life, Store, StoreError, Write, Written};
use crate::time::UnixMillis;
use crate::worker::Context;

/// How often one that waits for another's delivery looks for its outcome.
const STEP: Duration = Duration::from_millis(100);

/// How long the store may take to say whether it knows a push, and to take down how it went.
const TO_CLAIM: Duration = Duration::from_secs(1);
const TO_SETTLE: Duration = Duration::from_millis(500);

/// What a claim lasts beyond the time at which WeChat is answered whatever the app does.
const BEYOND: Duration = Duration::from_secs(2);

/// How often others may be faster.
const ATTEMPTS: usize = 4;

/// Whether a push is to be delivered.
pub(super) enum Turn<'a, H: Host> {
    First(Claim<'a, H>),
    /// It was delivered before.
    Again,
}

/// Held by the one that delivers a push.
pub(super) struct Claim<'a, H: Host> {
    context: Context<'a, H>,
    key: Key,
    /// As it stands in the store; `None` where the store does not know of it.
    own: Option<Vec<u8>>,
    /// The entry is one of a newer release, which keeps it.
    is_newer: bool,
    nonce: [u8; 8],
    _guard: Guard<'a>,
}

/// Waits for its turn until `deadline`.
///
/// # Errors
/// Another one is still at it then: WeChat is to come again.
pub(super) async fn take<'a, H: Host>(
    context: Context<'a, H>,
    app: &PushApp,
    push: &Push,
    deadline: UnixMillis,
) -> Result<Turn<'a, H>, Rejection> {
    let Context { worker, host } = context;
    let key = key(app, push);
    let mut nonce = [0; 8];
    host.random(&mut nonce)?;
    // Bounded twice: a wall clock may be set back.
    let patience = deadline.since(host.now());
    let steps = patience.as_millis() / STEP.as_millis();
    for step in 0..=steps {
        // Who has waited gives the app time to take it, or has WeChat come again.
        if step > 0 && deadline.since(host.now()) < patience / 4 {
            break;
        }
        if let Some(guard) = worker.push_locks.try_lock(key.hash) {
            let claimed = within(host, TO_CLAIM, claim(context, &key, nonce)).await;
            let claimed = claimed.unwrap_or(Err(StoreError::Unavailable));
            let is_newer = matches!(claimed, Err(StoreError::Newer(_)));
            let own = match claimed {
                Ok(Claimed::Own(own)) => Some(own),
                Ok(Claimed::Delivered) => return Ok(Turn::Again),
                Ok(Claimed::UnderWay) => {
                    drop(guard);
                    host.sleep(STEP).await;
                    continue;
                }
                Err(_) => {
                    host.count(Counter::PushUnguarded);
                    let problem = "a repetition would not be known";
                    told::failed(context, "push_unguarded", "store", problem);
                    None
                }
            };
            return Ok(Turn::First(Claim {
                context,
                key,
                own,
                is_newer,
                nonce,
                _guard: guard,
            }));
        }
        host.sleep(STEP).await;
    }
    Err(Reason::PushUnderWay.into())
}

enum Claimed {
    Own(Vec<u8>),
    UnderWay,
    Delivered,
}

/// Writes a claim where there is none, or one that is over.
async fn claim<H: Host>(
    context: Context<'_, H>,
    key: &Key,
    nonce: [u8; 8],
) -> Result<Claimed, StoreError> {
    let host = context.host;
    let store = context.store();
    let (lease, remembered) = lives(context);
    let mut expected = None;
    for _ in 0..ATTEMPTS {
        let now = host.now();
        let own = entry(PushState::UnderWay, now, nonce);
        let write = Write {
            key: key.clone(),
            change: Change::Swap {
                expected,
                value: own.clone(),
                life: Life::lasting(now, lease),
            },
        };
        let found = match store.write(&[write]).await? {
            Written::All => return Ok(Claimed::Own(own)),
            Written::Found(found) => found,
        };
        // By its own time and not the store's: a clock may have been set back.
        match found.as_deref().and_then(read) {
            Some((PushState::Delivered, at)) if now.is_near(remembered, at) => {
                return Ok(Claimed::Delivered);
            }
            Some((PushState::UnderWay, at)) if now.is_near(lease, at) => {
                return Ok(Claimed::UnderWay);
            }
            _ => expected = found,
        }
    }
    Err(StoreError::Contended)
}

impl<H: Host> Claim<'_, H> {
    /// The app has it, or WeChat will be told so.
    pub(super) async fn delivered(&self) {
        let (_, remembered) = lives(self.context);
        let now = self.context.host.now();
        let value = entry(PushState::Delivered, now, self.nonce);
        self.settle(Change::Put(value, Life::lasting(now, remembered)))
            .await;
    }

    /// The app did not take it. If that cannot be written, the claim ends by itself.
    pub(super) async fn failed(&self) {
        let Some(own) = &self.own else { return };
        let (lease, _) = lives(self.context);
        let now = self.context.host.now();
        let failed = Change::Swap {
            expected: Some(own.clone()),
            value: entry(PushState::Failed, now, self.nonce),
            life: Life::lasting(now, lease),
        };
        self.settle(failed).await;
    }

    async fn settle(&self, change: Change) {
        if self.is_newer {
            return;
        }
        let write = [Write {
            key: self.key.clone(),
            change,
        }];
        let host = self.context.host;
        let store = self.context.store();
        // What is not written costs a second delivery, or a few seconds: it is no reason to tell WeChat otherwise.
        let _ = within(host, TO_SETTLE, store.write(&write)).await;
    }
}

/// The entry of a push: the same for all repetitions, and another for each message. By its id, or else by the whole
/// message: WeChat names sender and time, but the same user may have two events in one second.
fn key(app: &PushApp, push: &Push) -> Key {
    match &push.fields.msg_id {
        Some(id) => {
            let from = push.fields.from_user_name.as_deref().unwrap_or_default();
            let mut whose = String::from("id:");
            whose.push_str(from);
            push_key(&app.appid, [&whose, id])
        }
        None => {
            // It was found to be text.
            let message = core::str::from_utf8(&push.message).unwrap_or_default();
            push_key(&app.appid, ["all", message])
        }
    }
}

/// For how long a claim is good, and how long a delivery is remembered: longer than any repetition is taken.
fn lives<H: Host>(context: Context<'_, H>) -> (Duration, Duration) {
    let rules = context.config().push.as_ref();
    let (answer_after, max_age) = rules.map_or_else(Default::default, |rules| {
        (rules.answer_after, rules.max_age)
    });
    (answer_after + BEYOND, 2 * max_age + BEYOND)
}

/// What `work` comes to, unless it takes longer than `span`.
pub(super) async fn within<T>(
    host: &impl Host,
    span: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(work), pin!(host.sleep(span))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
