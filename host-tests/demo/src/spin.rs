//! The journey through the service component for Spin, in Spin if there is one, else in this project's own host.
//! Never says that it was Spin when it was not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::envoy_demo::SECRET;
use super::journey::{self, Check, Edge, Scene};
use super::page::{self, Ink};
use super::{Options, concluded, phone_server, refuse_taken, report, show};
use project::shown;
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, WechatServer};
use testkit::spin::{Outside, Runner, SpinEdge, configuration};

/// Everything that runs. Dropped from top to bottom: the edge first, so that it misses nobody.
struct SpinDemo {
    edge: SpinEdge,
    wechat: FakeWechat,
    app: FakeApp,
    wechat_server: WechatServer,
}

impl SpinDemo {
    fn edge(&self) -> Edge {
        Edge {
            name: "",
            base: self.edge.addr(),
        }
    }
}

pub(super) fn play(options: &Options, started: Instant, stop: &Receiver<()>) -> Result<()> {
    let ink = Ink::for_stdout();
    let heading = "A mini program's journey through wx-session as a service on Spin";
    println!("{}", ink.bold(heading));
    refuse_taken("--port", options.port)?;
    let stage = set_up(options, stop, ink)?;
    let mut pages = page::Scenes::new(ink);
    let tell = |scene: &Scene| println!("{}", pages.text(scene));
    let scenes = journey::play(stage.edge(), &stage.wechat, &stage.app, tell);
    let last = afterwards(&stage, &scenes, ink).unwrap_or_else(|error| {
        let problem = Some(format!("{error:#}"));
        let what = "the report".to_owned();
        vec![Check { what, problem }]
    });
    let verdict = concluded(options, started, &scenes, &last, ink);
    if !options.once {
        let phone = phone_server::serve(stage.wechat.clone());
        println!("\n{}", try_it(stage.edge.addr(), phone.addr(), ink));
        stop.recv()?;
        drop(stage);
        println!("\nEverything has stopped.");
    }
    verdict.map(drop)
}

/// Finds what runs components, builds ours, starts everything, and says what was done.
fn set_up(options: &Options, stop: &Receiver<()>, ink: Ink) -> Result<SpinDemo> {
    println!("{}", ink.dim("looking for Spin, building the component …"));
    let runner = Runner::find()?;
    ensure!(stop.try_recv().is_err(), "interrupted");
    let component = SpinEdge::build()?;
    ensure!(stop.try_recv().is_err(), "interrupted");
    let configuration = configuration()?;
    let appid = configuration.pointer("/apps/0/appid");
    let appid = appid.and_then(Value::as_str);
    let wechat = FakeWechat::new(appid.context("wx-session.json names no app")?, SECRET);
    wechat.bind(true);
    let wechat_server = wechat.serve_plain();
    let app = FakeApp::start();
    let outside = Outside {
        wechat: wechat_server.addr(),
        app: app.addr(),
        secret: SECRET,
    };
    let stage = SpinDemo {
        edge: SpinEdge::start(&runner, options.port, outside)?,
        wechat,
        app,
        wechat_server,
    };
    let size = std::fs::metadata(&component)?.len() / 1024;
    let component = format!("{}, {size} KiB", shown(&component));
    let mut rows = match runner {
        Runner::Spin { path, version } => {
            vec![["Spin", &format!("{}, {version}", shown(&path))].map(str::to_owned)]
        }
        Runner::TestHost { path, reason } => vec![
            ["NOT Spin", &format!("{reason}. In its place:")].map(str::to_owned),
            ["host", &format!("{}, built on Wasmtime", shown(&path))].map(str::to_owned),
        ],
    };
    rows.push(["component".to_owned(), component]);
    println!();
    show_table(&rows, 4);
    println!("    manifest: spin.toml, configuration: wx-session.json, changed only in");
    let (wechat, app) = (stage.wechat_server.addr(), stage.app.addr());
    let changes = [
        ["listener".to_owned(), stage.edge.addr().to_string()],
        [
            "wechat.url".to_owned(),
            format!("http://{wechat}, a stand-in, without TLS"),
        ],
        [
            "upstream.url".to_owned(),
            format!("http://{app}, answers with what it received"),
        ],
        ["allowed_outbound_hosts".to_owned(), "these two".to_owned()],
    ];
    show_table(&changes, 6);
    println!();
    Ok(stage)
}

