//! How the cost of a session check grows with the number of sessions in Redis, and what a session takes there.
//! The sessions beside the one that is asked for are copies of its entry under names of their own: as large, and of no
//! use to anybody.

use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::PATIENCE;
use super::arms::{ARMS, WEBDIS};
use super::cores::Cores;
use super::edge::Edge;
use super::machine::Machine;
use super::modules::Modules;
use super::stage::Stage;
use crate::client::Connection;
use crate::redis::{Server, Value, install};

const NUMBERS: [u64; 4] = [10, 1_000, 100_000, 1_000_000];

/// Session checks for each number, one after the other.
const CHECKS: usize = 4000;

/// What a session may take in Redis, its name, its expiry and Redis' own tables included.
const MOST_BYTES: u64 = 512;

/// Fills Redis step by step, and measures and prints at each.
///
/// # Errors
/// When something is missing or does not start, when a check is not answered with 200, or when a session takes more
/// memory than it may.
pub fn run() -> Result<()> {
    let machine = Machine::look()?;
    let cores = Cores::choose()?;
    println!("building the modules …");
    let mut stage = Stage::start(Modules::build()?)?;
    stage.start_redis()?;
    let redis = stage.redis().context("started above")?;
    let arm = ARMS
        .iter()
        .find(|arm| arm.name == WEBDIS)
        .context("an arm of that name")?;
    let edge = Edge::start(arm, &stage, &cores)?;
    let session = session(redis)?;
    println!(
        "a session is sealed in {} characters of base64\n",
        session.len()
    );
    println!(
        "{}, {} cores, Envoy {}\n",
        machine.processor, machine.cores, machine.envoy
    );
    println!("| sessions in Redis | session check p50 µs | p99 µs | bytes per session |");
    println!("|--:|--:|--:|--:|");
    // Once for nothing: what is allocated at first is allocated.
    measure(&edge)?;
    let empty = used(redis)?;
    let mut held = 0;
    for number in NUMBERS {
        fill(redis, &session, held, number)?;
        held = number;
        let (p50, p99) = measure(&edge)?;
        let bytes = used(redis)?.saturating_sub(empty) / number;
        println!(
            "| {number} | {:.0} | {:.0} | {bytes} |",
            p50.as_secs_f64() * 1e6,
            p99.as_secs_f64() * 1e6
        );
        // Small numbers measure Redis' first tables.
        ensure!(
            number < 1_000 || bytes <= MOST_BYTES,
            "a session takes {bytes} bytes: more than {MOST_BYTES}"
        );
    }
    Ok(())
}

/// The sealed record of the one session that is logged in.
fn session(redis: &Server) -> Result<Vec<u8>> {
    let Value::Array(names) = redis.command(&["KEYS", "wx:s:*"])? else {
        anyhow::bail!("KEYS gives no list");
    };
    let [Value::BulkString(name)] = names.as_slice() else {
        anyhow::bail!("{} sessions instead of one", names.len());
    };
    match redis.command(&[b"GET".as_slice(), name])? {
        Value::BulkString(record) => Ok(record),
        other => anyhow::bail!("a session is {other:?}"),
    }
}

/// Writes copies of `session` with the numbers `from..to`, in Redis' own protocol through `redis-cli --pipe`.
fn fill(redis: &Server, session: &[u8], from: u64, to: u64) -> Result<()> {
    let mut cli = Command::new(install::cli()?)
        .args(["-p", &redis.addr().port().to_string(), "--pipe"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut pipe = BufWriter::new(cli.stdin.take().context("a pipe")?);
    for number in from..to {
        let name = format!("wx:s:{number:064x}");
        write!(pipe, "*5\r\n$3\r\nSET\r\n${}\r\n{name}\r\n", name.len())?;
        write!(pipe, "${}\r\n", session.len())?;
        pipe.write_all(session)?;
        write!(pipe, "\r\n$2\r\nPX\r\n$8\r\n36000000\r\n")?;
    }
    pipe.flush()?;
    drop(pipe);
    let output = cli.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.contains("errors: 0"), "redis-cli --pipe: {said}");
    Ok(())
}

/// `used_memory`, in bytes.
fn used(redis: &Server) -> Result<u64> {
    let text = match redis.command(&["INFO", "memory"])? {
        Value::BulkString(bytes) => String::from_utf8(bytes)?,
        Value::VerbatimString { text, .. } => text,
        other => anyhow::bail!("INFO gives {other:?}"),
    };
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.context("no used_memory")?.trim().parse()?)
}

fn measure(edge: &Edge) -> Result<(Duration, Duration)> {
    let mut connection = Connection::open(edge.envoy.addr(), PATIENCE)?;
    let request = edge.request();
    let before = edge.seen()?;
    let mut took = Vec::with_capacity(CHECKS);
    for _ in 0..CHECKS {
        let sent = Instant::now();
        let answer = connection.send(&request)?;
        took.push(sent.elapsed());
        ensure!(
            answer.status == 200,
            "a check is answered with {}",
            answer.status
        );
    }
    edge.prove(before, CHECKS as u64)?;
    took.sort_unstable();
    Ok((took[CHECKS / 2], took[CHECKS * 99 / 100]))
}
