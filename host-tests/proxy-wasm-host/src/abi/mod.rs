//! The hostcalls of proxy-wasm ABI 0.2.1, as exports.cc of proxy-wasm-cpp-host and context.cc of Envoy answer them.
//! Never calls an export of the plugin, but for its allocator.

mod buffers;
pub(super) mod call;
mod general;
mod headers;
mod http;
mod metrics;
mod shared;

use wasmtime::{ExternType, Linker, Module, format_err};

use super::host::Host;

/// Everything that a filter with call-outs uses.
pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    general::link(linker)?;
    headers::link(linker)?;
    buffers::link(linker)?;
    http::link(linker)?;
    shared::link(linker)?;
    metrics::link(linker)
}

/// What Envoy has and this host does not act out. Such an import links, and calling it traps.
const UNMODELLED: [&str; 16] = [
    "proxy_get_status",
    "proxy_done",
    "proxy_call_foreign_function",
    "proxy_register_shared_queue",
    "proxy_resolve_shared_queue",
    "proxy_dequeue_shared_queue",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_status",
    "proxy_grpc_call",
    "proxy_grpc_stream",
    "proxy_grpc_send",
    "proxy_grpc_close",
    "proxy_grpc_cancel",
    "proxy_get_header_map_size",
    "pthread_equal",
    "emscripten_notify_memory_growth",
];

pub(super) fn link_unmodelled(linker: &mut Linker<Host>, module: &Module) -> wasmtime::Result<()> {
    for import in module.imports().filter(|import| import.module() == "env") {
        if let (Some(name), ExternType::Func(ty)) = (
            UNMODELLED.iter().find(|it| **it == import.name()),
            import.ty(),
        ) {
            linker.func_new("env", name, ty, move |_, _, _| {
                Err(format_err!("{name} is not modelled by this host"))
            })?;
        }
    }
    Ok(())
}
