//! `spin:redis`: commands to a real Redis, in its own protocol. <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use wasmtime::component::{Accessor, HasSelf, Resource};

use crate::bindings::redis::{
    Error, Host, HostConnection, HostConnectionWithStore, RedisParameter, RedisResult,
};
use crate::manifest::Destination;
use crate::resources::Connection;
use crate::shared::Shared;
use crate::state::State;

type Outcome<T> = wasmtime::Result<Result<T, Error>>;
type Access = Accessor<State, HasSelf<State>>;

impl Host for State {}

impl HostConnection for State {
    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl HostConnectionWithStore<State> for HasSelf<State> {
    async fn open(accessor: &Access, address: String) -> Outcome<Resource<Connection>> {
        let shared = accessor.with(|mut access| Arc::clone(&access.get().shared));
        let opened = shared
            .calls
            .call("connect to Redis", connect(&address, &shared));
        match opened.await {
            Ok(connection) => {
                accessor.with(|mut access| Ok(Ok(access.get().table.push(connection)?)))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute(
        accessor: &Access,
        connection: Resource<Connection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Outcome<Vec<RedisResult>> {
        let (shared, connection) = accessor.with(|mut access| {
            let state = access.get();
            let found = state.table.get(&connection);
            found.map(|connection| (Arc::clone(&state.shared), Arc::clone(&connection.0)))
        })?;
        let name = command.clone();
        let asked = async {
            let mut stream = connection.lock().await;
            ask(&mut stream, command, arguments).await
        };
        let answer = shared.calls.call(&name, asked).await;
        Ok(answer.unwrap_or_else(|error| Err(other(&error))))
    }
}

/// `redis://[[user]:password@]host[:port]`, of a host that the manifest names.
async fn connect(address: &str, shared: &Shared) -> Result<Connection, Error> {
    if !shared.manifest.inherited.has("allowed_outbound_hosts") {
        // What stands in a middleware's way, in place of Spin's own client.
        return Err(Error::Other(
            "\"spin:redis/redis\" is not permitted".to_owned(),
        ));
    }
    let address = address
        .strip_prefix("redis://")
        .ok_or(Error::InvalidAddress)?;
    let (login, host) = match address.rsplit_once('@') {
        Some((login, host)) => (login.split_once(':'), host),
        None => (None, address),
    };
    let upstream = shared.manifest.upstream("redis", host);
    let stream = match upstream.ok_or(Error::InvalidAddress)?.0 {
        Destination::Socket(address, _) => TcpStream::connect(address).await,
        _ => TcpStream::connect(host).await,
    };
    let stream = stream.map_err(|error| other(&error))?;
    stream.set_nodelay(true).map_err(|error| other(&error))?;
    let mut stream = BufReader::new(stream);
    if let Some((user, password)) = login {
        let user = if user.is_empty() { "default" } else { user };
        let words = [user, password].map(|word| RedisParameter::Binary(word.into()));
        ask(&mut stream, "AUTH".into(), words.into())
            .await
            .map_err(|error| other(&error))??;
    }
    Ok(Connection(Arc::new(Mutex::new(stream))))
}

async fn ask(
    stream: &mut BufReader<TcpStream>,
    command: String,
    arguments: Vec<RedisParameter>,
) -> io::Result<Result<Vec<RedisResult>, Error>> {
    let mut words = vec![command.into_bytes()];
    words.extend(arguments.into_iter().map(|argument| match argument {
        RedisParameter::Int64(number) => number.to_string().into_bytes(),
        RedisParameter::Binary(bytes) => bytes,
    }));
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        request.extend(format!("${}\r\n", word.len()).into_bytes());
        request.extend(word);
        request.extend(b"\r\n");
    }
    stream.write_all(&request).await?;
    match reply(stream).await? {
        Reply::Array(count) => {
            let mut all = Vec::new();
            for _ in 0..count {
                match reply(stream).await? {
                    Reply::One(one) => all.push(one),
                    Reply::Array(_) => return Ok(Err(Error::TypeError)),
                    Reply::Error(text) => return Ok(Err(Error::Other(text))),
                }
            }
            Ok(Ok(all))
        }
        Reply::One(one) => Ok(Ok(vec![one])),
        Reply::Error(text) => Ok(Err(Error::Other(text))),
    }
}

enum Reply {
    One(RedisResult),
    Array(usize),
    Error(String),
}

async fn reply(stream: &mut BufReader<TcpStream>) -> io::Result<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).unwrap_or_default();
    let number = || rest.parse::<i64>().map_err(io::Error::other);
    Ok(match kind {
        "+" => Reply::One(RedisResult::Status(rest.to_owned())),
        ":" => Reply::One(RedisResult::Int64(number()?)),
        "-" => Reply::Error(in_words(rest)),
        "*" => Reply::Array(usize::try_from(number()?).unwrap_or_default()),
        "$" => match usize::try_from(number()?) {
            Err(_) => Reply::One(RedisResult::Nil),
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                stream.read_exact(&mut bytes).await?;
                bytes.truncate(length);
                Reply::One(RedisResult::Binary(bytes))
            }
        },
        _ => return Err(io::Error::other(format!("no reply of Redis: {line:?}"))),
    })
}

/// `NOAUTH Authentication required.`, with a colon behind the code as Spin's client writes it.
fn in_words(refusal: &str) -> String {
    match refusal.split_once(' ') {
        Some((code, words)) => format!("{code}: {words}"),
        None => refusal.to_owned(),
    }
}

fn other(error: &io::Error) -> Error {
    Error::Other(error.to_string())
}
