//! What all answers of WeChat have in common: JSON, an errcode where something is wrong, and the id of the request for
//! WeChat's support. Other platforms' answers are read by the same functions.

use alloc::string::String;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

/// Longest answer worth reading, in bytes; a real one has less than 300.
pub const MAX_RESPONSE_BYTES: usize = 16 * 1024;

/// Why an answer is not what was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// WeChat said so, or another platform.
    Errcode {
        /// Its number.
        errcode: i64,
        /// WeChat's request id, for its support.
        rid: Option<String>,
    },
    /// The answer is not one of the platform's, and why.
    Unreadable(&'static str),
}

/// The members of an answer, here or of another platform.
///
/// # Errors
/// That it is no JSON with members of these types.
pub(crate) fn json_of<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| {
        Refusal::Unreadable(match error.classify() {
            _ if body.trim_ascii().is_empty() => "is empty",
            Category::Eof => "ends too early",
            Category::Data => "is not of its form",
            Category::Io | Category::Syntax => "is not JSON",
        })
    })
}

/// That an answer says `errcode` 0, or nothing of one.
///
/// # Errors
/// The errcode, or that it is no number.
pub(crate) fn refusal(errcode: Option<&Value>, errmsg: Option<&Value>) -> Result<(), Refusal> {
    let errcode = match errcode {
        None | Some(Value::Null) => Some(0),
        given => number(given),
    };
    match errcode {
        Some(0) => Ok(()),
        Some(errcode) => Err(Refusal::Errcode {
            errcode,
            rid: errmsg.and_then(Value::as_str).and_then(rid),
        }),
        None => Err(Refusal::Unreadable("has an errcode that is no number")),
    }
}

/// A number, or a text that is one.
pub(crate) fn number(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// `… rid: 5f7c…` or `… hints: [ req_id: abc ]` at the end of an errmsg.
fn rid(errmsg: &str) -> Option<String> {
    let (_, tail) = errmsg
        .rsplit_once("rid: ")
        .or_else(|| errmsg.rsplit_once("req_id: "))?;
    let id: String = tail
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .take(64)
        .collect();
    (!id.is_empty()).then_some(id)
}
