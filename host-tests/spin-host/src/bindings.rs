//! Spin's interfaces, generated from `wit/spin.wit`.
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "host-tests:spin/host",
    imports: { default: trappable },
    with: {
        "spin:key-value/key-value.store": super::resources::OpenStore,
        "spin:redis/redis.connection": super::resources::Connection,
    },
});

pub(super) use spin::{key_value::key_value, redis::redis, variables::variables};
