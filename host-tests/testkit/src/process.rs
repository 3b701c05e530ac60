//! A child process on a loopback port: started, frozen, continued, killed, and gone when dropped.
//! Never leaves a process behind, not even when this one is killed.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// The machine may be busy with many tests.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
const PORTS_TO_TRY: usize = 8;
const TAKEN: &str = "Address already in use";

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Both outputs go to `log`, which is emptied first.
    pub(crate) fn spawn(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        // In a process group of its own, so that Ctrl-C reaches us alone and we decide what ends when.
        let mut child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let watchdog = watchdog(child.id()).inspect_err(|_| drop(child.kill()))?;
        Ok(Self { child, watchdog })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL, and waits for the end. Nothing if it has ended.
    pub(crate) fn kill(&mut self) {
        // The watchdog first: once the child is reaped, its process id may belong to another.
        for process in [&mut self.watchdog, &mut self.child] {
            drop(process.kill());
            drop(process.wait());
        }
    }

    /// SIGSTOP, and waits until it has taken effect: no answer can leave after this.
    pub(crate) fn freeze(&mut self) -> Result<()> {
        ensure!(self.is_running(), "the process has ended");
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP)?;
        // NOWAIT: should it have ended, its end is left for `Child` to collect.
        let events = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let stopped = waitid(WaitId::Pid(pid), events)?.is_some_and(|status| status.stopped());
        ensure!(stopped, "the process has ended");
        Ok(())
    }

    /// SIGCONT.
    pub(crate) fn thaw(&mut self) -> Result<()> {
        ensure!(self.is_running(), "the process has ended");
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }

    /// Asks again and again; an error as soon as the process ends, or in the end.
    pub(crate) fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}");
            }
            if Instant::now() > deadline {
                bail!("it was not ready after {} s", START_TIMEOUT.as_secs());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts something on a free port, on another one if somebody else is faster to take it.
pub(crate) fn on_a_free_port<T>(mut start: impl FnMut(u16) -> Result<T>) -> Result<T> {
    let mut outcome = start(free_port()?);
    for _ in 1..PORTS_TO_TRY {
        match outcome {
            Err(error) if is_taken(&error) => outcome = start(free_port()?),
            other => return other,
        }
    }
    outcome
}

/// Starts something again on the port that it had; a connection that was made meanwhile may hold it for a while.
pub(crate) fn on_the_same_port<T>(mut start: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        match start() {
            Err(error) if is_taken(&error) && Instant::now() < deadline => std::thread::sleep(POLL),
            other => return other,
        }
    }
}

fn is_taken(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains(TAKEN)
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The end of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A shell that waits for the end of its input, which comes when this process ends in whatever way.
fn watchdog(child: u32) -> Result<Child> {
    Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"$0\"", &child.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start a shell")
}
