//! Everything that runs: two Envoys as in `examples/webdis` with TLS before them, a webdis beside each, one Redis, and
//! stand-ins for WeChat and the app.
//! Never alters the example but for where things are, TLS, and the times and routes of [`crate::rules`].

mod certificates;
mod edge;
mod recovery;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use project::{debian, target_folder};
use serde_json::json;
use tempfile::NamedTempFile;
use testkit::door::Door;
use testkit::envoy::Config;
use testkit::fakes::app::{FakeApp, Scripted, SeenByApp};
use testkit::fakes::wechat::{FakeWechat, WechatServer};
use testkit::redis::{Server, ServerOptions, Webdis, WebdisOptions};

use crate::answer::{BY_APP, ID};
use crate::client::{Address, Trust};
use crate::rules::APPID;
use crate::weather::EdgeName;

use certificates::Certificates;
use edge::Edge;

pub(crate) use recovery::PROBE;

const EXAMPLE: &str = "examples/webdis/envoy.yaml";
const REDIS_CONF: &str = "examples/webdis/redis.conf";
const WEBDIS_JSON: &str = "examples/webdis/webdis.json";

const SECRET: &str = "00112233445566778899aabbccddeeff";
/// The variables that have the master keys, the AppSecret first: as without `master_keys`.
pub(crate) const KEYS: [&str; 10] = [
    "WX_SECRET",
    "WX_MASTER_KEY_1",
    "WX_MASTER_KEY_2",
    "WX_MASTER_KEY_3",
    "WX_MASTER_KEY_4",
    "WX_MASTER_KEY_5",
    "WX_MASTER_KEY_6",
    "WX_MASTER_KEY_7",
    "WX_MASTER_KEY_8",
    "WX_MASTER_KEY_9",
];

/// All of it. Dropped from top to bottom: the Envoys first, so that they miss nobody.
pub(crate) struct Stage {
    /// A and B.
    pub(crate) edges: [Edge; 2],
    /// Beside A and beside B.
    pub(crate) webdis: [Webdis; 2],
    /// Behind both.
    pub(crate) redis: Server,
    /// Before WeChat.
    pub(crate) wechat_door: Door,
    /// Before the app.
    pub(crate) app_door: Door,
    /// The stand-in.
    pub(crate) wechat: FakeWechat,
    /// The app; others look at it while this one is altered.
    pub(crate) app: Arc<FakeApp>,
    /// The certificate of both edges.
    pub(crate) certificates: Certificates,
    /// What seals now, and what still opens.
    pub(crate) keys: Vec<&'static str>,
    _wechat_server: WechatServer,
    _trusted_ca: NamedTempFile,
}

impl Stage {
    /// Starts everything around the built `module`. What WeChat says is random, by the seed.
    ///
    /// # Errors
    /// When something cannot be had or does not start.
    pub(crate) fn start(module: &Path, seed: u64) -> Result<Self> {
        debian::ensure_redis()?;
        let wechat = FakeWechat::seeded(APPID, SECRET, &seed.to_be_bytes());
        let wechat_server = wechat.serve();
        let wechat_door = Door::to(wechat_server.addr())?;
        let app = Arc::new(FakeApp::start());
        app.answer_with(|seen| Some(echo(seen)));
        let app_door = Door::to(app.addr())?;
        let mut trusted_ca = NamedTempFile::new_in(target_folder())?;
        trusted_ca.write_all(wechat_server.ca_pem().as_bytes())?;

        let redis = ServerOptions::read(REDIS_CONF)?.start()?;
        let beside = || WebdisOptions::read(WEBDIS_JSON, redis.addr())?.start();
        let webdis = [beside()?, beside()?];

        let certificates = Certificates::new()?;
        let mut variables = KEYS.to_vec();
        variables.push("WX_WEBDIS_AUTH");
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let base = Config::read(EXAMPLE)?
            .module(module)
            .admin(free)
            .endpoint("app", app_door.addr())
            .wechat(wechat_door.addr(), trusted_ca.path())
            .patch_filter_chain(&certificates.transport_socket())
            // Nobody reads it here, and an hour of it is large.
            .patch_http(&json!({ "access_log": null }))
            .patch_filter(&json!({ "vm_config": {
                "environment_variables": { "host_env_keys": variables },
            } }));
        let keys = vec![KEYS[0]];
        let start = |name: EdgeName| {
            let webdis = &webdis[name as usize];
            let auth = webdis.basic_auth().context("webdis asks for nothing")?;
            let mut env = vec![("WX_WEBDIS_AUTH", auth.to_owned())];
            // Of a key, the name is enough to tell it from the others.
            let key = |name: &&'static str| (*name, format!("{name}-{}", "k".repeat(32)));
            env.extend(KEYS[1..].iter().map(key));
            env.push((KEYS[0], SECRET.to_owned()));
            let env: Vec<_> = env.iter().map(|(name, value)| (*name, &**value)).collect();
            Edge::start(name, &base.clone().sessions(webdis.addr()), &keys, &env)
        };
        Ok(Self {
            edges: [start(EdgeName::A)?, start(EdgeName::B)?],
            webdis,
            redis,
            wechat_door,
            app_door,
            wechat,
            app,
            certificates,
            keys,
            _wechat_server: wechat_server,
            _trusted_ca: trusted_ca,
        })
    }

    /// Where the edges are.
    pub(crate) fn addresses(&self) -> [Address; 2] {
        [self.edges[0].address(), self.edges[1].address()]
    }

    /// Whom clients believe.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn trust(&self) -> Result<Trust> {
        Trust::new(self.certificates.authority())
    }

    /// This edge.
    pub(crate) fn edge(&mut self, name: EdgeName) -> &mut Edge {
        &mut self.edges[name as usize]
    }
}

/// The app says that it is the app, and whom it answers.
fn echo(seen: &SeenByApp) -> Scripted {
    let id = seen.header(ID).unwrap_or_default();
    let id = String::from_utf8_lossy(id).into_owned();
    Scripted {
        status: 200,
        headers: vec![(BY_APP.to_owned(), "1".to_owned()), (ID.to_owned(), id)],
        body: "{}".to_owned(),
        ..Scripted::default()
    }
}
