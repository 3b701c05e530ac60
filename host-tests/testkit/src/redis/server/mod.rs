//! A real `redis-server` on a loopback port, with the hands that break it and mend it.
//! Never writes outside its own temporary folder.

mod options;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use ::redis::{RedisResult, Value};
use anyhow::Result;

use self::options::ServerHome;
pub use self::options::ServerOptions;
use super::resp;
use crate::listener::locked;
use crate::ports::on_the_same_port;
use crate::process::{Process, START_TIMEOUT};

/// Each wait of [`Server::command`]: a server that is frozen answers with an error after this.
const TIMEOUT: Duration = Duration::from_secs(10);
const DUMP: &str = "dump.rdb";
const LOG: &str = "log";

/// A running Redis. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    place: ServerHome,
    process: Mutex<Process>,
}

impl Server {
    /// Starts a server that is open to everybody.
    ///
    /// # Errors
    /// As [`ServerOptions::start`].
    pub fn start() -> Result<Self> {
        Self::options().start()
    }

    /// What can be chosen before the start.
    #[must_use]
    pub fn options() -> ServerOptions {
        ServerOptions::default()
    }

    fn new(options: ServerOptions, place: ServerHome, process: Process) -> Self {
        Self {
            options,
            place,
            process: Mutex::new(process),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.place.addr
    }

    /// Where the other nodes of a cluster reach it.
    #[must_use]
    pub fn cluster_port(&self) -> u16 {
        self.place.cluster_port
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        locked(&self.process).id()
    }

    /// What Redis has logged since its last start.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.folder.path().join(LOG)).unwrap_or_default()
    }

    /// Redis's answer to one command, on a connection of its own, with all rights.
    ///
    /// # Errors
    /// When Redis answers with an error, or does not answer.
    pub fn command(&self, command: &[impl AsRef<[u8]>]) -> RedisResult<Value> {
        let mut connection = resp::connect(self.place.addr, Some(&self.place.admin), TIMEOUT)?;
        resp::ask(&mut connection, command)?.extract_error()
    }

    /// `CONFIG SET`; forgotten at a restart.
    ///
    /// # Errors
    /// As [`Server::command`].
    pub fn config_set(&self, name: &str, value: &str) -> RedisResult<()> {
        self.command(&["CONFIG", "SET", name, value]).map(drop)
    }

    /// `ACL SETUSER`, from a line as of [`ServerOptions::acl`]; forgotten at a restart. It adds to what the user may:
    /// begin the rules with `reset` to begin anew. Connections that are open keep their login.
    ///
    /// # Errors
    /// As [`Server::command`].
    pub fn set_acl(&self, line: &str) -> RedisResult<()> {
        let rules = line.trim().strip_prefix("user ").unwrap_or(line);
        let command: Vec<&str> = ["ACL", "SETUSER"]
            .into_iter()
            .chain(rules.split_whitespace())
            .collect();
        self.command(&command).map(drop)
    }

    /// Writes everything to disk (`SAVE`), and says where.
    ///
    /// # Errors
    /// As [`Server::command`].
    pub fn save_rdb(&self) -> RedisResult<PathBuf> {
        self.command(&["SAVE"])?;
        Ok(self.place.folder.path().join(DUMP))
    }

    /// SIGKILL: the port is closed, what was not saved is lost.
    pub fn kill9(&self) {
        locked(&self.process).kill();
    }

    /// SIGTERM, and waits for its end: what it writes to disk is whole. The port is closed.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn shut_down(&self) -> Result<()> {
        locked(&self.process).terminate(START_TIMEOUT)
    }

    /// SIGSTOP: connections are accepted by the system, and nothing answers.
    ///
    /// # Errors
    /// When it has ended.
    pub fn stop_process(&self) -> Result<()> {
        locked(&self.process).freeze()
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it has ended.
    pub fn continue_process(&self) -> Result<()> {
        locked(&self.process).thaw()
    }

    /// Starts it again on the same port, as it was started first: without its entries if `empty`, else with those it
    /// has (or, if it was killed, those that were saved).
    ///
    /// # Errors
    /// As [`ServerOptions::start`].
    pub fn restart(&self, empty: bool) -> Result<()> {
        let mut process = locked(&self.process);
        if empty {
            drop(fs::remove_file(self.place.folder.path().join(DUMP)));
        } else if process.is_running() {
            self.save_rdb()?;
        }
        process.kill();
        *process = on_the_same_port(|| self.options.launch(&self.place))?;
        Ok(())
    }
}
