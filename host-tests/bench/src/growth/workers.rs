//! One worker and two, under as much load as there is.

use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Result;

use super::arm;
use crate::load::Wrk;
use crate::measure::Sample;
use crate::running_arm::RunningArm;
use crate::surroundings::Surroundings;
use crate::table;

const ROUNDS: usize = 3;
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(3);

pub(super) fn measure(stage: &Surroundings, wrk: &Wrk) -> Result<String> {
    println!("growth: workers …");
    let edges = [1, 2].map(|workers| RunningArm::free(arm("cached")?, stage, workers));
    let mut rates = [Sample::default(), Sample::default()];
    let edges = edges.into_iter().collect::<Result<Vec<_>>>()?;
    for edge in &edges {
        wrk.run(edge, WARM_UP)?;
    }
    for _ in 0..ROUNDS {
        for (edge, rate) in edges.iter().zip(&mut rates) {
            rate.push(wrk.run(edge, TIME)?.rate());
        }
    }
    let mut text = String::new();
    table::head(&mut text, &["workers", "requests/s", "of one worker's"]);
    let one = rates[0].median();
    for (workers, rate) in (1..).zip(&rates) {
        let cells = [
            format!("{workers}"),
            table::hundreds(rate.median()),
            format!("{:.2}", rate.median() / one),
        ];
        table::row(&mut text, cells);
    }
    let cores = available_parallelism()?;
    text.push_str(&format!(
        "\nSession checks from the worker's cache, `--concurrency` 1 and 2, medians of {ROUNDS} rounds. The load generator \
         shares this machine's {cores} cores with the workers: with two cores, a second worker takes the one that makes \
         the load.\n"
    ));
    Ok(text)
}
