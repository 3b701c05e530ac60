//! Entries in Redis (or Valkey), shared by any number of edges. Reached over HTTP, the one thing that every host can
//! send, in one of two dialects: `rest` and `webdis` know how a command and its reply are written there, and this
//! file what the store asks and what the replies mean.
//!
//! Values travel as base64, for not every bridge carries bytes. Redis' own expiry is set on every write, so that
//! what nobody deletes goes by itself. A compare-and-swap is one EVAL of one key, which a Redis Cluster and proxies
//! in front of one take too. <https://redis.io/docs/latest/commands/>

mod rest;
mod webdis;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use serde_json::Value;

use super::{Change, Key, Life, Store, StoreError, Write};
use crate::config::{Dialect, RedisRules};
use crate::host::{CallError, Host, HttpCall, HttpResponse, Level};
use crate::metrics::Histogram;
use crate::reply::to_json;
use crate::time::{UnixMillis, millis};

/// Longer answers are no value of ours, in bytes.
const MAX_RESPONSE_BYTES: usize = 131_072;

/// Sets KEYS[1] to ARGV[2] for ARGV[3] milliseconds if it is ARGV[1].
const SWAP: &str = "if redis.call('GET',KEYS[1])==ARGV[1] then \
                    redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1 end return 0";

/// A Redis behind an HTTP bridge.
pub struct Redis<'a, H> {
    host: &'a H,
    rules: &'a RedisRules,
}

/// A command as its arguments.
type Command<'a> = Vec<Cow<'a, str>>;

/// What Redis answered to one command.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Nil,
    Text(String),
    Number(i64),
}

/// Why there is no usable reply, for the log: Redis' own words, an HTTP status, or what is wrong with the answer.
type Problem = Cow<'static, str>;

impl<'a, H: Host> Redis<'a, H> {
    /// The store that `rules` describe, reached through `host`.
    pub fn new(host: &'a H, rules: &'a RedisRules) -> Self {
        Self { host, rules }
    }

    fn name(&self, key: &Key) -> Cow<'static, str> {
        format!("{}{}", self.rules.prefix, key.name).into()
    }

    fn command(&self, write: &Write) -> Command<'static> {
        let name = self.name(&write.key);
        let set = |value: &[u8], life: &Life| {
            vec![
                "SET".into(),
                name.clone(),
                text(value),
                "PX".into(),
                span(life),
            ]
        };
        match &write.change {
            Change::Put(value, life) => set(value, life),
            Change::Swap {
                expected: None,
                value,
                life,
            } => {
                let mut command = set(value, life);
                command.push("NX".into());
                command
            }
            Change::Swap {
                expected: Some(expected),
                value,
                life,
            } => vec![
                "EVAL".into(),
                SWAP.into(),
                "1".into(),
                name,
                text(expected),
                text(value),
                span(life),
            ],
            Change::Delete => vec!["DEL".into(), name],
        }
    }

    /// The replies to `commands`, in their order; one round trip.
    async fn ask(&self, commands: &[Command<'_>]) -> Result<Vec<Reply>, Problem> {
        let started = self.host.now();
        let replies = match self.rules.dialect {
            Dialect::Rest => {
                let answer = self.send(rest::call(commands)).await;
                answer.and_then(|answer| rest::replies(&answer, commands.len()))
            }
            Dialect::Webdis => {
                try_join_all(commands.iter().map(async |command| {
                    webdis::reply_of(&self.send(webdis::call(command)).await?)
                }))
                .await
            }
        };
        self.host
            .observe(Histogram::StoreMs, self.host.now().since(started));
        replies
    }

    async fn send(&self, call: Call) -> Result<HttpResponse, Problem> {
        let mut headers = vec![("content-type", call.content_type.into())];
        if let Some(authorization) = &self.rules.authorization {
            headers.push(("authorization", authorization.expose().into()));
        }
        let answer = self.host.call(HttpCall {
            target: self.rules.target.clone(),
            method: "POST",
            authority: self.rules.authority.clone(),
            path: call.path.into(),
            headers,
            body: call.body.into_bytes(),
            timeout: self.rules.timeout,
            max_response_bytes: MAX_RESPONSE_BYTES,
            must_finish: false,
        });
        answer.await.map_err(|error| {
            Problem::Borrowed(match error {
                CallError::NotSent => "the host does not send the call",
                CallError::TimedOut => "no answer in time",
                CallError::Broken => "no answer: the connection failed, or it took too long",
                CallError::TooLarge => "the answer is longer than any value",
            })
        })
    }

    /// The cause goes to the log only: to a client an outage looks like any other.
    fn failed(&self, problem: &Problem) -> StoreError {
        #[derive(serde::Serialize)]
        struct Failed<'a> {
            event: &'a str,
            target: &'a str,
            problem: &'a str,
        }
        let line = to_json(&Failed {
            event: "store_failed",
            target: &self.rules.target,
            problem,
        });
        self.host.log(Level::Error, &line);
        StoreError::Unavailable
    }
}

