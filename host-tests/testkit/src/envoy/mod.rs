//! A real Envoy around the built plugin: configuring it, running it.
//! Knows nothing of WeChat, and never uses a configuration other than the repository's `envoy.yaml`, altered.

mod admin;
mod config;
mod discovery;
mod launch;
mod process;
mod reused;
mod watching;

pub use config::{Config, with_back_channel};
pub use discovery::{publish, source};
pub use launch::validate;
pub use process::Envoy;
pub use reused::ReusedEnvoy;
pub use watching::WatchingEnvoy;
