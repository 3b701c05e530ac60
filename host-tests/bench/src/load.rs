//! As many requests as the edge can answer, by `wrk` with a few connections.
//! Never takes an answer with another status for a good one.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

use super::running_arm::RunningArm;
use project::on_path;
use project::target_folder;

const CONNECTIONS: &str = "8";

/// wrk's own report rounds. Requests, microseconds, answers with 4xx or 5xx, requests without an answer.
const REPORT: &str = r#"
function done(summary, latency, requests)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("\nresult %d %d %d %d\n", summary.requests, summary.duration, errors.status, lost))
end
"#;

/// An installed wrk.
pub(super) struct Wrk {
    program: PathBuf,
    report: NamedTempFile,
}

/// What it did.
#[derive(Debug, PartialEq)]
pub(super) struct Done {
    pub(super) requests: u64,
    pub(super) took: Duration,
    errors: u64,
    lost: u64,
}

/// What is loaded.
pub(super) struct Target<'a> {
    pub(super) addr: SocketAddr,
    pub(super) path: &'a str,
    /// All but `host`.
    pub(super) headers: &'a [(&'static str, String)],
    pub(super) status: u16,
}

impl Done {
    /// Requests per second.
    pub(super) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "no benchmark has 2^52 requests")]
        let requests = self.requests as f64;
        requests / self.took.as_secs_f64()
    }
}

impl Wrk {
    pub(super) fn find() -> Result<Self> {
        let program = on_path("wrk")
            .context("`wrk` is not on PATH: install the package wrk (apt-get install wrk)")?;
        let mut report = tempfile::Builder::new()
            .prefix("bench-")
            .suffix(".lua")
            .tempfile_in(target_folder())?;
        report.write_all(REPORT.as_bytes())?;
        Ok(Self { program, report })
    }

    /// Loads an edge for `time`, by all cores that this process may use.
    ///
    /// # Errors
    /// When a request was not answered, or not with the status of the arm.
    pub(super) fn run(&self, edge: &RunningArm, time: Duration) -> Result<Done> {
        let target = Target {
            addr: edge.envoy.addr(),
            path: edge.arm.path,
            headers: &edge.headers,
            status: edge.arm.status,
        };
        self.load(&target, time)
    }

    /// The same for whatever listens there.
    ///
    /// # Errors
    /// As [`Wrk::run`].
    pub(super) fn load(&self, target: &Target<'_>, time: Duration) -> Result<Done> {
        let mut command = Command::new(&self.program);
        command
            .args(["--threads", "1", "--connections", CONNECTIONS, "--duration"])
            .arg(format!("{}s", time.as_secs()))
            .arg("--script")
            .arg(self.report.path());
        for (name, value) in target.headers {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        command.arg(format!("http://{}{}", target.addr, target.path));
        let output = command.output().context("wrk does not run")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let done = read(&text).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("wrk said:\n{text}{said}")
        })?;
        let expected = if target.status < 400 {
            0
        } else {
            done.requests
        };
        ensure!(
            done.errors == expected && done.lost == 0 && done.requests > 0,
            "of {} requests {} had a 4xx or 5xx and {} had no answer",
            done.requests,
            done.errors,
            done.lost
        );
        Ok(done)
    }
}

fn read(text: &str) -> Option<Done> {
    let line = text.lines().find_map(|line| line.strip_prefix("result "))?;
    let mut numbers = line.split(' ').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Done {
        requests: next()?,
        took: Duration::from_micros(next()?),
        errors: next()?,
        lost: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_found_among_what_wrk_says() {
        let done = read("Running 2s test\n  1 threads\n\nresult 1000 2000000 3 4\n").unwrap();
        let expected = Done {
            requests: 1000,
            took: Duration::from_secs(2),
            errors: 3,
            lost: 4,
        };
        assert_eq!(done, expected);
        assert_eq!(read("unable to connect\n"), None);
    }
}
