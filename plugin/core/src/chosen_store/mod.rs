//! The store that the configuration names: one of the host, or one that the core reaches over the host's network. Counts
//! what each operation comes to, and nothing else does.

pub(crate) mod bridge;
mod dialect;
mod rest;
mod webdis;

use alloc::boxed::Box;
use alloc::vec::Vec;

use self::bridge::Bridge;
use crate::config::StoreKind;
use crate::host::Host;
use crate::log_lines::LogLines;
use crate::metrics::Counter;
use crate::store::redis::Redis;
use crate::store::redis::own_writes::OwnWrites;
use crate::store::{Key, Store, StoreError, Write, Written};
use crate::time::UnixMillis;

/// Where the sessions of one configuration live.
pub(crate) struct ChosenStore<'a, H: Host> {
    host: &'a H,
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
        Self { host, kind }
    }

    fn counted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.host.count(match &result {
            Ok(_) => Counter::StoreOk,
            Err(_) => Counter::StoreFailed,
        });
        result
    }
}

/// What `$asked` of the store comes to, counted. Redis' futures are boxed, so that a request with a session in the cache
/// does not carry the room for them.
macro_rules! counted {
    ($self:ident, $store:ident => $asked:expr) => {
        $self.counted(match &$self.kind {
            Kind::OfHost(Some($store)) => $asked.await,
            Kind::OfHost(None) => Err(StoreError::Unavailable),
            Kind::Redis($store) => Box::pin($asked).await,
        })
    };
}

impl<H: Host> Store for ChosenStore<'_, H> {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        counted!(self, store => store.get(key, now))
    }

    async fn get_latest(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        counted!(self, store => store.get_latest(key, now))
    }

    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        counted!(self, store => store.write(writes))
    }

    async fn write_and_get(
        &self,
        writes: &[Write],
        key: &Key,
        now: UnixMillis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        counted!(self, store => store.write_and_get(writes, key, now))
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
