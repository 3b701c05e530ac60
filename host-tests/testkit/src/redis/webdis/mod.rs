//! A real webdis on a loopback port: HTTP in front of one Redis, behind basic auth, for a few commands only.
//! Never starts Redis, and never waits for a Redis that is not there: until it is, webdis answers 503 and tries again
//! every 100 ms.

mod options;

use std::fs;
use std::net::SocketAddr;
use std::sync::Mutex;

use anyhow::Result;
use tempfile::TempDir;

pub use self::options::WebdisOptions;
use self::options::{basic, post};
use crate::client::Request;
use crate::listener::locked;
use crate::ports::on_the_same_port;
use crate::process::Process;

const LOG: &str = "log";

/// A running webdis. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Webdis {
    options: WebdisOptions,
    folder: TempDir,
    addr: SocketAddr,
    process: Mutex<Process>,
}

impl Webdis {
    /// Starts a webdis with the options that [`Webdis::options`] begins with.
    ///
    /// # Errors
    /// As [`WebdisOptions::start`].
    pub fn start(redis: SocketAddr) -> Result<Self> {
        Self::options(redis).start()
    }

    /// What can be chosen before the start.
    #[must_use]
    pub fn options(redis: SocketAddr) -> WebdisOptions {
        WebdisOptions::new(redis)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        locked(&self.process).id()
    }

    /// `user:password`, if they are asked for.
    #[must_use]
    pub fn basic_auth(&self) -> Option<&str> {
        self.options.basic_auth.as_deref()
    }

    /// How many worker threads it has, each with connections of its own to Redis.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.options.threads
    }

    /// The value of the `authorization` header that lets in, if one is asked for.
    #[must_use]
    pub fn authorization(&self) -> Option<String> {
        self.basic_auth().map(basic)
    }

    /// A request that carries out `command`, which is already encoded: `SET/key/value/PX/60000`.
    #[must_use]
    pub fn request(&self, command: &str) -> Request {
        post(command, self.basic_auth())
    }

    /// What webdis has logged since its last start.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }

    /// SIGKILL: the port is closed.
    pub fn kill9(&self) {
        locked(&self.process).kill();
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

    /// Kills it if it runs, and starts it again on the same port.
    ///
    /// # Errors
    /// As [`WebdisOptions::start`].
    pub fn restart(&self) -> Result<()> {
        let mut process = locked(&self.process);
        process.kill();
        *process = on_the_same_port(|| self.options.launch(&self.folder, self.addr))?;
        Ok(())
    }
}
