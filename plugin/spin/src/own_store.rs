//! The store that Spin itself has: key-value, or a Redis that the component reaches through Spin.

use wx_session_core::UnixMillis;
use wx_session_core::config::StoreKind;
use wx_session_core::store::redis::Redis;
use wx_session_core::store::{Key, Store, StoreError, Write, Written};

use crate::key_value::KeyValue;
use crate::redis::SpinRedis;

pub(crate) enum OwnStore {
    KeyValue(KeyValue),
    Redis(Redis<SpinRedis>),
    /// The configuration names one that the core reaches by itself.
    None,
}

impl OwnStore {
    pub(crate) async fn open(kind: &StoreKind) -> Result<Self, String> {
        Ok(match kind {
            StoreKind::SpinKeyValue { label } => Self::KeyValue(KeyValue::open(label).await?),
            StoreKind::SpinRedis {
                address,
                prefix,
                timeout,
            } => Self::Redis(Redis::new(
                SpinRedis::new(address.clone(), *timeout),
                prefix,
            )),
            StoreKind::Embedded { .. } | StoreKind::Redis(_) => Self::None,
        })
    }
}

impl Store for OwnStore {
    async fn get(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::KeyValue(store) => store.get(key, now).await,
            Self::Redis(store) => store.get(key, now).await,
            Self::None => Err(StoreError::Unavailable),
        }
    }

    async fn get_latest(&self, key: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::KeyValue(store) => store.get_latest(key, now).await,
            Self::Redis(store) => store.get_latest(key, now).await,
            Self::None => Err(StoreError::Unavailable),
        }
    }

    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        match self {
            Self::KeyValue(store) => store.write(writes).await,
            Self::Redis(store) => store.write(writes).await,
            Self::None => Err(StoreError::Unavailable),
        }
    }

    async fn write_and_get(
        &self,
        writes: &[Write],
        key: &Key,
        now: UnixMillis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::KeyValue(store) => store.write_and_get(writes, key, now).await,
            Self::Redis(store) => store.write_and_get(writes, key, now).await,
            Self::None => Err(StoreError::Unavailable),
        }
    }

    fn may_lag(&self) -> bool {
        match self {
            Self::KeyValue(store) => store.may_lag(),
            Self::Redis(store) => store.may_lag(),
            Self::None => false,
        }
    }

    fn swaps_are_atomic(&self) -> bool {
        match self {
            Self::KeyValue(store) => store.swaps_are_atomic(),
            Self::Redis(store) => store.swaps_are_atomic(),
            Self::None => true,
        }
    }
}
