//! `spin:key-value` in memory. Every operation yields once, as a database would, so that requests interleave.

use std::sync::Arc;

use wasmtime::component::{Accessor, HasSelf, Resource};

use crate::bindings::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::resources::OpenStore;
use crate::shared::Shared;
use crate::state::State;

type Outcome<T> = wasmtime::Result<Result<T, Error>>;
type Access = Accessor<State, HasSelf<State>>;

impl Host for State {}

impl HostStore for State {
    fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl HostStoreWithStore<State> for HasSelf<State> {
    async fn open(accessor: &Access, label: String) -> Outcome<Resource<OpenStore>> {
        let shared = accessor.with(|mut access| Arc::clone(&access.get().shared));
        let manifest = &shared.manifest;
        let inherited = manifest.inherited.has("key_value_stores");
        let known = async { inherited && manifest.key_value_stores.contains(&label) };
        if !shared.calls.call("open", known).await {
            return Ok(Err(Error::AccessDenied));
        }
        accessor.with(|mut access| Ok(Ok(access.get().table.push(OpenStore(label))?)))
    }

    async fn get(
        accessor: &Access,
        store: Resource<OpenStore>,
        key: String,
    ) -> Outcome<Option<Vec<u8>>> {
        Entry::new(accessor, &store, key)?
            .call("get", |shared, place| {
                shared.entries.lock().unwrap().get(&place).cloned()
            })
            .await
    }

    async fn set(
        accessor: &Access,
        store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> Outcome<()> {
        Entry::new(accessor, &store, key)?
            .call("set", |shared, place| {
                shared.entries.lock().unwrap().insert(place, value);
            })
            .await
    }

    async fn delete(accessor: &Access, store: Resource<OpenStore>, key: String) -> Outcome<()> {
        Entry::new(accessor, &store, key)?
            .call("delete", |shared, place| {
                shared.entries.lock().unwrap().remove(&place);
            })
            .await
    }

    async fn exists(accessor: &Access, store: Resource<OpenStore>, key: String) -> Outcome<bool> {
        Entry::new(accessor, &store, key)?
            .call("exists", |shared, place| {
                shared.entries.lock().unwrap().contains_key(&place)
            })
            .await
    }
}

/// An entry, there or not.
struct Entry {
    shared: Arc<Shared>,
    place: (String, String),
}

impl Entry {
    fn new(accessor: &Access, store: &Resource<OpenStore>, key: String) -> wasmtime::Result<Self> {
        accessor.with(|mut access| {
            let state = access.get();
            Ok(Self {
                shared: Arc::clone(&state.shared),
                place: (state.table.get(store)?.0.clone(), key),
            })
        })
    }

    async fn call<T>(
        self,
        name: &str,
        work: impl FnOnce(&Shared, (String, String)) -> T,
    ) -> Outcome<T> {
        let Self { shared, place } = self;
        let work = async {
            tokio::task::yield_now().await;
            work(&shared, place)
        };
        Ok(Ok(shared.calls.call(name, work).await))
    }
}
