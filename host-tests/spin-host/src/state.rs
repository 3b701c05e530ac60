//! The data of one instance.

use std::sync::Arc;

use anyhow::Result;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::outbound::Outbound;
use crate::ruin::Ruin;
use crate::shared::Shared;

pub(crate) struct State {
    pub(crate) table: ResourceTable,
    pub(crate) shared: Arc<Shared>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

impl State {
    pub(crate) fn new(shared: &Arc<Shared>) -> Result<Self> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stderr(shared.log.clone());
        wasi.wall_clock(shared.clock.clone());
        let manifest = &shared.manifest;
        let inherited = manifest.inherited.has("files");
        if let Some(folder) = manifest.files.as_ref().filter(|_| inherited) {
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
                arriving: Arc::default(),
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
