//! Entries in Redis (or Valkey), shared by any number of edges. This file knows what the store asks and what the
//! replies mean; a [`Transport`] carries them: HTTP, the one thing that every host can send, or a host's own client.
//!
//! Values travel as base64, for not every bridge carries bytes. Redis' own expiry is set on every write, so that
//! what nobody deletes goes by itself. A compare-and-swap is one EVAL of one key, which a Redis Cluster and proxies
//! in front of one take too. <https://redis.io/docs/latest/commands/>
//!
//! A database with read replicas answers GET from one of them, and everything that may write from its primary: so a
//! swap that was lost brings the value that it found, and what has to be the latest is read by a script: where the
//! caller says so, and what this worker has just written itself.

pub mod own_writes;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Change, Key, Life, Store, StoreError, Write, Written};
use crate::time::{UnixMillis, millis};

/// Sets `KEYS[1]` to `ARGV[2]` for `ARGV[3]` milliseconds if it is `ARGV[1]`, and answers 1; else what it is, or 0.
const SWAP: &str = "local v=redis.call('GET',KEYS[1]) if (v or '*')==ARGV[1] then \
                    redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1 end return v or 0";

/// In place of a value that a swap expects: there is none. No base64 has it.
const ABSENT: &str = "*";

/// A GET that no replica answers.
const LATEST: &str = "return redis.call('GET',KEYS[1])";

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
    /// No such value.
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
    /// The replies to `commands`, in their order; in one round trip where it can, and within the store's timeout. The
    /// commands themselves may be carried out in any order.
    async fn replies(&self, commands: &[Command<'_>]) -> Result<Vec<Reply>, Problem>;

    /// Whether a GET may be answered by a replica that has yet to hear of a write.
    fn may_lag(&self) -> bool {
        false
    }

    /// An entry is about to be written.
    fn note(&self, _: &Key) {}

    /// Whether an entry was written through here so lately that a replica may not have heard of it.
    fn has_written(&self, _: &Key) -> bool {
        false
    }

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
        self.transport.note(&write.key);
        let name = self.name(&write.key);
        match &write.change {
            Change::Put(value, life) => {
                vec!["SET".into(), name, text(value), "PX".into(), span(life)]
            }
            Change::Swap {
                expected,
                value,
                life,
            } => vec![
                "EVAL".into(),
                SWAP.into(),
                "1".into(),
                name,
                expected.as_deref().map_or(ABSENT.into(), text),
                text(value),
                span(life),
            ],
            Change::Delete => vec!["DEL".into(), name],
        }
    }

    fn read(&self, key: &Key, latest: bool) -> Command<'static> {
        let name = self.name(key);
        let latest = latest && self.transport.may_lag();
        if latest || self.transport.has_written(key) {
            vec!["EVAL".into(), LATEST.into(), "1".into(), name]
        } else {
            vec!["GET".into(), name]
        }
    }

    async fn get_as(&self, key: &Key, latest: bool) -> Result<Option<Vec<u8>>, StoreError> {
        let replies = self.transport.replies(&[self.read(key, latest)]).await;
        let found = replies.and_then(|replies| match replies.as_slice() {
            [reply] => value(reply),
            _ => Err(unexpected("GET")),
        });
        found.map_err(|problem| self.failed(&problem))
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
        self.get_as(key, false).await
    }

    async fn get_latest(&self, key: &Key, _: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_as(key, true).await
    }

    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        let commands: Vec<_> = writes.iter().map(|write| self.command(write)).collect();
        let replies = self.transport.replies(&commands).await;
        let written = replies.and_then(|replies| written(writes, &replies));
        written.map_err(|problem| self.failed(&problem))
    }

    async fn write_and_get(
        &self,
        writes: &[Write],
        key: &Key,
        _: UnixMillis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let commands = writes.iter().map(|write| self.command(write));
        let commands: Vec<_> = commands.chain([self.read(key, true)]).collect();
        let replies = self.transport.replies(&commands).await;
        let found = replies.and_then(|replies| {
            let (read, rest) = replies.split_last().ok_or_else(|| unexpected("GET"))?;
            written(writes, rest)?;
            value(read)
        });
        found.map_err(|problem| self.failed(&problem))
    }

    fn may_lag(&self) -> bool {
        self.transport.may_lag()
    }
}

/// Whether a command is one that a replica may answer.
pub(crate) fn is_get(command: &Command<'_>) -> bool {
    command.first().is_some_and(|name| name == "GET")
}

/// What the replies to `writes` say together.
fn written(writes: &[Write], replies: &[Reply]) -> Result<Written, Problem> {
    if replies.len() != writes.len() {
        return Err(unexpected("a write"));
    }
    let mut all = Written::All;
    for (write, reply) in writes.iter().zip(replies) {
        match (&write.change, reply) {
            (Change::Put(..), Reply::Text(ok)) if ok == "OK" => {}
            (Change::Swap { .. }, Reply::Number(1)) | (Change::Delete, Reply::Number(_)) => {}
            (Change::Swap { .. }, Reply::Number(0)) => all = Written::Found(None),
            (Change::Swap { .. }, Reply::Text(_)) => all = Written::Found(value(reply)?),
            _ => return Err(unexpected("a write")),
        }
    }
    Ok(all)
}

/// What an entry holds, as a reply has it.
fn value(reply: &Reply) -> Result<Option<Vec<u8>>, Problem> {
    match reply {
        Reply::Nil => Ok(None),
        Reply::Text(text) => match URL_SAFE_NO_PAD.decode(text) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err("an entry under the prefix was not written by wx-session".into()),
        },
        Reply::Number(_) => Err(unexpected("GET")),
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

/// That an answer is none that Redis gives.
pub(crate) fn unexpected(to: &str) -> Problem {
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
