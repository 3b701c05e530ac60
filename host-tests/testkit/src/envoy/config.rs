//! The repository's `envoy.yaml` as data, and the few changes that tests and the demo make to it.
//! Never holds a configuration of its own: what is tested is what is shipped.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// An Envoy configuration, and how many workers shall run it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The bootstrap document, in the shapes of Envoy's `config.bootstrap.v3.Bootstrap`.
    pub document: Value,
    /// Envoy's `--concurrency`.
    pub workers: u32,
    /// Which of the HTTP filters is the plugin.
    filter_at: usize,
}

impl Config {
    /// `envoy.yaml` as it stands in the repository, with one worker.
    ///
    /// # Errors
    /// When the file cannot be read, is not YAML, or lacks one of the parts that the methods here change.
    pub fn load() -> Result<Self> {
        Self::read("envoy.yaml")
    }

    /// One of the repository's configurations, by its path there.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn read(path: &str) -> Result<Self> {
        let text = fs::read_to_string(project::root().join(path))
            .with_context(|| format!("cannot read {path}"))?;
        let document: Value =
            serde_yaml_ng::from_str(&text).with_context(|| format!("{path} is not YAML"))?;
        for part in [ADMIN, LISTENER, HTTP, WASM, WASM_CONFIGURATION, CLUSTERS] {
            ensure!(
                document.pointer(part).is_some(),
                "{path} has nothing at {part}"
            );
        }
        Ok(Self {
            document,
            workers: 1,
            filter_at: 1,
        })
    }

    /// The same with `module` as the plugin, on free ports of 127.0.0.1 (read them from the running `Envoy`),
    /// statistics brought together every 100 ms instead of every 5 s, and time for a connection on a machine that is
    /// busy with many tests: Envoy looks at its timers before it sees that a connection is there.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn for_test(module: &Path) -> Result<Self> {
        Ok(Self::load()?.in_test(module))
    }

    /// See [`Config::for_test`].
    #[must_use]
    pub fn in_test(self, module: &Path) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        self.module(module)
            .listen(free)
            .listen_for_backend(free)
            .admin(free)
            .patch(&json!({ "stats_flush_interval": "0.1s" }))
            .patch_clusters(&json!({ "connect_timeout": "5s" }))
    }

    /// Points the cluster `sessions` at a bridge to Redis, without TLS.
    #[must_use]
    pub fn sessions(self, bridge: SocketAddr) -> Self {
        self.endpoint("sessions", bridge)
            .patch_cluster("sessions", &json!({ "transport_socket": null }))
    }

    /// Moves the listener `redis` (Envoy's `redis_proxy`, in examples/redis-cluster) to an address, and points the
    /// cluster `redis` behind it at some nodes of a Redis Cluster.
    #[must_use]
    pub fn redis_proxy(mut self, address: SocketAddr, nodes: &[SocketAddr]) -> Self {
        let listeners = self.part(LISTENERS).as_array_mut();
        let listener = listeners
            .expect("listeners is a list")
            .iter_mut()
            .find(|listener| listener["name"] == "redis")
            .expect("a listener of that name");
        listener["address"] = socket_address(address);
        // The cluster's type finds the other nodes, and stays.
        let load_assignment = load_assignment("redis", nodes);
        self.patch_cluster("redis", &json!({ "load_assignment": load_assignment }))
    }

    /// The listener of WeChat's API alone: from here on it is the one that is changed, and that clients connect to.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn wechat_api(mut self) -> Self {
        let listeners = self.part(LISTENERS).as_array_mut();
        let listeners = listeners.expect("listeners is a list");
        listeners.retain(|listener| listener["name"] == "wechat-api");
        assert_eq!(listeners.len(), 1, "a listener of that name");
        self.filter_at = 0;
        self
    }

    /// The same with its sessions where another configuration has them.
    ///
    /// # Panics
    /// If that has no cluster `sessions`.
    #[must_use]
    pub fn with_sessions_of(mut self, other: &Self) -> Self {
        let clusters = other.document.pointer(CLUSTERS).and_then(Value::as_array);
        let mut clusters = clusters.into_iter().flatten();
        let sessions = clusters.find(|cluster| cluster["name"] == "sessions");
        let sessions = sessions.expect("a cluster of that name").clone();
        let own = self.part(CLUSTERS).as_array_mut();
        own.expect("clusters is a list").push(sessions);
        let store = other.plugin()["store"].clone();
        // A patch would leave of the other kind what this one has not.
        self.patch_plugin(&json!({ "store": null }))
            .patch_plugin(&json!({ "store": store }))
    }

    /// Moves the listener of WeChat's API, which is there beside the first one, to an address.
    #[must_use]
    pub fn listen_for_backend(mut self, address: SocketAddr) -> Self {
        let listeners = self.part(LISTENERS).as_array_mut();
        let mut listeners = listeners.expect("listeners is a list").iter_mut();
        let own = listeners.find(|listener| listener["name"] == "wechat-api");
        if let Some(own) = own {
            own["address"] = socket_address(address);
        }
        self
    }

    /// The Wasm filter's `PluginConfig`.
    #[must_use]
    pub fn filter(&self) -> &Value {
        let pointer = format!("{HTTP_FILTERS}/{}/typed_config/config", self.filter_at);
        self.document
            .pointer(&pointer)
            .expect("load checked that the part is there")
    }

    /// With the back channel that stands in `envoy.yaml` as a comment, on a free port: the listener `inside`, on the virtual
    /// machine and with the apps, the store and the session rules of the first one. Changes of the plugin come before.
    ///
    /// # Errors
    /// When the comment is gone, or is no listener.
    pub fn back_channel(mut self) -> Result<Self> {
        let shipped: Value = serde_yaml_ng::from_str(&with_back_channel()?)?;
        let mut listener = shipped
            .pointer("/static_resources/listeners/1")
            .context("a second listener")?
            .clone();
        listener["address"] = socket_address(SocketAddr::from(([127, 0, 0, 1], 0)));
        let config = &mut listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]
            [0]["typed_config"]["config"];
        let named = json!({ "environment_variables": { "host_env_keys": ["WX_SECRET", "WX_ADMIN_TOKEN"] } });
        self = self.patch_filter(&json!({ "vm_config": named }));
        config["vm_config"] = self.part(WASM)["vm_config"].clone();
        let plugin = self.plugin();
        for field in ["apps", "wechat", "store", "session"] {
            config["configuration"]["value"][field] = plugin[field].clone();
        }
        let listeners = self.part(LISTENERS).as_array_mut();
        listeners.context("listeners is a list")?.push(listener);
        Ok(self)
    }

    /// How many workers, each with a VM of its own.
    #[must_use]
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// Where clients connect. Port 0 is a free one.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        *self.part(LISTENER) = socket_address(address);
        self
    }

    /// Where the administration interface is. Port 0 is a free one.
    #[must_use]
    pub fn admin(mut self, address: SocketAddr) -> Self {
        *self.part(ADMIN) = socket_address(address);
        self
    }

    /// Which `.wasm` runs.
    #[must_use]
    pub fn module(mut self, path: &Path) -> Self {
        let code = json!({ "local": { "filename": path } });
        for listener in self
            .part(LISTENERS)
            .as_array_mut()
            .expect("listeners is a list")
        {
            let filters =
                listener.pointer_mut("/filter_chains/0/filters/0/typed_config/http_filters");
            for filter in filters.and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(vm) = filter.pointer_mut("/typed_config/config/vm_config") {
                    vm["code"] = code.clone();
                }
            }
        }
        self
    }

    /// Changes the plugin's own configuration by a JSON merge patch (RFC 7386): `null` takes a field away,
    /// a list replaces the whole list.
    #[must_use]
    pub fn patch_plugin(mut self, patch: &Value) -> Self {
        let pointer = self.own(CONFIGURATION);
        merge(self.part(&pointer), patch);
        self
    }

    /// The plugin's own configuration, as the hosts without an Envoy take it.
    #[must_use]
    pub fn plugin(&self) -> &Value {
        self.filter()
            .pointer(CONFIGURATION)
            .expect("load checked that the part is there")
    }

    /// Changes the Wasm filter's `PluginConfig` by a merge patch: failure policy, VM, environment.
    #[must_use]
    pub fn patch_filter(mut self, patch: &Value) -> Self {
        let pointer = self.own("");
        merge(self.part(&pointer), patch);
        self
    }

    /// A virtual machine of its own, and with it shared data of its own.
    #[must_use]
    pub(super) fn vm(self, id: &str) -> Self {
        self.patch_filter(&json!({ "vm_config": { "vm_id": id } }))
    }

    /// Changes the HTTP connection manager by a merge patch: `codec_type`, timeouts, the route table.
    #[must_use]
    pub fn patch_http(mut self, patch: &Value) -> Self {
        merge(self.part(HTTP), patch);
        self
    }

    /// Changes the filter chain of the first listener by a merge patch: what ends TLS there.
    #[must_use]
    pub fn patch_filter_chain(mut self, patch: &Value) -> Self {
        merge(self.part(FILTER_CHAIN), patch);
        self
    }

    /// Changes the virtual host by a merge patch.
    #[must_use]
    pub fn patch_virtual_host(mut self, patch: &Value) -> Self {
        merge(self.part(VIRTUAL_HOST), patch);
        self
    }

    /// Puts an HTTP filter before all others.
    #[must_use]
    pub fn filter_before(mut self, filter: &Value) -> Self {
        let filters = self.part(HTTP_FILTERS).as_array_mut();
        filters
            .expect("http_filters is a list")
            .insert(0, filter.clone());
        self.filter_at += 1;
        self
    }

    /// Changes the whole document by a merge patch.
    #[must_use]
    pub fn patch(mut self, patch: &Value) -> Self {
        merge(&mut self.document, patch);
        self
    }

    /// Changes every cluster by a merge patch.
    fn patch_clusters(mut self, patch: &Value) -> Self {
        let clusters = self.part(CLUSTERS).as_array_mut();
        for cluster in clusters.expect("clusters is a list") {
            merge(cluster, patch);
        }
        self
    }

    /// Changes one cluster by a merge patch.
    #[must_use]
    pub fn patch_cluster(mut self, name: &str, patch: &Value) -> Self {
        let clusters = self
            .part(CLUSTERS)
            .as_array_mut()
            .expect("clusters is a list");
        let cluster = clusters
            .iter_mut()
            .find(|cluster| cluster["name"] == name)
            .expect("a cluster of that name");
        merge(cluster, patch);
        self
    }

    /// Points a cluster at one address, with no name resolution.
    #[must_use]
    pub fn endpoint(self, cluster: &str, address: SocketAddr) -> Self {
        self.patch_cluster(cluster, &at(cluster, address))
    }

    /// Points the cluster `wechat` at a stand-in that shows a certificate for the real name, signed by the
    /// authority in the PEM file `trusted_ca`. SNI and the check of the name stay.
    #[must_use]
    pub fn wechat(self, address: SocketAddr, trusted_ca: &Path) -> Self {
        let context = json!({ "validation_context": { "trusted_ca": { "filename": trusted_ca } } });
        self.endpoint("wechat", address).patch_cluster(
            "wechat",
            &json!({ "transport_socket": { "typed_config": { "common_tls_context": context } } }),
        )
    }

    /// One more cluster `name`, as `wechat` is by now, for another host: in SNI and in the check of the name.
    #[must_use]
    pub fn platform(mut self, name: &str, host: &str) -> Self {
        let clusters = self
            .part(CLUSTERS)
            .as_array_mut()
            .expect("clusters is a list");
        let wechat = clusters.iter().find(|cluster| cluster["name"] == "wechat");
        let text = wechat.expect("a cluster of that name").to_string();
        let text = text.replace("api.weixin.qq.com", host);
        let mut cluster: Value = serde_json::from_str(&text).expect("it was JSON");
        cluster["name"] = json!(name);
        cluster["load_assignment"]["cluster_name"] = json!(name);
        clusters.push(cluster);
        self
    }

    /// Where a part of the Wasm filter's `PluginConfig` is.
    fn own(&self, part: &str) -> String {
        format!(
            "{HTTP_FILTERS}/{}/typed_config/config{part}",
            self.filter_at
        )
    }

    fn part(&mut self, pointer: &str) -> &mut Value {
        self.document
            .pointer_mut(pointer)
            .expect("load checked that the part is there")
    }
}

