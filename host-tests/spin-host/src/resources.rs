//! What a component holds a handle to.
#![allow(unreachable_pub, reason = "the generated bindings want it so")]

use std::sync::Arc;

use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// An open store: its label.
pub struct OpenStore(pub(crate) String);

/// An open connection; one command at a time.
pub struct Connection(pub(crate) Arc<Mutex<BufReader<TcpStream>>>);
