//! One real Envoy between a fake WeChat and a fake app, for one test.
//! Never shared between tests at a time: faults, counters and logs are a test's own.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;
use project::filter;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use testkit::client::{self, Connection, Request, Response};
use testkit::envoy::{Config, LentEnvoy};
use testkit::eventually;
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, WechatServer};

use testkit::http2::Http2;

use crate::rig::ENVIRONMENT;

/// The app that `envoy.yaml` names.
pub const APPID: &str = "wx0123456789abcdef";
/// Found nowhere but in Envoy's environment and in the calls to WeChat.
pub const SECRET: &str = "5ec4e75ec4e75ec4e75ec4e75ec4e75e";

/// How each line begins that the plugin itself writes into Envoy's log. (A panic's does not.)
pub const PLUGIN_LINE: &str = r#"{"event":"#;

/// How long anything that is awaited may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How much later what ends by the clock may end on a worker that always has requests: it reads the clock ten times a
/// second, or a little less often where all are busy.
pub const LATE: Duration = Duration::from_millis(300);

const CONNECTIONS: usize = 16;

/// Envoy and its surroundings. `envoy` is first, so that it is also first to go.
pub struct EnvoyWorld {
    pub envoy: LentEnvoy,
    pub app: FakeApp,
    pub wechat: FakeWechat,
    _server: WechatServer,
    _ca: NamedTempFile,
}

impl EnvoyWorld {
    /// The shipped `envoy.yaml` on one worker.
    pub fn start() -> Self {
        Self::with(|config| config)
    }

    /// Its first listener, altered by `change`.
    pub fn with(change: impl FnOnce(Config) -> Config) -> Self {
        Self::on(change, LentEnvoy::start)
    }

    /// All of it, altered by `change`, in an Envoy that no test had before: see [`LentEnvoy::alone`].
    pub fn alone(change: impl FnOnce(Config) -> Config) -> Self {
        Self::on(change, LentEnvoy::alone)
    }

    fn on(
        change: impl FnOnce(Config) -> Config,
        start: impl FnOnce(&Config, &[(&str, &str)]) -> Result<LentEnvoy>,
    ) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let server = wechat.serve();
        let ca = pem_file(server.ca_pem());
        let app = FakeApp::start();
        let config = Config::for_test(&filter::built().unwrap())
            .unwrap()
            .wechat(server.addr(), ca.path())
            .endpoint("app", app.addr());
        let envoy = start(&change(config), &ENVIRONMENT).unwrap();
        Self {
            envoy,
            app,
            wechat,
            _server: server,
            _ca: ca,
        }
    }

    /// A new HTTP/1.1 connection.
    pub fn connect(&self) -> Connection {
        Connection::open(self.envoy.addr(), PATIENCE).unwrap()
    }

    /// A new HTTP/2 connection.
    pub fn connect_http2(&self) -> Http2 {
        Http2::open(self.envoy.addr())
    }

    /// One request on a connection of its own.
    pub fn send(&self, request: &Request) -> Response {
        client::send(self.envoy.addr(), request, PATIENCE).unwrap()
    }

    /// Logs a user in and gives the token.
    pub fn login(&self, user: &str) -> String {
        let answer = self.send(&login_request(&self.wechat.phone(user).login()));
        token_of(&answer)
    }

    /// Waits for the access log's entry number `count` (from 1) and gives all of them.
    pub fn access_log(&self, count: usize) -> Vec<Value> {
        eventually(|| self.envoy.access_log().len() >= count);
        self.envoy.access_log()
    }

    /// A counter of the plugin, without `wasmcustom.wx_session.`; counters that were never used are 0.
    pub fn counter(&self, name: &str) -> u64 {
        let stats = self.envoy.stats_told().unwrap();
        let name = format!("wasmcustom.wx_session.{name}");
        stats.get(&name).copied().unwrap_or_default()
    }

    /// Connections of which each of two workers has at least one: which gets a connection is the kernel's choice.
    pub fn connect_to_both_workers(&self) -> Vec<Connection> {
        let mut open = Vec::new();
        eventually(|| {
            open.push(self.connect());
            let stats = self.envoy.stats().unwrap();
            let by_worker = stats.iter().filter(|(name, _)| {
                name.starts_with("listener.")
                    && name.contains(".worker_")
                    && name.ends_with("downstream_cx_active")
            });
            open.len() >= CONNECTIONS && by_worker.filter(|(_, count)| **count > 0).count() == 2
        });
        open
    }

    /// How many requests Envoy is at work on, paused ones included.
    pub fn active_requests(&self) -> u64 {
        self.envoy.stats().unwrap()["http.edge.downstream_rq_active"]
    }

    /// How often a VM was started anew because one had trapped.
    pub fn reloads(&self) -> u64 {
        let stats = self.envoy.stats().unwrap();
        let reloads = stats
            .iter()
            .filter(|(name, _)| name.starts_with("wasm.wx-session.vm_reload"));
        reloads.map(|(_, count)| count).sum()
    }

    /// Nothing is left paused, nothing has trapped, and the next user can log in and is let through.
    pub fn assert_sound(&self) {
        eventually(|| self.active_requests() == 0);
        let log = self.envoy.log();
        let complaints = |line: &&str| line.contains("[wasm]") && !line.contains(PLUGIN_LINE);
        assert_eq!(log.lines().find(complaints), None);
        assert_eq!(self.reloads(), 0);
        let token = self.login("whoever comes next");
        assert_eq!(self.send(&with_token(&token)).status, 200);
    }
}

/// `POST /wx/login` with this code.
pub fn login_request(code: &str) -> Request {
    Request::post("/wx/login").json(&json!({ "code": code }))
}

/// `GET /api/orders`, a protected path, with this token.
pub fn with_token(token: &str) -> Request {
    Request::get("/api/orders").header("x-wx-skey", token)
}

/// The token in a login's answer.
pub fn token_of(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().unwrap()["data"]["token"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The `error` field of a refusal; empty if the answer is not the plugin's.
pub fn error_of(answer: &Response) -> String {
    let body = answer.json().unwrap_or_default();
    body["error"].as_str().unwrap_or_default().to_owned()
}

/// A file with this certificate, for as long as it is held.
pub fn pem_file(pem: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    file
}

/// Takes away all of Envoy's own care for paths, header names and upgrades: the plugin stands alone. (And does not
/// wait a second before it closes a connection on which it found an error.)
pub fn bare(config: Config) -> Config {
    config.patch_http(&json!({
        "normalize_path": false,
        "merge_slashes": false,
        "delayed_close_timeout": "0.01s",
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "common_http_protocol_options": { "headers_with_underscores_action": "ALLOW" },
        "http2_protocol_options": { "allow_connect": true },
        "upgrade_configs": [
            { "upgrade_type": "websocket" },
            { "upgrade_type": "h2c" },
            { "upgrade_type": "CONNECT" },
        ],
    }))
}
