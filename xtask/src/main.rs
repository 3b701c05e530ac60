//! What can be done with this project, one file per command.
//! Holds no tests and no fakes itself: they are in `host-tests`, and those that run are started as programs.

mod client;
mod frameworks;
mod image;
mod lints;
mod release;
mod soak;
mod steps;
mod test;
mod tools;
mod upgrade;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

const USAGE: &str = "\
cargo xtask build
    The filter for Envoy, as `target/wx_session.wasm`. Adds the Rust target if it is missing.

cargo xtask check FILE...
    What is wrong in a configuration, by file, line and field, before a proxy has it: in Envoy's own files, in manifests
    of Istio, Envoy Gateway and Higress, in wx-session.json, in a Spin manifest. Also what the host itself passes over
    without a word and leaves the app open by. Needs no secret; fails if anything is wrong. The same as a program of its
    own, for pipelines: `cargo install --path check` installs wx-session-check.

cargo xtask demo [--host envoy|spin] [--store embedded|redis] [--once] [--port N] [--admin-port N]
    A Mini Program's whole journey through a real Envoy, then Envoy stays up to be tried with curl.
    --host spin      instead, through the component for Spin: in the `spin` on PATH (4.1 or newer), or else in this
                     project's own host for such components
    --store redis    instead, a journey through two Envoys, A and B, that share a real Redis behind webdis.
                     What is missing of the two is installed with apt
    --once           end after the journey; fails if a step was not as expected
    --port N         the port, with two Envoys that of A (default: a free one)
    --admin-port N   the port of Envoy's administration interface (default: a free one)

cargo xtask test [--fast]
    Everything that continuous integration runs. What is missing is fetched into target/tools; redis-server and
    webdis are installed with apt.
    --fast           leaves out licences, advisories and the tests under Node

cargo xtask client
    Of these, only the tests of the mini program's side: `client` and `examples/miniprogram`, under Node, on a real
    Envoy; and the package in WeChat's own tools. npm fetches these, the TypeScript compiler and Vite.

cargo xtask fake-wechat [--port N] [--phone-port N] [--https-port N --ca-file FILE] [--app APPID=SECRET]...
    The tests' WeChat, for the tests of an app or for trying one by hand: as strict and as odd as the real one. It stays
    up, with a phone that gives codes and open data, to curl and on a page. On 127.0.0.1 only.
    --port N         WeChat's API in plain HTTP (default: 9090)
    --phone-port N   the phone (default: 9091)
    --https-port N   WeChat's API over TLS, by a new CA whose certificate is written to --ca-file
    --app APPID=SECRET  an app, any number of times (default: the one of the examples)
    --push-to http://HOST:PORT/PATH --push-token T --push-key K [--push-mode safe|compatible|plain]
                     [--push-format json|xml]  sends messages of the first app there when the phone is asked to

cargo xtask frameworks
    Of these, only the test that asks real frameworks (Express, Koa, Fastify, Flask, Django) what they read as the name
    that only the edge may write. npm and pip fetch them into target/tools.

cargo xtask image
    One image for Istio, Envoy Gateway and Higress, as an OCI layout in `target/image`, and the digest that it has
    whenever it is made; beside it the bare filter with its SHA-256. Publishes nothing.

cargo xtask release
    The files of a release, in `target/release-files`: the filter, its image, both components, wx-session-check for this
    machine's kind, the npm package, their SHA-256. What has changed, in `target/release-notes.md`. Publishes nothing.

cargo xtask soak [--minutes N | --seed S]
    Random worlds on all cores, half of them with the built filter, half with the core in this process: every endpoint and
    kind of route, in every kind of configuration; requests in pieces, faults at any use of the host, of WeChat, of the
    store and of the app, clocks set back and ahead, clients that leave, several workers, and workers that end. What is
    known of each session is kept, and every answer is held to it. Says how many it played; one that fails is named by
    its seed. Builds the suite for speed: the first time takes some minutes.
    --minutes N      for how long (default: 10)
    --seed S         that one again, with all that happens in it; of one that fails, the smallest that fails too

