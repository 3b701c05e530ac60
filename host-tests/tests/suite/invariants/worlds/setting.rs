//! How a world is configured: one of a few dozen documents, each with most of what there is switched on.

use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::fakes::wechat::Platform;

use crate::rig::wasm_world::embedded;
use crate::rig::{APPID, bridge};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Setting {
    pub(super) host: Hosted,
    pub(super) store: Kept,
    pub(super) theme: Theme,
    pub(super) times: Times,
}

/// What runs the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hosted {
    /// The built module.
    Wasm,
    /// The core in this process.
    Core,
}

/// Where sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kept {
    Embedded,
    Webdis,
    Rest,
}

/// What is particular about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Theme {
    /// Nothing that is off by default.
    Plain,
    /// Every request for the app is observed, but where a route enforces.
    Observed,
    /// Tokens in cookies and queries, logins on the way, Wafer's clients, preflights.
    Wide,
    /// An app of each platform.
    Platforms,
    /// The app lists its releases.
    Listed,
}

/// For how long what holds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Times {
    pub(super) cache: u64,
    pub(super) remember: u64,
    pub(super) idle: u64,
}

const DAY: u64 = 24 * 3600;

pub(super) fn setting() -> impl Strategy<Value = Setting> {
    let store = prop_oneof![Just(Kept::Embedded), Just(Kept::Webdis), Just(Kept::Rest)];
    let theme = prop_oneof![
        Just(Theme::Plain),
        Just(Theme::Observed),
        Just(Theme::Wide),
        Just(Theme::Platforms),
        Just(Theme::Listed)
    ];
    let times = |cache, remember, idle| {
        Just(Times {
            cache,
            remember,
            idle,
        })
    };
    let times = prop_oneof![
        times(0, 60, DAY),
        times(1, 0, DAY),
        times(60, 60, DAY),
        times(5, 60, 90)
    ];
    let host = prop_oneof![Just(Hosted::Wasm), Just(Hosted::Core)];
    (host, store, theme, times).prop_map(|(host, store, theme, times)| Setting {
        host,
        store,
        theme,
        times,
    })
}

/// The page that may use the cookie.
pub(super) const PAGE: &str = "https://h5.example.com";
/// How messages of WeChat's reach the edge.
pub(super) const PUSH: &str = "/wx/push";
/// What the backend may call of WeChat's API.
pub(super) const ALLOWED: &str = "/cgi-bin/message/";

impl Setting {
    /// Whether the app is heard on its sessions.
    pub(super) fn hears(&self) -> bool {
        self.theme != Theme::Plain
    }

    /// Whether messages come sealed.
    pub(super) fn seals(&self) -> bool {
        self.theme != Theme::Plain
    }

    /// The configuration of the clients' listener, to be merged into `envoy.yaml`'s.
    pub(super) fn document(&self) -> Value {
        let mut document = self.shared();
        document["session"] = json!({
            "cache_ttl_s": self.times.cache,
            "idle_timeout_s": self.times.idle,
        });
        document["login"] = json!({ "remember_s": self.times.remember });
        document["push"] = json!({ "answer_after_ms": 500, "timeout_ms": 2000 });
        document["admin"] = json!({ "tokens": [{ "env": "WX_ADMIN_TOKEN" }] });
        document["routes"] = routes();
        if self.hears() {
            document["responses"] = json!({ "session_end": true, "attributes": true });
        }
        match self.theme {
            Theme::Observed => document["mode"] = json!("observe"),
            Theme::Wide => {
                let session = &mut document["session"];
                session["cookie"] = json!("wxs");
                session["cookie_origins"] = json!([PAGE]);
                session["query"] = json!("wxs");
                session["piggyback"] = json!(true);
                document["compat"] = json!("wafer");
                document["cors_preflight"] = json!(true);
                document["assertion"] = json!({ "key": { "env": "WX_OLD_MASTER_KEY" } });
            }
            Theme::Plain | Theme::Platforms | Theme::Listed => {}
        }
        document
    }

    /// That of the listener for the backend's calls of WeChat's API.
    pub(super) fn door(&self) -> Value {
        let mut document = self.shared();
        document["wechat_api"] = json!({ "allow": [ALLOWED] });
        document
    }

    fn shared(&self) -> Value {
        json!({
            "apps": self.apps(),
            "master_keys": [{ "env": "WX_MASTER_KEY" }],
            "wechat": { "timeout_ms": 500 },
            "store": match self.store {
                Kept::Embedded => embedded(),
                Kept::Webdis => bridge::webdis(),
                Kept::Rest => bridge::rest(),
            },
        })
    }

    fn apps(&self) -> Value {
        let mut push = json!({ "token": { "env": "WX_PUSH_TOKEN" } });
        if self.seals() {
            push["encoding_aes_key"] = json!({ "env": "WX_PUSH_KEY" });
        }
        let mut own = json!({ "appid": APPID, "secret": { "env": "WX_SECRET" }, "push": push });
        if self.theme == Theme::Listed {
            own["releases"] = json!(["release"]);
        }
        let mut apps = vec![own];
        if self.theme == Theme::Platforms {
            apps.extend(OTHERS.map(|(platform, appid, secret)| {
                json!({ "platform": platform.name(), "appid": appid, "secret": { "env": secret } })
            }));
        }
        json!(apps)
    }
}

/// The apps of other platforms: id, and where their secret is.
pub(super) const OTHERS: [(Platform, &str, &str); 3] = [
    (Platform::Qq, "1108292182", "WX_OLD_MASTER_KEY"),
    (
        Platform::Douyin,
        "tt0123456789abcdef01",
        "WX_OLD_MASTER_KEY",
    ),
    (
        Platform::Kuaishou,
        "ks700000000000000001",
        "WX_OLD_MASTER_KEY",
    ),
];

fn routes() -> Value {
    json!([
        { "prefix": "/public", "session": "public" },
        { "prefix": "/feed", "session": "optional" },
        { "prefix": "/anonymous", "session": "optional", "outage": "anonymous" },
        { "prefix": "/stale", "session": "required", "outage": "stale" },
        { "prefix": "/enforced", "session": "required", "mode": "enforce" },
        { "prefix": "/watched", "session": "required", "mode": "observe" },
        { "path": "/profile", "session": "required", "open_data": "body" },
        { "path": "/carried", "session": "required", "session_in": "sid" },
        { "path": "/socket", "session": "required", "upgrades": ["websocket"] },
        { "path": "/auth/body", "methods": ["POST"], "session": "public", "login": "body", "login_code": "loginCode", "session_in": "sid" },
        { "path": "/auth/query", "session": "public", "login": "query", "login_code": "js_code" },
        { "path": "/auth/headers", "session": "public", "login": "headers", "login_code": "login-code" },
        { "path": "/auth/told", "session": "optional", "login": "body", "login_errors": "app" },
        { "path": "/bind", "session": "required", "login": "body", "login_binds": true },
    ])
}
