//! The built component in the project's host for Spin, with a WeChat behind TLS and an app behind HTTP. The wall clock
//! moves when told; timers keep to real time.
//!
//! The configuration document is that of `envoy.yaml` without its store, for which Spin has its own: one document
//! serves both.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use spin_host::{APP_OUTSIDE, Instances, Manifest, SpinHost, Upstream};
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, WechatServer};

use super::{Ask, ENVIRONMENT, Got, OTHERS, Rig, over_tcp, shipped};

/// A component in its host, and what it talks to.
pub struct SpinRig {
    pub spin: SpinHost,
    pub app: FakeApp,
    pub wechat: FakeWechat,
    _server: WechatServer,
}

/// How the component stands to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In front of it, over the network.
    Service,
    /// Around it, composed into one component.
    Middleware,
}

impl Way {
    pub const BOTH: [Self; 2] = [Self::Service, Self::Middleware];

    /// The component, built once.
    pub fn component(self) -> &'static [u8] {
        static SERVICE: OnceLock<Vec<u8>> = OnceLock::new();
        static MIDDLEWARE: OnceLock<Vec<u8>> = OnceLock::new();
        match self {
            Self::Service => SERVICE.get_or_init(|| spin_host::service().unwrap()),
            Self::Middleware => {
                MIDDLEWARE.get_or_init(|| spin_host::middleware_before_app().unwrap())
            }
        }
    }
}

impl SpinRig {
    pub fn start(way: Way, wechat: &FakeWechat, patch: &Value) -> Self {
        Self::start_with(way, wechat, patch, |_| {})
    }

    /// With a manifest that is changed first.
    pub fn start_with(
        way: Way,
        wechat: &FakeWechat,
        patch: &Value,
        change: impl FnOnce(&mut Manifest),
    ) -> Self {
        let server = wechat.serve();
        let app = FakeApp::start();
        let mut manifest = Manifest {
            variables: variables(&document(patch)),
            key_value_stores: vec!["default".into()],
            // Not as Spin does it by default: a test that is slow would meet another instance.
            instances: Instances::Reused,
            ..Manifest::default()
        };
        let wechat_at = Upstream::tls(server.addr(), server.ca_pem());
        let app_at = Upstream::plain(app.addr());
        manifest.outbound.extend([
            ("api.weixin.qq.com".to_owned(), wechat_at.clone()),
            ("app.spin.internal".to_owned(), app_at),
        ]);
        let others = OTHERS.map(|other| (other.host().to_owned(), wechat_at.clone()));
        manifest.outbound.extend(others);
        change(&mut manifest);
        if way == Way::Middleware
            && let Some(app) = manifest.outbound.remove("app.spin.internal")
        {
            // There the app is not asked by Spin, but by the component behind the middleware.
            manifest.outbound.insert(APP_OUTSIDE.to_owned(), app);
        }
        Self {
            spin: SpinHost::start(way.component(), manifest).unwrap(),
            app,
            wechat: wechat.clone(),
            _server: server,
        }
    }
}

/// The plugin configuration of `envoy.yaml` with `patch` merged into it, on Spin's own store if `patch` names none.
pub fn document(patch: &Value) -> Value {
    let shipped = shipped(patch);
    let without_store = shipped.patch_plugin(&json!({ "store": null }));
    without_store.patch_plugin(patch).plugin().clone()
}

/// The document, and what the environment holds elsewhere: Spin writes its variables in lower case.
fn variables(document: &Value) -> std::collections::BTreeMap<String, String> {
    let secrets = ENVIRONMENT.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let document = ("wx_session_config".to_owned(), document.to_string());
    secrets.into_iter().chain([document]).collect()
}

impl Rig for SpinRig {
    fn ask(&mut self, asks: Vec<Ask>) -> Vec<Got> {
        over_tcp::ask(self.spin.addr(), &self.app, &asks)
    }

    fn advance(&mut self, span: Duration) {
        self.spin.advance(span);
        self.wechat.set_time(Some(self.spin.now().as_secs()));
    }

    fn set_back(&mut self, span: Duration) {
        self.spin.set_back(span);
    }

    /// The sum over the lines that the component writes for each request.
    fn counter(&self, name: &str) -> u64 {
        self.spin.settle();
        let log = self.spin.log();
        let lines = log.lines().filter_map(|line| line.strip_prefix("[info] "));
        let counted = lines.filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["metrics"][name].as_u64()
        });
        counted.sum()
    }

    fn log(&self) -> String {
        self.spin.settle();
        self.spin.log()
    }

    fn app(&self) -> Option<&FakeApp> {
        Some(&self.app)
    }

    fn receiver(&self) -> &FakeApp {
        &self.app
    }
}
