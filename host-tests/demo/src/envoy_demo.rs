//! Starts everything around the journey: a stand-in for WeChat, the app, and between them a real Envoy, or two that
//! share a real Redis.
//! Never alters the repository's configuration but for where things are and how long two edges may differ.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::journey::{Backend, CACHE_TTL_S, Edge};
use super::redis::Redis;
use super::servers::{EdgeServer, Servers};
use super::{Options, Store};
use project::target_folder;
use testkit::envoy::Config;
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, PushAccount, WechatServer};

pub(super) const SECRET: &str = "00112233445566778899aabbccddeeff";

const PUSH_TOKEN: &str = "demotoken";
const PUSH_VARIABLES: (&str, &str) = ("WX_PUSH_TOKEN", "WX_PUSH_KEY");

/// Everything that runs. Dropped from top to bottom: the Envoys first, so that they miss nobody.
pub(super) struct EnvoyDemo {
    pub(super) servers: Servers,
    pub(super) wechat: FakeWechat,
    pub(super) app: FakeApp,
    /// Where there is one edge.
    pub(super) backend: Option<Backend>,
    wechat_server: WechatServer,
    _trusted_ca: NamedTempFile,
}

impl EnvoyDemo {
    /// The plugin must have been built.
    pub(super) fn start(options: &Options) -> Result<Self> {
        let file = options.store.configuration();
        let config = Config::read(file)?;
        let appid = config.plugin().pointer("/apps/0/appid");
        let appid = appid
            .and_then(Value::as_str)
            .with_context(|| format!("{file} names no app"))?
            .to_owned();
        let wechat = FakeWechat::new(&appid, SECRET);
        wechat.bind(true);
        let wechat_server = wechat.serve();
        let app = FakeApp::start();
        let mut trusted_ca = tempfile::Builder::new()
            .prefix("demo-ca-")
            .suffix(".pem")
            .tempfile_in(target_folder())
            .context("cannot write into target")?;
        trusted_ca.write_all(wechat_server.ca_pem().as_bytes())?;

        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let config = config
            .listen(local(options.port))
            .admin(local(options.admin_port))
            .listen_for_backend(local(0))
            .endpoint("app", app.addr())
            .wechat(wechat_server.addr(), trusted_ca.path());
        let (servers, backend) = match options.store {
            Store::Embedded => {
                let push = wechat.push_account(&appid, PUSH_TOKEN, &"K".repeat(43), "/wx/push");
                let servers = alone(with_push(config)?, &push)?;
                let api = servers.edges[0].envoy()?.wait_for_listener("wechat-api")?;
                (servers, Some(Backend { api, push }))
            }
            Store::Redis => (two_on_redis(config)?, None),
        };
        Ok(Self {
            servers,
            wechat,
            app,
            backend,
            wechat_server,
            _trusted_ca: trusted_ca,
        })
    }

    /// The first, or the only one.
    pub(super) fn edge(&self) -> Edge {
        self.servers.edges[0].edge
    }

    /// What differs from the repository's configuration: name of the place, and what stands there now.
    pub(super) fn changes(&self) -> Result<Vec<Vec<String>>> {
        let mut rows = Vec::new();
        let mut row = |place: &str, now: String| rows.push(vec![place.to_owned(), now]);
        for server in &self.servers.edges {
            let of = |place: &str| format!("{place} {}", server.edge.name);
            row(of("listener").trim(), server.edge.base.to_string());
            row(of("admin").trim(), server.envoy()?.admin_addr().to_string());
        }
        let wechat = self.wechat_server.addr();
        let wechat = format!("{wechat}, a stand-in; TLS, SNI and name check stay");
        row("cluster wechat", wechat);
        row("trusted_ca", "the stand-in's own".to_owned());
        let app = self.app.addr();
        row(
            "cluster app",
            format!("{app}, answers with what it received"),
        );
        if let Some(Backend { api, .. }) = &self.backend {
            row("listener wechat-api", api.to_string());
            row(
                "apps[0].push, push",
                "on, with a Token of the stand-in's".to_owned(),
            );
        }
        if let Some(redis) = &self.servers.redis {
            let (bridge, redis) = (redis.bridge(), redis.addr());
            row(
                "cluster sessions",
                format!("{bridge}, webdis; Redis {redis}"),
            );
            row(
                "session.cache_ttl_s",
                format!("{CACHE_TTL_S}, to wait less"),
            );
        }
        Ok(rows)
    }
}

/// Message push is off in the repository's configuration: it needs a Token and an EncodingAESKey from WeChat.
fn with_push(config: Config) -> Result<Config> {
    let app = config.plugin().pointer("/apps/0").context("no app")?;
    let mut app = app.clone();
    let (token, key) = PUSH_VARIABLES;
    app["push"] = json!({ "token": { "env": token }, "encoding_aes_key": { "env": key } });
    let names = json!(["WX_SECRET", token, key]);
    let environment = json!({ "environment_variables": { "host_env_keys": names } });
    Ok(config
        .patch_plugin(&json!({ "apps": [app], "push": { "cluster": "app" } }))
        .patch_filter(&json!({ "vm_config": environment })))
}

fn alone(config: Config, push: &PushAccount) -> Result<Servers> {
    let (token, key) = PUSH_VARIABLES;
    let environment = [
        ("WX_SECRET", SECRET.to_owned()),
        (token, push.token.clone()),
        (key, push.encoding_aes_key.clone()),
    ];
    Ok(Servers {
        edges: vec![EdgeServer::start("", config, &environment)?],
        redis: None,
    })
}

/// B takes ports of its own.
fn two_on_redis(config: Config) -> Result<Servers> {
    let redis = Redis::start()?;
    let config = config
        .sessions(redis.bridge())
        .patch_plugin(&json!({ "session": { "cache_ttl_s": CACHE_TTL_S } }));
    let environment = [
        ("WX_SECRET", SECRET.to_owned()),
        ("WX_WEBDIS_AUTH", redis.basic_auth().to_owned()),
    ];
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let b = config.clone().listen(free).admin(free);
    let edges = vec![
        EdgeServer::start("A", config, &environment)?,
        EdgeServer::start("B", b, &environment)?,
    ];
    Ok(Servers {
        edges,
        redis: Some(redis),
    })
}
