//! What keeps strangers from burning the app's quota at WeChat where no worker lives long enough to remember it: the
//! same limit and the same breaker as in `guard`, kept in the store. A login that goes well takes a ticket for each of
//! its client's networks and gives it back with what it writes anyway; a refused code leaves its ticket taken, and any
//! other end gives it back behind the request. The breaker is read with the login's other entries, and written in trouble only.

use alloc::vec::Vec;

use futures_util::future::{join, join_all};

use super::guard::MINUTE;
use super::guard::breaker::{Breaker, Trouble};
use super::guard::network::Network;
use super::tickets::{Taken, Tickets, given_back};
use crate::edge::Edge;
use crate::host::Host;
use crate::rejection::{Reason, Rejection};
use crate::session::record::breaker_key;
use crate::session::seal::Scope;
use crate::session::sessions::{Later, counted};
use crate::store::{Change, Key, Life, Store, StoreError, Write, Written};

/// How long trouble is remembered that nobody had again.
const TROUBLE_LASTS: core::time::Duration = core::time::Duration::from_secs(3600);

/// How often the breaker is written when others write it too. What is lost then is one trouble of many.
const ATTEMPTS: usize = 3;

/// What one login holds in the store. Dropped, it is given back: also when the request ends before its answer.
pub(crate) struct Quota<'a> {
    edge: &'a Edge,
    tickets: Vec<Key>,
    /// The breaker as it was found, sealed.
    breaker: Option<Vec<u8>>,
}

impl Drop for Quota<'_> {
    fn drop(&mut self) {
        let returned = self.tickets.drain(..).map(Later::Return);
        self.edge.renewals.borrow_mut().extend(returned);
    }
}

impl<'a> Quota<'a> {
    /// Takes what a login of app `number` needs, and learns what other workers know of WeChat.
    ///
    /// # Errors
    /// When a network of the client has used up its minute, or the store fails.
    pub(crate) async fn take<H: Host>(
        edge: &'a Edge,
        host: &H,
        number: usize,
        address: Option<&str>,
    ) -> Result<Self, Rejection> {
        let mut quota = Self {
            edge,
            tickets: Vec::new(),
            breaker: None,
        };
        if !H::LIMITS_IN_STORE || !edge.config.limits_in_store {
            return Ok(quota);
        }
        let taking = tickets(edge, host, address, &mut quota.tickets);
        let (breaker, tickets) = join(breaker(edge, host, number), taking).await;
        // What was taken is given back when one of them has failed.
        quota.breaker = breaker?;
        tickets?;
        Ok(quota)
    }

    /// The writes that give everything back, for a login that went well.
    pub(crate) fn returns(&self, edge: &Edge, number: usize) -> Vec<Write> {
        let mut writes: Vec<Write> = self.tickets.iter().map(given_back).collect();
        if self.breaker.is_some()
            && let Some(key) = key(edge, number)
        {
            writes.push(given_back(&key));
        }
        writes
    }

    /// The code was refused, or has been given back by other means: the tickets stay as they are.
    pub(crate) fn is_settled(mut self) {
        self.tickets.clear();
    }

    /// Tells the others that WeChat answers again, if they know of trouble.
    pub(crate) async fn calm<H: Host>(&self, edge: &Edge, host: &H, number: usize) {
        if self.breaker.is_some()
            && let Some(key) = key(edge, number)
        {
            let _ = counted(host, edge.store(host).delete(&key).await);
        }
    }

    /// Tells the others of trouble with WeChat. They learn of the next if they do not learn of this.
    pub(crate) async fn tell<H: Host>(&self, edge: &Edge, host: &H, number: usize, is: &Trouble) {
        if H::LIMITS_IN_STORE && edge.config.limits_in_store {
            let _ = tell(edge, host, number, self.breaker.clone(), is).await;
        }
    }
}

async fn tickets<H: Host>(
    edge: &Edge,
    host: &H,
    address: Option<&str>,
    held: &mut Vec<Key>,
) -> Result<(), Rejection> {
    let per_minute = edge.config.login.failures_per_minute;
    if per_minute == 0 {
        return Ok(());
    }
    let (network, site) = Network::of(address);
    let networks = [Some(network), site].into_iter().flatten();
    let asked = networks.map(async |network| {
        let limit = network.limit(per_minute);
        let tickets = Tickets::new(edge, "codes", &network.bytes(), limit, MINUTE);
        let taken = tickets.ok_or(Reason::Internal)?.take(edge, host).await?;
        Ok::<_, Rejection>((network, taken))
    });
    let mut outcome = Ok(());
    for asked in join_all(asked).await {
        match asked {
            Ok((_, Taken::Ticket(key))) => held.push(key),
            Ok((network, Taken::Full)) => {
                edge.guard.borrow_mut().hold_off(network, host.now());
                outcome = Err(Reason::LoginRateLimited.into());
            }
            Err(rejection) => outcome = outcome.and(Err(rejection)),
        }
    }
    outcome
}

fn key(edge: &Edge, number: usize) -> Option<Key> {
    let app = edge.config.apps.get(number)?;
    Some(breaker_key(&app.appid))
}

fn scope(key: &Key) -> Scope<'_> {
    Scope {
        label: "breaker",
        owner: key.name.as_bytes(),
        name: &key.name,
    }
}

/// The breaker as the store has it, sealed; this worker's own is the same from now on.
async fn breaker<H: Host>(
    edge: &Edge,
    host: &H,
    number: usize,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(key) = key(edge, number) else {
        return Ok(None);
    };
    let found = counted(host, edge.store(host).get(&key, host.now()).await)?;
    let known = found
        .as_deref()
        .and_then(|sealed| edge.keys.open_or_log(host, &scope(&key), sealed));
    if let Some(own) = edge.guard.borrow_mut().breaker(number) {
        own.learn(known.unwrap_or_default());
    }
    Ok(found)
}

async fn tell<H: Host>(
    edge: &Edge,
    host: &H,
    number: usize,
    mut found: Option<Vec<u8>>,
    trouble: &Trouble,
) -> Result<(), Rejection> {
    let Some(key) = key(edge, number) else {
        return Ok(());
    };
    let store = edge.store(host);
    for _ in 0..ATTEMPTS {
        let now = host.now();
        let known = found
            .as_deref()
            .and_then(|sealed| edge.keys.open(&scope(&key), sealed));
        let mut breaker: Breaker = known.unwrap_or_default();
        breaker.trouble(trouble.clone(), now);
        let sealed = edge.keys.seal(host, &scope(&key), &breaker)?;
        let told = Write {
            key: key.clone(),
            change: Change::Swap {
                expected: found,
                value: sealed,
                life: Life {
                    now,
                    expires_at: now.after(TROUBLE_LASTS),
                },
            },
        };
        match counted(host, store.write(&[told]).await)? {
            Written::All => {
                if let Some(own) = edge.guard.borrow_mut().breaker(number) {
                    *own = breaker;
                }
                return Ok(());
            }
            Written::Found(other) => found = other,
        }
    }
    Ok(())
}
