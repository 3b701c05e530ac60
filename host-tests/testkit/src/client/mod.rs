//! A raw HTTP/1.1 client for tests: says on the wire exactly what it is told to, and reports exactly what came back.
//! It never follows, retries, pools, or repairs anything.

mod connection;
mod request;
mod response;
mod source;
pub(crate) mod wire;

pub use connection::{Connection, Drained, End};
pub use request::{Body, Piece, Request};
pub use response::Response;
pub use source::connect as connect_from;

use std::net::SocketAddr;
use std::time::Duration;

/// Sends one request on a connection of its own and reads the final answer.
///
/// `timeout` bounds the connecting and each single wait for bytes, not the whole exchange.
///
/// # Errors
/// The peer cannot be reached, closes before a whole answer, answers with something that is not HTTP/1.1, or is silent
/// for `timeout`.
pub fn send(addr: SocketAddr, request: &Request, timeout: Duration) -> anyhow::Result<Response> {
    Connection::open(addr, timeout)?.send(request)
}
