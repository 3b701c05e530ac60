//! An edge whose session checks all ask a Redis that answers when the test lets it.
//! It waits for events, never for a time: what was asked shows at the proxy before the bridge, and how much Envoy has
//! read of a body in Envoy's own statistics.

use serde_json::{Value, json};
use testkit::client::{self, Connection, Request, Response};
use testkit::fakes::wechat::FakeWechat;
use testkit::redis::Server;

use crate::rig::backend::Backend;
use crate::rig::envoy_world::{PATIENCE, PLUGIN_LINE, login_request, token_of, with_token};
use crate::rig::{APPID, EnvoyRig, SECRET};
use testkit::eventually;
use testkit::http2::Http2;

/// The edge and all that it talks to, in the order in which they go.
pub struct SlowStore {
    pub rig: EnvoyRig,
    pub wechat: FakeWechat,
    pub backend: Backend,
}

/// While this lives, Redis takes requests and answers none.
pub struct Held<'a>(&'a Server);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.continue_process().unwrap();
    }
}

/// `patch` on a configuration in which every request asks the store and waits for it.
fn patient(patch: &Value) -> Value {
    let mut all = json!({ "session": { "cache_ttl_s": 0 }, "store": { "timeout_ms": 9_000 } });
    for (name, value) in patch.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

impl SlowStore {
    /// On webdis, with as much time for the store as a test may need.
    pub fn start() -> Self {
        Self::with(Backend::webdis(), &json!({}))
    }

    /// The same on the REST dialect.
    pub fn on_rest() -> Self {
        Self::with(Backend::rest(), &json!({}))
    }

    /// With more of the plugin's configuration changed.
    pub fn with(backend: Backend, patch: &Value) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let rig = backend.edge_through_proxy(&wechat, &patient(patch));
        Self {
            rig,
            wechat,
            backend,
        }
    }

    /// From now on the store does not answer.
    pub fn hold(&self) -> Held<'_> {
        self.backend.redis.stop_process().unwrap();
        Held(&self.backend.redis)
    }

    /// How many requests the store was sent.
    pub fn asked(&self) -> usize {
        self.backend.proxy.bodies().len()
    }

    /// Waits until so many requests wait in Envoy, and as many have asked the store since it had been asked `before`
    /// times.
    pub fn until_waiting(&self, before: usize, requests: usize) {
        eventually(|| self.asked() >= before + requests);
        self.until_active(requests as u64);
    }

    /// Waits until Envoy is at work on so many requests.
    pub fn until_active(&self, requests: u64) {
        eventually(|| self.stat("http.edge.downstream_rq_active") == requests);
    }

    /// How many bytes Envoy has read from its clients.
    pub fn received(&self) -> u64 {
        self.stat("http.edge.downstream_cx_rx_bytes_total")
    }

    /// One of Envoy's statistics; 0 if it does not exist yet.
    pub fn stat(&self, name: &str) -> u64 {
        let stats = self.rig.envoy.stats().unwrap();
        stats.get(name).copied().unwrap_or_default()
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.rig.envoy.addr(), PATIENCE).unwrap()
    }

    pub fn connect_http2(&self) -> Http2 {
        Http2::open(self.rig.envoy.addr())
    }

    /// One request on a connection of its own.
    pub fn send(&self, request: &Request) -> Response {
        client::send(self.rig.envoy.addr(), request, PATIENCE).unwrap()
    }

    /// Logs a user in and gives the token.
    pub fn login(&self, user: &str) -> String {
        let code = self.wechat.phone(user).login();
        token_of(&self.send(&login_request(&code)))
    }

    /// Waits until nothing is under way, on any side.
    pub fn until_quiet(&self) {
        let busy = [
            "http.edge.downstream_rq_active",
            "cluster.sessions.upstream_rq_active",
            "cluster.sessions.upstream_rq_pending_active",
            "cluster.wechat.upstream_rq_active",
            "cluster.app.upstream_rq_active",
        ];
        eventually(|| busy.iter().all(|name| self.stat(name) == 0));
    }

    /// Nothing is left under way; nothing has trapped; the next user can log in and is let through.
    pub fn assert_sound(&self) {
        self.until_quiet();
        let log = self.rig.envoy.log();
        let complaints = |line: &&str| line.contains("[wasm]") && !line.contains(PLUGIN_LINE);
        assert_eq!(log.lines().find(complaints), None);
        let reloads = |(name, count): (&String, &u64)| {
            let is_reload = name.starts_with("wasm.wx-session.vm_reload");
            is_reload.then_some(*count)
        };
        let stats = self.rig.envoy.stats().unwrap();
        assert_eq!(stats.iter().filter_map(reloads).sum::<u64>(), 0);
        let token = self.login("whoever comes next");
        assert_eq!(self.send(&with_token(&token)).status, 200);
    }
}
