//! Entries in Redis (or Valkey), shared by any number of edges. This file knows what the store asks and what the
//! replies mean; a [`Transport`] carries them: [`http`], the one thing that every host can send, or a host's own
//! client.
//!
//! Values travel as base64, for not every bridge carries bytes. Redis' own expiry is set on every write, so that
//! what nobody deletes goes by itself. A compare-and-swap is one EVAL of one key, which a Redis Cluster and proxies
//! in front of one take too. <https://redis.io/docs/latest/commands/>

pub mod http;
mod rest;
mod webdis;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Change, Key, Life, Store, StoreError, Write};
use crate::time::{UnixMillis, millis};

/// Sets KEYS[1] to ARGV[2] for ARGV[3] milliseconds if it is ARGV[1].
const SWAP: &str = "if redis.call('GET',KEYS[1])==ARGV[1] then \
                    redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1 end return 0";

/// A Redis behind whatever carries its commands.
pub struct Redis<T> {
    transport: T,
    prefix: String,
}

/// A command as its arguments; all are text.
pub type Command<'a> = Vec<Cow<'a, str>>;

/// What Redis answered to one command.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// No such value, or a SET with NX that found one.
    Nil,
    /// A value, or a status such as OK.
    Text(String),
    /// A count, or what a script returned.
    Number(i64),
}

/// Why there is no usable reply, in words for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Redis' own words, an HTTP status, or what is wrong with the answer.
    Failed(Cow<'static, str>),
    /// The host's configuration does not let commands go there.
    Forbidden(Cow<'static, str>),
}

impl From<&'static str> for Problem {
    fn from(words: &'static str) -> Self {
        Self::Failed(words.into())
    }
}

impl From<String> for Problem {
    fn from(words: String) -> Self {
        Self::Failed(words.into())
    }
}

/// What carries commands to Redis and brings the replies.
#[allow(
    async_fn_in_trait,
    reason = "every host runs a request on one thread; no future needs to be Send"
)]
pub trait Transport {
    /// The replies to `commands`, in their order; in one round trip where it can, and within the store's timeout.
    async fn replies(&self, commands: &[Command<'_>]) -> Result<Vec<Reply>, Problem>;

    /// Tells the operator why the store failed.
    fn report(&self, problem: &str);
}

impl<T: Transport> Redis<T> {
    /// The store behind `transport`, with `prefix` in front of every key.
    pub fn new(transport: T, prefix: &str) -> Self {
        Self {
            transport,
            prefix: prefix.into(),
        }
    }

    fn name(&self, key: &Key) -> Cow<'static, str> {
        format!("{}{}", self.prefix, key.name).into()
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

    /// The cause goes to the log only: to a client an outage looks like any other.
    fn failed(&self, problem: &Problem) -> StoreError {
        let (words, error) = match problem {
            Problem::Failed(words) => (words, StoreError::Unavailable),
            Problem::Forbidden(words) => (words, StoreError::Forbidden),
        };
        self.transport.report(words);
        error
    }
}

impl<T: Transport> Store for Redis<T> {
    async fn get(&self, key: &Key, _: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        let command = vec!["GET".into(), self.name(key)];
        let found = match self.transport.replies(&[command]).await.as_deref() {
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
        let replies = self.transport.replies(&commands).await;
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
#[must_use]
pub fn said(message: &str) -> String {
    let more = [", with args", " script: "].into_iter();
    let end = more.filter_map(|more| message.find(more)).min();
    let message = message
        .get(..end.unwrap_or(message.len()))
        .unwrap_or_default();
    message.chars().take(120).collect()
}
