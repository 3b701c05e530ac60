//! `spin:variables`: what the manifest says, under Spin's rule for names.

use std::sync::Arc;

use wasmtime::component::{Accessor, HasSelf};

use crate::bindings::variables::{Error, Host, HostWithStore};
use crate::state::State;

impl Host for State {}

impl HostWithStore<State> for HasSelf<State> {
    async fn get(
        accessor: &Accessor<State, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !name.bytes().all(is_name) {
            return Ok(Err(Error::InvalidName(name)));
        }
        let shared = accessor.with(|mut state| Arc::clone(&state.get().shared));
        let manifest = &shared.manifest;
        let inherited = manifest.inherited.has("variables");
        let value = async { manifest.variables.get(&name).filter(|_| inherited).cloned() };
        let value = shared.calls.call("variable", value).await;
        Ok(value.ok_or(Error::Undefined(name)))
    }
}
