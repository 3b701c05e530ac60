//! A stand-in for the Upstash REST dialect (Upstash, serverless-redis-http) in front of a real Redis: each connection of
//! HTTP has one of RESP.
//! It never keeps a value, and knows the body form only: no `/GET/key`, no streams.

mod dialect;
mod replica;

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::redis::{Connection, RedisResult, Value};
use serde_json::Value as Json;

use self::dialect::{Command, Encoding};
use self::replica::Replica;
use super::resp::{self, Login};
use crate::client::wire::{RequestHead, header};
use crate::listener::{Listener, locked};
use crate::serve::{Then, framed, serve};

/// Each wait for Redis. After it the answer is 500, as it is when Redis cannot be reached.
const TIMEOUT: Duration = Duration::from_secs(2);
const SYNC_TOKEN: &str = "upstash-sync-token";
const UNREACHABLE: &str =
    "SRH: Unable to connect to the Redis server. See SRH logs for more information.";

/// A running server of the dialect. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct RestServer {
    listener: Listener,
    token: String,
    requests: Arc<AtomicUsize>,
    replica: Option<Arc<Replica>>,
}

impl Drop for RestServer {
    fn drop(&mut self) {
        if let Some(replica) = &self.replica {
            replica.stop();
        }
    }
}

impl RestServer {
    /// Starts on a free port, in front of a Redis that is open to everybody.
    #[must_use]
    pub fn start(redis: SocketAddr, token: &str) -> Self {
        Self::start_as(redis, token, None)
    }

    /// Starts on a free port; speaks to Redis as this user.
    #[must_use]
    pub fn start_as(redis: SocketAddr, token: &str, login: Option<Login>) -> Self {
        Self::start_with(redis, token, login, None)
    }

    /// Starts on a free port, with a read replica that hears of everything `lag` later: requests that only read are
    /// answered there, or when it has come as far as their `upstash-sync-token` says.
    #[must_use]
    pub fn replicated(redis: SocketAddr, replica: SocketAddr, lag: Duration, token: &str) -> Self {
        Self::start_with(redis, token, None, Some(Replica::start(replica, lag)))
    }

