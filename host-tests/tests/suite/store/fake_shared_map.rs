//! Envoy's shared data as the slot table's map, asked in the same way as the Envoy adapter asks it.
//! It can step aside before each access, so that a schedule decides who goes first. It never does so unless told.

use std::cell::Cell;
use std::rc::Rc;

use wx_session_core::store::StoreError;
use wx_session_core::store::embedded::{SharedMap, Version};

use crate::rig::schedule::step_aside;
use proxy_wasm_host::SharedData;

/// A handle on one process's map: clones share everything. One for each worker.
#[derive(Clone, Debug, Default)]
pub struct FakeSharedMap {
    data: SharedData,
    knobs: Rc<Knobs>,
}

#[derive(Debug, Default)]
struct Knobs {
    steps: Cell<bool>,
    always_contended: Cell<bool>,
    unavailable: Cell<bool>,
    writes_tried: Cell<usize>,
}

const VM_ID: &str = "wx-session";

/// What the Envoy adapter compares with where it found nothing: inserts there, mismatches where something is.
const NEVER: u32 = u32::MAX;

impl FakeSharedMap {
    /// Each access lets others go first from now on.
    pub fn step_aside_before_each_access(&self, steps: bool) {
        self.knobs.steps.set(steps);
    }

    /// Every write comes second from now on.
    pub fn always_contended(&self, contended: bool) {
        self.knobs.always_contended.set(contended);
    }

    /// Every access fails from now on.
    pub fn unavailable(&self, unavailable: bool) {
        self.knobs.unavailable.set(unavailable);
    }

    /// Compare-and-sets asked for so far.
    pub fn writes_tried(&self) -> usize {
        self.knobs.writes_tried.get()
    }

    /// Names and values, as they are.
    pub fn dump(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.data.dump(VM_ID)
    }

    /// Writes `value` under a name, whatever was there.
    pub fn overwrite(&self, name: &[u8], value: &[u8]) {
        self.data.set(VM_ID, name, value, 0).unwrap();
    }

    async fn access(&self) -> Result<(), StoreError> {
        if self.knobs.steps.get() {
            step_aside().await;
        }
        if self.knobs.unavailable.get() {
            return Err(StoreError::Unavailable);
        }
        Ok(())
    }
}

impl SharedMap for FakeSharedMap {
    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.access().await?;
        let found = self.data.get(VM_ID, name.as_bytes()).ok();
        Ok(found.map(|(value, version)| (value, Version(version))))
    }

    async fn compare_and_set(
        &self,
        name: &str,
        value: &[u8],
        version: Option<Version>,
    ) -> Result<bool, StoreError> {
        self.access().await?;
        self.knobs.writes_tried.set(self.writes_tried() + 1);
        if self.knobs.always_contended.get() {
            return Ok(false);
        }
        let version = version.map_or(NEVER, |Version(version)| version);
        Ok(self
            .data
            .set(VM_ID, name.as_bytes(), value, version)
            .is_ok())
    }
}
