//! What stands behind the plugin when sessions live in Redis: the real programs, the bridges from HTTP to them, and a
//! proxy that spoils answers on the way.
//! Nothing here is simulated but the Upstash REST dialect and the faults, and no process outlives its owner.

mod cluster;
mod faulty;
mod resp;
mod rest;
mod server;
mod webdis;

pub use ::redis::{RedisError, RedisResult, Value};

pub use cluster::Cluster;
pub use faulty::{BridgeFault, FaultyProxy};
pub use resp::Login;
pub use rest::RestServer;
pub use server::{Server, ServerOptions};
pub use webdis::{Webdis, WebdisOptions};

#[cfg(test)]
mod tests;
