//! What stands around wx-session when it is tried for real: fakes of WeChat and of the app, and real Envoys, Redises,
//! nginxes and Spins, each gone when dropped.
//! Nothing here is shipped, knows a test, or speaks to the real WeChat.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a failed step must stop the test with its message"
)]

pub mod client;
pub mod door;
pub mod envoy;
pub mod fakes;
pub mod http2;
pub mod listener;
pub mod nginx;
mod patience;
pub mod phone_server;
mod ports;
mod process;
pub mod redis;
mod reset;
mod serve;
pub mod spin;
mod split_mix;

pub use patience::eventually;
pub use split_mix::SplitMix64;