const ADMIN: &str = "/admin/address";
const LISTENERS: &str = "/static_resources/listeners";
const LISTENER: &str = "/static_resources/listeners/0/address";
const FILTER_CHAIN: &str = "/static_resources/listeners/0/filter_chains/0";
const HTTP: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const HTTP_FILTERS: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
const VIRTUAL_HOST: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0";
const WASM: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/1/typed_config/config";
const WASM_CONFIGURATION: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/1/typed_config/config/configuration/value";
const CONFIGURATION: &str = "/configuration/value";
const CLUSTERS: &str = "/static_resources/clusters";

/// `envoy.yaml` with the listener in it that stands there as a comment.
///
/// # Errors
/// When the file cannot be read.
pub fn with_back_channel() -> Result<String> {
    let path = project::root().join("envoy.yaml");
    let text = fs::read_to_string(&path).context("cannot read envoy.yaml")?;
    let is_off = |line: &str| line.starts_with("#    ");
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("static_resources:"))
        .collect();
    ensure!(lines.iter().any(|line| is_off(line)), "no such comment");
    let head = text
        .lines()
        .take_while(|line| !line.starts_with("static_resources:"));
    let lines = lines
        .iter()
        .map(|line| if is_off(line) { &line[1..] } else { line });
    let text: String = head.chain(lines).map(|line| format!("{line}\n")).collect();
    let keys = "host_env_keys: [WX_SECRET, WX_MASTER_KEY]";
    ensure!(text.contains(keys), "no {keys}");
    Ok(text.replace(
        keys,
        "host_env_keys: [WX_SECRET, WX_MASTER_KEY, WX_ADMIN_TOKEN]",
    ))
}

