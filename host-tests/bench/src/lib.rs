//! `cargo xtask bench`: what a request costs at the edge, with the plugin and with what people use instead of it; what
//! the core's own work costs in WebAssembly and elsewhere; the first requests, and the memory.
//! Never compares numbers of different rounds: every arm runs in each of them, and every arm proves that it ran.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark: a failed step must stop it with its message"
)]

mod arms;
mod cores;
mod cpu;
mod fresh;
pub mod growth;
mod load;
mod machine;
mod measure;
mod memory;
mod modules;
mod pace;
mod plot;
mod running_arm;
pub mod spin;
mod surroundings;
mod table;
mod warm_up;
mod work;

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use arms::{ARMS, Arm};
use cores::Cores;
use load::Wrk;
use machine::Machine;
use measure::Plan;
use modules::Modules;
use project::root;
use running_arm::RunningArm;
use surroundings::Surroundings;
use table::Report;

/// What the command line asks of the benchmark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Two short rounds: to see that everything runs, not to quote.
    pub quick: bool,
    /// Measures the growth too, and writes the tables and the plot into `docs`.
    pub write: bool,
    /// Only these arms, the two that all others are compared with, and nothing but arms. Empty: everything.
    pub arms: Vec<String>,
}

/// Builds, measures, and prints the tables.
///
/// # Errors
/// When something is missing or does not build or start, when an answer was not the one expected, or when a filter
/// did not prove that it saw every request.
pub fn run(options: &Options) -> Result<()> {
    let arms = chosen(&options.arms)?;
    // What is missing is said before the minutes of building.
    let cores = Cores::choose()?;
    let wrk = Wrk::find()?;
    let machine = Machine::look()?;
    println!("building the modules …");
    let modules = Modules::build()?;
    let mut page = Page::default();

    // First what wants all cores.
    let only_arms = !options.arms.is_empty();
    let mut own_work = String::new();
    let mut memory = String::new();
    if !only_arms {
        let plan = if options.quick {
            work::Plan::QUICK
        } else {
            work::Plan::FULL
        };
        own_work = work::markdown(&work::measure(&plan)?, &plan);
        memory = memory::measure(options.quick)?;
    }
    let mut stage = Surroundings::start(modules)?;
    let growth = if options.write && !only_arms {
        growth::measure(&stage, &wrk)?
    } else {
        String::new()
    };

    cores.keep_for_load(std::process::id())?;
    let warm_up = if only_arms {
        String::new()
    } else {
        warm_up::measure(&stage, &cores, if options.quick { 2 } else { 7 })?
    };
    let plan = if options.quick {
        Plan::QUICK
    } else {
        Plan::FULL
    };
    let results = proxied(arms, &mut stage, &cores, &wrk, &plan)?;
    let report = Report {
        cores: &cores,
        plan: &plan,
        results: &results,
    };
    page.add("A request through Envoy", &report.markdown());
    page.add("The core's own work", &own_work);
    page.add("The first requests", &warm_up);
    page.add("Memory", &memory);
    page.add("Growth", &growth);
    println!("\n{}\n{}", machine.line(), page.0);
    if report.others() > measure::QUIET {
        println!("Others were at work meanwhile: do not quote these numbers.\n");
    }
    if options.write {
        let docs = root().join("docs");
        fs::create_dir_all(&docs)?;
        let text = format!("# Benchmark\n\n{NOTE}\n\n{}\n{}", machine.line(), page.0);
        fs::write(docs.join("bench.md"), text)?;
        fs::write(docs.join("bench.svg"), plot::svg(&report, &machine))?;
        println!("written: docs/bench.md, docs/bench.svg");
    }
    Ok(())
}

/// Starts an Envoy for each arm, and measures all of them.
fn proxied(
    mut arms: Vec<&'static Arm>,
    stage: &mut Surroundings,
    cores: &Cores,
    wrk: &Wrk,
    plan: &Plan,
) -> Result<Vec<measure::Measured>> {
    if arms.iter().any(|arm| arm.name == arms::WEBDIS)
        && let Err(reason) = stage.start_redis()
    {
        println!("left out: {}: {reason:#}", arms::WEBDIS);
        arms.retain(|arm| arm.name != arms::WEBDIS);
    }
    println!("starting {} Envoys …", arms.len());
    let edges = arms
        .iter()
        .map(|arm| {
            RunningArm::start(arm, stage, cores).with_context(|| format!("arm {}", arm.name))
        })
        .collect::<Result<Vec<_>>>()?;
    measure::all(&edges, wrk, plan)
}

/// What was measured, as Markdown.
#[derive(Default)]
struct Page(String);

impl Page {
    /// What was not measured has no heading either.
    fn add(&mut self, heading: &str, text: &str) {
        if !text.is_empty() {
            self.0 += &format!("\n## {heading}\n\n{text}");
        }
    }
}

const NOTE: &str = "English · [中文](zh/bench.md)\n\nWritten by `cargo xtask bench --write`; do not edit.\n\n![CPU time per request, added by each filter](bench.svg)";

/// The arms to run, in the table's order.
fn chosen(names: &[String]) -> Result<Vec<&'static Arm>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| ARMS.iter().all(|arm| arm.name != **name))
    {
        let known: Vec<_> = ARMS.iter().map(|arm| arm.name).collect();
        bail!("no arm `{unknown}`; there are {}", known.join(", "));
    }
    let always = [arms::BASELINE, arms::YARDSTICK];
    let wanted = |arm: &&Arm| {
        names.is_empty() || always.contains(&arm.name) || names.iter().any(|name| name == arm.name)
    };
    Ok(ARMS.iter().filter(wanted).collect())
}

/// For anything that has to answer on this machine.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn names(chosen: &[&Arm]) -> Vec<&'static str> {
        chosen.iter().map(|arm| arm.name).collect()
    }

    #[test]
    fn what_all_others_are_compared_with_always_runs() {
        let chosen = chosen(&["lua".to_owned()]).unwrap();
        assert_eq!(names(&chosen), ["none", "empty", "lua"]);
    }

    #[test]
    fn no_choice_is_every_arm() {
        assert_eq!(chosen(&[]).unwrap().len(), ARMS.len());
    }

    #[test]
    fn the_chinese_page_explains_every_arm_and_every_table() {
        let page = fs::read_to_string(root().join("docs/zh/bench.md")).unwrap();
        for Arm { name, .. } in ARMS {
            assert!(page.contains(&format!("\n* `{name}`：")), "{name}");
        }
        let english = fs::read_to_string(root().join("docs/bench.md")).unwrap();
        for heading in english.lines().filter_map(|line| line.strip_prefix("## ")) {
            assert!(page.contains(&format!("（{heading}）\n")), "{heading}");
        }
    }

    #[test]
    fn an_unknown_arm_is_refused_with_the_known_ones() {
        let message = chosen(&["luau".to_owned()]).unwrap_err().to_string();
        assert!(
            message.contains("luau") && message.contains("ext_authz"),
            "{message}"
        );
    }
}
