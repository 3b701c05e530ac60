//! The store that the configuration names: the host's own, or one that the core reaches over the host's network.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::redis::Redis;
use super::redis::http::Bridge;
use super::{Key, Store, StoreError, Write, Written};
use crate::host::Host;
use crate::time::UnixMillis;

pub(crate) enum ChosenStore<'a, H: Host> {
    Host(&'a H::Store),
    Redis(Redis<Bridge<'a, H>>),
}

/// Redis' futures are boxed, so that a request with a session in the cache does not carry the room for them.
impl<H: Host> Store for ChosenStore<'_, H> {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Host(store) => store.get(key, now).await,
            Self::Redis(store) => Box::pin(store.get(key, now)).await,
        }
    }

    async fn get_latest(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Host(store) => store.get_latest(key, now).await,
            Self::Redis(store) => Box::pin(store.get_latest(key, now)).await,
        }
    }

    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        match self {
            Self::Host(store) => store.write(writes).await,
            Self::Redis(store) => Box::pin(store.write(writes)).await,
        }
    }

    async fn write_and_get(
        &self,
        writes: &[Write],
        key: &Key,
        now: UnixMillis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Host(store) => store.write_and_get(writes, key, now).await,
            Self::Redis(store) => Box::pin(store.write_and_get(writes, key, now)).await,
        }
    }

    fn may_lag(&self) -> bool {
        match self {
            Self::Host(store) => store.may_lag(),
            Self::Redis(store) => store.may_lag(),
        }
    }

    fn swaps_are_atomic(&self) -> bool {
        match self {
            Self::Host(store) => store.swaps_are_atomic(),
            Self::Redis(store) => store.swaps_are_atomic(),
        }
    }
}
