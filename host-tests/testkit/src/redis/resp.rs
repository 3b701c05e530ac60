//! RESP through the `redis` crate: a bounded connection, one command, the answer as it came.
//! It never retries and never interprets an answer.

use std::net::SocketAddr;
use std::time::Duration;

use ::redis::{
    Client, Cmd, Connection, ConnectionAddr, ConnectionLike as _, IntoConnectionInfo as _,
    ProtocolVersion, RedisConnectionInfo, RedisResult, ServerError, Value,
};

/// A user of Redis's access control lists.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// `default` for the one that `AUTH password` means.
    pub user: String,
    /// In clear.
    pub password: String,
}

impl Login {
    /// Both are plain text.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Login({})", self.user)
    }
}

/// `timeout` bounds the connecting and each single wait.
pub(super) fn connect(
    addr: SocketAddr,
    login: Option<&Login>,
    timeout: Duration,
) -> RedisResult<Connection> {
    let mut settings = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP2)
        .set_skip_set_lib_name();
    if let Some(Login { user, password }) = login {
        settings = settings.set_username(user).set_password(password);
    }
    let info = ConnectionAddr::Tcp(addr.ip().to_string(), addr.port())
        .into_connection_info()?
        .set_redis_settings(settings);
    let connection = Client::open(info)?.get_connection_with_timeout(timeout)?;
    connection.set_read_timeout(Some(timeout))?;
    connection.set_write_timeout(Some(timeout))?;
    Ok(connection)
}

/// An error that Redis answers is a value here: [`Value::ServerError`], also inside the array of an EXEC.
pub(super) fn ask(connection: &mut Connection, command: &[impl AsRef<[u8]>]) -> RedisResult<Value> {
    let mut cmd = Cmd::new();
    for part in command {
        cmd.arg(part.as_ref());
    }
    connection.req_command(&cmd)
}

/// An error as Redis wrote it.
pub(super) fn error_text(error: &ServerError) -> String {
    match error.details() {
        Some(details) => format!("{} {details}", error.code()),
        None => error.code().to_owned(),
    }
}
