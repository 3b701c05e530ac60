//! Envoy's process-wide shared data: get, and set with compare-and-swap, keyed by `vm_id` (shared_data.cc of
//! proxy-wasm-cpp-host). It never deletes, lists or expires: neither does Envoy for a plugin.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::status::Status;

/// A handle on one process's store. Clones share it; give the same one to every VM of a test.
#[derive(Clone, Debug, Default)]
pub struct SharedData(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    last_cas: u32,
    entries: BTreeMap<(String, Vec<u8>), (Vec<u8>, u32)>,
}

impl SharedData {
    /// The value with the number that a later `set` may compare.
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn get(&self, vm_id: &str, key: &[u8]) -> Result<(Vec<u8>, u32), Status> {
        let inner = self.0.lock().unwrap();
        inner
            .entries
            .get(&(vm_id.to_owned(), key.to_vec()))
            .cloned()
            .ok_or(Status::NotFound)
    }

    /// `cas` 0 writes unconditionally; a missing key is inserted whatever `cas` says.
    ///
    /// # Errors
    /// [`Status::CasMismatch`] where the key is there under another number.
    pub fn set(&self, vm_id: &str, key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
        let mut inner = self.0.lock().unwrap();
        let next = inner.last_cas.checked_add(1).unwrap_or(1);
        let key = (vm_id.to_owned(), key.to_vec());
        if let Some((_, current)) = inner.entries.get(&key)
            && cas != 0
            && cas != *current
        {
            return Err(Status::CasMismatch);
        }
        inner.entries.insert(key, (value.to_vec(), next));
        inner.last_cas = next;
        Ok(())
    }

    /// Every key of one VM with its value, for tests that ask what was written (a plugin cannot list).
    pub fn dump(&self, vm_id: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let inner = self.0.lock().unwrap();
        inner
            .entries
            .iter()
            .filter(|((id, _), _)| id == vm_id)
            .map(|((_, key), (value, _))| (key.clone(), value.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_not_found() {
        assert_eq!(SharedData::default().get("vm", b"k"), Err(Status::NotFound));
    }

    #[test]
    fn zero_writes_whatever_is_there() {
        let data = SharedData::default();
        data.set("vm", b"k", b"1", 0).unwrap();
        data.set("vm", b"k", b"2", 0).unwrap();
        assert_eq!(data.get("vm", b"k").unwrap().0, b"2");
    }

    #[test]
    fn a_number_that_is_not_the_current_one_is_a_mismatch_and_changes_nothing() {
        let data = SharedData::default();
        data.set("vm", b"k", b"1", 0).unwrap();
        let (_, old) = data.get("vm", b"k").unwrap();
        data.set("vm", b"k", b"2", old).unwrap();
        assert_eq!(data.set("vm", b"k", b"3", old), Err(Status::CasMismatch));
        let (value, new) = data.get("vm", b"k").unwrap();
        assert_eq!(value, b"2");
        assert_ne!(new, old);
    }

    #[test]
    fn a_number_on_a_missing_key_still_inserts() {
        let data = SharedData::default();
        data.set("vm", b"k", b"1", 77).unwrap();
        assert_eq!(data.get("vm", b"k").unwrap().0, b"1");
    }

    #[test]
    fn clones_share_and_vm_ids_do_not() {
        let data = SharedData::default();
        data.clone().set("a", b"k", b"1", 0).unwrap();
        assert!(data.get("a", b"k").is_ok());
        assert!(data.get("b", b"k").is_err());
    }

    #[test]
    fn the_number_is_never_zero_even_after_it_wraps() {
        let data = SharedData::default();
        data.0.lock().unwrap().last_cas = u32::MAX;
        data.set("vm", b"k", b"1", 0).unwrap();
        assert_eq!(data.get("vm", b"k").unwrap().1, 1);
    }
}
