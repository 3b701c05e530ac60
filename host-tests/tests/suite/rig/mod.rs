//! One way to ask an edge, whatever runs it. A scenario is written once against [`World`] and runs on every host.

pub mod backend;
pub mod bridge;
mod core_rig;
pub mod edge;
mod envoy_rig;
pub mod envoy_world;
pub mod fake_store;
pub mod newer;
pub mod over_tcp;
mod request;
pub mod schedule;
pub mod shapes;
mod spin_rig;
pub mod spin_world;
mod wasm_rig;
pub mod wasm_world;
mod world;

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;
use testkit::envoy::Config;
use testkit::fakes::app::{FakeApp, SeenByApp};
use testkit::fakes::wechat::{FakeWechat, Platform};

pub use core_rig::CoreRig;
pub use envoy_rig::EnvoyRig;
pub use request::{Ask, Got, Seen};
pub use spin_rig::{SpinRig, Way};
pub use wasm_rig::{WasmRig, module, vm_config};
pub use world::{Login, World, assert_refusal, assert_unavailable, relogin_refusal};

/// The app id of `envoy.yaml`.
pub const APPID: &str = "wx0123456789abcdef";
/// Its AppSecret, in the environment as `WX_SECRET`.
pub const SECRET: &str = "5ec4e75ec4e75ec4e75ec4e75ec4e75e";
/// A master key, in the environment as `WX_MASTER_KEY`.
pub const MASTER_KEY: &str = "a master key of thirty-two bytes and more";
/// An older master key, in the environment as `WX_OLD_MASTER_KEY`.
pub const OLD_MASTER_KEY: &str = "the master key of last year, also long";

/// The operator's token, in the environment as `WX_ADMIN_TOKEN`.
pub const ADMIN_TOKEN: &str = "6d0c1e0b7a2f4c3e9b8d5a7f1e2c3b4d-now";
/// Its one before, in the environment as `WX_OLD_ADMIN_TOKEN`.
pub const OLD_ADMIN_TOKEN: &str = "0f9e8d7c6b5a49382716f5e4d3c2b1a0-old";
/// The Token of message pushes, in the environment as `WX_PUSH_TOKEN`.
pub const PUSH_TOKEN: &str = "pushtokenofthisapp";
/// Their EncodingAESKey, in the environment as `WX_PUSH_KEY`.
pub const PUSH_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
/// The Token of another app, in the environment as `WX_OTHER_PUSH_TOKEN`.
pub const OTHER_PUSH_TOKEN: &str = "pushtokenofanotherapp";

/// The platforms beside WeChat. Each can be reached from every host, by its own name for it.
pub const OTHERS: [Platform; 3] = [Platform::Qq, Platform::Douyin, Platform::Kuaishou];

/// What the environment holds, on every host.
pub const ENVIRONMENT: [(&str, &str); 10] = [
    ("WX_SECRET", SECRET),
    ("WX_MASTER_KEY", MASTER_KEY),
    ("WX_OLD_MASTER_KEY", OLD_MASTER_KEY),
    ("WX_ADMIN_TOKEN", ADMIN_TOKEN),
    ("WX_OLD_ADMIN_TOKEN", OLD_ADMIN_TOKEN),
    ("WX_PUSH_TOKEN", PUSH_TOKEN),
    ("WX_PUSH_KEY", PUSH_KEY),
    ("WX_OTHER_PUSH_TOKEN", OTHER_PUSH_TOKEN),
    bridge::TOKEN,
    bridge::BASIC_AUTH,
];

/// A host with the plugin in it.
pub trait Rig {
    /// Sends requests at the same moment and waits for all answers.
    fn ask(&mut self, asks: Vec<Ask>) -> Vec<Got>;

    /// Lets time pass.
    fn advance(&mut self, span: Duration);

    /// Sets the wall clock back: nothing else goes back with it. Where the clock is the machine's, it stays.
    fn set_back(&mut self, span: Duration);

    /// A counter of the plugin, by its name in `Counter`.
    fn counter(&self, name: &str) -> u64;

    /// What the plugin has logged.
    fn log(&self) -> String;

    /// The app behind it, where there is one of its own.
    fn app(&self) -> Option<&FakeApp> {
        None
    }

    /// The app as the plugin itself asks it, on every host.
    fn receiver(&self) -> &FakeApp;
}

