//! Envoy's shared data as the map beneath the embedded store. It is one map for all workers of the process.

use wx_session_core::store::StoreError;
use wx_session_core::store::embedded::{SharedMap, Version};

use crate::hostcalls;

/// A version that no piece of data has before four thousand million writes. Compare-and-set against it inserts where
/// nothing is, and fails where something is; version 0 would overwrite without looking (shared_data.cc).
const NEVER: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct SharedData;

impl SharedMap for SharedData {
    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let found = hostcalls::shared_data(name).map_err(|_| StoreError::Unavailable)?;
        Ok(found.map(|(value, version)| (value, Version(version))))
    }

    async fn compare_and_set(
        &self,
        name: &str,
        value: &[u8],
        version: Option<Version>,
    ) -> Result<bool, StoreError> {
        let version = version.map_or(NEVER, |Version(version)| version);
        hostcalls::set_shared_data(name, value, version).map_err(|_| StoreError::Unavailable)
    }
}
