//! How a `redis-server` is started, and the starting.
//! It never changes a running one.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use ::redis::Value;
use anyhow::{Context, Result};
use project::debian;
use tempfile::TempDir;

use super::{DUMP, LOG, Server, TIMEOUT};
use crate::ports::{free_port, on_a_free_port};
use crate::process::{Process, START_TIMEOUT, tail};
use crate::redis::resp::{self, Login};

/// Our own way in: it stays open whatever a test does to the other users.
const ADMIN: &str = "host-tests";

/// How a server is started: open to everybody, without a limit of memory, without persistence, not a cluster.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    users: Vec<String>,
    settings: Vec<(String, String)>,
    cluster: bool,
}

impl ServerOptions {
    /// As one of the repository's `redis.conf` says, by its path there, but for where it listens.
    ///
    /// # Errors
    /// When the file cannot be read, or has a directive without a value.
    pub fn read(path: &str) -> Result<Self> {
        let text = fs::read_to_string(project::root().join(path))
            .with_context(|| format!("cannot read {path}"))?;
        let directives = text.lines().map(str::trim);
        let mut options = Self::default();
        for line in directives.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line
                .split_once(' ')
                .with_context(|| format!("{path}: `{line}` has no value"))?;
            options = match name {
                "bind" | "port" => options,
                "user" => options.acl(line),
                _ => options.setting(name, value),
            };
        }
        Ok(options)
    }

    /// `requirepass`: what `AUTH password` must give. No white space in it.
    #[must_use]
    pub fn password(self, password: &str) -> Self {
        self.acl(&format!("user default on >{password} ~* &* +@all"))
    }

    /// A line of an ACL file: `user app on >password ~s:* +get +set`.
    #[must_use]
    pub fn acl(mut self, line: &str) -> Self {
        self.users.push(line.to_owned());
        self
    }

    /// A limit of memory (`2mb`) and what happens at it (`noeviction`, `allkeys-lru`, `volatile-ttl` …).
    #[must_use]
    pub fn maxmemory(self, limit: &str, policy: &str) -> Self {
        self.setting("maxmemory", limit)
            .setting("maxmemory-policy", policy)
    }

    /// Cluster mode: a node that knows no other and serves no slot yet.
    #[must_use]
    pub fn cluster(mut self) -> Self {
        self.cluster = true;
        self
    }

    /// A directive of `redis.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server on a free port and waits until it answers.
    ///
    /// # Errors
    /// When `redis-server` cannot be had or is not ready in time; with its last log lines.
    pub fn start(self) -> Result<Server> {
        on_a_free_port(|port| {
            let place = ServerHome::new(port)?;
            let process = self.launch(&place)?;
            Ok(Server::new(self.clone(), place, process))
        })
    }

    pub(super) fn launch(&self, place: &ServerHome) -> Result<Process> {
        let folder = place.folder.path();
        let users = folder.join("users.acl");
        fs::write(&users, self.users_file(&place.admin))?;
        let mut command = Command::new(debian::redis_server()?);
        command
            .args(["--bind", "127.0.0.1", "--port"])
            .arg(place.addr.port().to_string())
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .arg("--dir")
            .arg(folder)
            .args(["--dbfilename", DUMP, "--aclfile"])
            .arg(users);
        if self.cluster {
            command
                .args(["--cluster-enabled", "yes", "--cluster-port"])
                .arg(place.cluster_port.to_string())
                .args(["--cluster-announce-ip", "127.0.0.1"]);
        }
        for (name, value) in &self.settings {
            command.arg(format!("--{name}")).arg(value);
        }
        let log = folder.join(LOG);
        let mut process = Process::spawn_logging(&mut command, &log)?;
        process
            .wait_until(START_TIMEOUT, || place.answers())
            .with_context(|| {
                format!("redis-server did not start. Its log ends:\n{}", tail(&log))
            })?;
        Ok(process)
    }

    fn users_file(&self, admin: &Login) -> String {
        let Login { user, password } = admin;
        let others = self.users.join("\n");
        format!("user {user} on >{password} ~* &* +@all\n{others}\n")
    }
}

/// Where a server lives, over all its restarts.
#[derive(Debug)]
pub(super) struct ServerHome {
    pub(super) folder: TempDir,
    pub(super) addr: SocketAddr,
    /// For the other nodes of a cluster. Redis's own choice (the port + 10000) may not exist.
    pub(super) cluster_port: u16,
    pub(super) admin: Login,
}

impl ServerHome {
    fn new(port: u16) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // Random, so that a server of another test that was faster to take the port does not let us in.
        let password = folder.path().file_name().context("a folder has a name")?;
        let admin = Login::new(ADMIN, &password.to_string_lossy());
        Ok(Self {
            addr: SocketAddr::from(([127, 0, 0, 1], port)),
            cluster_port: free_port()?,
            admin,
            folder,
        })
    }

    fn answers(&self) -> bool {
        resp::connect(self.addr, Some(&self.admin), TIMEOUT)
            .and_then(|mut connection| resp::ask(&mut connection, &["PING"]))
            .is_ok_and(|answer| matches!(answer, Value::SimpleString(_)))
    }
}
