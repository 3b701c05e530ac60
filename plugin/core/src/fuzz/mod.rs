//! What reads bytes of strangers, with what must hold whatever they are: one body for each, which panics where something
//! does not. `fuzz/` at the top runs them under cargo-fuzz, the unit tests over its corpus. Nothing of it ships.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "whatever is not as it must be has to end the run"
)]

mod bytes;
mod code2session;
mod config;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod corpus;
mod encrypted_data;
mod handle;
mod head;
mod json_text;
mod open_body;
mod pass_through;
mod path;
mod push;
mod records;
mod redis;
mod world;

pub use self::code2session::code2session;
pub use self::config::config;
pub use self::encrypted_data::encrypted_data;
pub use self::handle::handle;
pub use self::head::head;
pub use self::json_text::json_text;
pub use self::open_body::open_body;
pub use self::pass_through::pass_through;
pub use self::path::path;
pub use self::push::push;
pub use self::records::records;
pub use self::redis::{redis_rest, redis_webdis};

/// One body. Takes any bytes.
pub type Body = fn(&[u8]);

/// All of them, by the names of their targets and of their folders in the corpus.
pub const BODIES: [(&str, Body); 13] = [
    ("code2session", code2session),
    ("config", config),
    ("encrypted_data", encrypted_data),
    ("handle", handle),
    ("head", head),
    ("json_text", json_text),
    ("open_body", open_body),
    ("pass_through", pass_through),
    ("path", path),
    ("push", push),
    ("records", records),
    ("redis_rest", redis_rest),
    ("redis_webdis", redis_webdis),
];
