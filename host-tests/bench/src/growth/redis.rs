//! How the cost of a session check grows with the number of sessions in Redis, and what a session takes there.
//! The sessions beside the one that is asked for are copies of its entry under names of their own: as large, and of no
//! use to anybody.

use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{arm, checks, micros};
use crate::arms::WEBDIS;
use crate::modules::Modules;
use crate::running_arm::RunningArm;
use crate::surroundings::Surroundings;
use crate::table;
use project::debian;
use testkit::redis::{Server, Value};

const NUMBERS: [u64; 4] = [10, 1_000, 100_000, 1_000_000];

/// What a session may take in Redis, its name, its expiry and Redis' own tables included.
const MOST_BYTES: u64 = 512;

/// Fills a Redis of its own step by step, and measures at each.
pub(super) fn measure() -> Result<String> {
    println!("growth: Redis …");
    let mut stage = Surroundings::start(Modules::build()?)?;
    stage.start_redis()?;
    let redis = stage.redis().context("started above")?;
    let edge = RunningArm::free(arm(WEBDIS)?, &stage, 1)?;
    let session = session(redis)?;
    let mut text = String::new();
    let names = [
        "sessions in Redis",
        "session check p50 µs",
        "p99 µs",
        "bytes per session",
    ];
    table::head(&mut text, &names);
    // Once for nothing: what is allocated at first is allocated.
    checks(&edge)?;
    let empty = used(redis)?;
    let mut held = 0;
    for number in NUMBERS {
        fill(redis, &session, held, number)?;
        held = number;
        let (p50, p99) = checks(&edge)?;
        let bytes = used(redis)?.saturating_sub(empty) / number;
        let cells = [
            number.to_string(),
            micros(p50),
            micros(p99),
            bytes.to_string(),
        ];
        table::row(&mut text, cells);
        // Small numbers measure Redis' first tables.
        ensure!(
            number < 1_000 || bytes <= MOST_BYTES,
            "a session takes {bytes} bytes: more than {MOST_BYTES}"
        );
    }
    text.push_str(&format!(
        "\nOne session is checked through Envoy and Webdis each time; the others are copies of its entry. It is sealed in \
         {} characters of base64.\n",
        session.len()
    ));
    Ok(text)
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
    let mut cli = Command::new(debian::redis_cli()?)
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
