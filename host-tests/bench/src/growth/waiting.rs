//! A session check while ever more requests wait for their clients on the same worker.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::envoy::Config;
use testkit::http2::{Http2, pseudo};

use super::{checks, micros};
use crate::arms::{Arm, CACHED};
use crate::running_arm::RunningArm;
use crate::surroundings::Surroundings;
use crate::{PATIENCE, table};

const NUMBERS: [u64; 5] = [1, 10, 100, 1_000, 10_000];

/// As many as Envoy takes on one connection.
const STREAMS: u64 = 32;

/// By Envoy's own count.
const ACTIVE: &str = "http.edge.downstream_rq_active";

static ARM: Arm = Arm {
    name: "waiting",
    what: "wx-session, with room for many who wait",
    filters: with_room,
    ..CACHED
};

/// Nobody gives way, and nobody is overdue.
fn with_room(config: Config, _: &Surroundings) -> Config {
    config.patch_plugin(&json!({
        "session": { "cache_ttl_s": 60 },
        "limits": { "waiting_requests": 65536, "waiting_bytes": 1 << 28, "body_timeout_ms": 60_000 },
    }))
}

pub(super) fn measure(stage: &Surroundings) -> Result<String> {
    println!("growth: requests that wait …");
    let edge = RunningArm::free(&ARM, stage, 1)?;
    let mut text = String::new();
    let names = [
        "requests that wait",
        "session check p50 µs",
        "p99 µs",
        "Envoy's memory, MiB",
    ];
    table::head(&mut text, &names);
    let mut waiting = Vec::new();
    let mut held = 0;
    for number in NUMBERS {
        while held < number {
            let mut connection = Http2::open(edge.envoy.addr());
            let more = STREAMS.min(number - held);
            for _ in 0..more {
                let mut head = pseudo("POST", b"/wx/login");
                head.push((b"content-type", b"application/json"));
                // Its body never comes.
                connection.request(&head, false);
            }
            held += more;
            waiting.push(connection);
        }
        all_wait(&edge, number)?;
        let (p50, p99) = checks(&edge)?;
        all_wait(&edge, number)?;
        let memory = edge.envoy.memory()? >> 20;
        let cells = [
            table::grouped(number),
            micros(p50),
            micros(p99),
            memory.to_string(),
        ];
        table::row(&mut text, cells);
    }
    text.push_str(
        "\nLogins whose bodies never come, over HTTP/2, as many on one worker; each check is from the worker's cache.\n",
    );
    Ok(text)
}

fn all_wait(edge: &RunningArm, number: u64) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let active = edge.envoy.stats()?.get(ACTIVE).copied().unwrap_or(0);
        if active >= number {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "{active} requests wait, and not {number}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
