//! The built module in a real Envoy, with a WeChat behind TLS and an app behind HTTP. Time is real.

use std::time::{Duration, Instant};

use project::filter;
use serde_json::{Value, json};
use testkit::envoy::{Config, Envoy};
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, WechatServer};

use super::{Ask, ENVIRONMENT, Got, Rig, over_tcp};
use crate::rig::backend::Backend;

/// A running Envoy and what it talks to.
pub struct EnvoyRig {
    pub envoy: Envoy,
    pub app: FakeApp,
    _wechat: WechatServer,
    /// Dropped after Envoy.
    _store: Option<Backend>,
}

impl EnvoyRig {
    pub fn start(wechat: &FakeWechat, patch: &Value) -> Self {
        Self::start_on(Config::load().unwrap(), wechat, patch)
    }

    /// With sessions in a Redis of its own.
    pub fn start_with_redis(wechat: &FakeWechat, patch: &Value) -> Self {
        let backend = Backend::webdis();
        let rig = backend.edge(wechat, patch);
        Self {
            _store: Some(backend),
            ..rig
        }
    }

    /// On one of the repository's configurations.
    pub fn start_on(config: Config, wechat: &FakeWechat, patch: &Value) -> Self {
        let server = wechat.serve();
        let app = FakeApp::start();
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), server.ca_pem()).unwrap();
        let names: Vec<&str> = ENVIRONMENT.iter().map(|(name, _)| *name).collect();
        // The plugin's own rules are on trial: where Envoy would refuse first, it is told not to.
        let config = config
            .in_test(&filter::built().unwrap())
            .wechat(server.addr(), ca.path())
            .endpoint("app", app.addr())
            .patch_filter(
                &json!({ "vm_config": { "environment_variables": { "host_env_keys": names } } }),
            )
            .patch_http(&json!({
                "normalize_path": false,
                "merge_slashes": false,
                "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
                "common_http_protocol_options": { "headers_with_underscores_action": "ALLOW" },
            }))
            .patch_plugin(patch);
        Self {
            envoy: Envoy::start(&config, &ENVIRONMENT).unwrap(),
            app,
            _wechat: server,
            _store: None,
        }
    }
}

impl Rig for EnvoyRig {
    fn ask(&mut self, asks: Vec<Ask>) -> Vec<Got> {
        over_tcp::ask(self.envoy.addr(), &self.app, &asks)
    }

    fn advance(&mut self, span: Duration) {
        std::thread::sleep(span);
    }

    fn set_back(&mut self, _: Duration) {}

    /// Counters reach the statistics a moment after the answer.
    fn counter(&self, name: &str) -> u64 {
        let name = format!("wasmcustom.{name}");
        let read = || self.envoy.stats().unwrap().get(&name).copied().unwrap_or(0);
        let deadline = Instant::now() + Duration::from_secs(2);
        while read() == 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        read()
    }

    fn log(&self) -> String {
        let lines = self.envoy.log();
        let plugin = |line: &&str| line.contains("wasm log");
        lines
            .lines()
            .filter(plugin)
            .map(|line| format!("{line}\n"))
            .collect()
    }
}
