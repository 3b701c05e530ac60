//! Redis over the host's HTTP call-out, in one of two dialects: `rest` and `webdis` know how a command and its reply are
//! written there.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use futures_util::future::try_join_all;

use super::dialect::Call;
use super::{rest, webdis};
use crate::config::{Dialect, RedisRules};
use crate::hex::named;
use crate::host::{CallError, Host, HttpCall, HttpResponse, Level};
use crate::log_lines::LogLines;
use crate::log_lines::call_failed;
use crate::metrics::Histogram;
use crate::store::Key;
use crate::store::redis::own_writes::OwnWrites;
use crate::store::redis::{Command, Problem, Redis, Reply, Transport, is_get};

/// Longer answers are no value of ours, in bytes.
const MAX_RESPONSE_BYTES: usize = 131_072;

/// See [`OwnWrites`].
const SYNC_TOKEN: &str = "upstash-sync-token";

/// A bridge from HTTP to Redis.
pub struct Bridge<'a, H> {
    host: &'a H,
    rules: &'a RedisRules,
    own_writes: &'a OwnWrites,
    log_lines: &'a LogLines,
}

impl<'a, H: Host> Redis<Bridge<'a, H>> {
    /// The store that `rules` describe, reached through `host`. Who shares `own_writes` reads what the others wrote.
    pub fn over_http(
        host: &'a H,
        rules: &'a RedisRules,
        own_writes: &'a OwnWrites,
        log_lines: &'a LogLines,
    ) -> Self {
        let bridge = Bridge {
            host,
            rules,
            own_writes,
            log_lines,
        };
        Self::new(bridge, &rules.prefix)
    }
}

impl<H: Host> Transport for Bridge<'_, H> {
    async fn replies(&self, commands: &[Command<'_>]) -> Result<Vec<Reply>, Problem> {
        let started = self.host.now();
        let replies = match self.rules.dialect {
            Dialect::Rest => {
                let asks_primary = commands.iter().any(|command| !is_get(command));
                let answer = self.send(rest::call(commands), asks_primary).await;
                answer.and_then(|answer| {
                    if let Some(token) = answer.wanted.as_deref().filter(|_| asks_primary) {
                        self.own_writes.learn(token);
                    }
                    rest::replies(&answer, commands.len())
                })
            }
            Dialect::Webdis => {
                try_join_all(commands.iter().map(async |command| {
                    let nonce = self.nonce()?;
                    let answer = self.send(webdis::call(command, &nonce), false).await?;
                    webdis::reply_of(&answer, &nonce)
                }))
                .await
            }
        };
        self.host
            .observe(Histogram::StoreMs, self.host.now().since(started));
        replies
    }

    /// webdis has one Redis behind it.
    fn may_lag(&self) -> bool {
        self.rules.dialect == Dialect::Rest
    }

    fn note(&self, key: &Key) {
        if self.may_lag() {
            self.own_writes.note(key, self.host.now());
        }
    }

    fn has_written(&self, key: &Key) -> bool {
        self.may_lag() && self.own_writes.has(key, self.host.now())
    }

    fn report(&self, problem: &str) {
        let event = "store_failed";
        let line = || call_failed(event, &self.rules.target, problem);
        let now = self.host.now();
        self.log_lines
            .write(self.host, Level::Error, (event, ""), now, line);
    }
}

impl<H: Host> Bridge<'_, H> {
    /// What tells one call's answer from another's.
    fn nonce(&self) -> Result<String, Problem> {
        let mut bytes = [0; 8];
        let random = self.host.random(&mut bytes);
        random.map_err(|_| "there is no randomness for a nonce")?;
        Ok(named("n", &bytes))
    }

    async fn send(&self, call: Call, syncs: bool) -> Result<HttpResponse, Problem> {
        let mut headers = Vec::new();
        let (method, body) = match call.body {
            Some((content_type, body)) => {
                headers.push(("content-type", content_type.into()));
                ("POST", body.into_bytes())
            }
            None => ("GET", Vec::new()),
        };
        if syncs {
            let token = self.own_writes.token();
            headers.extend((!token.is_empty()).then_some((SYNC_TOKEN, token)));
        }
        if let Some(authorization) = &self.rules.authorization {
            headers.push(("authorization", authorization.expose().into()));
        }
        headers.extend(self.host.trace());
        let answer = self.host.call(HttpCall {
            target: self.rules.target.clone(),
            method,
            authority: self.rules.authority.clone(),
            path: call.path,
            headers,
            body,
            timeout: self.rules.timeout,
            max_response_bytes: MAX_RESPONSE_BYTES,
            must_finish: false,
            wants: syncs.then_some(SYNC_TOKEN),
        });
        answer.await.map_err(|error| match error {
            CallError::Forbidden(_) => Problem::Forbidden(error.to_string().into()),
            error => error.to_string().into(),
        })
    }
}
