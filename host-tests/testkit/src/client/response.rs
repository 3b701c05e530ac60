//! An answer as it came. It never decodes a body except when asked.

use super::wire::{self, Headers};
use anyhow::Context as _;

/// A final answer with its whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code; 101 counts as final, other 1xx do not.
    pub status: u16,
    /// Headers in the order they came, names as they were written.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The interim (1xx) answers that came before.
    pub interim: Vec<u16>,
}

impl Response {
    pub(super) fn new(status: u16, headers: Headers, body: Vec<u8>, interim: Vec<u16>) -> Self {
        Self {
            status,
            headers,
            body,
            interim,
        }
    }

    /// Whether no other answer to the same request will follow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self.status, 100 | 102..=199)
    }

    /// The first header of that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        wire::header(&self.headers, name)
    }

    /// The body as text, with anything that is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// The body is not JSON; the message shows status and body.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("not JSON: {} {}", self.status, self.text()))
    }
}
