//! `cargo xtask demo`: a mini program's whole journey through a real Envoy with the built plugin, told step by step.
//! Never speaks to the real WeChat, and leaves nothing running.

pub mod journey;
mod page;
mod phone_server;
mod report;
mod stage;
mod timing;
mod try_it;

use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::envoy::plugin::build_plugin_shown;
use crate::envoy::{install, root};
use journey::{Check, Scene};
use page::Ink;
use stage::Stage;

/// What the command line asks of the demo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Ends after the journey.
    pub once: bool,
    /// Where Envoy listens; 0 for a free port.
    pub port: u16,
    /// Where its administration interface is; 0 for a free port.
    pub admin_port: u16,
}

/// Builds, starts, plays the journey, and stays up until Ctrl-C or SIGTERM unless asked not to.
///
/// # Errors
/// When something does not build or start, when a step was not as expected (named), or when it was interrupted.
pub fn run(options: &Options) -> Result<()> {
    let started = Instant::now();
    let stop = stop_signal()?;
    let outcome = play(options, started, &stop);
    // What a signal broke off did not fail.
    match outcome {
        Err(_) if stop.try_recv().is_ok() => bail!("interrupted"),
        outcome => outcome,
    }
}

fn play(options: &Options, started: Instant, stop: &Receiver<()>) -> Result<()> {
    let ink = Ink::for_stdout();
    let heading = |text| println!("{}", ink.bold(text));
    heading("A mini program's journey through a real Envoy with wx-session");
    refuse_taken("--port", options.port)?;
    refuse_taken("--admin-port", options.admin_port)?;
    let stage = set_up(options, stop, ink)?;
    let mut pages = page::Scenes::new(ink);
    let scenes = journey::play(stage.edge(), &stage.wechat, &stage.app, |scene| {
        println!("{}", pages.text(scene));
    });
    let last = afterwards(&stage, &scenes, ink).unwrap_or_else(|error| {
        let problem = Some(format!("{error:#}"));
        let what = "the report".to_owned();
        vec![Check { what, problem }]
    });

    let exchanges = scenes.iter().flat_map(|scene| &scene.exchanges);
    if let Some(first) = exchanges.map(|exchange| exchange.answered_at).min() {
        let took = (first - started).as_secs_f64();
        println!("The first answer came {took:.1} s after the start, the build included.");
    }
    let verdict = verdict(&scenes, &last);
    match &verdict {
        Ok(words) => println!("{}", ink.good(words)),
        // Otherwise whoever called us says it.
        Err(problem) if !options.once => println!("{}", ink.bad(&problem.to_string())),
        Err(_) => {}
    }
    if !options.once {
        let phone = phone_server::serve(stage.wechat.clone());
        println!("\n{}", try_it::text(&stage, phone.addr(), ink));
        stop.recv()?;
        drop(stage);
        println!("\nEverything has stopped.");
    }
    verdict.map(drop)
}

/// What Envoy knows of the journey, and how fast it was.
fn afterwards(stage: &Stage, scenes: &[Scene], ink: Ink) -> Result<Vec<Check>> {
    let heading = |text| println!("{}", ink.bold(text));
    heading("What Envoy counted: /stats, wasmcustom.wx_session.*");
    show(&report::counters(stage)?);
    heading("What its access log says: the first line for each `auth`");
    show(&report::access_log(stage, ink));
    heading("Also checked");
    let checks = report::checks(stage, scenes);
    show(&page::checks(&checks, ink));
    heading("How long it takes here: medians, as the client sees them");
    show(&report::times(stage)?);
    Ok(checks)
}

/// Gets Envoy, builds the plugin, starts everything, and says what was done.
fn set_up(options: &Options, stop: &Receiver<()>, ink: Ink) -> Result<Stage> {
    println!(
        "{}",
        ink.dim("getting Envoy (from PATH, or once into target/tools) …")
    );
    let envoy = install::envoy()?;
    ensure!(stop.try_recv().is_err(), "interrupted");
    println!("{}", ink.dim("building the plugin …"));
    let module = build_plugin_shown()?;
    ensure!(stop.try_recv().is_err(), "interrupted");
    let stage = Stage::start(options)?;
    let size = std::fs::metadata(&module)?.len() / 1024;
    println!();
    let module = format!("{}, {size} KiB", from_root(&module));
    let rows = [("Envoy", from_root(&envoy)), ("plugin", module)];
    let rows = rows.map(|(what, which)| vec![what.to_owned(), which]);
    println!("{}", page::table(&rows, 4).join("\n"));
    println!("    configuration: envoy.yaml, changed only in");
    let rows = stage
        .changes()
        .map(|(place, now)| vec![place.to_owned(), now]);
    show(&page::table(&rows, 6));
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

fn from_root(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.display().to_string()
}
