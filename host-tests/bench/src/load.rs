//! As many requests as the edge can answer, by `wrk` with a few connections.
//! Never takes an answer with another status for a good one.

use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

use super::fresh::Sent;
use super::running_arm::RunningArm;
use project::on_path;
use project::target_folder;

const CONNECTIONS: &str = "8";

/// More than any arm answers in a second whose requests are made before.
const MOST_PER_SECOND: usize = 8000;

/// wrk's own report rounds. Requests, microseconds, answers with 4xx or 5xx, requests without an answer, answers that do not
/// say what they must. With a file, each line of it is a request: a path, a token or `-`, and a body.
const SCRIPT: &str = r#"
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init(args)
  wrong = 0
  local says, file, again = args[1], args[2], args[3] == "again"
  if says ~= "" then
    response = function(status, headers, body)
      if not body:find(says, 1, true) then wrong = wrong + 1 end
    end
  end
  if file then
    local sent, at = {}, 0
    for line in io.lines(file) do
      local path, token, body = line:match("^(%S+) (%S+) (.*)$")
      if token ~= "-" then wrk.headers["x-wx-skey"] = token end
      sent[#sent + 1] = wrk.format("POST", path, wrk.headers, body)
    end
    request = function()
      at = at + 1
      if at > #sent then
        if not again then wrong = wrong + 1 end
        at = 1
      end
      return sent[at]
    end
  end
end

function done(summary, latency, requests)
  local wrong = 0
  for _, thread in ipairs(threads) do wrong = wrong + thread:get("wrong") end
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("\nresult %d %d %d %d %d\n", summary.requests, summary.duration, errors.status, lost, wrong))
end
"#;

/// An installed wrk.
pub(super) struct Wrk {
    program: PathBuf,
    script: NamedTempFile,
}

/// What it did.
#[derive(Debug, PartialEq)]
pub(super) struct Done {
    pub(super) requests: u64,
    pub(super) took: Duration,
    errors: u64,
    lost: u64,
    wrong: u64,
}

/// What is loaded.
pub(super) struct Target<'a> {
    pub(super) addr: SocketAddr,
    pub(super) path: &'a str,
    /// All but `host`.
    pub(super) headers: &'a [(&'static str, String)],
    pub(super) status: u16,
    /// What must stand in every answer.
    pub(super) says: &'a str,
    /// What is sent in place of a GET of the path. One is sent again and again, and several once each.
    pub(super) sent: &'a [Sent],
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
        let mut script = tempfile::Builder::new()
            .prefix("bench-")
            .suffix(".lua")
            .tempfile_in(target_folder())?;
        script.write_all(SCRIPT.as_bytes())?;
        Ok(Self { program, script })
    }

    /// Loads an edge for `time`, by all cores that this process may use.
    ///
    /// # Errors
    /// When a request was not answered, or not as the arm says.
    pub(super) fn run(&self, edge: &RunningArm, time: Duration) -> Result<Done> {
        let seconds = usize::try_from(time.as_secs())? + 1;
        let sent = edge.make(MOST_PER_SECOND * seconds)?;
        let target = Target {
            addr: edge.envoy.addr(),
            path: edge.arm.path,
            headers: &edge.headers,
            status: edge.arm.status,
            says: edge.arm.says,
            sent: &sent,
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
            .arg(self.script.path());
        for (name, value) in target.headers {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        command
            .arg(format!("http://{}{}", target.addr, target.path))
            .args(["--", target.says]);
        // Held until wrk has read it.
        let file = written(target.sent)?;
        if let Some(file) = &file {
            command.arg(file.path());
        }
        if let [_] = target.sent {
            command.arg("again");
        }
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
            done.errors == expected && done.lost == 0 && done.wrong == 0 && done.requests > 0,
            "of {} requests {} had a 4xx or 5xx, {} had no answer, and {} did not say {:?}, or there were too few of them",
            done.requests,
            done.errors,
            done.lost,
            done.wrong,
            target.says
        );
        Ok(done)
    }
}

/// A line each.
fn written(sent: &[Sent]) -> Result<Option<NamedTempFile>> {
    if sent.is_empty() {
        return Ok(None);
    }
    let file = tempfile::Builder::new()
        .prefix("bench-")
        .suffix(".requests")
        .tempfile_in(target_folder())?;
    let mut lines = BufWriter::new(&file);
    for Sent { path, token, body } in sent {
        let token = token.as_deref().unwrap_or("-");
        writeln!(lines, "{path} {token} {body}")?;
    }
    lines.flush()?;
    drop(lines);
    Ok(Some(file))
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
        wrong: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_found_among_what_wrk_says() {
        let done = read("Running 2s test\n  1 threads\n\nresult 1000 2000000 3 4 5\n").unwrap();
        let expected = Done {
            requests: 1000,
            took: Duration::from_secs(2),
            errors: 3,
            lost: 4,
            wrong: 5,
        };
        assert_eq!(done, expected);
        assert_eq!(read("unable to connect\n"), None);
    }
}
