//! Fakes, hosts and the demo of wx-session: what stands around the plugin when it is tried for real.
//! Nothing here is shipped, and nothing here speaks to the real WeChat.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a failed step must stop the test with its message"
)]

pub mod bench;
pub mod client;
pub mod debian;
pub mod demo;
pub mod envoy;
pub mod fakes;
pub mod mini_program;
pub mod nginx;
pub mod redis;
pub mod spin;
