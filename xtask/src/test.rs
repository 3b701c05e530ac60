//! `cargo xtask test`: everything that must hold before a change is taken, in one command.
//! Never passes over a check in silence: what could not be done is in the last line.

use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Result, anyhow, bail};
use project::{Manifest, cargo, configurations, debian, ensure_target, envoy, filter, root, shown};

use crate::steps::{Outcome, Steps, must, must_test, words};
use crate::{client, frameworks, lints, tools};

/// Most of them wait most of the time: for a Redis, for a time to pass, for a turn to start an Envoy.
const TESTS_PER_CORE: usize = 3;
const NODE_TARGET: &str = "wasm32-unknown-unknown";
const SPIN_MANIFESTS: [&str; 2] = ["spin.toml", "examples/spin-middleware/spin.toml"];
/// What the configurations take from it.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("WX_SECRET", "0123456789abcdef0123456789abcdef"),
    ("WX_STORE_TOKEN", "a-store-token"),
    ("WX_WEBDIS_AUTH", "edge:change-me"),
];

pub(crate) fn run(options: &[&str]) -> Result<()> {
    let fast = match options {
        [] => false,
        ["--fast"] => true,
        _ => bail!("test knows only --fast: see cargo xtask help"),
    };
    let mut steps = Steps::default();
    let full = |step: fn() -> Result<Outcome>| {
        move || {
            if fast {
                Ok(Outcome::LeftOut("--fast".to_owned()))
            } else {
                step()
            }
        }
    };
    steps.run("Rust targets", rust_targets)?;
    steps.run("format", || must(cargo().args(["fmt", "--all", "--check"])))?;
    steps.run("the native crates, with lints, and what ships", || {
        // Each module is put together by one thread at its end: the other crates have the rest of the machine.
        std::thread::scope(|scope| {
            let shipped = scope.spawn(what_ships);
            let native = must(lints::native().args(["test", "--no-run"]));
            let shipped = shipped.join().map_err(|_| anyhow!("a thread panicked"))?;
            native.and(shipped)
        })
    })?;
    for (what, target, packages) in lints::WASM {
        steps.run(what, || must(&mut lints::wasm(target, packages)))?;
    }
    steps.run("documentation of what ships", lints::documentation)?;
    steps.run(
        "licences, bans and sources of the dependencies",
        full(dependencies),
    )?;
    steps.run("advisories on the dependencies", full(advisories))?;
    steps.run("envoy.yaml and the examples", || {
        println!("{}", shown(&envoy::executable()?));
        for path in configurations()? {
            envoy::validate(&root().join(&path), &ENVIRONMENT)?;
            println!("{path} is valid");
        }
        Ok(Outcome::Done)
    })?;
    steps.run("Redis and webdis", redis_and_webdis)?;
    steps.run("tests", || {
        let threads = TESTS_PER_CORE * available_parallelism()?.get();
        must(
            lints::native()
                .arg("test")
                .env("RUST_TEST_THREADS", threads.to_string()),
        )
    })?;
    steps.run("the demo on Envoy", || demo(&[]))?;
    steps.run("the demo on two Envoys and Redis", || {
        demo(&["--store", "redis"])
    })?;
    steps.run("the demo under Spin itself", demo_under_spin)?;
    steps.run(
        "the core's tests as WebAssembly under Node",
        full(tests_under_node),
    )?;
    steps.run(
        "the mini program's side under Node, on a real Envoy",
        full(|| client::tests(&lints::program("client-edge")?)),
    )?;
    steps.run(
        "what real frameworks read in bodies and queries",
        full(|| frameworks::tests(lints::native())),
    )?;
    println!("\ncargo xtask test: {}", steps.summary());
    Ok(())
}

fn rust_targets() -> Result<Outcome> {
    for target in [lints::ENVOY, lints::SPIN, NODE_TARGET] {
        ensure_target(target)?;
    }
    Ok(Outcome::Done)
}

/// The filter, and the components as `spin build` would make them, but each command once.
fn what_ships() -> Result<Outcome> {
    let mut made = vec![filter::built_in_sight()?];
    let mut done = Vec::new();
    for path in SPIN_MANIFESTS {
        for build in Manifest::read(path)?.builds()? {
            if !done.contains(&build.command) {
                build.run()?;
                made.push(build.source);
                done.push(build.command);
            }
        }
    }
    for module in made {
        let bytes = std::fs::metadata(&module)?.len();
        println!("{}: {bytes} bytes", shown(&module));
    }
    Ok(Outcome::Done)
}

/// Before the tests, so that a machine that cannot have them says so in one line and not in fifty failed tests.
fn redis_and_webdis() -> Result<Outcome> {
    debian::ensure_redis()?;
    must(Command::new(debian::redis_server()?).arg("--version"))?;
    // webdis itself has no option for this: it would start.
    let webdis = debian::webdis()?;
    let package = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Version}", "webdis"])
        .output();
    let version = match package {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout);
            format!("Debian's package {version}")
        }
        _ => "not from a package of Debian".to_owned(),
    };
    println!("{}: {version}", webdis.display());
    Ok(Outcome::Done)
}

/// What a new user runs first, to its end; shown only if it fails.
fn demo(options: &[&str]) -> Result<Outcome> {
    let mut command = Command::new(lints::program("demo")?);
    command.arg("--once").args(options);
    let output = command.output()?;
    if !output.status.success() {
        print!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        bail!("`{}` ended with {}", words(&command), output.status);
    }
    Ok(Outcome::Done)
}

fn demo_under_spin() -> Result<Outcome> {
    match project::spin::executable() {
        Ok(_) => demo(&["--host", "spin"]),
        Err(reason) => Ok(Outcome::LeftOut(reason)),
    }
}

fn dependencies() -> Result<Outcome> {
    must(deny()?.args([
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// Fetching is a step of its own, so that "cannot be reached" is never taken for "nothing found", nor the reverse.
fn advisories() -> Result<Outcome> {
    let fetched = deny()?.args(["fetch", "db"]).output()?;
    if !fetched.status.success() {
        println!("{}", String::from_utf8_lossy(&fetched.stderr).trim());
        return Ok(Outcome::LeftOut(
            "the advisory database cannot be reached".to_owned(),
        ));
    }
    must(deny()?.args(["check", "advisories"]))
}

fn deny() -> Result<Command> {
    let mut command = Command::new(tools::cargo_deny()?);
    command.current_dir(root());
    Ok(command)
}

/// In V8, which Envoy has too.
fn tests_under_node() -> Result<Outcome> {
    tools::need_node()?;
    let test = [
        "test",
        "-p",
        "wx-session-core",
        "--lib",
        "--target",
        NODE_TARGET,
    ];
    must_test(cargo().args(test).env(
        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
        tools::wasm_bindgen_test_runner()?,
    ))
}
