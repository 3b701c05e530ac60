//! The store that the configuration names: one of the host, or one that the core reaches over the host's network. Counts
//! what each operation comes to, and gives nobody what only a newer release can read. Nothing else does either.

pub(crate) mod bridge;
mod dialect;
mod rest;
mod webdis;

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

use self::bridge::Bridge;
use crate::config::StoreKind;
use crate::host::{Host, Level};
use crate::json_text::to_json;
use crate::log_lines::LogLines;
use crate::metrics::Counter;
use crate::store::redis::Redis;
use crate::store::redis::own_writes::OwnWrites;
use crate::store::{Change, Key, Newer, Store, StoreError, Write, Written};
use crate::time::UnixMillis;

/// Where the sessions of one configuration live.
pub(crate) struct ChosenStore<'a, H: Host> {
    host: &'a H,
    log_lines: &'a LogLines,
    kind: Kind<'a, H>,
}

enum Kind<'a, H: Host> {
    /// The host has none if it did not read its configuration as the core does.
    OfHost(Option<&'a H::Store>),
    Redis(Redis<Bridge<'a, H>>),
}

impl<'a, H: Host> ChosenStore<'a, H> {
    pub(crate) fn new(
        configured: &'a StoreKind,
        own_writes: &'a OwnWrites,
        log_lines: &'a LogLines,
        host: &'a H,
    ) -> Self {
        let kind = match configured {
            StoreKind::OfHost(_) => Kind::OfHost(host.store()),
            StoreKind::Redis(rules) => {
                Kind::Redis(Redis::over_http(host, rules, own_writes, log_lines))
            }
        };
        Self {
            host,
            log_lines,
            kind,
        }
    }

    fn counted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.host.count(match &result {
            Ok(_) => Counter::StoreOk,
            Err(_) => Counter::StoreFailed,
        });
        if let Err(StoreError::Newer(newer)) = &result {
            self.tell(newer);
        }
        result
    }

    /// Tells the operator that this edge is older than another one.
    fn tell(&self, newer: &Newer) {
        const EVENT: &str = "record_newer";
        #[derive(Serialize)]
        struct Line<'a> {
            event: &'a str,
            record: &'a str,
            version: u8,
        }
        let Newer { what, version } = *newer;
        let line = || {
            to_json(&Line {
                event: EVENT,
                record: what,
                version,
            })
        };
        let now = self.host.now();
        let lines = self.log_lines;
        lines.write(self.host, Level::Error, (EVENT, what), now, line);
    }
}

/// What was found at `key`, if this release can read it. Here once for all that is read: whoever asks has an error like any
/// other of the store, and nobody goes on as if nothing were there.
fn read(key: &Key, found: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, StoreError> {
    if let Some(found) = &found {
        key.form.version(found)?;
    }
    Ok(found)
}

/// What came of `writes`. Of several only one is a swap.
fn written(writes: &[Write], written: Written) -> Result<Written, StoreError> {
    let Written::Found(found) = written else {
        return Ok(written);
    };
    let is_swap = |write: &&Write| matches!(write.change, Change::Swap { .. });
    match writes.iter().find(is_swap) {
        Some(swap) => read(&swap.key, found).map(Written::Found),
        None => Ok(Written::Found(found)),
    }
}

/// What `$asked` of the store comes to, as far as this release can `$read` it, counted. Redis' futures are boxed, so that a
/// request with a session in the cache does not carry the room for them.
macro_rules! counted {
    ($self:ident, $store:ident => $asked:expr, $read:expr) => {
        $self.counted(
            match &$self.kind {
                Kind::OfHost(Some($store)) => $asked.await,
                Kind::OfHost(None) => Err(StoreError::Unavailable),
                Kind::Redis($store) => Box::pin($asked).await,
            }
            .and_then($read),
        )
    };
}

impl<H: Host> Store for ChosenStore<'_, H> {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        counted!(self, store => store.get(key, now), |found| read(key, found))
    }

    async fn get_latest(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        counted!(self, store => store.get_latest(key, now), |found| read(key, found))
    }

    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        counted!(self, store => store.write(writes), |own| written(writes, own))
    }

    async fn write_and_get(
        &self,
        writes: &[Write],
        key: &Key,
        now: UnixMillis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        counted!(self, store => store.write_and_get(writes, key, now), |found| read(key, found))
    }

    fn may_lag(&self) -> bool {
        match &self.kind {
            Kind::OfHost(store) => store.is_some_and(Store::may_lag),
            Kind::Redis(store) => store.may_lag(),
        }
    }

    fn swaps_are_atomic(&self) -> bool {
        match &self.kind {
            Kind::OfHost(store) => store.is_none_or(Store::swaps_are_atomic),
            Kind::Redis(store) => store.swaps_are_atomic(),
        }
    }
}
