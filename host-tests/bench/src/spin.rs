//! `cargo xtask bench --spin`: what a request costs on Spin, as a multiple of what the app alone costs: processor time
//! of the project's host for Spin components, which calls one component from another in the process as Spin does.
//! Never absolute: how fast that host is says nothing about Spin.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::PATIENCE;
use super::arms::LOOK_ALIKE;
use super::cores::Cores;
use super::cpu::{Clock, Whose};
use super::load::{Target, Wrk};
use super::measure::Sample;
use super::running_arm::HEADERS;
use super::surroundings::SECRET;
use project::Manifest;
use project::cargo;
use project::{root, target_folder};
use testkit::client::{self, Request};
use testkit::fakes::wechat::{FakeWechat, WechatServer};
use testkit::spin::configuration;

/// How a request reaches the app, and what it may cost at most as a multiple of the app alone.
struct Arm {
    name: &'static str,
    what: &'static str,
    component: Component,
    has_session: bool,
    status: u16,
    at_most: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Component {
    App,
    Forwarder,
    Service,
    Middleware,
}

#[rustfmt::skip]
const ARMS: [Arm; 5] = [
    Arm { name: "app",        what: "the app alone",                                    component: Component::App,        has_session: false, status: 200, at_most: None },
    Arm { name: "forwarder",  what: "a service that does nothing but forward",          component: Component::Forwarder,  has_session: false, status: 200, at_most: None },
    Arm { name: "service",    what: "wx-session as a service, session in the cache",    component: Component::Service,    has_session: true,  status: 200, at_most: Some(2.5) },
    Arm { name: "middleware", what: "wx-session as a middleware, session in the cache", component: Component::Middleware, has_session: true,  status: 200, at_most: Some(2.2) },
    Arm { name: "refused",    what: "wx-session as a service, no token: answers 401",   component: Component::Service,    has_session: false, status: 401, at_most: None },
];

const PATH: &str = "/orders";

/// Builds, measures and prints the table.
///
/// # Errors
/// When something is missing or does not build or start, when an answer was not the one expected, or when an arm costs
/// more than it may.
pub fn run(quick: bool) -> Result<()> {
    let cores = Cores::choose()?;
    let wrk = Wrk::find()?;
    let (rounds, time) = if quick { (2, 1) } else { (9, 4) };
    let stage = SpinSurroundings::start()?;
    let arms = ARMS.iter().map(|arm| Running::start(arm, &stage, &cores));
    let arms: Vec<Running> = arms.collect::<Result<_>>()?;
    cores.keep_for_load(std::process::id())?;
    let clock = Clock::new()?;
    let mut took: Vec<Sample> = arms.iter().map(|_| Sample::default()).collect();
    // The first one warms up.
    for round in 0..=rounds {
        println!("round {round} of {rounds} …");
        for (arm, took) in arms.iter().zip(&mut took) {
            let each = arm.load(&wrk, &clock, Duration::from_secs(time))?;
            if round > 0 {
                took.push(each);
            }
        }
    }
    let alone = took.first().context("no arms")?.median();
    println!(
        "\n| arm | what | processor time, µs | of the app's own | at most |\n|---|---|---|---|---|"
    );
    let mut broken = Vec::new();
    for (arm, took) in ARMS.iter().zip(&took) {
        let (median, ratio) = (took.median(), took.median() / alone);
        let at_most = arm.at_most.map_or("–".to_owned(), |most| most.to_string());
        let Arm { name, what, .. } = arm;
        println!("| {name} | {what} | {median:.1} | {ratio:.2} | {at_most} |");
        if arm.at_most.is_some_and(|most| ratio > most) {
            broken.push(format!("{name} costs {ratio:.2}"));
        }
    }
    ensure!(broken.is_empty(), "more than it may: {}", broken.join(", "));
    Ok(())
}

/// What all arms share.
struct SpinSurroundings {
    host: PathBuf,
    app: PathBuf,
    /// The configuration document.
    document: tempfile::NamedTempFile,
    wechat: FakeWechat,
    server: WechatServer,
}

impl SpinSurroundings {
    fn start() -> Result<Self> {
        println!("building the host and the app …");
        let built = cargo()
            .args(["build", "--profile", "bench-host", "--bin", "spin-host"])
            .status();
        ensure!(
            built.context("cargo does not run")?.success(),
            "the host for Spin components does not build"
        );
        let builds = Manifest::read("spin.toml")?.builds()?;
        let app = builds.into_iter().find(|build| build.component == "app");
        let app = app.context("spin.toml builds no app")?;
        app.run()?;
        let mut configuration = configuration()?;
        configuration["session"]["cache_ttl_s"] = json!(60);
        let document = tempfile::NamedTempFile::new_in(target_folder())?;
        std::fs::write(document.path(), configuration.to_string())?;
        let appid = configuration["apps"][0]["appid"].as_str();
        let wechat = FakeWechat::new(appid.context("no app id")?, SECRET);
        let server = wechat.serve_plain();
        Ok(Self {
            host: target_folder().join("bench-host/spin-host"),
            app: app.source,
            document,
            wechat,
            server,
        })
    }

