//! The core's own work, timed where it runs: natively, and as WebAssembly in whatever has WASI. Reads lines
//! `operation times` and answers each with the nanoseconds that all of them took together.
//! Never counts an operation whose result is not the known one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a program for measuring: what is not as expected ends it"
)]

mod aead;
mod work;

use std::io::{BufRead, Write};
use std::time::Instant;

fn main() {
    let mut output = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (operation, times) = line.split_once(' ').expect("operation and times");
        let mut run = work::operation(operation)
            .or_else(|| aead::operation(operation))
            .expect("a known operation");
        let times: u64 = times.parse().expect("a number of times");
        let started = Instant::now();
        for _ in 0..times {
            assert!(run(), "{operation} has a wrong result");
        }
        let took = started.elapsed();
        writeln!(output, "{}", took.as_nanos()).unwrap();
        output.flush().unwrap();
    }
}
