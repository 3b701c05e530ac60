//! The benchmark's second part: the core's own work, without a proxy. The built core as WebAssembly in the two engines
//! that it is shipped for, against itself natively and against apps that do the same in Node and in Python.
//! Never compares numbers of different rounds: every engine runs in each of them.

mod engine;
mod table;

use std::time::Duration;

use anyhow::{Context, Result};

use super::measure::Sample;
use engine::Engine;
pub(super) use table::markdown;

/// What is done, for the reader of the table. The names are the engines' own.
pub(super) const OPERATIONS: [(&str, &str); 4] = [
    (
        "decrypt",
        "the official `encryptedData`: base64, AES-128-CBC, padding, JSON, watermark, age, owner",
    ),
    (
        "signature",
        "the official `rawData` and `signature`: SHA-1, compared in constant time",
    ),
    ("code2session", "code2Session's answer: read and checked"),
    (
        "seal",
        "a session's record: written, sealed, opened, read; its key is derived each time (HKDF-SHA256)",
    ),
];

/// Ciphers to seal a session's record with. The first is the one that the plugin has.
pub(super) const CIPHERS: [&str; 5] = [
    "ChaCha20-Poly1305",
    "AES-128-GCM",
    "AES-256-GCM",
    "AES-128-GCM-SIV",
    "AES-256-GCM-SIV",
];

/// How much is measured.
pub(super) struct Plan {
    rounds: usize,
    /// Of one operation in one engine.
    time: Duration,
}

impl Plan {
    pub(super) const FULL: Self = Self {
        rounds: 7,
        time: Duration::from_millis(80),
    };
    pub(super) const QUICK: Self = Self {
        rounds: 3,
        time: Duration::from_millis(20),
    };
}

/// What was measured.
pub(super) struct Measured {
    pub(super) engines: Vec<&'static str>,
    /// What is not among them, and why.
    pub(super) left_out: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// One operation, or one cipher.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Microseconds for one, in the order of the engines. `None` where the engine does not have it.
    pub(super) took: Vec<Option<Sample>>,
}

impl Row {
    /// Microseconds in an engine.
    pub(super) fn median(&self, engines: &[&str], engine: &str) -> Option<f64> {
        let at = engines.iter().position(|name| *name == engine)?;
        Some(self.took.get(at)?.as_ref()?.median())
    }
}

/// Builds, starts and measures all engines.
pub(super) fn measure(plan: &Plan) -> Result<Measured> {
    let (mut engines, left_out) = engine::all()?;
    for reason in &left_out {
        println!("left out: {reason}");
    }
    let names = OPERATIONS.iter().map(|(name, _)| *name).chain(CIPHERS);
    let mut rows: Vec<Row> = names
        .map(|name| Row {
            name,
            took: engines
                .iter()
                .map(|engine| engine.knows(name).then(Sample::default))
                .collect(),
        })
        .collect();
    println!("the core's own work, warming up …");
    let mut times = Vec::new();
    for row in &rows {
        let of = |engine: &mut Engine| engine.calibrate(row.name, plan.time);
        times.push(engines.iter_mut().map(of).collect::<Result<Vec<_>>>()?);
    }
    for round in 0..plan.rounds {
        println!(
            "the core's own work, round {} of {} …",
            round + 1,
            plan.rounds
        );
        for (row, times) in rows.iter_mut().zip(&times) {
            let mut order: Vec<_> = engines.iter_mut().zip(&mut row.took).zip(times).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for ((engine, took), times) in order {
                if let Some(sample) = took {
                    sample.push(engine.run(row.name, *times).context(engine.name)?);
                }
            }
        }
    }
    Ok(Measured {
        engines: engines.iter().map(|engine| engine.name).collect(),
        left_out,
        rows,
    })
}
