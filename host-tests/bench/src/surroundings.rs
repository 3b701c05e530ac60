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
pub(super) const PUSH_TOKEN: &str = "benchtoken";
pub(super) const PUSH_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// What every Envoy has in its environment.
pub(super) const ENVIRONMENT: [(&str, &str); 3] = [
    ("WX_SECRET", SECRET),
    ("WX_PUSH_TOKEN", PUSH_TOKEN),
    ("WX_PUSH_KEY", PUSH_KEY),
];

/// Everything that runs beside the Envoys.
pub(super) struct Surroundings {
    pub(super) modules: Modules,
    pub(super) wechat: FakeWechat,
    pub(super) authorizer: Listener,
    /// It takes every message.
    pub(super) app: Listener,
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
            authorizer: Listener::start(|stream| drop(answer_all(stream, ""))),
            app: Listener::start(|stream| drop(answer_all(stream, "success"))),
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

    /// The listener of `envoy.yaml` for calls of WeChat's API, alone and without its access log.
    pub(super) fn wechat_api(&self) -> Config {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = Config::load().expect("it was read before");
        config
            .wechat_api()
            .module(&self.modules.plugin)
            .listen(free)
            .admin(free)
            .wechat(self.wechat_server.addr(), self.trusted_ca.path())
            .patch_http(&json!({ "access_log": null }))
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

/// The cheapest server there is: 200 to whatever comes, on a kept connection. Envoy sends one request after the other.
fn answer_all(mut stream: TcpStream, says: &str) -> io::Result<()> {
    let length = says.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{says}");
    let mut buffer = [0; 8192];
    let mut held = 0;
    loop {
        let more = stream.read(&mut buffer[held..])?;
        held += more;
        if more == 0 || held == buffer.len() {
            return Ok(());
        }
        if is_whole(&buffer[..held]) {
            stream.write_all(answer.as_bytes())?;
            held = 0;
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .split_once("content-length: ")
        .map_or("0", |(_, rest)| rest);
    let length = length.split("\r\n").next().unwrap_or_default();
    length.parse() == Ok(body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_when_its_body_is() {
        for (request, expected) in [
            ("GET / HTTP/1.1\r\nhost: h\r\n", false),
            ("GET / HTTP/1.1\r\nhost: h\r\n\r\n", true),
            (
                "POST / HTTP/1.1\r\nContent-Length: 2\r\nhost: h\r\n\r\na",
                false,
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 2\r\nhost: h\r\n\r\nab",
                true,
            ),
        ] {
            assert_eq!(is_whole(request.as_bytes()), expected, "{request}");
        }
    }
}
