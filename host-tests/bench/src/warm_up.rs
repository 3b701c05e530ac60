//! What the first request after a start takes, and what the hundredth: a fresh Envoy for each measurement.
//! Never counts Envoy's own start: it is ready, and the client's connection is open, before the first request.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::arms::{ARMS, BASELINE, LOOK_ALIKE};
use super::cores::Cores;
use super::measure::Sample;
use super::running_arm::HEADERS;
use super::surroundings::{ENVIRONMENT, Surroundings};
use super::{PATIENCE, table};
use testkit::client::{Connection, Request};
use testkit::envoy::Envoy;

/// By how much the first may be slower.
const MOST: Duration = Duration::from_millis(2);

/// Milliseconds.
struct Row {
    what: &'static str,
    first: Sample,
    hundredth: Sample,
}

/// Measures in so many fresh Envoys of each kind: the table and its explanation.
pub(super) fn measure(stage: &Surroundings, cores: &Cores, rounds: usize) -> Result<String> {
    let mut rows = [
        "no filter",
        "wx-session, a token that nobody issued",
        "wx-session, login",
        "wx-session, session check after that login",
    ]
    .map(|what| Row {
        what,
        first: Sample::default(),
        hundredth: Sample::default(),
    });
    for round in 0..rounds {
        println!("warm-up, round {} of {rounds} …", round + 1);
        let [none, unknown, login, check] = &mut rows;
        none.add(&checks(&start(stage, cores, BASELINE)?, LOOK_ALIKE, 200)?);
        unknown.add(&checks(&start(stage, cores, "cached")?, LOOK_ALIKE, 401)?);
        let envoy = start(stage, cores, "cached")?;
        let (first, token) = logins(&envoy, stage, 1)?;
        check.add(&checks(&envoy, &token, 200)?);
        let (others, _) = logins(&envoy, stage, 99)?;
        login.add(&[first, others].concat());
    }
    Ok(markdown(&rows, rounds))
}

impl Row {
    fn add(&mut self, took: &[Duration]) {
        let milliseconds = |took: Duration| took.as_secs_f64() * 1e3;
        self.first.push(milliseconds(took[0]));
        self.hundredth.push(milliseconds(took[99]));
    }
}

fn start(stage: &Surroundings, cores: &Cores, arm: &str) -> Result<Envoy> {
    let arm = ARMS.iter().find(|one| one.name == arm);
    let config = (arm.context("an arm of that name")?.filters)(stage.config()?, stage);
    let envoy = Envoy::start(&config, &ENVIRONMENT)?;
    cores.keep_for_envoy(envoy.pid())?;
    Ok(envoy)
}

/// A hundred requests to the app, one after the other on one connection.
fn checks(envoy: &Envoy, token: &str, status: u16) -> Result<Vec<Duration>> {
    let start = Request::get("/orders").header("x-wx-skey", token);
    let request = HEADERS
        .iter()
        .fold(start, |request, (name, value)| request.header(name, value));
    let mut connection = Connection::open(envoy.addr(), PATIENCE)?;
    let one = |_| {
        let sent = Instant::now();
        let answer = connection.send(&request)?;
        let took = sent.elapsed();
        ensure!(
            answer.status == status,
            "answered {} instead of {status}",
            answer.status
        );
        Ok(took)
    };
    (0..100).map(one).collect()
}

/// Logins of users of their own; with the last one's token.
fn logins(envoy: &Envoy, stage: &Surroundings, count: usize) -> Result<(Vec<Duration>, String)> {
    let mut connection = Connection::open(envoy.addr(), PATIENCE)?;
    let mut token = String::new();
    let mut all = Vec::new();
    for number in 0..count {
        let code = stage.wechat.phone(&format!("user{number}")).login();
        let request = Request::post("/wx/login").json(&json!({ "code": code }));
        let sent = Instant::now();
        let answer = connection.send(&request)?;
        all.push(sent.elapsed());
        let answer = answer.json()?;
        let given = answer["data"]["token"].as_str();
        given.context("no login")?.clone_into(&mut token);
    }
    Ok((all, token))
}

fn markdown(rows: &[Row], rounds: usize) -> String {
    let mut text = String::new();
    let names = [
        "ms",
        "first request",
        "hundredth",
        "difference",
        "of the first, range",
    ];
    table::head(&mut text, &names);
    for row in rows {
        let (first, hundredth) = (row.first.median(), row.hundredth.median());
        let (least, greatest) = row.first.range();
        let cells = [
            row.what.to_owned(),
            format!("{first:.2}"),
            format!("{hundredth:.2}"),
            format!("{:.2}", first - hundredth),
            format!("{least:.2}–{greatest:.2}"),
        ];
        table::row(&mut text, cells);
    }
    let slower = |row: &&Row| row.first.median() - row.hundredth.median();
    let worst = rows.iter().map(|row| slower(&row)).fold(0.0, f64::max);
    let most = MOST.as_secs_f64() * 1e3;
    let verdict = if worst <= most { "kept" } else { "missed" };
    text + &format!(
        "\nMedians of {rounds} rounds, each with a fresh Envoy for every table row but the last. Envoy is ready and the \
         connection is open before the first request. The first login also opens the connection to the stand-in for \
         WeChat, with TLS. The goal, at most {most} ms between the first and the hundredth, is {verdict}.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(first: f64) -> String {
        let row = Row {
            what: "a request",
            first: Sample::of(&[first]),
            hundredth: Sample::of(&[0.5]),
        };
        markdown(&[row], 1)
    }

    #[test]
    fn the_difference_and_whether_it_is_too_much_are_said() {
        assert!(text(2.4).contains("| a request | 2.40 | 0.50 | 1.90 | 2.40–2.40 |"));
        assert!(text(2.4).contains("is kept."));
        assert!(text(2.6).contains("is missed."));
    }
}
