//! A session check with ever more routes and ever more mini programs in the configuration.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::client::{Connection, Request};
use testkit::envoy::Config;

use super::{checks, micros, times};
use crate::arms::{Arm, CACHED, Credential, LOOK_ALIKE};
use crate::running_arm::RunningArm;
use crate::surroundings::Surroundings;
use crate::{PATIENCE, table};

const CHECKS: usize = 4000;

/// Each with so many routes.
static ROUTES: [Arm; 4] = [
    of_routes::<1>(),
    of_routes::<10>(),
    of_routes::<100>(),
    of_routes::<1000>(),
];

/// Each with so many mini programs.
static APPS: [Arm; 3] = [of_apps::<1>(), of_apps::<10>(), of_apps::<100>()];

const fn of_routes<const COUNT: usize>() -> Arm {
    Arm {
        name: "routes",
        what: "wx-session, many routes",
        filters: with_routes::<COUNT>,
        ..CACHED
    }
}

const fn of_apps<const COUNT: usize>() -> Arm {
    Arm {
        name: "apps",
        what: "wx-session, many mini programs",
        filters: with_apps::<COUNT>,
        path: "/public/news",
        credential: Credential::LookAlike,
        ..CACHED
    }
}

/// None of them is for what is asked: all are looked at. Half of them hold for other spellings of their paths too.
fn with_routes<const COUNT: usize>(config: Config, _: &Surroundings) -> Config {
    let rule = |number: usize| {
        if number.is_multiple_of(2) {
            json!({ "prefix": format!("/area{number}"), "session": "public" })
        } else {
            json!({ "prefix": format!("/area{number}"), "session": "required", "outage": "stale" })
        }
    };
    let rules: Vec<Value> = (0..COUNT).map(rule).collect();
    config.patch_plugin(&json!({ "routes": rules, "session": { "cache_ttl_s": 60 } }))
}

/// The session is of the last one.
fn with_apps<const COUNT: usize>(config: Config, _: &Surroundings) -> Config {
    let own = config.plugin()["apps"][0].clone();
    let app = |number: usize| json!({ "appid": appid(number), "secret": { "env": "WX_SECRET" } });
    let apps: Vec<Value> = (1..COUNT).map(app).chain([own]).collect();
    config.patch_plugin(&json!({ "apps": apps, "session": { "cache_ttl_s": 60 } }))
}

fn appid(number: usize) -> String {
    format!("wx{number:016x}")
}

pub(super) fn measure(stage: &Surroundings) -> Result<String> {
    println!("growth: routes and mini programs …");
    let mut text = String::new();
    table::head(&mut text, &["routes", "session check p50 µs", "p99 µs"]);
    for (arm, count) in ROUTES.iter().zip([1, 10, 100, 1000]) {
        let edge = RunningArm::free(arm, stage, 1)?;
        let (p50, p99) = checks(&edge)?;
        table::row(&mut text, [table::grouped(count), micros(p50), micros(p99)]);
    }
    text.push_str(
        "\nChecks of a path that none of the rules is for, so that each of them is looked at; the session is in the worker's cache.\n\n",
    );
    let names = [
        "mini programs",
        "session check p50 µs",
        "p99 µs",
        "login p50 µs",
        "p99 µs",
    ];
    table::head(&mut text, &names);
    for (arm, count) in APPS.iter().zip([1, 10, 100]) {
        let cells = of_last_app(arm, stage)?.map(micros);
        table::row(&mut text, [table::grouped(count)].into_iter().chain(cells));
    }
    text.push_str(
        "\nLogins and checks of users of the mini program that stands last in the configuration.\n",
    );
    Ok(text)
}

/// Checks and logins: each the median and the 99th percentile.
fn of_last_app(arm: &'static Arm, stage: &Surroundings) -> Result<[std::time::Duration; 4]> {
    const LOGINS: usize = 500;
    let edge = RunningArm::free(arm, stage, 1)?;
    let mut connection = Connection::open(edge.envoy.addr(), PATIENCE)?;
    let login = |user: usize| {
        let phone = stage.wechat.phone(&format!("bench{user}"));
        Request::post("/wx/login").json(&json!({ "code": phone.login(), "appid": phone.appid() }))
    };
    let answer = connection.send(&login(0))?.json()?;
    let token = answer["data"]["token"]
        .as_str()
        .context("no login")?
        .to_owned();
    let check = |_| Request::get("/orders").header("x-wx-skey", &token);
    let before = edge.seen()?;
    let (p50, p99) = times(&mut connection, (0..CHECKS).map(check))?;
    edge.prove(before, CHECKS as u64)?;
    let (login_p50, login_p99) = times(&mut connection, (1..=LOGINS).map(login))?;
    let refused = Request::get("/orders").header("x-wx-skey", LOOK_ALIKE);
    let status = connection.send(&refused)?.status;
    anyhow::ensure!(
        status == 401,
        "the filter does not stand before the route: {status}"
    );
    Ok([p50, p99, login_p50, login_p99])
}
