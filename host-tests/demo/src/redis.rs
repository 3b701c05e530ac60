//! The Redis of `--store redis` and the webdis before it, on the files of `examples/webdis`.
//! Never alters them but for the ports, and a user who may read, for whoever looks into Redis.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::journey::Entry;
use testkit::client::send;
use testkit::redis::{Server, ServerOptions, Value, Webdis, WebdisOptions};

pub(super) const REDIS_CONF: &str = "examples/webdis/redis.conf";
pub(super) const WEBDIS_JSON: &str = "examples/webdis/webdis.json";

/// Name and password of who may look, for people with redis-cli.
pub(super) const READER: &str = "reader";

const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Both, running. webdis is dropped first.
pub(super) struct Redis {
    webdis: Webdis,
    server: Server,
}

impl Redis {
    pub(super) fn start() -> Result<Self> {
        let server = ServerOptions::read(REDIS_CONF)?
            .acl(&format!(
                "user {READER} on >{READER} ~* +@read +@connection"
            ))
            .start()?;
        let webdis = WebdisOptions::read(WEBDIS_JSON, server.addr())?.start()?;
        Ok(Self { webdis, server })
    }

    /// For `WX_WEBDIS_AUTH`.
    pub(super) fn basic_auth(&self) -> &str {
        self.webdis.basic_auth().unwrap_or_default()
    }

    /// Where the edges reach it.
    pub(super) fn bridge(&self) -> SocketAddr {
        self.webdis.addr()
    }

    /// Where Redis itself is.
    pub(super) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    pub(super) fn pid(&self) -> u32 {
        self.server.pid()
    }

    pub(super) fn kill(&self) {
        self.server.kill9();
    }

    /// From its append-only file. Waits until webdis reaches it again.
    pub(super) fn start_again(&self) -> Result<()> {
        self.server.restart(false)?;
        let request = self.webdis.request("GET/wx:nothing");
        let deadline = Instant::now() + TIMEOUT;
        let mut in_a_row = 0;
        // It hands connections to its threads in turn, and each thread reaches Redis by itself.
        while in_a_row < 2 * self.webdis.threads() {
            let answer = send(self.webdis.addr(), &request, TIMEOUT);
            if answer.is_ok_and(|answer| answer.status == 200) {
                in_a_row += 1;
                continue;
            }
            ensure!(Instant::now() < deadline, "webdis does not reach Redis");
            in_a_row = 0;
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Everything in it, in the order of the names.
    pub(super) fn entries(&self) -> Result<Vec<Entry>> {
        let Value::Array(names) = self.server.command(&["KEYS", "*"])? else {
            bail!("Redis lists no names");
        };
        let mut names = names.into_iter().map(text).collect::<Result<Vec<_>>>()?;
        names.sort_unstable();
        let entry = |name: String| {
            let left = self.server.command(&["PTTL", &name])?;
            let value = text(self.server.command(&["GET", &name])?)?;
            let expires_in = match left {
                Value::Int(millis) => u64::try_from(millis).ok().map(Duration::from_millis),
                _ => None,
            };
            Ok(Entry {
                name,
                expires_in,
                value,
            })
        };
        names.into_iter().map(entry).collect()
    }
}

fn text(value: Value) -> Result<String> {
    match value {
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        other => bail!("Redis answers {other:?}"),
    }
}
