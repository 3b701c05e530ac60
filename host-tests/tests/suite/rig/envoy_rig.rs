//! The built module in a real Envoy, with a WeChat behind TLS and an app behind HTTP. Time is real.

use std::path::Path;
use std::time::{Duration, Instant};

use project::filter;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use testkit::envoy::{Config, LentEnvoy};
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, WechatServer};

use super::{Ask, ENVIRONMENT, Got, OTHERS, Rig, over_tcp, shipped};
use crate::rig::backend::Backend;

/// A running Envoy and what it talks to.
pub struct EnvoyRig {
    pub envoy: LentEnvoy,
    pub app: FakeApp,
    _wechat: WechatServer,
    /// Dropped after Envoy.
    _store: Option<Backend>,
}

impl EnvoyRig {
    pub fn start(wechat: &FakeWechat, patch: &Value) -> Self {
        Self::start_on(shipped(patch), wechat, patch, None)
    }

    /// With sessions in a Redis of its own.
    pub fn start_with_redis(wechat: &FakeWechat, patch: &Value) -> Self {
        let backend = Backend::webdis();
        let mut config = backend.config();
        if patch.get("wechat_api").is_some() {
            // The examples have none.
            config = shipped(patch).with_sessions_of(&config);
        }
        Self::start_on(config, wechat, patch, Some(backend))
    }

    /// On one of the repository's configurations, holding on to the store behind it.
    pub fn start_on(
        config: Config,
        wechat: &FakeWechat,
        patch: &Value,
        store: Option<Backend>,
    ) -> Self {
        Self::start_module(&filter::built().unwrap(), config, wechat, patch, store)
    }

    /// The same with another module than the one that is built here.
    pub fn start_module(
        module: &Path,
        config: Config,
        wechat: &FakeWechat,
        patch: &Value,
        store: Option<Backend>,
    ) -> Self {
        let around = Around::start(module, config, wechat, patch);
        Self {
            envoy: LentEnvoy::start(&around.config, &ENVIRONMENT).unwrap(),
            app: around.app,
            _wechat: around.wechat,
            _store: store,
        }
    }

    /// On all of a configuration, in an Envoy of its own.
    pub fn alone(config: Config, wechat: &FakeWechat, patch: &Value) -> Self {
        let around = Around::start(&filter::built().unwrap(), config, wechat, patch);
        Self {
            envoy: LentEnvoy::alone(&around.config, &ENVIRONMENT).unwrap(),
            app: around.app,
            _wechat: around.wechat,
            _store: None,
        }
    }
}

/// What is to run, and what it will talk to.
struct Around {
    config: Config,
    wechat: WechatServer,
    app: FakeApp,
    /// Envoy reads it when it starts.
    _ca: NamedTempFile,
}

impl Around {
    fn start(module: &Path, config: Config, wechat: &FakeWechat, patch: &Value) -> Self {
        let wechat = wechat.serve();
        let app = FakeApp::start();
        let ca = NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), wechat.ca_pem()).unwrap();
        let names: Vec<&str> = ENVIRONMENT.iter().map(|(name, _)| *name).collect();
        // The plugin's own rules are on trial: where Envoy would refuse first, it is told not to.
        let config = config.in_test(module).wechat(wechat.addr(), ca.path());
        let config = OTHERS
            .iter()
            .fold(config, |config, other| {
                config.platform(other.name(), other.host())
            })
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
            config,
            wechat,
            app,
            _ca: ca,
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

    fn counter(&self, name: &str) -> u64 {
        let name = format!("wasmcustom.{name}");
        in_a_moment(|| {
            self.envoy
                .stats_told()
                .unwrap()
                .get(&name)
                .copied()
                .unwrap_or(0)
        })
    }

    fn log(&self) -> String {
        of_the_plugin(&self.envoy.log())
    }

    fn app(&self) -> Option<&FakeApp> {
        Some(&self.app)
    }

    fn receiver(&self) -> &FakeApp {
        &self.app
    }
}

/// Counters reach the statistics a moment after the answer.
fn in_a_moment(read: impl Fn() -> u64) -> u64 {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let number = read();
        if number > 0 || Instant::now() >= deadline {
            return number;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn of_the_plugin(log: &str) -> String {
    let plugin = |line: &&str| line.contains("wasm log");
    log.lines()
        .filter(plugin)
        .map(|line| format!("{line}\n"))
        .collect()
}