cargo xtask soak --real [--minutes N] [--seed S]
    The real programs: two Envoys as in examples/webdis with TLS before them, a webdis beside each, one Redis, stand-ins
    for WeChat and the app. Users log in, call the app, upload, submit open data, log out, are slow, leave, and ask for what
    must be refused, while each minute something is killed, frozen, started anew or configured anew, or has another key or
    certificate. Each answer, and each request that reaches the app, is held against a model of what is promised. Says what
    was asked and answered, which faults there were, what both Envoys take, and what was wrong, with what came before it.
    What is missing is fetched, or installed with apt. Ctrl-C ends it early, with its report.
    --minutes N      for how long (default: 10); in less than twenty the faults come closer, so that each kind comes
    --seed S         the same users and the same faults again, though not to the millisecond

cargo xtask upgrade FILE
    Of the tests, only those in which the filter of the last release and this one are two Envoys on one Redis: what either
    writes is good at the other. FILE is the wx_session.wasm of that release. In `cargo xtask test` both are this one.

cargo xtask bench [--quick] [--arms a,b,c] [--write]
    What a request costs at a real Envoy: without a filter, with wx-session, with what is used instead of it. What
    decryption and the like cost in WebAssembly, natively, in Node and in Python; the first requests; the memory.
    Needs Linux, two cores with nothing else to do, and wrk. Takes about six minutes once everything is built.
    --quick          short rounds: to see that everything runs
    --arms a,b,c     only requests, and only these arms with `none` and `empty`, with which all are compared
    --write          measures the growth too, and writes docs/bench.md and docs/bench.svg

cargo xtask bench --spin [--quick]
    What a request costs on Spin, as a multiple of what the app alone costs there: of the service, of the middleware,
    and of a service that does nothing but forward. In this project's own host for such components, built for speed.
    Fails if one costs more than it may. Takes four minutes once everything is built.

cargo xtask bench --growth
    A session check with ten sessions to a million: in the embedded store, in a real Envoy, in a real Redis, and what a
    session takes there; with ever more requests that wait, routes and mini programs; a decryption with ever more bytes; a
    second worker. Needs a gigabyte of memory; takes about three minutes.
";

type Run = fn(&[&str]) -> Result<()>;

const COMMANDS: [(&str, Run); 12] = [
    ("bench", |options| becomes("bench", options)),
    ("build", build),
    ("check", wx_session_check::run),
    ("client", client::run),
    ("demo", |options| becomes("demo", options)),
    ("fake-wechat", |options| becomes("fake-wechat", options)),
    ("frameworks", frameworks::run),
    ("image", image::run),
    ("release", release::run),
    ("soak", |options| match options {
        ["--real", options @ ..] => becomes("soak", options),
        options => soak::run(options),
    }),
    ("test", test::run),
    ("upgrade", upgrade::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((name, options)) = arguments.split_first() else {
        return usage(ExitCode::FAILURE);
    };
    let command = COMMANDS.iter().find(|(known, _)| known == name);
    let is_known = command.is_some() || *name == "help";
    let result = match command {
        Some((_, run)) if !wants_help(options) => run(options),
        _ if is_known || wants_help(&[name]) => return usage(ExitCode::SUCCESS),
        _ => return usage(ExitCode::FAILURE),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build(options: &[&str]) -> Result<()> {
    no_options("build", options)?;
    let module = project::filter::built_in_sight()?;
    println!("{}", module.display());
    Ok(())
}

/// Of a command that is given nothing.
fn no_options(command: &str, options: &[&str]) -> Result<()> {
    ensure!(
        options.is_empty(),
        "{command} knows no options: see cargo xtask help"
    );
    Ok(())
}

/// Builds a program and goes on as it: what stops this, such as Ctrl-C, then stops nothing but the program.
fn becomes(program: &str, options: &[&str]) -> Result<()> {
    let mut command = Command::new(project::program(program)?);
    Err(command.args(options).exec().into())
}

fn wants_help(options: &[&str]) -> bool {
    options
        .iter()
        .any(|option| matches!(*option, "--help" | "-h"))
}

fn usage(code: ExitCode) -> ExitCode {
    print!("{USAGE}");
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_has_every_command_and_no_other() {
        let lines = USAGE.lines();
        let mut said: Vec<&str> = lines
            .filter_map(|line| line.strip_prefix("cargo xtask ")?.split(' ').next())
            .collect();
        said.sort_unstable();
        said.dedup();
        assert_eq!(said, COMMANDS.map(|(name, _)| name));
    }

    #[test]
    fn a_build_with_options_that_nobody_knows_builds_nothing_and_fails() {
        assert!(build(&["--release"]).is_err());
    }
}
