//! What the dialects of Redis over HTTP have in common: the shape of a request, and replies as JSON has them.

use alloc::format;
use alloc::string::String;

use serde_json::Value;

use crate::store::redis::Reply;

/// A request of a dialect.
pub(super) struct Call {
    pub(super) path: String,
    /// What is sent with it, and as what. `None`: it is a GET.
    pub(super) body: Option<(&'static str, String)>,
}

/// A reply as both dialects write it in JSON.
pub(super) fn reply(value: &Value) -> Option<Reply> {
    match value {
        Value::Null => Some(Reply::Nil),
        Value::String(text) => Some(Reply::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(Reply::Number),
        _ => None,
    }
}

/// An answer that is no reply to a command.
pub(super) fn refused(status: u16) -> String {
    format!("HTTP {status}")
}
