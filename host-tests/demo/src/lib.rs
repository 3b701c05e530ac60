//! `cargo xtask demo`: a mini program's whole journey through a real Envoy with the built plugin, through two that share
//! a Redis, or through the component for Spin, told step by step.
//! Never speaks to the real WeChat, and leaves nothing running.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a demo: a failed step must stop it with its message"
)]

mod envoy_demo;
pub mod journey;
mod page;
mod redis;
mod report;
mod servers;
mod spin;
mod timing;
mod try_it;

use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use envoy_demo::EnvoyDemo;
use journey::{Check, Scene};
use page::Ink;
use project::filter;
use project::{debian, envoy, shown};
use testkit::phone_server;

/// What runs wx-session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// A real Envoy.
    #[default]
    Envoy,
    /// Spin, or this project's own host for Spin components.
    Spin,
}

/// Where sessions live, and with it, which journey is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// In the memory of one Envoy.
    #[default]
    Embedded,
    /// In a Redis that two Envoys share.
    Redis,
}

impl Store {
    /// The repository's configuration for it.
    fn configuration(self) -> &'static str {
        match self {
            Self::Embedded => "envoy.yaml",
            Self::Redis => "examples/webdis/envoy.yaml",
        }
    }
}

/// What the command line asks of the demo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Ends after the journey.
    pub once: bool,
    /// What runs wx-session.
    pub host: Host,
    /// Where sessions live. On Spin, only in its own store.
    pub store: Store,
    /// Where it listens, the first of two; 0 for a free port.
    pub port: u16,
    /// Where Envoy's administration interface is; 0 for a free port.
    pub admin_port: u16,
}

/// Builds, starts, plays the journey, and stays up until Ctrl-C or SIGTERM unless asked not to.
///
/// # Errors
/// When something does not build or start, when a step was not as expected (named), or when it was interrupted.
pub fn run(options: &Options) -> Result<()> {
    let started = Instant::now();
    let stop = stop_signal()?;
    let outcome = match options.host {
        Host::Envoy => play(options, started, &stop),
        Host::Spin => spin::play(options, started, &stop),
    };
    // What a signal broke off did not fail.
    match outcome {
        Err(_) if stop.try_recv().is_ok() => bail!("interrupted"),
        outcome => outcome,
    }
}

fn play(options: &Options, started: Instant, stop: &Receiver<()>) -> Result<()> {
    let ink = Ink::for_stdout();
    let heading = |text| println!("{}", ink.bold(text));
    heading(match options.store {
        Store::Embedded => "A mini program's journey through a real Envoy with wx-session",
        Store::Redis => "A mini program's journey through two real Envoys, A and B, on one Redis",
    });
    refuse_taken("--port", options.port)?;
    refuse_taken("--admin-port", options.admin_port)?;
    let mut stage = set_up(options, stop, ink)?;
    let mut pages = page::Scenes::new(ink);
    let show = |scene: &Scene| println!("{}", pages.text(scene));
    let edge = stage.edge();
    let EnvoyDemo {
        servers,
        backend,
        wechat,
        app,
        ..
    } = &mut stage;
    let scenes = match backend {
        Some(backend) => journey::play_behind(edge, backend, wechat, app, show),
        None => journey::play_two_edges(servers, wechat, app, show),
    };
    let last = afterwards(&stage, &scenes, ink).unwrap_or_else(|error| {
        let problem = Some(format!("{error:#}"));
        let what = "the report".to_owned();
        vec![Check { what, problem }]
    });

    let verdict = concluded(options, started, &scenes, &last, ink);
    if !options.once {
        let phone = phone_server::serve(stage.wechat.clone());
        println!("\n{}", try_it::text(&stage, phone.addr(), ink));
        stop.recv()?;
        drop(stage);
        println!("\nEverything has stopped.");
    }
    verdict.map(drop)
}

/// Says how it went.
fn concluded(
    options: &Options,
    started: Instant,
    scenes: &[Scene],
    last: &[Check],
    ink: Ink,
) -> Result<String> {
    let exchanges = scenes.iter().flat_map(Scene::exchanges);
    if let Some(first) = exchanges.map(|exchange| exchange.answered_at).min() {
        let took = (first - started).as_secs_f64();
        println!(
            "The first answer came {took:.1} s after this program began, the build of wx-session included."
        );
    }
    let verdict = verdict(scenes, last);
    match &verdict {
        Ok(words) => println!("{}", ink.good(words)),
        // Otherwise whoever called us says it.
        Err(problem) if !options.once => println!("{}", ink.bad(&problem.to_string())),
        Err(_) => {}
    }
    verdict
}