impl<H: Host> Store for Redis<'_, H> {
    async fn get(&self, key: &Key, _: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        let command = vec!["GET".into(), self.name(key)];
        let found = match self.ask(&[command]).await.as_deref() {
            Ok([Reply::Nil]) => Ok(None),
            Ok([Reply::Text(value)]) => match URL_SAFE_NO_PAD.decode(value) {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err("an entry under the prefix was not written by wx-session".into()),
            },
            Ok(_) => Err(unexpected("GET")),
            Err(problem) => Err(problem.clone()),
        };
        found.map_err(|problem| self.failed(&problem))
    }

    async fn write(&self, writes: &[Write]) -> Result<bool, StoreError> {
        let commands: Vec<_> = writes.iter().map(|write| self.command(write)).collect();
        let replies = self.ask(&commands).await;
        let written = replies.and_then(|replies| {
            writes
                .iter()
                .zip(&replies)
                .try_fold(true, |all, (write, reply)| {
                    Ok(is_written(&write.change, reply)? && all)
                })
        });
        written.map_err(|problem| self.failed(&problem))
    }
}

/// Whether a write took place: only a swap may find something else than it expected.
fn is_written(change: &Change, reply: &Reply) -> Result<bool, Problem> {
    match (change, reply) {
        (Change::Put(..) | Change::Swap { expected: None, .. }, Reply::Text(ok)) if ok == "OK" => {
            Ok(true)
        }
        (Change::Swap { expected: None, .. }, Reply::Nil) => Ok(false),
        (
            Change::Swap {
                expected: Some(_), ..
            },
            Reply::Number(swapped @ (0 | 1)),
        ) => Ok(*swapped == 1),
        (Change::Delete, Reply::Number(_)) => Ok(true),
        _ => Err(unexpected("a write")),
    }
}

fn text(value: &[u8]) -> Cow<'static, str> {
    URL_SAFE_NO_PAD.encode(value).into()
}

/// Redis takes no expiry of zero.
fn span(life: &Life) -> Cow<'static, str> {
    let span = millis(life.expires_at.since(life.now));
    span.max(1).to_string().into()
}

/// A request of a dialect.
struct Call {
    path: &'static str,
    content_type: &'static str,
    body: String,
}

/// A reply as both dialects write it in JSON.
fn reply(value: &Value) -> Option<Reply> {
    match value {
        Value::Null => Some(Reply::Nil),
        Value::String(text) => Some(Reply::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(Reply::Number),
        _ => None,
    }
}

fn unexpected(to: &str) -> Problem {
    format!("an answer to {to} that Redis does not give").into()
}

/// What Redis itself says is wrong. Some of its messages repeat the command or name the script, which is of no use to
/// anybody.
fn said(message: &str) -> Problem {
    let more = [", with args", " script: "].into_iter();
    let end = more.filter_map(|more| message.find(more)).min();
    let message = message
        .get(..end.unwrap_or(message.len()))
        .unwrap_or_default();
    message.chars().take(120).collect::<String>().into()
}

/// An answer that is no reply to a command.
fn refused(status: u16) -> Problem {
    format!("HTTP {status}").into()
}
