//! What the tests of `client` run against: a real Envoy with the built plugin, between the fake WeChat and the fake app,
//! and beside it a server through which the tests play WeChat.
//! Never runs Node itself, and alters nothing in `envoy.yaml` but where things are.

mod control;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::envoy::{Config, Envoy, build_plugin, root};
use crate::fakes::app::FakeApp;
use crate::fakes::listener::Listener;
use crate::fakes::wechat::{FakeWechat, WechatServer};

/// The environment variable that tells the tests where the control server is; without it they leave the edge out.
pub const CONTROL: &str = "WX_SESSION_CONTROL";

const SECRET: &str = "00112233445566778899aabbccddeeff";

/// The folder of the npm package.
#[must_use]
pub fn client_folder() -> PathBuf {
    root().join("client")
}

/// Everything that runs. Dropped from top to bottom: Envoy first, so that it misses nobody.
#[derive(Debug)]
pub struct Stage {
    _envoy: Envoy,
    control: Listener,
    wechat: FakeWechat,
    _wechat_server: WechatServer,
    _trusted_ca: NamedTempFile,
}

impl Stage {
    /// Builds the plugin and starts all on free loopback ports.
    ///
    /// # Errors
    /// When the plugin does not build, or Envoy does not start.
    pub fn start() -> Result<Self> {
        let config = Config::for_test(&build_plugin()?)?;
        let appid = config.plugin().pointer("/apps/0/appid");
        let appid = appid
            .and_then(Value::as_str)
            .context("envoy.yaml names no app")?;
        let wechat = FakeWechat::new(appid, SECRET);
        let wechat_server = wechat.serve();
        let mut trusted_ca = NamedTempFile::new()?;
        trusted_ca.write_all(wechat_server.ca_pem().as_bytes())?;
        let app = FakeApp::start();
        let config = config
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

    /// The value of [`CONTROL`].
    #[must_use]
    pub fn control(&self) -> String {
        format!("http://{}", self.control.addr())
    }

    /// Guards against tests that were content without the edge.
    ///
    /// # Errors
    /// When nobody has logged in.
    pub fn ensure_used(&self) -> Result<()> {
        ensure!(
            !self.wechat.requests().is_empty(),
            "no test of the client has reached the edge"
        );
        Ok(())
    }
}
