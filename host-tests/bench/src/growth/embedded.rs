//! The embedded store in a real Envoy, as full as logins make it in a minute.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::{arm, micros, times};
use crate::running_arm::RunningArm;
use crate::surroundings::Surroundings;
use crate::{PATIENCE, table};
use testkit::client::{Connection, Request};

/// Where there is a look at it on the way.
const NUMBERS: [usize; 4] = [10, 1_000, 10_000, 100_000];
const TIME: Duration = Duration::from_mins(1);
const CLIENTS: usize = 8;
const CHECKS: usize = 4000;

pub(super) fn measure(stage: &Surroundings) -> Result<String> {
    println!("growth: logins for a minute …");
    let edge = RunningArm::free(arm("embedded")?, stage, 1)?;
    let mut text = String::new();
    let names = [
        "sessions in Envoy",
        "session check p50 µs",
        "p99 µs",
        "Envoy's memory, MiB",
    ];
    table::head(&mut text, &names);
    let end = Instant::now() + TIME;
    let mut tokens = Vec::new();
    for number in NUMBERS {
        log_in(&edge, stage, &mut tokens, number, end)?;
        let (p50, p99) = check(&edge, &tokens)?;
        let memory = edge.envoy.memory()? >> 20;
        let cells = [
            table::grouped(tokens.len() as u64),
            micros(p50),
            micros(p99),
            memory.to_string(),
        ];
        table::row(&mut text, cells);
        if tokens.len() < number {
            break;
        }
    }
    text.push_str(
        "\nSessions of users of their own, logged in through Envoy, at most for a minute; each check is for another of \
         them and reads Envoy's shared data.\n",
    );
    Ok(text)
}

/// Until there are `number` tokens, or the time is over.
fn log_in(
    edge: &RunningArm,
    stage: &Surroundings,
    tokens: &mut Vec<String>,
    number: usize,
    end: Instant,
) -> Result<()> {
    let next = AtomicUsize::new(tokens.len());
    let client = || -> Result<Vec<String>> {
        let mut connection = Connection::open(edge.envoy.addr(), PATIENCE)?;
        let mut own = Vec::new();
        while Instant::now() < end {
            let user = next.fetch_add(1, Relaxed);
            if user >= number {
                break;
            }
            let code = stage.wechat.phone(&format!("grown{user}")).login();
            let login = Request::post("/wx/login").json(&json!({ "code": code }));
            let answer = connection.send(&login)?;
            let token = answer.json()?["data"]["token"].as_str().map(str::to_owned);
            own.push(token.with_context(|| format!("no login: {}", answer.text()))?);
        }
        Ok(own)
    };
    let all = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let joined = clients.into_iter().map(|client| client.join());
        joined
            .map(|tokens| tokens.expect("a thread that returns its errors"))
            .collect::<Result<Vec<_>>>()
    })?;
    tokens.extend(all.concat());
    Ok(())
}

fn check(edge: &RunningArm, tokens: &[String]) -> Result<(Duration, Duration)> {
    let mut connection = Connection::open(edge.envoy.addr(), PATIENCE)?;
    let before = edge.seen()?;
    let requests = (0..CHECKS).map(|at| {
        let token = &tokens[at * 7919 % tokens.len()];
        Request::get(edge.arm.path).header("x-wx-skey", token)
    });
    let took = times(&mut connection, requests)?;
    edge.prove(before, CHECKS as u64)?;
    Ok(took)
}