fn socket_address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

fn at(cluster: &str, address: SocketAddr) -> Value {
    let load_assignment = load_assignment(cluster, &[address]);
    json!({ "type": "STATIC", "dns_lookup_family": null, "load_assignment": load_assignment })
}

fn load_assignment(cluster: &str, addresses: &[SocketAddr]) -> Value {
    let endpoint = |address| json!({ "endpoint": { "address": socket_address(address) } });
    let endpoints: Vec<Value> = addresses.iter().copied().map(endpoint).collect();
    json!({ "cluster_name": cluster, "endpoints": [{ "lb_endpoints": endpoints }] })
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let fields = target.as_object_mut().expect("made an object above");
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_patch_replaces_adds_and_removes() {
        let mut target = json!({ "a": { "b": 1, "c": [1, 2] }, "d": 2 });
        merge(
            &mut target,
            &json!({ "a": { "b": null, "c": [3], "e": { "f": 1, "g": null } }, "d": { "h": 1 } }),
        );
        assert_eq!(
            target,
            json!({ "a": { "c": [3], "e": { "f": 1 } }, "d": { "h": 1 } })
        );
    }

    #[test]
    fn wechat_stand_in_keeps_sni_and_the_check_of_the_name() {
        let config = Config::load().unwrap().wechat(
            SocketAddr::from(([127, 0, 0, 1], 4433)),
            Path::new("/ca.pem"),
        );
        let cluster = &config.document["static_resources"]["clusters"][0];
        let tls = &cluster["transport_socket"]["typed_config"];
        let validation = &tls["common_tls_context"]["validation_context"];
        assert_eq!(cluster["type"], "STATIC");
        assert_eq!(tls["sni"], "api.weixin.qq.com");
        assert_eq!(validation["trusted_ca"]["filename"], "/ca.pem");
        assert_eq!(
            validation["match_typed_subject_alt_names"][0]["matcher"]["exact"],
            "api.weixin.qq.com"
        );
    }

    #[test]
    fn plugin_configuration_is_changed_by_merge_patch() {
        let config = Config::load()
            .unwrap()
            .patch_plugin(&json!({ "session": { "cache_ttl_s": 0 }, "routes": null }));
        let mut config = config;
        let plugin = config.part(WASM_CONFIGURATION);
        assert_eq!(plugin["session"]["cache_ttl_s"], 0);
        assert_eq!(plugin["session"]["idle_timeout_s"], 7200);
        assert!(plugin.get("routes").is_none());
    }
}
