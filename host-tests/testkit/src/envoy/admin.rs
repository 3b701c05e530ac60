//! One GET to Envoy's administration interface.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::client::{self, Request};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The body that Envoy answers for `path`.
pub(super) fn get(address: SocketAddr, path: &str) -> Result<String> {
    let request = Request::get(path).header("connection", "close");
    let answer = client::send(address, &request, TIMEOUT)
        .with_context(|| format!("Envoy's admin, GET {path}"))?;
    ensure!(
        answer.status == 200,
        "Envoy's admin, GET {path}: status {}: {}",
        answer.status,
        answer.text().trim()
    );
    Ok(answer.text())
}
