//! A real Envoy with the built plugin, between the fake WeChat and the fake app, and beside it the control server.
//! Never alters anything in `envoy.yaml` but where things are, and how some answers are worded for other clients.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::control;

use project::filter;
use testkit::envoy::{Config, Envoy};
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, WechatServer};
use testkit::listener::Listener;

const SECRET: &str = "00112233445566778899aabbccddeeff";

/// Everything that runs. Dropped from top to bottom: Envoy first, so that it misses nobody.
#[derive(Debug)]
pub(crate) struct ClientEdge {
    _envoy: Envoy,
    control: Listener,
    wechat: FakeWechat,
    _wechat_server: WechatServer,
    _trusted_ca: NamedTempFile,
}

impl ClientEdge {
    /// Builds the plugin and starts all on free loopback ports.
    ///
    /// # Errors
    /// When the plugin does not build, or Envoy does not start.
    pub(crate) fn start() -> Result<Self> {
        let config = Config::for_test(&filter::built_in_sight()?)?;
        let appid = config.plugin().pointer("/apps/0/appid");
        let appid = appid
            .and_then(Value::as_str)
            .context("envoy.yaml names no app")?;
        let wechat = FakeWechat::new(appid, SECRET);
        let wechat_server = wechat.serve();
        let mut trusted_ca = NamedTempFile::new()?;
        trusted_ca.write_all(wechat_server.ca_pem().as_bytes())?;
        let app = FakeApp::start();
        let words = other_words(config.plugin())?;
        let config = config
            .patch_plugin(&words)
            .endpoint("app", app.addr())
            .wechat(wechat_server.addr(), trusted_ca.path());
        let envoy = Envoy::start(&config, &[("WX_SECRET", SECRET)])?;
        Ok(Self {
            control: control::serve(envoy.addr(), wechat.clone(), app),
            _envoy: envoy,
            wechat,
            _wechat_server: wechat_server,
            _trusted_ca: trusted_ca,
        })
    }

    /// The URL of the control server.
    pub(crate) fn control(&self) -> String {
        format!("http://{}", self.control.addr())
    }

    /// Guards against tests that were content without the edge.
    ///
    /// # Errors
    /// When nobody has logged in.
    pub(crate) fn ensure_used(&self) -> Result<()> {
        ensure!(
            !self.wechat.requests().is_empty(),
            "no test of the client has reached the edge"
        );
        Ok(())
    }
}

/// Good answers have what other clients look for beside what ours does, and under `/legacy` a refusal about the session
/// comes with status 200.
fn other_words(plugin: &Value) -> Result<Value> {
    let routes = plugin["routes"]
        .as_array()
        .context("envoy.yaml names no routes")?;
    let refusals = json!({ "http_status": 200, "members": { "errno": 501, "action": "none" } });
    let legacy =
        json!({ "prefix": "/legacy", "session": "required", "answers": { "session": refusals } });
    let routes: Vec<_> = routes.iter().chain([&legacy]).collect();
    let good = json!({ "members": { "errno": 0 }, "token_as": "data.accessToken" });
    Ok(json!({ "routes": routes, "answers": { "ok": good } }))
}
