//! A real Envoy with the built plugin, between the fake platforms and the fake app, and beside it the control server.
//! Never alters anything in `envoy.yaml` but where things are, which platforms' apps and routes there are beside its own,
//! and how some answers are worded for other clients.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::control;

use project::filter;
use testkit::envoy::{Config, Envoy};
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, Platform, WechatServer};
use testkit::listener::Listener;

const SECRET: &str = "00112233445566778899aabbccddeeff";

/// The apps beside WeChat's: ids, and the variables of their secrets.
const OTHERS: [(Platform, &str, &str); 3] = [
    (Platform::Qq, "1108292182", "QQ_SECRET"),
    (Platform::Douyin, "tt0123456789abcdef01", "TT_SECRET"),
    (Platform::Kuaishou, "ks700000000000000001", "KS_SECRET"),
];

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
        let appid = appid.and_then(Value::as_str);
        let wechat = FakeWechat::new(appid.context("envoy.yaml names no app")?, SECRET);
        let others = OTHERS.map(|(platform, appid, _)| wechat.beside(platform, appid, SECRET));
        let wechat_server = wechat.serve();
        let mut trusted_ca = NamedTempFile::new()?;
        trusted_ca.write_all(wechat_server.ca_pem().as_bytes())?;
        let app = FakeApp::start();
        let patch = patch(config.plugin())?;
        let names: Vec<&str> = environment().iter().map(|(name, _)| *name).collect();
        let variables = json!({ "environment_variables": { "host_env_keys": names } });
        let config = config
            .patch_plugin(&patch)
            .patch_filter(&json!({ "vm_config": variables }))
            .endpoint("app", app.addr())
            .wechat(wechat_server.addr(), trusted_ca.path());
        let config = OTHERS.iter().fold(config, |config, (platform, _, _)| {
            config.platform(platform.name(), platform.host())
        });
        let envoy = Envoy::start(&config, &environment())?;
        Ok(Self {
            control: control::serve(envoy.addr(), wechat.clone(), others.into(), app),
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

fn environment() -> Vec<(&'static str, &'static str)> {
    let others = OTHERS.iter().map(|(_, _, secret)| *secret);
    let names = std::iter::once("WX_SECRET").chain(others);
    names.map(|name| (name, SECRET)).collect()
}

/// An app of each platform. Good answers have what other clients look for beside what ours does; under `/legacy` a
/// refusal about the session comes with status 200; `/api/sign-in` is the app's own login.
fn patch(plugin: &Value) -> Result<Value> {
    let list = |name: &'static str| plugin[name].as_array().context(name);
    let others = OTHERS.map(|(platform, appid, secret)| {
        json!({ "platform": platform.name(), "appid": appid, "secret": { "env": secret } })
    });
    let apps: Vec<_> = list("apps")?.iter().chain(&others).collect();
    let refusals = json!({ "http_status": 200, "members": { "errno": 501, "action": "none" } });
    let own = [
        json!({ "prefix": "/legacy", "session": "required", "answers": { "session": refusals } }),
        json!({
            "path": "/api/sign-in", "methods": ["POST"], "session": "public",
            "login": "body", "login_code": "loginCode",
        }),
    ];
    let routes: Vec<_> = list("routes")?.iter().chain(&own).collect();
    let good = json!({ "members": { "errno": 0 }, "token_as": "data.accessToken" });
    Ok(json!({ "apps": apps, "routes": routes, "answers": { "ok": good } }))
}
