//! The test suite of wx-session: hosts, fakes and scenarios. One binary, so that it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod attacks;
mod budgets;
mod deploy;
mod envoy;
mod invariants;
mod recipes;
mod redis;
mod rig;
mod scenarios;
mod soak;
mod spin;
mod spin_manifests;
mod store;
