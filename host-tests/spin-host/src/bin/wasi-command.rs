//! Runs a WASI command in the engine that Spin has: the same program as natively, for `cargo xtask bench`.
//! Standard input and output are its own; it gets no folder and no network.

use anyhow::{Context as _, Result};
use wasmtime::{Engine, Linker, Module, Store};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_sync};

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("which .wasm?")?;
    let engine = Engine::default();
    let module = Module::from_file(&engine, path)?;
    let mut linker = Linker::<WasiP1Ctx>::new(&engine);
    add_to_linker_sync(&mut linker, |wasi| wasi)?;
    let wasi = WasiCtx::builder().inherit_stdio().build_p1();
    let mut store = Store::new(&engine, wasi);
    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    Ok(start.call(&mut store, ())?)
}
