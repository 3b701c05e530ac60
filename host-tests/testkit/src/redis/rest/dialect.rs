//! The JSON of the Upstash REST dialect: commands out of request bodies, answers of Redis into response bodies.
//! It never talks to Redis. Source of the shapes: <https://upstash.com/docs/redis/features/restapi>.

use ::redis::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::redis::resp::error_text;

/// A command: its name and its arguments.
pub(super) type Command = Vec<Vec<u8>>;

/// How strings are written (`Upstash-Encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As text; what is not UTF-8 becomes U+FFFD.
    Text,
    /// In base64, all but the status `OK`.
    Base64,
}

/// The body of `POST /`: one array of strings and numbers.
pub(super) fn command(body: &[u8]) -> Result<Command, &'static str> {
    let body = serde_json::from_slice(body).unwrap_or_default();
    let command = parts(&body).ok_or("ERR failed to parse command")?;
    if command.is_empty() {
        return Err("ERR empty command");
    }
    Ok(command)
}

/// The body of `/pipeline` and `/multi-exec`: an array of such arrays.
pub(super) fn commands(body: &[u8]) -> Result<Vec<Command>, &'static str> {
    let body: Json = serde_json::from_slice(body).unwrap_or_default();
    let commands = body
        .as_array()
        .and_then(|rows| rows.iter().map(parts).collect());
    let commands: Vec<Command> = commands.ok_or("ERR failed to parse pipeline request")?;
    if commands.is_empty() {
        return Err("ERR empty pipeline request");
    }
    Ok(commands)
}

fn parts(command: &Json) -> Option<Command> {
    let part = |part: &Json| match part {
        Json::String(text) => Some(text.clone().into_bytes()),
        Json::Number(_) | Json::Bool(_) => Some(part.to_string().into_bytes()),
        _ => None,
    };
    command.as_array()?.iter().map(part).collect()
}

/// `{"error": …}`.
pub(super) fn error(text: &str) -> Json {
    json!({ "error": text })
}

/// `{"result": …}`, or `{"error": …}` for an error of Redis.
pub(super) fn result(value: &Value, encoding: Encoding) -> Json {
    match value {
        Value::ServerError(server_error) => error(&error_text(server_error)),
        value => json!({ "result": encode(value, encoding) }),
    }
}

fn encode(value: &Value, encoding: Encoding) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Int(number) => json!(number),
        Value::Okay => json!("OK"),
        Value::SimpleString(text) => string(text.as_bytes(), encoding),
        Value::BulkString(bytes) => string(bytes, encoding),
        Value::Array(values) => values.iter().map(|value| encode(value, encoding)).collect(),
        Value::ServerError(server_error) => json!(error_text(server_error)),
        // RESP2 has no other kinds.
        other => json!(format!("{other:?}")),
    }
}

fn string(bytes: &[u8], encoding: Encoding) -> Json {
    match encoding {
        Encoding::Text => json!(String::from_utf8_lossy(bytes)),
        Encoding::Base64 => json!(STANDARD.encode(bytes)),
    }
}
