//! WeChat Mini Program login and sessions as one async function per request: [`handle()`].
//!
//! Architecture invariants: this crate does no I/O and reads no clock, no environment and no randomness (the [`Host`]
//! gives them); apart from names in the configuration it holds no word of any proxy or runtime; a `session_key` or
//! AppSecret leaves it only in a sealed record and in calls to the API of its own platform; every error reply comes
//! from the one table in `rejection`.
#![no_std]

extern crate alloc;

mod access;
mod admin;
mod assertion;
mod auth_status;
#[cfg(feature = "bench")]
pub mod bench;
mod chosen_store;
mod cookie;
#[cfg(test)]
mod documented;
mod endpoint;
mod error_body;
mod fold;
mod gate;
#[cfg(test)]
mod golden;
mod handle;
mod head;
mod header_names;
mod hex;
mod host;
mod json_text;
mod limits;
mod log_lines;
mod login;
mod media_type;
mod memory;
mod method;
mod metrics;
mod needed;
mod observe;
mod open_body;
mod open_data;
mod params;
mod pass_through;
mod path;
mod placeholder;
mod platform;
mod platform_call;
mod presented;
mod profile;
mod push;
mod quota;
mod records;
mod refusal_line;
mod rejection;
mod release;
mod release_rule;
mod reply;
mod route;
mod said;
mod seal;
mod session;
mod shared_text;
mod single_flight;
mod spelling;
mod taken;
mod time;
mod trace;
mod upgrade;
mod wechat_api;
mod wording;
mod worker;

#[cfg(any(test, feature = "fuzz"))]
mod fake_host;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;

/// `#[test]` on every target: natively, and as WebAssembly under Node.
#[cfg(test)]
mod testing {
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) use core::prelude::v1::test;
    #[cfg(target_arch = "wasm32")]
    pub(crate) use wasm_bindgen_test::wasm_bindgen_test as test;
}

pub mod config;
pub mod self_test;
pub mod store;
pub mod wechat;

pub use chosen_store::bridge::Bridge;
pub use config::{Config, ConfigError};
pub use handle::{body_unusable, crowded, finish, handle, reads_body, upstream_unavailable};
pub use head::{Head, Header};
pub use host::{
    BodyError, CallError, Cause, Delivering, Delivery, Host, HttpCall, HttpResponse, Level,
    NoEntropy, Request,
};
pub use limits::crowd::Crowd;
pub use log_lines::LogLines;
pub use metrics::{Counter, Histogram};
pub use pass_through::{mark_if_dead, once_more, unanswered};
pub use rejection::internal_error;
pub use reply::{
    Action, Changes, OfResponse, PendingDelivery, Response, Said, ToWechat, TrailerPolicy, Verdict,
};
pub use said::{carry_out, give_up, hear};
pub use time::UnixMillis;
pub use trace::Trace;
pub use worker::Worker;
