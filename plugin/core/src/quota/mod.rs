//! What keeps strangers from burning the app's quota at WeChat where no worker lives long enough to remember it: the
//! same limit and the same circuit breaker as in `limits`, kept in the store. A login that goes well takes a ticket for
//! each of its client's networks and gives it back with what it writes anyway; a refused code leaves its ticket taken,
//! and any other end gives it back behind the request. The breaker is read with the login's other entries, and written in trouble only.

pub(crate) mod entry;
pub(crate) mod tickets;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::pin::Pin;

use futures_util::future::{join, join_all};

use self::entry::given_back;
use self::tickets::{Taken, Tickets};
use crate::host::Host;
use crate::limits::circuit_breaker::{CircuitBreaker, Trouble};
use crate::limits::network::Network;
use crate::limits::rate_limit::MINUTE;
use crate::memory::later::Later;
use crate::records::kinds::BREAKER;
use crate::records::record::breaker_key;
use crate::rejection::{Reason, Rejection};
use crate::seal::{Read, Record, Scope, as_written};
use crate::store::{Change, Form, Key, Life, Store, StoreError, Write, Written};
use crate::worker::Context;

/// How long trouble is remembered that nobody had again.
const TROUBLE_LASTS: core::time::Duration = core::time::Duration::from_secs(3600);

impl Record for CircuitBreaker {
    const FORM: &'static Form = &BREAKER.form;
    const READ: &'static [Read<Self>] = &[as_written];
}

/// How often the breaker is written when others write it too. What is lost then is one trouble of many.
const ATTEMPTS: usize = 3;

/// Work that is there only where limits live in the store. Made behind [`Host::LIMITS_IN_STORE`], and so that the state
/// of who waits for it does not name its type: then the module of another host has no part of it.
pub(crate) fn boxed<'a, T>(
    work: impl Future<Output = T> + 'a,
) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(work)
}

/// A ticket that nobody needed.
pub(crate) async fn give_back<H: Host>(context: Context<'_, H>, ticket: &Key) {
    let _ = context.store().delete(ticket).await;
}

/// A ticket of which nobody knows whether it was taken: given back if it is `own`.
pub(crate) async fn disclaim<H: Host>(context: Context<'_, H>, ticket: &Key, own: &[u8]) {
    let found = context.store().get_latest(ticket, context.host.now()).await;
    if found.is_ok_and(|found| found.as_deref() == Some(own)) {
        give_back(context, ticket).await;
    }
}

/// What one login holds in the store. Dropped, it is given back: also when the request ends before its answer.
pub(crate) struct Quota<'a> {
    later: &'a RefCell<Vec<Later>>,
    /// Of the mini program.
    number: usize,
    tickets: Vec<Key>,
    /// The breaker as it was found, sealed.
    breaker: Option<Vec<u8>>,
}

impl Drop for Quota<'_> {
    fn drop(&mut self) {
        let returned = self.tickets.drain(..).map(Later::Return);
        self.later.borrow_mut().extend(returned);
    }
}

impl<'a> Quota<'a> {
    /// Takes what a login of mini program `number` needs, and learns what other workers know of WeChat.
    ///
    /// # Errors
    /// When a network of the client has used up its minute, or the store fails.
    pub(crate) async fn take<H: Host>(
        context: Context<'a, H>,
        number: usize,
        address: Option<&str>,
    ) -> Result<Self, Rejection> {
        let mut quota = Self {
            later: &context.worker.later,
            number,
            tickets: Vec::new(),
            breaker: None,
        };
        if H::LIMITS_IN_STORE {
            boxed(quota.take_in_store(context, address)).await?;
        }
        Ok(quota)
    }

    async fn take_in_store<H: Host>(
        &mut self,
        context: Context<'_, H>,
        address: Option<&str>,
    ) -> Result<(), Rejection> {
        let taking = tickets(context, address, &mut self.tickets);
        let (breaker, tickets) = join(breaker(context, self.number), taking).await;
        self.breaker = breaker?;
        tickets
    }

    /// The writes that give everything back, for a login that went well.
    pub(crate) fn returns<H: Host>(&self, context: Context<'_, H>) -> Vec<Write> {
        let mut writes: Vec<Write> = self.tickets.iter().map(given_back).collect();
        if self.breaker.is_some() {
            writes.extend(key(context, self.number).as_ref().map(given_back));
        }
        writes
    }

    /// The code was refused, so the tickets stay taken, or what gives them back is written.
    pub(crate) fn settled(mut self) {
        self.tickets.clear();
    }

    /// Tells the others that WeChat answers again, if they know of trouble.
    pub(crate) async fn calm<H: Host>(&self, context: Context<'_, H>) {
        if H::LIMITS_IN_STORE && self.breaker.is_some() {
            boxed(async {
                if let Some(key) = key(context, self.number) {
                    let _ = context.store().delete(&key).await;
                }
            })
            .await;
        }
    }