/// What Envoy knows of the journey, and how fast it was.
fn afterwards(stage: &EnvoyDemo, scenes: &[Scene], ink: Ink) -> Result<Vec<Check>> {
    let heading = |text| println!("{}", ink.bold(text));
    heading(match stage.servers.redis {
        None => "What Envoy counted: /stats, wasmcustom.wx_session.*",
        Some(_) => "What they counted, A since its restart: /stats, wasmcustom.wx_session.*",
    });
    show(&report::counters(stage)?);
    heading("What its access log says: the first line for each error, or `auth`");
    show(&report::access_log(stage, ink));
    heading("Also checked");
    let checks = report::checks(stage, scenes);
    show(&page::checks(&checks, ink));
    heading(match stage.servers.redis {
        None => "How long it takes here: medians, as the client sees them",
        Some(_) => "How long it takes at A: medians, as the client sees them",
    });
    show(&report::times(stage.edge(), &stage.wechat, &stage.app)?);
    Ok(checks)
}

/// Gets Envoy, builds the plugin, starts everything, and says what was done.
fn set_up(options: &Options, stop: &Receiver<()>, ink: Ink) -> Result<EnvoyDemo> {
    println!(
        "{}",
        ink.dim("getting Envoy (from PATH, or once into target/tools) …")
    );
    let envoy = envoy::executable()?;
    ensure!(stop.try_recv().is_err(), "interrupted");
    let mut programs = vec![("Envoy", shown(&envoy))];
    if options.store == Store::Redis {
        let note = "getting redis-server and webdis (from PATH, or once by apt) …";
        println!("{}", ink.dim(note));
        debian::ensure_redis()?;
        ensure!(stop.try_recv().is_err(), "interrupted");
        let (server, webdis) = (debian::redis_server()?, debian::webdis()?);
        let as_in = |program: &Path, file| format!("{}, as in {file}", program.display());
        programs.push(("Redis", as_in(&server, redis::REDIS_CONF)));
        programs.push(("webdis", as_in(&webdis, redis::WEBDIS_JSON)));
    }
    println!("{}", ink.dim("building the plugin …"));
    let module = filter::built_in_sight()?;
    ensure!(stop.try_recv().is_err(), "interrupted");
    let stage = EnvoyDemo::start(options)?;
    let size = std::fs::metadata(&module)?.len() / 1024;
    println!();
    programs.push(("plugin", format!("{}, {size} KiB", shown(&module))));
    let rows = programs
        .into_iter()
        .map(|(what, which)| vec![what.to_owned(), which]);
    println!("{}", page::table(&rows.collect::<Vec<_>>(), 4).join("\n"));
    let configuration = options.store.configuration();
    println!("    configuration: {configuration}, changed only in");
    show(&page::table(&stage.changes()?, 6));
    Ok(stage)
}

/// The words for a journey that went as it should, or the steps that did not.
fn verdict(scenes: &[Scene], last: &[Check]) -> Result<String> {
    let wrong = scenes
        .iter()
        .filter(|scene| !scene.passed())
        .map(|scene| format!("step {} ({})", scene.number, scene.title));
    let wrong_at_last = last
        .iter()
        .filter_map(|check| Some(format!("{} ({})", check.what, check.problem.as_ref()?)));
    let wrong: Vec<_> = wrong.chain(wrong_at_last).collect();
    ensure!(wrong.is_empty(), "not as expected: {}", wrong.join(", "));
    Ok(format!("All {} steps were as expected.", scenes.len()))
}

/// Said before a minute of building, and in fewer words than Envoy's log.
fn refuse_taken(option: &str, port: u16) -> Result<()> {
    TcpListener::bind(("127.0.0.1", port))
        .map(drop)
        .with_context(|| format!("{option} {port}: choose another"))
}

fn stop_signal() -> Result<Receiver<()>> {
    let (send, stop) = channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more when all is over.
        let _ = send.send(());
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

fn show(lines: &[String]) {
    println!("{}\n", lines.join("\n"));
}
