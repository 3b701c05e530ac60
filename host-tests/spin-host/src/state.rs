//! The data of one instance.

use std::sync::{Arc, Mutex};
use std::task::Context;

use anyhow::Result;
use futures_util::task::AtomicWaker;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::outbound::Outbound;
use crate::shared::Shared;

pub(crate) struct State {
    pub(crate) table: ResourceTable,
    pub(crate) shared: Arc<Shared>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

/// Makes an instance trap out of a host call that cannot say so itself.
#[derive(Default)]
pub(crate) struct Ruin {
    why: Mutex<Option<String>>,
    waker: AtomicWaker,
}

impl Ruin {
    pub(crate) fn ruin(&self, why: String) {
        self.why.lock().unwrap().replace(why);
        self.waker.wake();
    }

    /// Why the instance is to trap, if it is. Else whoever asks is woken when it is.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Option<String> {
        self.waker.register(context.waker());
        self.why.lock().unwrap().take()
    }
}

impl State {
    pub(crate) fn new(shared: &Arc<Shared>) -> Result<Self> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stderr(shared.log.clone());
        wasi.wall_clock(shared.clock.clone());
        if let Some(folder) = &shared.manifest.files {
            wasi.preopened_dir(folder, "/", FsPerms::ReadOnly)?;
        }
        Ok(Self {
            table: ResourceTable::new(),
            shared: Arc::clone(shared),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound {
                shared: Arc::clone(shared),
                ruin: Arc::default(),
            },
        })
    }

    pub(crate) fn ruin(&self) -> Arc<Ruin> {
        Arc::clone(&self.outbound.ruin)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}
