//! From a manifest to the Envoy configuration that a platform makes of it, around the edge that the other tests use: its
//! fakes, its listener, its app. What a platform decides by itself is said where it is done.

use project::{filter, root};
use serde::Deserialize as _;
use serde_json::{Value, json};
use testkit::client::Request;
use testkit::envoy::{Config, validate};
use testkit::fakes::wechat::Phone;

use crate::rig::envoy_world::{EnvoyWorld, SECRET, login_request, token_of, with_token};

/// What the manifests take from the environment.
const ENVIRONMENT: [(&str, &str); 2] =
    [("WX_SECRET", SECRET), ("WX_WEBDIS_AUTH", "edge:change-me")];

/// The only object of this kind in a manifest.
pub fn object(path: &str, kind: &str) -> Value {
    let text = std::fs::read_to_string(root().join("deploy").join(path)).unwrap();
    let all =
        serde_yaml_ng::Deserializer::from_str(&text).map(|one| Value::deserialize(one).unwrap());
    let mut of_kind: Vec<Value> = all.filter(|one| one["kind"] == kind).collect();
    assert_eq!(of_kind.len(), 1, "{path}: {kind}");
    of_kind.remove(0)
}

/// As all three hand the document over: a text of JSON.
pub fn as_text(document: &Value) -> Value {
    assert!(document["apps"].is_array(), "{document}");
    json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": document.to_string() })
}

/// The variables that an `env` of Istio or Higress passes on.
pub fn from_host(env: &Value) -> Vec<&Value> {
    let env = env.as_array().unwrap().iter();
    env.filter(|one| one["valueFrom"] == "HOST")
        .map(|one| &one["name"])
        .collect()
}

/// The module, from where it was built: fetching it is the platform's part.
pub fn code() -> Value {
    json!({ "local": { "filename": filter::built().unwrap() } })
}

/// What a platform makes.
#[derive(Clone)]
pub struct Made {
    /// The `PluginConfig`.
    pub plugin: Value,
    /// The cluster that leads to WeChat, under the platform's name for it.
    pub wechat: Cluster,
}

#[derive(Clone)]
pub enum Cluster {
    /// Under this name, else as in `envoy.yaml`.
    Named(String),
    /// All of it.
    Whole(Value),
}

impl Made {
    fn in_envoy(&self, mut config: Config) -> Config {
        let http = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        let filters = config
            .document
            .pointer_mut(&format!("{http}/http_filters"))
            .unwrap();
        filters[1]["typed_config"]["config"] = self.plugin.clone();
        // Nor does one have the listener of WeChat's API.
        let listeners = &mut config.document["static_resources"]["listeners"];
        listeners.as_array_mut().unwrap().truncate(1);
        // No platform gives its counters tags by itself.
        config = config.patch(&json!({ "stats_config": null }));
        match &self.wechat {
            Cluster::Named(name) => {
                let named = json!({ "name": name, "load_assignment": { "cluster_name": name } });
                config.patch_cluster("wechat", &named)
            }
            Cluster::Whole(cluster) => with_cluster(config, cluster),
        }
    }

    /// An edge that runs it.
    pub fn edge(&self) -> EnvoyWorld {
        EnvoyWorld::alone(|config| self.in_envoy(config))
    }

    /// What Envoy says of it before it runs.
    pub fn validate(&self) {
        let config = Config::for_test(&filter::built().unwrap()).unwrap();
        validate(&self.in_envoy(config), &ENVIRONMENT).unwrap();
    }

    /// The same with a part of the `PluginConfig` set.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.plugin[name] = value;
        self
    }
}

/// A cluster of a manifest, which leads to the stand-in where it would lead to WeChat; its TLS and its check of the
/// certificate stay.
fn with_cluster(mut config: Config, cluster: &Value) -> Config {
    let clusters = config
        .document
        .pointer_mut("/static_resources/clusters")
        .unwrap();
    let own = clusters.as_array_mut().unwrap().iter_mut();
    let own = own.into_iter().find(|one| one["name"] == "wechat").unwrap();
    let ca = "/transport_socket/typed_config/common_tls_context/validation_context/trusted_ca";
    let (place, trusted) = (
        own["load_assignment"].clone(),
        own.pointer(ca).unwrap().clone(),
    );
    let kind = own["type"].clone();
    *own = cluster.clone();
    if kind == "STATIC" {
        own["type"] = kind;
        own.as_object_mut().unwrap().remove("dns_lookup_family");
    }
    own["load_assignment"] = place;
    *own.pointer_mut(ca).unwrap() = trusted;
    config
}

/// Somebody without a session, somebody who logs in, somebody who claims to be another.
pub fn journey(edge: &EnvoyWorld, login: impl Fn(&str) -> Request) {
    assert_eq!(edge.send(&Request::get("/orders")).status, 401);
    let claim = Request::get("/public/news").header("x-wx-openid", "admin");
    assert_eq!(edge.send(&claim).status, 200);
    let phone = edge.wechat.phone("ming");
    let token = token_of(&edge.send(&login(&phone.login())));
    assert_eq!(edge.send(&with_token(&token)).status, 200);
    let seen = edge.app.take();
    let openid = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let openids: Vec<_> = seen
        .iter()
        .map(|request| request.header("x-wx-openid").map(openid))
        .collect();
    assert_eq!(openids, [None, Some(phone.openid())]);
    every_endpoint_without_a_body(edge, &phone, &token);
    let log = edge.envoy.log();
    assert!(!log.contains(SECRET), "{log}");
    assert_eq!(edge.reloads(), 0);
}

/// Whatever Envoy does with bodies.
fn every_endpoint_without_a_body(edge: &EnvoyWorld, phone: &Phone, token: &str) {
    let info = phone.user_info();
    let raw_data: String = info.raw_data.bytes().map(|b| format!("%{b:02X}")).collect();
    let encrypted = [
        ("x-wx-encrypted-data", &info.encrypted_data),
        ("x-wx-iv", &info.iv),
    ];
    let signed = [
        ("x-wx-rawdata", &raw_data),
        ("x-wx-signature", &info.signature),
    ];
    for request in [Request::get, Request::post] {
        for (path, headers) in [
            ("/wx/verify", &signed),
            ("/wx/decrypt", &encrypted),
            ("/wx/register", &encrypted),
        ] {
            let asked = request(path).header("x-wx-skey", token);
            let asked = headers
                .iter()
                .fold(asked, |asked, (name, value)| asked.header(*name, value));
            let answer = edge.send(&asked);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    let out = Request::get("/wx/logout").header("x-wx-skey", token);
    assert_eq!(edge.send(&out).status, 200);
    assert_eq!(edge.send(&with_token(token)).status, 401);
}

/// Where bodies are not handed over, and where they are.
pub fn without_a_body(code: &str) -> Request {
    Request::get("/wx/login").header("x-wx-code", code)
}

/// See [`without_a_body`].
pub fn with_a_body(code: &str) -> Request {
    login_request(code)
}