/// The hosts.
#[derive(Clone, Copy, Debug)]
pub enum HostKind {
    /// The core in this process, over fakes.
    Core,
    /// The built module in a host of the proxy-wasm ABI.
    Wasm,
    /// The built module in a real Envoy.
    Envoy,
    /// As `Core`, with the sessions in a Redis behind the REST dialect, in memory.
    CoreRest,
    /// As `Wasm`, with the sessions in a Redis behind webdis, in memory.
    WasmWebdis,
    /// As `Envoy`, with the sessions in a real Redis behind a real webdis.
    EnvoyWebdis,
    /// The built component in a host for Spin, in front of the app.
    Spin,
    /// The built component in a host for Spin, as a middleware around the app.
    SpinMiddleware,
}

impl HostKind {
    /// Envoy has a word in what reaches the plugin.
    pub fn is_real_envoy(self) -> bool {
        matches!(self, Self::Envoy | Self::EnvoyWebdis)
    }

    /// Spin, or what is as strict.
    pub fn is_spin(self) -> bool {
        matches!(self, Self::Spin | Self::SpinMiddleware)
    }

    /// It can be a listener or a component that serves WeChat's API, which a middleware cannot.
    pub fn serves_wechat_api(self) -> bool {
        !matches!(self, Self::SpinMiddleware)
    }

    /// A connection can become one of another protocol. WASI HTTP has no word for that, and forbids the headers.
    pub fn has_upgrades(self) -> bool {
        !matches!(self, Self::Spin | Self::SpinMiddleware)
    }

    /// A header value that is not UTF-8 gets as far as the plugin. Spin answers such a request itself, with an empty 500.
    pub fn hands_on_unreadable_headers(self) -> bool {
        !matches!(self, Self::Spin | Self::SpinMiddleware)
    }

    /// An edge on this host: `envoy.yaml`'s plugin configuration with `patch` merged into it.
    pub fn start(self, mut patch: Value) -> World {
        let wechat = FakeWechat::new(APPID, SECRET);
        let rig: Box<dyn Rig> = match self {
            Self::Core => Box::new(CoreRig::start(&wechat, &patch)),
            Self::Wasm => Box::new(WasmRig::start(&wechat, &patch)),
            Self::Envoy => Box::new(EnvoyRig::start(&wechat, &patch)),
            Self::EnvoyWebdis => Box::new(EnvoyRig::start_with_redis(&wechat, &patch)),
            Self::Spin => Box::new(SpinRig::start(Way::Service, &wechat, &patch)),
            Self::SpinMiddleware => Box::new(SpinRig::start(Way::Middleware, &wechat, &patch)),
            Self::CoreRest => {
                patch["store"] = bridge::rest();
                Box::new(CoreRig::start(&wechat, &patch))
            }
            Self::WasmWebdis => {
                patch["store"] = bridge::webdis();
                Box::new(WasmRig::start(&wechat, &patch))
            }
        };
        World::new(rig, wechat)
    }
}

/// A request that the plugin itself sends, as the app sees it.
fn seen_by_app(path: &str, headers: Vec<(String, Vec<u8>)>, body: &[u8]) -> SeenByApp {
    SeenByApp {
        method: "POST".into(),
        path: path.into(),
        headers,
        body: body.into(),
    }
}

/// What the app answers to a target, on hosts that have no app.
fn app_answer(target: &str) -> (u16, Vec<(String, Vec<u8>)>) {
    let (status, headers) = testkit::fakes::app::answer_to(target);
    let owned =
        |(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.as_bytes().to_vec());
    (status, headers.into_iter().map(owned).collect())
}

/// The plugin configuration of `envoy.yaml` with `patch` merged into it.
pub fn configuration(patch: &Value) -> Value {
    shipped(patch).patch_plugin(patch).plugin().clone()
}

/// `envoy.yaml`; its listener of WeChat's API, if `patch` is about that. Read once.
fn shipped(patch: &Value) -> Config {
    static SHIPPED: LazyLock<Config> = LazyLock::new(|| Config::load().unwrap());
    static OF_WECHAT_API: LazyLock<Config> = LazyLock::new(|| SHIPPED.clone().wechat_api());
    if patch.get("wechat_api").is_some() {
        OF_WECHAT_API.clone()
    } else {
        SHIPPED.clone()
    }
}
