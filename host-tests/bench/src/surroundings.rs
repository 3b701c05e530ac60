//! What all arms share: the stand-in for WeChat, the authorization server, and `envoy.yaml` made fit for measuring.
//! Never anything that one arm has and another has not: that is in `arms`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::modules::Modules;
use project::target_folder;
use testkit::envoy::Config;
use testkit::fakes::wechat::{FakeWechat, WechatServer};
use testkit::listener::Listener;
use testkit::redis::{Server, Webdis};

pub(super) const SECRET: &str = "00112233445566778899aabbccddeeff";

/// Everything that runs beside the Envoys.
pub(super) struct Surroundings {
    pub(super) modules: Modules,
    pub(super) wechat: FakeWechat,
    pub(super) authorizer: Listener,
    redis: Option<(Webdis, Server)>,
    wechat_server: WechatServer,
    trusted_ca: NamedTempFile,
}

impl Surroundings {
    pub(super) fn start(modules: Modules) -> Result<Self> {
        let config = Config::load()?;
        let appid = config.plugin().pointer("/apps/0/appid");
        let appid = appid
            .and_then(Value::as_str)
            .context("envoy.yaml names no app")?;
        let wechat = FakeWechat::new(appid, SECRET);
        wechat.bind(true);
        let wechat_server = wechat.serve();
        let mut trusted_ca = tempfile::Builder::new()
            .prefix("bench-ca-")
            .suffix(".pem")
            .tempfile_in(target_folder())
            .context("cannot write into target")?;
        trusted_ca.write_all(wechat_server.ca_pem().as_bytes())?;
        Ok(Self {
            modules,
            wechat,
            // Who breaks off has only themselves to tell.
            authorizer: Listener::start(|stream| drop(say_yes(stream))),
            redis: None,
            wechat_server,
            trusted_ca,
        })
    }

    /// Starts a Redis, and a Webdis before it: not every machine can have them.
    pub(super) fn start_redis(&mut self) -> Result<()> {
        let redis = Server::start()?;
        let webdis = Webdis::options(redis.addr()).without_basic_auth().start()?;
        self.redis = Some((webdis, redis));
        Ok(())
    }

    /// The Redis, if it was started.
    pub(super) fn redis(&self) -> Option<&Server> {
        self.redis.as_ref().map(|(_, redis)| redis)
    }

    /// Where Webdis is, if it was started.
    pub(super) fn webdis(&self) -> Option<SocketAddr> {
        let (webdis, _) = self.redis.as_ref()?;
        Some(webdis.addr())
    }

    /// `envoy.yaml` with an answer instead of an app behind it, and without the access log: what is left is the edge
    /// and its filters.
    pub(super) fn config(&self) -> Result<Config> {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let answer = json!({ "status": 200, "body": { "inline_string": "ok" } });
        let route = json!({ "match": { "prefix": "/" }, "direct_response": answer });
        let host = json!({ "name": "app", "domains": ["*"], "routes": [route] });
        Ok(Config::load()?
            .module(&self.modules.plugin)
            .listen(free)
            .admin(free)
            .wechat(self.wechat_server.addr(), self.trusted_ca.path())
            .patch_http(
                &json!({ "access_log": null, "route_config": { "virtual_hosts": [host] } }),
            ))
    }
}

/// The cheapest authorization there is: 200 to whatever comes, on a kept connection. Envoy sends its checks without
/// a body and one after the other.
fn say_yes(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut held = 0;
    loop {
        let more = stream.read(&mut buffer[held..])?;
        held += more;
        if more == 0 || held == buffer.len() {
            return Ok(());
        }
        if buffer[..held].ends_with(b"\r\n\r\n") {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
            held = 0;
        }
    }
}
