//! wx-session as an Envoy filter (proxy-wasm): the entry point. Holds no WeChat knowledge: what a request means is
//! `wx-session-core`'s, here is only how Envoy carries it.

#![allow(
    missing_docs,
    reason = "a module for Envoy, with no items for other crates"
)]

mod api_call;
mod case;
mod chores;
mod clock;
mod configuration;
mod exchange;
mod executor;
mod filter;
mod host;
mod hostcalls;
mod neighbours;
mod pulse;
mod resources;
mod root;
mod shared_data;

#[cfg(feature = "count-allocations")]
use counting_allocator as _;

proxy_wasm::main! {{
    // Installs the panic hook, so that a bug would name itself in Envoy's log.
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(root::Root::new()));
}}
