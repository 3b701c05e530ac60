//! What was measured, as a Markdown table with everything around it that a reader needs in order to judge it.

use std::fmt::Write as _;

use super::arms::{BASELINE, YARDSTICK};
use super::cores::Cores;
use super::measure::{Measured, Plan};

/// A whole run.
pub(super) struct Report<'a> {
    pub(super) cores: &'a Cores,
    pub(super) plan: &'a Plan,
    pub(super) results: &'a [Measured],
}

const HEAD: [&str; 10] = [
    "arm",
    "CPU µs/request",
    "range",
    "added",
    "× empty",
    "requests/s",
    "p50 µs",
    "p99 µs",
    "at requests/s",
    "memory MiB",
];

impl Report<'_> {
    /// The table and its explanations.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        head(&mut text, &HEAD);
        for result in self.results {
            row(&mut text, self.row(result));
        }
        text.push('\n');
        for result in self.results {
            let _ = writeln!(text, "* `{}`: {}", result.arm.name, result.arm.what);
        }
        let _ = write!(text, "\n{}", self.method());
        text
    }

    /// Microseconds that an arm takes more than no filter at all.
    pub(super) fn added(&self, result: &Measured) -> f64 {
        let baseline = self.cpu(BASELINE).unwrap_or_default();
        result.cpu.median() - baseline
    }

    /// How many cores others kept busy at most, while processor time was measured.
    pub(super) fn others(&self) -> f64 {
        let others = self.results.iter().map(|result| result.others);
        others.fold(0.0, f64::max)
    }

    fn row(&self, result: &Measured) -> [String; HEAD.len()] {
        let (least, greatest) = result.cpu.range();
        let added = self.added(result);
        let unit = self
            .cpu(YARDSTICK)
            .zip(self.cpu(BASELINE))
            .map(|(empty, none)| empty - none)
            // Less than that is noise, and a multiple of it would be too.
            .filter(|unit| *unit > 0.1);
        let is_baseline = result.arm.name == BASELINE;
        let unless_baseline = |text: String| {
            if is_baseline { "–".to_owned() } else { text }
        };
        [
            format!("`{}`", result.arm.name),
            format!("{:.1}", result.cpu.median()),
            format!("{least:.1}–{greatest:.1}"),
            unless_baseline(format!("{added:.1}")),
            unless_baseline(unit.map_or("–".into(), |unit| format!("{:.1}", added / unit))),
            hundreds(result.rate.median()),
            format!("{:.0}", result.p50.median()),
            format!("{:.0}", result.p99.median()),
            hundreds(result.half_rate.median()),
            format!("{:.0}", bytes(result.memory) / f64::from(1 << 20)),
        ]
    }

    fn cpu(&self, arm: &str) -> Option<f64> {
        let result = self.results.iter().find(|result| result.arm.name == arm)?;
        Some(result.cpu.median())
    }

    fn method(&self) -> String {
        let Plan {
            rounds,
            full_load,
            half_load,
            ..
        } = self.plan;
        format!(
            "Each arm has an Envoy of its own with one worker on core {}; the load and the servers that Envoy asks are \
             on core {}. All answer by a `direct_response` route of `envoy.yaml`, without access log, to the same \
             request but for its token; but `login`, `phone` and `push` get another code or message with each request, made \
             before, and what they ask WeChat or hand to the app goes to stand-ins here, as the calls of `api` and \
             `api_plain` do, over TLS: their requests/s may be bounded by these. Medians of {rounds} rounds through all arms, there and back. CPU and requests/s: \
             `wrk`, 8 connections, {} s in each round, CPU from `/proc/PID/stat`. p50 and p99: as the client sees them \
             from the request written to the answer read, {} s in each round at half of the arm's own requests/s, by 16 \
             connections that each send evenly and wait for their answer. Memory: resident, after all rounds. Every arm \
             proved by Envoy's counters, or by refusing a request without a token, that its filter ran, and every answer \
             said what it must. While CPU was \
             measured, others used at most {:.0} % of one core.\n",
            self.cores.envoy,
            self.cores.load,
            full_load.as_secs(),
            half_load.as_secs(),
            self.others() * 100.0,
        )
    }
}

/// The first two lines of a table: names on the left, numbers on the right.
pub(super) fn head(text: &mut String, names: &[impl AsRef<str>]) {
    row(text, names.iter().map(|name| name.as_ref().to_owned()));
    let rule = |at| if at == 0 { "---" } else { "---:" }.to_owned();
    row(text, (0..names.len()).map(rule));
}

/// One line of a table.
pub(super) fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<_> = cells.into_iter().collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// With a comma after each three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

/// More digits would claim too much.
pub(super) fn hundreds(rate: f64) -> String {
    let hundreds = format!("{:.0}", rate / 100.0);
    match hundreds.split_at(hundreds.len().saturating_sub(1)) {
        ("", hundreds) => format!("{hundreds}00"),
        (thousands, hundreds) => format!("{thousands},{hundreds}00"),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody reads the bytes of a MiB"
)]
fn bytes(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::super::arms::ARMS;
    use super::super::measure::Sample;
    use super::*;

    /// CPU times of the arms in the table's order.
    fn results(cpu: &[f64]) -> Vec<Measured> {
        let measured = |(arm, cpu): (_, &f64)| Measured {
            arm,
            cpu: Sample::of(&[*cpu]),
            rate: Sample::of(&[65_432.1]),
            others: 0.0,
            half_rate: Sample::of(&[32_000.0]),
            p50: Sample::of(&[40.0]),
            p99: Sample::of(&[90.0]),
            memory: 50 << 20,
        };
        ARMS.iter().zip(cpu).map(measured).collect()
    }

    fn markdown(cpu: &[f64]) -> String {
        let cores = Cores {
            envoy: "1".into(),
            load: "0".into(),
        };
        let report = Report {
            cores: &cores,
            plan: &Plan::QUICK,
            results: &results(cpu),
        };
        report.markdown()
    }

    #[test]
    fn a_row_says_what_was_added_and_how_often_that_is_an_empty_filter() {
        let text = markdown(&[13.0, 15.0, 18.0]);
        let row = "| `hostcalls` | 18.0 | 18.0–18.0 | 5.0 | 2.5 | 65,400 | 40 | 90 | 32,000 | 50 |";
        assert!(text.lines().any(|line| line == row), "{text}");
    }

    #[test]
    fn no_filter_adds_nothing_and_an_empty_filter_within_the_noise_is_no_unit() {
        let text = markdown(&[13.0, 13.05, 18.0]);
        let has = |start: &str| text.lines().any(|line| line.starts_with(start));
        assert!(has("| `none` | 13.0 | 13.0–13.0 | – | – |"), "{text}");
        assert!(
            has("| `hostcalls` | 18.0 | 18.0–18.0 | 5.0 | – |"),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_grouped_by_threes() {
        let grouped = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn rates_have_three_digits_or_less_that_are_not_zero() {
        assert_eq!(hundreds(65_432.1), "65,400");
        assert_eq!(hundreds(432.1), "400");
        assert_eq!(hundreds(120_049.0), "120,000");
    }
}