    /// Tells the others of trouble with WeChat. They learn of the next if they do not learn of this.
    pub(crate) async fn tell<H: Host>(&self, context: Context<'_, H>, is: &Trouble) {
        if H::LIMITS_IN_STORE {
            let told = boxed(tell(context, self.number, self.breaker.clone(), is));
            let _ = told.await;
        }
    }
}

/// Takes a ticket for each network of the client: `held` has those that were taken, also if not all were.
async fn tickets<H: Host>(
    context: Context<'_, H>,
    address: Option<&str>,
    held: &mut Vec<Key>,
) -> Result<(), Rejection> {
    let Context { worker, host } = context;
    let per_minute = worker.config.login.failures_per_minute;
    if per_minute == 0 {
        return Ok(());
    }
    let (network, site) = Network::of(address);
    let networks = [Some(network), site].into_iter().flatten();
    let asked = networks.map(async |network| {
        let limit = network.limit(per_minute);
        let tickets = Tickets::new(&worker.keys, "codes", &network.bytes(), limit, MINUTE);
        let taken = tickets.ok_or(Reason::Internal)?.take(context).await?;
        Ok::<_, Rejection>((network, taken))
    });
    let mut outcome = Ok(());
    for asked in join_all(asked).await {
        match asked {
            Ok((_, Taken::Ticket(key))) => held.push(key),
            Ok((network, Taken::Full)) => {
                worker.rate_limit.borrow_mut().hold_off(network, host.now());
                outcome = Err(Reason::LoginRateLimited.into());
            }
            Err(rejection) => outcome = outcome.and(Err(rejection)),
        }
    }
    outcome
}

fn key<H: Host>(context: Context<'_, H>, number: usize) -> Option<Key> {
    let own = context.config().mini_programs.get(number)?;
    Some(breaker_key(&own.appid))
}

/// What the record is bound to.
pub(crate) fn scope(key: &Key) -> Scope<'_> {
    Scope {
        owner: [key.name.as_bytes(), b""],
        name: &key.name,
    }
}

/// The breaker as the store has it, sealed; this worker's own is the same from now on.
async fn breaker<H: Host>(
    context: Context<'_, H>,
    number: usize,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Context { worker, host } = context;
    let Some(key) = key(context, number) else {
        return Ok(None);
    };
    let found = context.store().get(&key, host.now()).await?;
    let known: Option<CircuitBreaker> = found
        .as_deref()
        .and_then(|sealed| context.open(&scope(&key), sealed));
    worker.breaker(number, |own| own.learn(known.unwrap_or_default()));
    Ok(found)
}

async fn tell<H: Host>(
    context: Context<'_, H>,
    number: usize,
    mut found: Option<Vec<u8>>,
    trouble: &Trouble,
) -> Result<(), Rejection> {
    let Context { worker, host } = context;
    let Some(key) = key(context, number) else {
        return Ok(());
    };
    let store = context.store();
    for _ in 0..ATTEMPTS {
        let now = host.now();
        let known = found
            .as_deref()
            .and_then(|sealed| worker.keys.open(&scope(&key), sealed));
        let mut breaker: CircuitBreaker = known.unwrap_or_default();
        breaker.record_failure(trouble.clone(), now);
        let sealed = worker.keys.seal(host, &scope(&key), &breaker)?;
        let told = Write {
            key: key.clone(),
            change: Change::Swap {
                expected: found,
                value: sealed,
                life: Life::lasting(now, TROUBLE_LASTS),
            },
        };
        match store.write(&[told]).await? {
            Written::All => {
                worker.breaker(number, |own| *own = breaker);
                return Ok(());
            }
            Written::Found(other) => found = other,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::minimal_on_spin;
    use crate::fake_host::{FakeHost, run};
    use crate::testing::test;
    use crate::worker::Worker;
    use core::time::Duration;
    use serde_json::json;

    #[test]
    fn what_a_newer_release_knows_of_wechat_is_asked_there_and_stays() {
        let store = json!({ "kind": "spin_redis", "address": "redis://sessions" });
        let worker = Worker::new(minimal_on_spin(store));
        let host = FakeHost::at(1_700_000_000_000);
        let context = Context {
            worker: &worker,
            host: &host,
        };
        let (key, newer) = (key(context, 0).unwrap(), [u8::MAX, 7]);
        let now = host.now();
        let life = Life::lasting(now, Duration::from_secs(60));
        let found = || run(host.store.get(&key, now)).unwrap();
        // It comes while a login is under way here, which then has something to tell.
        let quota = run(Quota::take(context, 0, None)).unwrap();
        run(host.store.put(&key, &newer, life)).unwrap();
        run(quota.tell(context, &Trouble::Timeout));
        run(quota.calm(context));
        assert_eq!(found().as_deref(), Some(&newer[..]));
        let taken = run(Quota::take(context, 0, None)).err().unwrap();
        assert_eq!(taken.reason, Reason::StoreUnavailable);
        assert_eq!(found().as_deref(), Some(&newer[..]));
    }
}
