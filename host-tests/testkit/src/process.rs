//! A child process and whatever it starts: started, frozen, continued, killed, and gone when dropped; and the end of the
//! log that says why it did not start.
//! Never leaves a process behind, not even when this one is killed.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// How long a program may take to be ready, on a machine that may be busy with many tests.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(10);

/// A running program. Dropping it kills it and its children.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    watchdog: Child,
    /// Its id may belong to another by now.
    reaped: bool,
}

impl Process {
    /// In a process group of its own, so that Ctrl-C reaches us alone and we decide what ends when.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let watchdog = watchdog(child.id()).inspect_err(|_| drop(child.kill()))?;
        Ok(Self {
            child,
            watchdog,
            reaped: false,
        })
    }

    /// The same with both outputs in `log`, which is emptied first.
    pub(crate) fn spawn_logging(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        Self::spawn(command.stdout(log.try_clone()?).stderr(log))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.ended(), Ok(None))
    }

    /// SIGKILL to it and its children, and waits for its end. Nothing if that has been done.
    pub(crate) fn kill(&mut self) {
        if std::mem::replace(&mut self.reaped, true) {
            return;
        }
        // The watchdog first: once the child is reaped, its process id may belong to another.
        drop(self.watchdog.kill());
        drop(self.watchdog.wait());
        // An error says that all of them have ended.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        drop(self.child.wait());
    }

    /// SIGTERM, and waits for its end: it may tidy up. Nothing if it has ended.
    pub(crate) fn terminate(&mut self, patience: Duration) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        kill_process(self.pid(), Signal::TERM)?;
        let deadline = Instant::now() + patience;
        while self.is_running() {
            ensure!(
                Instant::now() < deadline,
                "it did not end {} s after SIGTERM",
                patience.as_secs()
            );
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// SIGSTOP, and waits until it has taken effect: no answer can leave after this.
    pub(crate) fn freeze(&mut self) -> Result<()> {
        ensure!(self.is_running(), "the process has ended");
        kill_process(self.pid(), Signal::STOP)?;
        // NOWAIT: should it have ended, its end is left for `Child` to collect.
        let events = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.pid()), events)?;
        let stopped = status.is_some_and(|status| status.stopped());
        ensure!(stopped, "the process has ended");
        Ok(())
    }

    /// SIGCONT.
    pub(crate) fn thaw(&mut self) -> Result<()> {
        ensure!(self.is_running(), "the process has ended");
        Ok(kill_process(self.pid(), Signal::CONT)?)
    }

    /// Asks again and again; an error as soon as the process ends, or when patience does.
    pub(crate) fn wait_until(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + patience;
        while !ready() {
            if let Some(status) = self.ended()? {
                bail!("it ended with {status}");
            }
            if Instant::now() > deadline {
                bail!("it was not ready after {} s", patience.as_secs());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// How it ended, if it did. What it may have started ends then too.
    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if !self.reaped {
            let events = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if waitid(WaitId::Pid(self.pid()), events)?.is_none() {
                return Ok(None);
            }
            self.kill();
        }
        Ok(Some(self.child.wait()?))
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A shell that waits for the end of its input, which comes when this process ends in whatever way.
fn watchdog(group: u32) -> Result<Child> {
    Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"-$0\"", &group.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start a shell")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn lives(pid: &str) -> bool {
        // One that nobody has waited for yet is there, as a zombie.
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.contains("State:") && !status.contains("State:\tZ")
    }

    fn shell(script: &str, log: &Path) -> Process {
        let mut command = Command::new("sh");
        Process::spawn_logging(command.args(["-c", script]), log).unwrap()
    }

    #[test]
    fn what_a_process_has_started_ends_with_it() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut process = shell("sleep 60 & echo $!; wait", log.path());
        let said = || std::fs::read_to_string(log.path()).unwrap();
        process
            .wait_until(Duration::from_secs(10), || said().ends_with('\n'))
            .unwrap();
        let child = said().trim().to_owned();
        assert!(lives(&child));
        drop(process);
        let deadline = Instant::now() + Duration::from_secs(10);
        while lives(&child) {
            assert!(Instant::now() < deadline, "{child} lives on");
            std::thread::sleep(POLL);
        }
    }

    #[test]
    fn a_process_that_is_asked_to_end_may_tidy_up() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let said = || std::fs::read_to_string(log.path()).unwrap();
        let script = "trap 'echo tidied; exit 0' TERM; echo ready; while true; do sleep 0.05; done";
        let mut process = shell(script, log.path());
        let patience = Duration::from_secs(10);
        process
            .wait_until(patience, || said() == "ready\n")
            .unwrap();
        process.terminate(patience).unwrap();
        assert!(!process.is_running());
        assert_eq!(said(), "ready\ntidied\n");
        process.terminate(patience).unwrap();
    }

    #[test]
    fn waiting_ends_with_the_process_and_says_how_it_ended() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut process = shell("exit 7", log.path());
        let waited = process.wait_until(Duration::from_secs(10), || false);
        let message = waited.unwrap_err().to_string();
        assert!(message.contains('7'), "{message}");
        assert!(!process.is_running());
        assert!(process.freeze().is_err());
    }
}
