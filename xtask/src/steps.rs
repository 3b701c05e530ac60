//! Runs steps one after the other, each with a heading and its duration; the first that fails ends the run.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// What has been done, and what has not and why.
#[derive(Default)]
pub(crate) struct Steps {
    done: usize,
    left_out: Vec<String>,
    time: Duration,
}

/// How a step that did not fail ended.
pub(crate) enum Outcome {
    Done,
    /// With the reason, which the summary repeats.
    LeftOut(String),
}

impl Steps {
    pub(crate) fn run(
        &mut self,
        heading: &str,
        step: impl FnOnce() -> Result<Outcome>,
    ) -> Result<()> {
        println!("\n=== {heading}");
        let started = Instant::now();
        let outcome = step().with_context(|| heading.to_owned())?;
        let took = started.elapsed();
        self.time += took;
        match outcome {
            Outcome::Done => {
                self.done += 1;
                println!("--- ok, {:.1} s", took.as_secs_f64());
            }
            Outcome::LeftOut(reason) => {
                println!("--- LEFT OUT: {reason}");
                self.left_out.push(format!("{heading} ({reason})"));
            }
        }
        Ok(())
    }

    pub(crate) fn summary(&self) -> String {
        let left_out = match self.left_out.as_slice() {
            [] => "nothing left out".to_owned(),
            some => format!("left out: {}", some.join(", ")),
        };
        format!(
            "{} steps passed in {:.0} s; {left_out}",
            self.done,
            self.time.as_secs_f64()
        )
    }
}

/// Runs a command with its output on the terminal.
pub(crate) fn must(command: &mut Command) -> Result<Outcome> {
    let words = words(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{words}`"))?;
    if !status.success() {
        bail!("`{words}` ended with {status}");
    }
    Ok(Outcome::Done)
}

/// The same for one that runs tests, of which a name that none has, or a module without any, would be no failure of its own.
pub(crate) fn must_test(command: &mut Command) -> Result<Outcome> {
    let words = words(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run `{words}`"))?;
    let report = String::from_utf8_lossy(&output.stdout);
    print!("{report}");
    ensure!(
        output.status.success(),
        "`{words}` ended with {}",
        output.status
    );
    ensure!(
        report.contains("test result: ok") && !report.contains(" 0 passed"),
        "`{words}` ran no test"
    );
    Ok(Outcome::Done)
}

/// A command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
