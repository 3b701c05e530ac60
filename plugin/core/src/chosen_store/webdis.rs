//! webdis: a command is a path of percent-encoded arguments, one in each request. Reads, which every check may need, are
//! short and go as a GET; all others in the body, where its length is nobody's concern.
//! <https://github.com/nicolasff/webdis>
//!
//! webdis 0.1.9 may give the late answer to a request that was given up to the next one on a new connection (seen). So
//! each call carries a nonce, as the name of a JSONP callback, and takes no answer without it.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::dialect::{Call, refused, reply};
use crate::host::HttpResponse;
use crate::store::redis::{Command, Problem, Reply, is_get, said, unexpected};

/// `nonce` is letters and digits, and begins with a letter.
pub(super) fn call(command: &Command<'_>, nonce: &str) -> Call {
    // A dot would begin the name of an output format, a slash the next argument.
    let encoded: Vec<Cow<'_, str>> = command
        .iter()
        .map(|argument| utf8_percent_encode(argument, NON_ALPHANUMERIC).into())
        .collect();
    let arguments = encoded.join("/");
    if is_get(command) {
        return Call {
            path: format!("/{arguments}?jsonp={nonce}"),
            body: None,
        };
    }
    Call {
        path: format!("/?jsonp={nonce}"),
        body: Some(("application/x-www-form-urlencoded", arguments)),
    }
}

/// What a read mostly gives: read without a tree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Got<'a> {
    #[serde(rename = "GET")]
    value: &'a str,
}

/// `nonce({"GET": value})`, or `{"SET": [true, "OK"]}` for a status and `{"SET": [false, "ERR …"]}` for an error, which
/// is HTTP 200 as well. A value that is not UTF-8 comes as `{}`.
pub(super) fn reply_of(answer: &HttpResponse, nonce: &str) -> Result<Reply, Problem> {
    if answer.status != 200 {
        return Err(refused(answer.status).into());
    }
    let ours = answer.body.strip_prefix(nonce.as_bytes());
    let json = ours.and_then(|rest| {
        let rest = rest.strip_prefix(b"(")?.trim_ascii_end();
        rest.strip_suffix(b";").unwrap_or(rest).strip_suffix(b")")
    });
    let Some(json) = json else {
        return Err("an answer to something else".into());
    };
    if let Ok(Got { value }) = serde_json::from_slice(json) {
        return Ok(Reply::Text(value.into()));
    }
    let body: Value = serde_json::from_slice(json).unwrap_or(Value::Null);
    let mut values = body
        .as_object()
        .into_iter()
        .flat_map(|object| object.values());
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unexpected("a command"));
    };
    let found = match value.as_array().map(Vec::as_slice) {
        Some([Value::Bool(true), Value::String(status)]) => Some(Reply::Text(String::from(status))),
        Some([Value::Bool(false), Value::String(error)]) => {
            return Err(said(error).into());
        }
        _ => reply(value),
    };
    found.ok_or_else(|| unexpected("a command"))
}
