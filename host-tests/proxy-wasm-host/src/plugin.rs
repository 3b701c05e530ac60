//! The compiled module and its links. Never runs it.

use std::path::Path;

use wasmtime::{Config, Engine, Instance, InstancePre, Linker, Module, Store};

use super::host::Host;
use super::{abi, wasi};

/// A compiled module. Compile once, start many VMs; clones are cheap.
#[derive(Clone)]
pub struct Plugin(InstancePre<Host>);

impl Plugin {
    /// # Errors
    /// Where Envoy would refuse to load it: no module, another ABI, an import of `env` that Envoy does not have.
    pub fn load(path: &Path) -> wasmtime::Result<Self> {
        let engine = Engine::new(Config::new().consume_fuel(true))?;
        let module = Module::from_file(&engine, path)?;
        wasmtime::ensure!(
            module.get_export("proxy_abi_version_0_2_1").is_some(),
            "Missing or unknown Proxy-Wasm ABI version"
        );
        let mut linker = Linker::new(&engine);
        wasi::link_stubs(&mut linker, &module)?;
        linker.allow_shadowing(true);
        wasi::link(&mut linker)?;
        abi::link(&mut linker)?;
        abi::link_unmodelled(&mut linker, &module)?;
        Ok(Self(linker.instantiate_pre(&module)?))
    }

    /// The functions that the module imports, as `module.name`.
    pub fn imports(&self) -> Vec<String> {
        let name =
            |import: wasmtime::ImportType<'_>| format!("{}.{}", import.module(), import.name());
        self.0.module().imports().map(name).collect()
    }

    pub(super) fn engine(&self) -> &Engine {
        self.0.module().engine()
    }

    pub(super) fn instantiate(&self, store: &mut Store<Host>) -> wasmtime::Result<Instance> {
        self.0.instantiate(store)
    }
}
