//! A real Envoy around the built plugin: configuring it, running it.
//! Knows nothing of WeChat, and never uses a configuration other than the repository's `envoy.yaml`, altered.

mod admin;
mod config;
mod discovery;
mod launch;
mod lent;
mod process;
mod turn;
mod watching;

pub use config::{Config, with_back_channel};
pub use discovery::{publish, source};
pub use launch::validate;
pub use lent::LentEnvoy;
pub use process::Envoy;
pub use watching::WatchingEnvoy;
