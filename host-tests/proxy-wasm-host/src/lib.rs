//! A small synchronous host of the proxy-wasm ABI 0.2.1 that behaves as Envoy 1.40 does, for one filter.
//! It never opens a socket, reads no clock and no environment: the test is the client, the cluster and the time.
//!
//! Architecture: [`Vm`] is what a test holds. `host` is what the hostcalls in `abi` see. `decode` plays Envoy's
//! filter manager, `stream` holds what became of a request.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test support: a failed step must stop the test with its message"
)]

mod abi;
mod answering;
mod calls;
mod clock;
mod config;
mod counts;
mod decode;
mod encode;
mod faults;
mod headers;
mod host;
mod plugin;
mod shared_data;
mod status;
mod stream;
mod vm;
mod wasi;

pub use calls::{CallId, CallReply, Delivery, PendingCall};
pub use config::{LogLevel, VmConfig};
pub use counts::Counts;
pub use faults::{FaultKind, FaultOutcome};
pub use headers::{HeaderMap, Pairs, pairs};
pub use plugin::Plugin;
pub use shared_data::SharedData;
pub use status::Status;
pub use stream::{Forwarded, Outcome, Reply, StreamId, Via, Violation};
pub use vm::{StartError, Vm};
