//! A real Redis behind a real webdis or a stand-in for the REST dialect, and real Envoys on it.
//! Never shared between tests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use testkit::envoy::Config;
use testkit::fakes::wechat::FakeWechat;
use testkit::redis::{FaultyProxy, RestServer, Server, ServerOptions, Value as Reply, Webdis};

use super::{EnvoyRig, bridge};

/// A Redis, the bridge before it, and a proxy before that which can spoil every answer.
pub struct Backend {
    pub proxy: FaultyProxy,
    pub bridge: Bridge,
    pub redis: Server,
    /// Of a database that has one.
    pub _replica: Option<Server>,
}

/// The dialects.
pub enum Bridge {
    Webdis(Webdis),
    Rest(RestServer),
}

impl Backend {
    pub fn webdis() -> Self {
        Self::webdis_on(Server::options())
    }

    pub fn webdis_on(options: ServerOptions) -> Self {
        let redis = options.start().unwrap();
        let (user, password) = bridge::BASIC_AUTH.1.split_once(':').unwrap();
        let webdis = Webdis::options(redis.addr()).basic_auth(user, password);
        let webdis = webdis.start().unwrap();
        Self {
            proxy: FaultyProxy::start(webdis.addr()),
            bridge: Bridge::Webdis(webdis),
            redis,
            _replica: None,
        }
    }

    pub fn rest() -> Self {
        Self::rest_on(Server::options())
    }

    pub fn rest_on(options: ServerOptions) -> Self {
        let redis = options.start().unwrap();
        let rest = RestServer::start(redis.addr(), bridge::TOKEN.1);
        Self {
            proxy: FaultyProxy::start(rest.addr()),
            bridge: Bridge::Rest(rest),
            redis,
            _replica: None,
        }
    }

    /// The REST dialect before a primary and a replica that hears of every write so much later.
    pub fn replicated(lag: Duration) -> Self {
        let (redis, replica) = (Server::start().unwrap(), Server::start().unwrap());
        let token = bridge::TOKEN.1;
        let rest = RestServer::replicated(redis.addr(), replica.addr(), lag, token);
        Self {
            proxy: FaultyProxy::start(rest.addr()),
            bridge: Bridge::Rest(rest),
            redis,
            _replica: Some(replica),
        }
    }

    /// Both kinds, with their names.
    pub fn both() -> [(&'static str, Self); 2] {
        [("webdis", Self::webdis()), ("redis_rest", Self::rest())]
    }

    /// The example for this kind of store, straight to the bridge.
    pub fn config(&self) -> Config {
        let bridge = match &self.bridge {
            Bridge::Webdis(webdis) => webdis.addr(),
            Bridge::Rest(rest) => rest.addr(),
        };
        self.config_at(bridge)
    }

    /// An Envoy on it.
    pub fn edge(&self, wechat: &FakeWechat, patch: &Value) -> EnvoyRig {
        EnvoyRig::start_on(self.config(), wechat, patch, None)
    }

    /// An Envoy on it with another module than the one that is built here.
    pub fn edge_of(&self, module: &Path, wechat: &FakeWechat, patch: &Value) -> EnvoyRig {
        EnvoyRig::start_module(module, self.config(), wechat, patch, None)
    }

    /// The same through the proxy.
    pub fn edge_through_proxy(&self, wechat: &FakeWechat, patch: &Value) -> EnvoyRig {
        EnvoyRig::start_on(self.config_through_proxy(), wechat, patch, None)
    }

    /// The example through the proxy.
    pub fn config_through_proxy(&self) -> Config {
        self.config_at(self.proxy.addr())
    }

    fn config_at(&self, bridge: SocketAddr) -> Config {
        let example = match &self.bridge {
            Bridge::Webdis(_) => "examples/webdis/envoy.yaml",
            Bridge::Rest(_) => "examples/redis-rest/envoy.yaml",
        };
        Config::read(example).unwrap().sessions(bridge)
    }
}

/// The names of everything that a Redis holds.
pub fn names(redis: &Server) -> Vec<String> {
    let Ok(Reply::Array(names)) = redis.command(&["KEYS", "*"]) else {
        panic!("KEYS answers a list");
    };
    let name = |answer| match answer {
        Reply::BulkString(name) => String::from_utf8(name).unwrap(),
        other => panic!("not a name: {other:?}"),
    };
    names.into_iter().map(name).collect()
}

/// Everything that a Redis holds: names and values.
pub fn entries(redis: &Server) -> BTreeMap<String, Vec<u8>> {
    let entry = |name: String| match redis.command(&["GET", &name]).unwrap() {
        Reply::BulkString(value) => Some((name, value)),
        Reply::Nil => None,
        other => panic!("not a value: {other:?}"),
    };
    names(redis).into_iter().filter_map(entry).collect()
}
