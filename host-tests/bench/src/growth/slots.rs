//! The embedded store alone, natively, to a million sessions: logging a million users in would take half an hour.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::table;
use project::cargo;
use project::target_folder;

/// As shipped, and as one would set it for a million sessions.
const TABLES: [(u32, &str); 2] = [(16_384, "as shipped"), (262_144, "for a million sessions")];
const SLOT_BYTES: &str = "4096";
const NUMBERS: [&str; 5] = ["10", "1000", "10000", "100000", "1000000"];

pub(super) fn measure() -> Result<String> {
    println!("growth: the embedded store alone …");
    let built = cargo()
        .args(["build", "--release", "-p", "bench-core"])
        .status();
    ensure!(
        built.context("cargo does not run")?.success(),
        "bench-core does not build"
    );
    let mut text = String::new();
    let names = [
        "slots",
        "sessions written",
        "still there",
        "a look-up, ns",
        "MiB",
    ];
    table::head(&mut text, &names);
    for (slots, what) in TABLES {
        let output = Command::new(target_folder().join("release/bench-slots"))
            .args([&slots.to_string(), SLOT_BYTES])
            .args(NUMBERS)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "bench-slots: {}", said.trim());
        for line in String::from_utf8(output.stdout)?.lines() {
            table::row(&mut text, row(slots, what, line).context("four numbers")?);
        }
    }
    text.push_str(
        "\nThe core's slot table over a map in memory, natively. A look-up reads a whole slot, so that its cost ends where a \
         slot is full; what no longer fits is the session that would have ended first. The fuel of a check with its slot \
         empty and full is in `host-tests/budgets.toml`.\n",
    );
    Ok(text)
}

fn row(slots: u32, what: &str, line: &str) -> Option<[String; 5]> {
    let mut numbers = line.split(' ').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let (sessions, took, kept, bytes) = (next()?, next()?, next()?, next()?);
    Some([
        format!("{}, {what}", table::grouped(slots.into())),
        table::grouped(sessions),
        format!("{} %", kept * 100 / sessions),
        table::grouped(took),
        (bytes >> 20).to_string(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_program_becomes_a_row() {
        let row = row(4, "few", "1000 250 500 3145728").unwrap();
        assert_eq!(row, ["4, few", "1,000", "50 %", "250", "3"]);
    }
}
