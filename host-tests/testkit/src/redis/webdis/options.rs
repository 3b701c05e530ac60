//! How a webdis is started, and the starting.
//! It never changes a running one.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use project::debian;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{LOG, Webdis};
use crate::client::{Request, send};
use crate::ports::on_a_free_port;
use crate::process::{Process, START_TIMEOUT, tail};

const TIMEOUT: Duration = Duration::from_secs(5);

/// How a webdis is started: for `user:password`, with GET, SET, DEL and EVAL, and no password for Redis.
#[derive(Debug, Clone)]
pub struct WebdisOptions {
    redis: SocketAddr,
    redis_password: Option<String>,
    pub(super) basic_auth: Option<String>,
    commands: Vec<String>,
    pub(super) threads: usize,
    pool_size: usize,
}

impl WebdisOptions {
    pub(super) fn new(redis: SocketAddr) -> Self {
        Self {
            redis,
            redis_password: None,
            basic_auth: Some("user:password".to_owned()),
            commands: ["GET", "SET", "DEL", "EVAL"].map(str::to_owned).to_vec(),
            threads: 2,
            pool_size: 4,
        }
    }

    /// As one of the repository's `webdis.json` says, by its path there, but for where things are.
    ///
    /// # Errors
    /// When the file cannot be read, or lacks one of what is taken from it.
    pub fn read(path: &str, redis: SocketAddr) -> Result<Self> {
        let text = fs::read_to_string(project::root().join(path))
            .with_context(|| format!("cannot read {path}"))?;
        let file: Value =
            serde_json::from_str(&text).with_context(|| format!("{path}: no JSON"))?;
        let text = |place: &str| {
            let text = file.pointer(place).and_then(Value::as_str);
            text.with_context(|| format!("{path} has no text at {place}"))
        };
        let number = |place: &str| {
            let number = file.pointer(place).and_then(Value::as_u64);
            let number = number.and_then(|number| usize::try_from(number).ok());
            number.with_context(|| format!("{path} has no number at {place}"))
        };
        let commands = file.pointer("/acl/1/enabled").and_then(Value::as_array);
        let commands: Vec<_> = commands
            .into_iter()
            .flatten()
            .flat_map(Value::as_str)
            .collect();
        let basic_auth = text("/acl/1/http_basic_auth")?;
        let (user, password) = basic_auth.split_once(':').context("user:password")?;
        Ok(Self::new(redis)
            .redis_password(text("/redis_auth")?)
            .basic_auth(user, password)
            .commands(&commands)
            .threads(number("/threads")?)
            .pool_size(number("/pool_size")?))
    }

    /// `redis_auth`. Version 0.1.9 knows the password of the user `default` only.
    #[must_use]
    pub fn redis_password(mut self, password: &str) -> Self {
        self.redis_password = Some(password.to_owned());
        self
    }

    /// Who may use it.
    #[must_use]
    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        self.basic_auth = Some(format!("{user}:{password}"));
        self
    }

    /// Anybody may use it.
    #[must_use]
    pub fn without_basic_auth(mut self) -> Self {
        self.basic_auth = None;
        self
    }

    /// The commands that may be used, instead of GET, SET, DEL and EVAL.
    #[must_use]
    pub fn commands(mut self, commands: &[&str]) -> Self {
        self.commands = commands.iter().map(ToString::to_string).collect();
        self
    }

    /// Worker threads (2 otherwise).
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Connections to Redis of each thread (4 otherwise).
    #[must_use]
    pub fn pool_size(mut self, pool_size: usize) -> Self {
        self.pool_size = pool_size;
        self
    }

    /// Starts webdis on a free port. If Redis can be reached, waits until every thread is connected to it.
    ///
    /// # Errors
    /// When webdis cannot be had or is not ready in time; with its last log lines.
    pub fn start(self) -> Result<Webdis> {
        on_a_free_port(|port| {
            let folder = tempfile::tempdir()?;
            let addr = SocketAddr::from(([127, 0, 0, 1], port));
            let process = Mutex::new(self.launch(&folder, addr)?);
            let options = self.clone();
            Ok(Webdis {
                options,
                folder,
                addr,
                process,
            })
        })
    }

    pub(super) fn launch(&self, folder: &TempDir, addr: SocketAddr) -> Result<Process> {
        // Random: a webdis of another test that was faster to take the port refuses it.
        let name = folder.path().file_name().context("a folder has a name")?;
        let readiness = format!("readiness:{}", name.to_string_lossy());
        let config = folder.path().join("webdis.json");
        fs::write(&config, self.config(folder, addr, &readiness).to_string())?;
        let log = folder.path().join(LOG);
        drop(fs::remove_file(&log));
        let mut command = Command::new(debian::webdis()?);
        command.arg(config).current_dir(folder);
        let mut process = Process::spawn_logging(&mut command, &folder.path().join("output"))?;
        let ping = post("PING", Some(&readiness));
        process
            .wait_until(START_TIMEOUT, || self.is_ready(addr, &ping))
            .with_context(|| format!("webdis did not start. Its log ends:\n{}", tail(&log)))?;
        Ok(process)
    }

    fn config(&self, folder: &TempDir, addr: SocketAddr, readiness: &str) -> Value {
        let mut allowed = json!({ "enabled": self.commands });
        if let Some(user) = &self.basic_auth {
            allowed["http_basic_auth"] = json!(user);
        }
        json!({
            "redis_host": self.redis.ip().to_string(),
            "redis_port": self.redis.port(),
            "redis_auth": self.redis_password,
            "database": 0,
            "http_host": addr.ip().to_string(),
            "http_port": addr.port(),
            "threads": self.threads,
            "pool_size": self.pool_size,
            "daemonize": false,
            "acl": [
                { "disabled": ["*"] },
                allowed,
                { "http_basic_auth": readiness, "enabled": ["PING"] },
            ],
            "verbosity": 3,
            "logfile": folder.path().join(LOG),
        })
    }

    /// Connections go to the threads in turn. Redis that is reachable but frozen answers no PING: then it is enough
    /// that webdis has taken the connection.
    fn is_ready(&self, addr: SocketAddr, ping: &Request) -> bool {
        let redis_is_there = TcpStream::connect_timeout(&self.redis, TIMEOUT).is_ok();
        (0..self.threads).all(|_| match send(addr, ping, TIMEOUT) {
            Ok(answer) => answer.status == 200 || (answer.status == 503 && !redis_is_there),
            Err(_) => TcpStream::connect_timeout(&addr, TIMEOUT).is_ok() && redis_is_there,
        })
    }
}

pub(super) fn post(command: &str, user: Option<&str>) -> Request {
    let request = Request::post("/").body(command);
    match user {
        Some(user) => request.header("authorization", basic(user)),
        None => request,
    }
}

pub(super) fn basic(user_password: &str) -> String {
    format!("Basic {}", STANDARD.encode(user_password))
}