/// What the component's log knows of the journey, and how fast it was.
fn afterwards(stage: &SpinDemo, scenes: &[Scene], ink: Ink) -> Result<Vec<Check>> {
    let heading = |text| println!("{}", ink.bold(text));
    let log = stage.edge.log();
    heading("What the component's log counts: `metrics` of its lines `decided`, added up");
    show(&counted(&log));
    heading("Also checked");
    let checks = vec![Check {
        what: "no secret, session_key, code or token in the component's log".to_owned(),
        problem: report::leaked(&log, &stage.wechat, scenes),
    }];
    show(&page::checks(&checks, ink));
    heading("How long it takes here: medians, as the client sees them");
    show(&report::times(stage.edge(), &stage.wechat, &stage.app)?);
    Ok(checks)
}

/// A line for each group of counters. Times are not added up.
fn counted(log: &str) -> Vec<String> {
    let mut groups: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let lines = log.lines().filter_map(|line| line.get(line.find('{')?..));
    for line in lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        for (name, value) in line["metrics"].as_object().into_iter().flatten() {
            let own = name.strip_prefix("wx_session.").unwrap_or(name);
            if let Some((group, result)) = own.split_once('.') {
                let results = groups.entry(group.to_owned()).or_default();
                *results.entry(result.to_owned()).or_default() += value.as_u64().unwrap_or(0);
            }
        }
    }
    let rows: Vec<_> = groups
        .into_iter()
        .map(|(group, results)| {
            let cells = results
                .iter()
                .map(|(name, count)| format!("{name} {count}"));
            vec![group, cells.collect::<Vec<_>>().join(" · ")]
        })
        .collect();
    page::table(&rows, 4)
}

fn show_table(rows: &[[String; 2]], indent: usize) {
    let rows: Vec<_> = rows.iter().map(|row| row.to_vec()).collect();
    println!("{}", page::table(&rows, indent).join("\n"));
}

/// What to type in another terminal while the demo stays up, with curl and a POSIX shell.
fn try_it(edge: SocketAddr, phone: SocketAddr, ink: Ink) -> String {
    let note = |text: &str| ink.dim(&format!("# {text}"));
    let heading = ink.bold("It stays up. In another terminal:");
    let login = note("wx.login on the phone, then log in: a code is good for one login");
    let call = note("the app answers with what it received; try to be somebody else");
    let refused = note("without a token: nothing but public routes");
    let data = note("data as the phone gets it from WeChat");
    let stop = ink.bold("Ctrl-C here stops everything.");
    format!(
        r#"{heading}

  E=http://{edge}  P=http://{phone}/phone
  wx() {{ curl -s -H "X-WX-Skey: $TOKEN" "$@"; echo; }}

  {login}
  CODE=$(curl -s $P/login)
  TOKEN=$(curl -s $E/wx/login -d code=$CODE | tee /dev/stderr | cut -d'"' -f12)

  {call}
  wx $E/orders
  wx $E/orders -H "X-WX-OPENID: admin"

  {refused}
  curl -si $E/orders; echo
  curl -si $E/public/news; echo

  {data}
  curl -s $P/user-info | wx $E/wx/decrypt -H "Content-Type: application/json" -d @-
  wx $E/wx/logout -X POST

{stop}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_added_up_over_the_lines_of_a_log() {
        let log = r#"Serving http://127.0.0.1:3000
[info] {"event":"decided","auth":"endpoint","metrics":{"wx_session.login.ok":1,"wx_session.login_ms":12}}
[info] {"event":"refused","error":"no_session"}
[info] {"event":"decided","auth":"endpoint","metrics":{"wx_session.login.ok":2,"wx_session.session.hit":1}}"#;
        assert_eq!(counted(log), ["    login    ok 3", "    session  hit 1"]);
    }
}
