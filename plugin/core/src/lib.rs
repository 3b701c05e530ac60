//! WeChat Mini Program login and sessions as one async function per request: [`handle()`].
//!
//! Architecture invariants: this crate does no I/O and reads no clock, no environment and no randomness (the
//! [`Host`] gives them); apart from names in the configuration it holds no word of any proxy or runtime; a `session_key` or AppSecret leaves it only into
//! a sealed record or the code2Session query; every error reply comes from the one table in `rejection`.
#![no_std]

extern crate alloc;

mod access;
mod assertion;
#[cfg(feature = "bench")]
pub mod bench;
#[cfg(test)]
mod documented;
mod edge;
mod endpoint;
mod fold;
mod gate;
mod handle;
mod head;
mod host;
mod json_text;
mod media_type;
mod metrics;
mod needed;
mod open_body;
mod path;
mod piggyback;
mod presented;
mod rejection;
mod reply;
mod route;
mod session;
mod shared_text;
mod spelling;
mod time;
mod upgrade;

#[cfg(test)]
mod fake_host;

#[cfg(test)]
mod testing {
    pub(crate) use core::prelude::v1::test;
}

pub mod config;
pub mod self_test;
pub mod store;
pub mod wechat;

pub use config::{Config, ConfigError};
pub use edge::Edge;
pub use edge::crowd::Crowd;
pub use handle::{crowded, finish, handle};
pub use host::{
    BodyError, CallError, Cause, Head, Header, Host, HttpCall, HttpResponse, Level, NoEntropy,
    Request,
};
pub use metrics::{Counter, Histogram};
pub use open_body::describes_body;
pub use rejection::{internal_error, upstream_unavailable};
pub use reply::{Action, Changes, Response, Verdict, invites_caches};
pub use time::UnixMillis;
