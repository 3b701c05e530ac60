//! The module's own memory, by the test that holds it to its limit: its host can see it, Envoy's administration cannot.

use anyhow::{Context, Result, ensure};

use super::table;
use project::cargo;

const LONG: &str = "a_worker_holds_no_more_after_a_million_requests";
const SHORT: &str = "a_worker_holds_no_more_after_thousands_of_requests";

/// Runs the test: the table and its explanation.
pub(super) fn measure(quick: bool) -> Result<String> {
    let test = if quick { SHORT } else { LONG };
    println!("memory: {test} …");
    let name = format!("invariants::memory::{test}");
    let output = cargo()
        .args(["test", "--test", "suite", "--", &name])
        .args(["--exact", "--include-ignored", "--nocapture"])
        .output()
        .context("cargo does not run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{test}:\n{said}{why}");
    let numbers = numbers(&said).with_context(|| format!("{test} says nothing: {said}"))?;
    Ok(markdown(numbers))
}

/// `memory AT_REST EARLY LATE REQUESTS`
fn numbers(said: &str) -> Option<[u64; 4]> {
    let line = said.lines().find_map(|line| line.strip_prefix("memory "))?;
    let numbers: Vec<u64> = line
        .split(' ')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    numbers.try_into().ok()
}

fn markdown([at_rest, early, late, requests]: [u64; 4]) -> String {
    let mut text = String::new();
    let after = |requests: u64| format!("after {} requests", table::grouped(requests));
    let names = [
        "",
        "after its start",
        &after(requests / 11),
        &after(requests),
    ];
    table::head(&mut text, &names);
    let kibibytes = [at_rest, early, late].map(|bytes| table::grouped(bytes >> 10));
    table::row(
        &mut text,
        ["KiB of a worker's VM".to_owned()]
            .into_iter()
            .chain(kibibytes),
    );
    text + "\nThe linear memory of the built module in the tests' host, with 1,100 sessions that take turns: checks, and \
            logins, decryptions, refusals and logouts among them. The test fails above 2 MiB, and if the last two differ. \
            What the whole of Envoy holds is in the first table.\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_test_says_becomes_a_table() {
        let numbers = numbers("running 1 test\nmemory 1048576 2097152 2097152 1100\nok").unwrap();
        let text = markdown(numbers);
        assert!(
            text.contains("| KiB of a worker's VM | 1,024 | 2,048 | 2,048 |"),
            "{text}"
        );
        assert!(
            text.contains("after 100 requests | after 1,100 requests"),
            "{text}"
        );
    }
}
