//! The second part's two tables, and what they say about the cipher.

use std::fmt::Write as _;

use super::engine::{NODE, PYTHON, V8, WASMTIME};
use super::{CIPHERS, Measured, OPERATIONS, Plan, Row};
use crate::table::{head, row};

/// The tables and their explanations.
pub(crate) fn markdown(measured: &Measured, plan: &Plan) -> String {
    let is_cipher = |row: &&Row| CIPHERS.contains(&row.name);
    let engines = &measured.engines;
    let mut text = String::new();

    let ratios = [(NODE, V8), (PYTHON, V8)];
    let ratios: Vec<_> = ratios
        .into_iter()
        .filter(|(a, b)| engines.contains(a) && engines.contains(b))
        .collect();
    let names = ratios.iter().map(|(a, b)| format!("{a} ÷ {b}"));
    head_row(&mut text, "µs", engines, names);
    for operation in measured.rows.iter().filter(|row| !is_cipher(row)) {
        let ratio = |(a, b): &(&str, &str)| {
            let ratio = operation.median(engines, a)? / operation.median(engines, b)?;
            Some(format!("{ratio:.1}"))
        };
        let ratios = ratios.iter().map(|pair| ratio(pair).unwrap_or_default());
        table_row(&mut text, operation, ratios);
    }
    text.push('\n');
    for (name, what) in OPERATIONS {
        let _ = writeln!(text, "* `{name}`: {what}");
    }
    let Plan { rounds, time } = plan;
    let _ = writeln!(
        text,
        "\nMicroseconds for one, medians of {rounds} rounds through all engines, there and back, each of at least {} ms; \
         every single result was checked. {V8} (in Node, `--no-liftoff`) and {WASMTIME} run one and the same module: the \
         core built with the release profile of what is shipped. The apps do the same as one would write it there: Node's \
         own `crypto` (OpenSSL) and `JSON`, Python's standard library and pycryptodome.",
        time.as_millis()
    );
    for reason in &measured.left_out {
        let _ = writeln!(text, "Left out: {reason}.");
    }

    text.push('\n');
    let engines: Vec<_> = engines
        .iter()
        .filter(|name| ![NODE, PYTHON].contains(name))
        .copied()
        .collect();
    head_row(&mut text, "cipher, µs", &engines, [].into_iter());
    for cipher in measured.rows.iter().filter(is_cipher) {
        let took = cipher
            .took
            .iter()
            .flatten()
            .map(|sample| format!("{:.2}", sample.median()));
        row(
            &mut text,
            [format!("`{}`", cipher.name)].into_iter().chain(took),
        );
    }
    let _ = write!(
        text,
        "\nKey setup, sealing and opening of a session's record, for each record a key of its own. {}\n",
        choice(measured)
    );
    text
}

/// Whether the numbers bear out what the plugin has.
fn choice(measured: &Measured) -> String {
    let [ours, others @ ..] = CIPHERS;
    let took = |name: &str, engine: &str| {
        let row = measured.rows.iter().find(|row| row.name == name)?;
        row.median(&measured.engines, engine)
    };
    let sentence = |engine: &&str| {
        let own = took(ours, engine)?;
        let times = |name: &str| Some((took(name, engine)? / own, name.to_owned()));
        let nearest = others.iter().filter_map(|name| times(name));
        let (times, name) = nearest.min_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(format!(
            "in {engine} the next one, {name}, takes {times:.1} times as long"
        ))
    };
    let engines = [V8, WASMTIME];
    let sentences: Vec<_> = engines.iter().filter_map(sentence).collect();
    let slower = |engine| {
        took(ours, engine)
            > others
                .iter()
                .filter_map(|name| took(name, engine))
                .reduce(f64::min)
    };
    let verdict = if engines.into_iter().any(slower) {
        "which is not the fastest everywhere here"
    } else {
        "chosen by measurement"
    };
    format!(
        "The plugin has {ours}, {verdict}: {}.",
        sentences.join(", ")
    )
}

fn head_row(text: &mut String, first: &str, engines: &[&str], more: impl Iterator<Item = String>) {
    let names = engines.iter().map(|name| (*name).to_owned());
    let names: Vec<_> = [first.to_owned()]
        .into_iter()
        .chain(names)
        .chain(more)
        .collect();
    head(text, &names);
}

fn table_row(text: &mut String, operation: &Row, more: impl Iterator<Item = String>) {
    let took = operation.took.iter().map(|sample| match sample {
        Some(sample) => format!("{:.2}", sample.median()),
        None => "–".to_owned(),
    });
    row(
        text,
        [format!("`{}`", operation.name)]
            .into_iter()
            .chain(took)
            .chain(more),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Sample;

    fn measured() -> Measured {
        let sample = |value: f64| Some(Sample::of(&[value]));
        Measured {
            engines: vec![V8, WASMTIME, NODE],
            left_out: vec!["Python app: none".to_owned()],
            rows: vec![
                Row {
                    name: "decrypt",
                    took: vec![sample(2.0), sample(3.0), sample(4.0)],
                },
                Row {
                    name: CIPHERS[0],
                    took: vec![sample(1.0), sample(1.0), None],
                },
                Row {
                    name: CIPHERS[1],
                    took: vec![sample(4.0), sample(0.5), None],
                },
            ],
        }
    }

    #[test]
    fn an_operation_has_its_times_and_what_an_app_takes_in_comparison() {
        let text = markdown(&measured(), &Plan::QUICK);
        let has = |row: &str| text.lines().any(|line| line == row);
        assert!(
            has("| µs | V8 | wasmtime | Node app | Node app ÷ V8 |"),
            "{text}"
        );
        assert!(has("| `decrypt` | 2.00 | 3.00 | 4.00 | 2.0 |"), "{text}");
        assert!(text.contains("Left out: Python app: none."), "{text}");
    }

    #[test]
    fn a_cipher_that_is_faster_than_ours_is_not_passed_over() {
        let text = markdown(&measured(), &Plan::QUICK);
        assert!(text.contains("| `AES-128-GCM` | 4.00 | 0.50 |"), "{text}");
        assert!(
            text.contains("in V8 the next one, AES-128-GCM, takes 4.0 times as long"),
            "{text}"
        );
        assert!(text.contains("not the fastest everywhere"), "{text}");
        assert!(
            text.contains("in wasmtime the next one, AES-128-GCM, takes 0.5 times"),
            "{text}"
        );
    }
}
