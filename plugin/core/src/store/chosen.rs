//! The store that the configuration names: the host's own, or one that the core reaches over the host's network.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::redis::Redis;
use super::redis::http::Bridge;
use super::{Key, Store, StoreError, Write};
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

    async fn write(&self, writes: &[Write]) -> Result<bool, StoreError> {
        match self {
            Self::Host(store) => store.write(writes).await,
            Self::Redis(store) => Box::pin(store.write(writes)).await,
        }
    }
}
