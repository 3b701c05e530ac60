//! The store that Spin itself has: key-value, or a Redis that the component reaches through Spin.

use wx_session_core::UnixMillis;
use wx_session_core::config::{HostStore, StoreKind};
use wx_session_core::store::redis::Redis;
use wx_session_core::store::{Key, Store, StoreError, Write, Written};

use crate::key_value::KeyValue;
use crate::redis::SpinRedis;

pub(crate) enum OwnStore {
    KeyValue(KeyValue),
    Redis(Redis<SpinRedis>),
}

impl OwnStore {
    /// The store of this kind, if it is one of Spin's.
    pub(crate) async fn open(kind: &StoreKind) -> Result<Option<Self>, String> {
        Ok(match kind {
            StoreKind::OfHost(HostStore::SpinKeyValue { label }) => {
                Some(Self::KeyValue(KeyValue::open(label).await?))
            }
            StoreKind::OfHost(HostStore::SpinRedis {
                address,
                prefix,
                timeout,
            }) => {
                let transport = SpinRedis::new(address.clone(), *timeout);
                Some(Self::Redis(Redis::new(transport, prefix)))
            }
            StoreKind::OfHost(HostStore::Embedded { .. }) | StoreKind::Redis(_) => None,
        })
    }
}

/// What `$asked` of whichever store it is comes to.
macro_rules! whichever {
    ($self:ident, $store:ident => $asked:expr) => {
        match $self {
            OwnStore::KeyValue($store) => $asked,
            OwnStore::Redis($store) => $asked,
        }
    };
}

impl Store for OwnStore {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        whichever!(self, store => store.get(key, now).await)
    }

    async fn get_latest(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        whichever!(self, store => store.get_latest(key, now).await)
    }

    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        whichever!(self, store => store.write(writes).await)
    }

    async fn write_and_get(
        &self,
        writes: &[Write],
        key: &Key,
        now: UnixMillis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        whichever!(self, store => store.write_and_get(writes, key, now).await)
    }

    fn may_lag(&self) -> bool {
        whichever!(self, store => store.may_lag())
    }

    fn swaps_are_atomic(&self) -> bool {
        whichever!(self, store => store.swaps_are_atomic())
    }
}
