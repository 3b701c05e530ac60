//! The programs that do the work: each reads `operation times` and answers with nanoseconds.
//! Never one that is stale: cargo is asked each time.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::CIPHERS;
use project::{cargo, ensure_target, program};
use project::{root, target_folder};

const TARGET: &str = "wasm32-wasip1";
const PACKAGE: &str = "pycryptodome";

/// The names in the table's order.
pub(super) const V8: &str = "V8";
pub(super) const WASMTIME: &str = "wasmtime";
pub(super) const NATIVE: &str = "native Rust";
pub(super) const NODE: &str = "Node app";
pub(super) const PYTHON: &str = "Python app";

/// A running program.
pub(super) struct Engine {
    pub(super) name: &'static str,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Starts all that this machine has, and says of the others why not.
pub(super) fn all() -> Result<(Vec<Engine>, Vec<String>)> {
    let programs = Programs::build()?;
    let mut engines = vec![
        Engine::start(
            WASMTIME,
            Command::new(&programs.wasmtime).arg(&programs.wasm),
        )?,
        Engine::start(NATIVE, &mut Command::new(&programs.native))?,
    ];
    let mut left_out = Vec::new();
    if Command::new("node").arg("--version").output().is_ok() {
        let mut wasm = Command::new("node");
        // Only the optimising compiler: else a round could meet code that was compiled in haste.
        wasm.args(["--no-liftoff", "--no-warnings"])
            .arg(app("wasi.mjs"))
            .arg(&programs.wasm);
        engines.insert(0, Engine::start(V8, &mut wasm)?);
        let mut node = Command::new("node");
        node.arg(app("app.mjs")).arg(vectors());
        engines.push(Engine::start(NODE, &mut node)?);
    } else {
        left_out.push(format!(
            "{V8}, {NODE}: `node` does not run: install Node.js 20 or newer"
        ));
    }
    match python() {
        Ok(python) => {
            let mut command = Command::new(python);
            command.arg(app("app.py")).arg(vectors());
            engines.push(Engine::start(PYTHON, &mut command)?);
        }
        Err(reason) => left_out.push(format!("{PYTHON}: {reason:#}")),
    }
    Ok((engines, left_out))
}

impl Engine {
    fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        let input = process.stdin.take().context("a pipe")?;
        let output = BufReader::new(process.stdout.take().context("a pipe")?);
        Ok(Self {
            name,
            process,
            input,
            output,
        })
    }

    /// An app has the cipher that it has.
    pub(super) fn knows(&self, operation: &str) -> bool {
        !CIPHERS.contains(&operation) || [V8, WASMTIME, NATIVE].contains(&self.name)
    }

    /// How often the operation has to run in order to take `time`. Warms up on the way.
    pub(super) fn calibrate(&mut self, operation: &str, time: Duration) -> Result<u64> {
        if !self.knows(operation) {
            return Ok(0);
        }
        let wanted = time.as_secs_f64() * 1e6;
        let mut times = 100;
        loop {
            let each = self.run(operation, times).context(self.name)?;
            #[expect(clippy::cast_precision_loss, reason = "a rough number of times")]
            let took = each * times as f64;
            if took >= wanted {
                return Ok(times);
            }
            times *= 2;
        }
    }

    /// Microseconds for one.
    pub(super) fn run(&mut self, operation: &str, times: u64) -> Result<f64> {
        writeln!(self.input, "{operation} {times}")?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let nanoseconds: f64 = line
            .trim()
            .parse()
            .with_context(|| format!("{operation}: {line:?} instead of a number"))?;
        #[expect(clippy::cast_precision_loss, reason = "nobody runs it 2^52 times")]
        let times = times as f64;
        Ok(nanoseconds / times / 1e3)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

struct Programs {
    native: PathBuf,
    wasm: PathBuf,
    wasmtime: PathBuf,
}

impl Programs {
    fn build() -> Result<Self> {
        ensure_target(TARGET)?;
        build(&["--release", "-p", "bench-core"])?;
        build(&["--release", "-p", "bench-core", "--target", TARGET])?;
        let target = target_folder();
        Ok(Self {
            native: target.join("release/bench-core"),
            wasm: target.join(TARGET).join("release/bench-core.wasm"),
            wasmtime: program("wasi-command")?,
        })
    }
}

fn build(arguments: &[&str]) -> Result<()> {
    let status = cargo().arg("build").args(arguments).status();
    let status = status.context("cargo does not run")?;
    ensure!(
        status.success(),
        "cargo build {} failed",
        arguments.join(" ")
    );
    Ok(())
}

/// A Python with pycryptodome: the one on PATH, or else one of our own with the package from the package index.
fn python() -> Result<PathBuf> {
    let own = target_folder().join("tools/bench-python/bin/python");
    let system = PathBuf::from("python3");
    if let Some(found) = [&system, &own]
        .into_iter()
        .find(|python| has_package(python))
    {
        return Ok(found.clone());
    }
    let folder = target_folder().join("tools/bench-python");
    must(Command::new(&system).args(["-m", "venv"]).arg(&folder))?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        PACKAGE,
    ];
    must(Command::new(&own).args(pip)).with_context(|| format!("{PACKAGE} cannot be installed"))?;
    ensure!(
        has_package(&own),
        "{PACKAGE} was installed and is not there"
    );
    Ok(own)
}

fn has_package(python: &Path) -> bool {
    let asked = Command::new(python)
        .args(["-c", "import Crypto.Cipher.ChaCha20_Poly1305"])
        .output();
    asked.is_ok_and(|output| output.status.success())
}

fn must(command: &mut Command) -> Result<()> {
    let output = command.output().context("python3 is not installed")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", said.trim());
    Ok(())
}

fn app(name: &str) -> PathBuf {
    root().join("host-tests/bench-modules/apps").join(name)
}

fn vectors() -> PathBuf {
    root().join("host-tests/vectors.json")
}
