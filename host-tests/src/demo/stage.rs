//! Starts everything around the journey: a stand-in for WeChat, the app, and a real Envoy between them.
//! Never alters `envoy.yaml` but for where things are.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::Options;
use super::journey::Edge;
use crate::envoy::{Config, Envoy, target_folder};
use crate::fakes::app::FakeApp;
use crate::fakes::wechat::{FakeWechat, WechatServer};

pub(super) const SECRET: &str = "00112233445566778899aabbccddeeff";

/// Everything that runs. Dropped from top to bottom: Envoy first, so that it misses nobody.
pub(super) struct Stage {
    pub(super) envoy: Envoy,
    pub(super) wechat: FakeWechat,
    pub(super) app: FakeApp,
    wechat_server: WechatServer,
    _trusted_ca: NamedTempFile,
}

impl Stage {
    /// The plugin must have been built.
    pub(super) fn start(options: &Options) -> Result<Self> {
        let config = Config::load()?;
        let appid = config.plugin().pointer("/apps/0/appid");
        let appid = appid
            .and_then(Value::as_str)
            .context("envoy.yaml names no app")?;
        let wechat = FakeWechat::new(appid, SECRET);
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
            .endpoint("app", app.addr())
            .wechat(wechat_server.addr(), trusted_ca.path());
        Ok(Self {
            envoy: Envoy::start(&config, &[("WX_SECRET", SECRET)])?,
            wechat,
            app,
            wechat_server,
            _trusted_ca: trusted_ca,
        })
    }

    pub(super) fn edge(&self) -> Edge {
        Edge {
            base: self.envoy.addr(),
        }
    }

    /// What differs from `envoy.yaml`: name of the place, and what stands there now.
    pub(super) fn changes(&self) -> [(&'static str, String); 5] {
        let wechat = format!(
            "{}, a stand-in; TLS, SNI and name check stay",
            self.wechat_server.addr()
        );
        [
            ("listener", self.envoy.addr().to_string()),
            ("admin", self.envoy.admin_addr().to_string()),
            ("cluster wechat", wechat),
            ("trusted_ca", "the stand-in's own".to_owned()),
            (
                "cluster app",
                format!("{}, answers with what it received", self.app.addr()),
            ),
        ]
    }
}
