//! Spin's own Redis client (`redis://…`) as a transport of the core's commands.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::try_join_all;
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};
use wx_session_core::config::Secret;
use wx_session_core::store::redis::{Command, Problem, Reply, Transport, said};

use crate::log::store_failed;
use crate::outbound::within;

pub(crate) struct SpinRedis {
    address: Secret,
    timeout: Duration,
    /// Open until a command fails; the next one opens another.
    connection: RefCell<Option<Rc<Connection>>>,
}

impl SpinRedis {
    pub(crate) fn new(address: Secret, timeout: Duration) -> Self {
        Self {
            address,
            timeout,
            connection: RefCell::default(),
        }
    }

    async fn open(&self) -> Result<Rc<Connection>, Error> {
        if let Some(open) = self.connection.borrow().as_ref() {
            return Ok(Rc::clone(open));
        }
        let opened = Rc::new(Connection::open(self.address.expose()).await?);
        self.connection.replace(Some(Rc::clone(&opened)));
        Ok(opened)
    }

    async fn execute(&self, command: &Command<'_>) -> Result<Reply, Problem> {
        let connection = self.open().await.map_err(|error| problem(&error))?;
        let (name, words) = command.split_first().ok_or("an empty command")?;
        let words = words
            .iter()
            .map(|word| RedisParameter::Binary(word.as_bytes().to_vec()));
        let results = connection.execute(&**name, words).await;
        let results = results.map_err(|error| problem(&error))?;
        match <[RedisResult; 1]>::try_from(results) {
            Ok([RedisResult::Nil]) => Ok(Reply::Nil),
            Ok([RedisResult::Status(text)]) => Ok(Reply::Text(text)),
            Ok([RedisResult::Int64(number)]) => Ok(Reply::Number(number)),
            Ok([RedisResult::Binary(bytes)]) => String::from_utf8(bytes)
                .map(Reply::Text)
                .map_err(|_| "a value that is no text".into()),
            Err(_) => Err("an answer that Redis does not give".into()),
        }
    }
}

impl Transport for SpinRedis {
    /// All at once on one connection, which Redis answers in order.
    async fn replies(&self, commands: &[Command<'_>]) -> Result<Vec<Reply>, Problem> {
        // One after the other until the connection is open, so that not each opens its own.
        let all = async {
            self.open().await.map_err(|error| problem(&error))?;
            try_join_all(commands.iter().map(|command| self.execute(command))).await
        };
        let replies = within(self.timeout, all).await;
        let replies = replies.unwrap_or_else(|| Err("no answer in time".into()));
        if replies.is_err() {
            self.connection.take();
        }
        replies
    }

    fn report(&self, problem: &str) {
        store_failed(&without_password(self.address.expose()), problem);
    }
}

/// A Redis' own refusals come as `Error::Other("NOAUTH: …")`, in its words.
fn problem(error: &Error) -> Problem {
    match error {
        Error::InvalidAddress => Problem::Forbidden(
            "Spin refuses this address: name it in `allowed_outbound_hosts`, for a middleware in those of the app, \
             and name these in `inherit_configuration`; or it is none of a Redis"
                .into(),
        ),
        // What Spin puts in the place of its client where a middleware does not inherit it.
        Error::Other(words) if words.ends_with("is not permitted") => Problem::Forbidden(
            "Spin gives the middleware no Redis: name `allowed_outbound_hosts` in its `inherit_configuration`".into(),
        ),
        Error::Other(words) => said(words).into(),
        error => error.to_string().into(),
    }
}

/// `redis://host:port` of `redis://user:password@host:port`.
fn without_password(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => address.to_owned(),
    }
}
