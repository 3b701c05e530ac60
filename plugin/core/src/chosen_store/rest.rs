//! The REST dialect of Upstash, which other bridges speak too: commands as JSON arrays, many in one request.
//! <https://upstash.com/docs/redis/features/restapi>

use alloc::format;
use alloc::vec::Vec;

use serde_json::Value;

use super::dialect::{Call, refused, reply};
use crate::host::HttpResponse;
use crate::json_text::to_json;
use crate::store::redis::{Command, Problem, Reply, said, unexpected};

/// One command is a pipeline of one: then there is one shape of answer.
pub(super) fn call(commands: &[Command<'_>]) -> Call {
    Call {
        path: "/pipeline".into(),
        body: Some(("application/json", to_json(&commands))),
    }
}

/// `[{"result": …} or {"error": "…"}, …]`, as many as there were commands.
pub(super) fn replies(answer: &HttpResponse, commands: usize) -> Result<Vec<Reply>, Problem> {
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if answer.status != 200 {
        let refused = refused(answer.status);
        return Err(match body.get("error").and_then(Value::as_str) {
            Some(error) => format!("{refused}: {}", said(error)).into(),
            None => refused.into(),
        });
    }
    let results = body.as_array().filter(|all| all.len() == commands);
    let Some(results) = results else {
        return Err(unexpected("a pipeline"));
    };
    let one = |result: &Value| match (result.get("result"), result.get("error")) {
        (_, Some(error)) => Err(said(error.as_str().unwrap_or_default()).into()),
        (Some(value), None) => reply(value).ok_or_else(|| unexpected("a command")),
        (None, None) => Err(unexpected("a command")),
    };
    results.iter().map(one).collect()
}