    fn start_with(
        redis: SocketAddr,
        token: &str,
        login: Option<Login>,
        replica: Option<Arc<Replica>>,
    ) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let listener = Listener::start({
            let (requests, token) = (Arc::clone(&requests), token.to_owned());
            let replica = replica.clone();
            move |stream| {
                let open = |addr| Redis {
                    addr,
                    login: login.clone(),
                    connection: None,
                };
                let mut all = Database {
                    primary: open(redis),
                    replica: replica
                        .as_ref()
                        .map(|replica| (open(replica.addr), Arc::clone(replica))),
                };
                // A peer that goes away, or sends what is not HTTP, ends its own connection only.
                let _ = speak(stream, &mut all, &token, &requests);
            }
        });
        Self {
            listener,
            token: token.to_owned(),
            requests,
            replica,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// The value of the `authorization` header that lets in.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// How many requests have arrived whole.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Status and body.
type Said = (u16, Json);

fn speak(
    stream: TcpStream,
    all: &mut Database,
    token: &str,
    requests: &AtomicUsize,
) -> io::Result<()> {
    serve(stream, |wire, head, body| {
        requests.fetch_add(1, Ordering::SeqCst);
        let (status, json) = answer(&head, &body, token, all);
        let mut headers = "content-type: application/json\r\n".to_owned();
        if let Some((_, replica)) = &all.replica {
            headers += &format!("{SYNC_TOKEN}: {}\r\n", replica.sync_token());
        }
        let answer = framed(&format!("{status} Rest"), &headers, &json.to_string());
        wire.stream().write_all(answer.as_bytes())?;
        Ok(Then::Next)
    })
}

fn answer(head: &RequestHead, body: &[u8], token: &str, all: &mut Database) -> Said {
    let says = |name: &str| header(&head.headers, name).map(String::from_utf8_lossy);
    if says("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned))
        != Some(token.to_owned())
    {
        return (401, dialect::error("Unauthorized"));
    }
    if head.method != "POST" {
        return (405, dialect::error("Method Not Allowed"));
    }
    if says("content-type").as_deref() != Some("application/json") {
        return (
            400,
            dialect::error("Invalid content type. Expected application/json."),
        );
    }
    let encoding = match says("upstash-encoding") {
        Some(value) if value.eq_ignore_ascii_case("base64") => Encoding::Base64,
        _ => Encoding::Text,
    };
    let sync_token = says(SYNC_TOKEN).unwrap_or_default();
    let done = match head.target.as_str() {
        "/" => dialect::command(body).map(|command| {
            all.ask(&sync_token, std::slice::from_ref(&command), |redis| {
                redis.single(&command, encoding)
            })
        }),
        "/pipeline" => dialect::commands(body).map(|commands| {
            all.ask(&sync_token, &commands, |redis| {
                redis.pipeline(&commands, encoding)
            })
        }),
        "/multi-exec" => dialect::commands(body).map(|commands| {
            all.ask(&sync_token, &commands, |redis| {
                redis.transaction(&commands, encoding)
            })
        }),
        _ => return (404, dialect::error("SRH: Endpoint not found.")),
    };
    match done {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => (500, dialect::error(UNREACHABLE)),
        Err(refusal) => (400, dialect::error(refusal)),
    }
}

/// Where a connection of HTTP leads: to the primary, or to the replica if there is one.
struct Database {
    primary: Redis,
    replica: Option<(Redis, Arc<Replica>)>,
}

impl Database {
    /// What only reads goes to the replica; the primary tells it of everything else.
    fn ask<T>(
        &mut self,
        sync_token: &str,
        commands: &[Command],
        ask: impl FnOnce(&mut Redis) -> T,
    ) -> T {
        let Some((redis, replica)) = &mut self.replica else {
            return ask(&mut self.primary);
        };
        let reads = |command: &Command| {
            command
                .first()
                .is_some_and(|name| name.eq_ignore_ascii_case(b"GET"))
        };
        if commands.iter().all(reads) {
            replica.sync(sync_token);
            return ask(redis);
        }
        let _order = locked(&replica.order);
        let answer = ask(&mut self.primary);
        replica.tell(commands.to_vec());
        answer
    }
}

/// A connection to Redis that is opened when it is first needed, and again when it was lost.
struct Redis {
    addr: SocketAddr,
    login: Option<Login>,
    connection: Option<Connection>,
}

impl Redis {
    fn single(&mut self, command: &Command, encoding: Encoding) -> RedisResult<Said> {
        let value = self.ask(command)?;
        let status = if is_error(&value) { 400 } else { 200 };
        Ok((status, dialect::result(&value, encoding)))
    }

    /// One after the other; others may come in between. An error ends nothing.
    fn pipeline(&mut self, commands: &[Command], encoding: Encoding) -> RedisResult<Said> {
        let mut results = Vec::new();
        for command in commands {
            results.push(if command.is_empty() {
                dialect::error("ERR empty pipeline command")
            } else {
                dialect::result(&self.ask(command)?, encoding)
            });
        }
        Ok((200, Json::Array(results)))
    }

    /// All at once, or a single error for all.
    fn transaction(&mut self, commands: &[Command], encoding: Encoding) -> RedisResult<Said> {
        self.ask(&["MULTI"])?;
        for command in commands {
            if command.is_empty() {
                self.ask_once(&["DISCARD"])?;
                return Ok((400, dialect::error("ERR empty pipeline command")));
            }
            self.ask_once(command)?;
        }
        let outcome = self.ask_once(&["EXEC"])?;
        Ok(match &outcome {
            Value::Array(values) => {
                let results = values.iter().map(|value| dialect::result(value, encoding));
                (200, results.collect())
            }
            discarded => (400, dialect::result(discarded, encoding)),
        })
    }

    /// A connection that Redis closed while it was idle is replaced; the command has not reached it.
    fn ask(&mut self, command: &[impl AsRef<[u8]>]) -> RedisResult<Value> {
        let reused = self.connection.is_some();
        match self.ask_once(command) {
            Err(error) if reused && error.is_connection_dropped() => self.ask_once(command),
            other => other,
        }
    }

    fn ask_once(&mut self, command: &[impl AsRef<[u8]>]) -> RedisResult<Value> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => resp::connect(self.addr, self.login.as_ref(), TIMEOUT)?,
        };
        let value = resp::ask(&mut connection, command)?;
        self.connection = Some(connection);
        Ok(value)
    }
}

fn is_error(value: &Value) -> bool {
    matches!(value, Value::ServerError(_))
}