    fn host(&self, component: Component) -> Command {
        let mut command = Command::new(&self.host);
        let app = self.app.as_os_str();
        let chained = || format!("app={}", self.app.display());
        command
            .current_dir(root())
            .env("SPIN_VARIABLE_WX_SECRET", SECRET)
            .args(["--without-fuel", "--quiet", "--variable", "wx_secret"])
            // The cache is what is measured, and an instance takes it along when it ends.
            .args(["--max-instance-reuse-count", "1000000000"])
            .args(["--idle-instance-timeout", "1000000"])
            .arg("--config")
            .arg(self.document.path())
            .arg("--outbound")
            .arg(format!("api.weixin.qq.com={}", self.server.addr()));
        match component {
            Component::App => command.arg("--component").arg(app),
            Component::Forwarder => command
                .args(["--component", "forwarder", "--chained"])
                .arg(chained()),
            Component::Service => command
                .args(["--component", "service", "--chained"])
                .arg(chained()),
            Component::Middleware => command
                .args(["--component", "middleware", "--app"])
                .arg(app),
        };
        command
    }
}

/// An arm's host. Dropping it ends it.
struct Running {
    arm: &'static Arm,
    process: Child,
    addr: SocketAddr,
    headers: Vec<(&'static str, String)>,
}

impl Running {
    fn start(arm: &'static Arm, stage: &SpinSurroundings, cores: &Cores) -> Result<Self> {
        let mut command = stage.host(arm.component);
        let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut running = Self {
            arm,
            process: process.context("the host does not start")?,
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            headers: HEADERS.map(|(name, value)| (name, value.to_owned())).into(),
        };
        let said = running.process.stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let addr = line.trim().strip_prefix("http://");
        let addr = addr.with_context(|| format!("{}: the host has ended", arm.name))?;
        running.addr = addr.parse()?;
        cores.keep_for_envoy(running.process.id())?;
        if arm.has_session {
            let code = stage.wechat.phone("bench").login();
            let login = Request::post("/wx/login").json(&json!({ "code": code }));
            let answer = client::send(running.addr, &login, PATIENCE)?;
            let token = answer.json()?["data"]["token"].as_str().map(str::to_owned);
            let token = token.with_context(|| format!("no login: {}", answer.text()))?;
            running.headers.push(("x-wx-skey", token));
        } else if arm.status == 200 {
            running.headers.push(("x-wx-skey", LOOK_ALIKE.to_owned()));
        }
        Ok(running)
    }

    /// Microseconds of the host's processor time for one request, under as many as it takes.
    fn load(&self, wrk: &Wrk, clock: &Clock, time: Duration) -> Result<f64> {
        let whose = || Whose::Process(self.process.id());
        let before = clock.used(whose())?;
        let target = Target {
            addr: self.addr,
            path: PATH,
            headers: &self.headers,
            status: self.arm.status,
            says: "",
            sent: &[],
        };
        let done = wrk.load(&target, time).context(self.arm.name)?;
        let used = clock.used(whose())?.saturating_sub(before);
        #[expect(clippy::cast_precision_loss, reason = "no benchmark has 2^52 requests")]
        let requests = done.requests as f64;
        Ok(used.as_secs_f64() * 1e6 / requests)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
