//! The arms of the benchmark, all in one table: what stands in front of the route, what a client sends, and by which
//! of Envoy's own counters the filter proves that it saw every request.
//! Never a whole Envoy configuration: each arm is `envoy.yaml` with another list of filters.

use std::path::Path;

use serde_json::{Value, json};

use super::surroundings::Surroundings;
use testkit::envoy::Config;

/// The arm from which "added" is counted.
pub(super) const BASELINE: &str = "none";
/// The arm that shows what any proxy-wasm filter costs.
pub(super) const YARDSTICK: &str = "empty";
/// The arm that needs a Redis and a Webdis, which not every machine has.
pub(super) const WEBDIS: &str = "webdis";

/// One way to run an edge.
#[derive(Debug)]
pub(super) struct Arm {
    pub(super) name: &'static str,
    /// For the reader of the table.
    pub(super) what: &'static str,
    /// Puts its filters into the configuration.
    pub(super) filters: fn(Config, &Surroundings) -> Config,
    pub(super) path: &'static str,
    pub(super) credential: Credential,
    /// What every answer must have.
    pub(super) status: u16,
    pub(super) proof: Proof,
    /// Whether it is this project's filter.
    pub(super) ours: bool,
}

/// What the client shows.
#[derive(Debug)]
pub(super) enum Credential {
    Nothing,
    /// The token of a login through this very edge.
    Session,
    /// Something of the same form that nobody issued.
    LookAlike,
    /// [`JWT`].
    Jwt,
}

/// How it is known that the filter ran.
#[derive(Debug)]
pub(super) enum Proof {
    /// There is no filter.
    NoFilter,
    /// This counter rises with each request.
    Counter(&'static str),
    /// A request without a token is refused before and after. In between, a filter that had died would have
    /// answered 503.
    Refuses,
}

#[rustfmt::skip]
pub(super) const ARMS: &[Arm] = &[
    Arm { name: BASELINE,     what: "no filter",                                             filters: no_filter,     path: APP,    credential: Credential::LookAlike, status: 200, ours: false, proof: Proof::NoFilter },
    Arm { name: YARDSTICK,    what: "proxy-wasm filter that does nothing (Rust SDK 0.2.5)",  filters: empty,         path: APP,    credential: Credential::LookAlike, status: 200, ours: false, proof: Proof::Counter("wasmcustom.bench_empty.requests") },
    Arm { name: "hostcalls",  what: "proxy-wasm filter with the hostcalls of `cached` and no work", filters: hostcalls, path: APP,  credential: Credential::LookAlike, status: 200, ours: false, proof: Proof::Counter("wasmcustom.bench_hostcalls.requests") },
    Arm { name: "public",     what: "wx-session, public route",                              filters: ours_cached,   path: PUBLIC, credential: Credential::LookAlike, status: 200, ours: true,  proof: Proof::Refuses },
    Arm { name: "cached",     what: "wx-session, session in the worker's cache",             filters: ours_cached,   path: APP,    credential: Credential::Session,   status: 200, ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.hit") },
    Arm { name: "embedded",   what: "wx-session, session read from shared data",             filters: ours_uncached, path: APP,    credential: Credential::Session,   status: 200, ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.miss") },
    Arm { name: "refused",    what: "wx-session, no token: answers 401",                     filters: ours_cached,   path: APP,    credential: Credential::Nothing,   status: 401, ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.absent") },
    Arm { name: "jwt",        what: "jwt_authn, HS256, local JWKS",                          filters: jwt,           path: APP,    credential: Credential::Jwt,       status: 200, ours: false, proof: Proof::Counter("http.edge.jwt_authn.allowed") },
    Arm { name: "jwt_cached", what: "jwt_authn with its token cache",                        filters: jwt_cached,    path: APP,    credential: Credential::Jwt,       status: 200, ours: false, proof: Proof::Counter("http.edge.jwt_authn.jwt_cache_hit") },
    Arm { name: "lua",        what: "Lua: token looked up in a table, one header set",       filters: lua,           path: APP,    credential: Credential::LookAlike, status: 200, ours: false, proof: Proof::Counter("http.edge.lua.executions") },
    Arm { name: "ext_authz",  what: "ext_authz, HTTP, to a local server that answers 200",   filters: ext_authz,     path: APP,    credential: Credential::LookAlike, status: 200, ours: false, proof: Proof::Counter("http.edge.ext_authz.ok") },
    Arm { name: WEBDIS,       what: "wx-session, session read from Redis through Webdis",    filters: ours_webdis,   path: APP,    credential: Credential::Session,   status: 200, ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.miss") },
];

const APP: &str = "/orders";
/// Public by a rule of `envoy.yaml`.
const PUBLIC: &str = "/public/news";

/// As long as a token of the plugin.
pub(super) const LOOK_ALIKE: &str = "bench-bench-bench-bench-bench-bench-bench-b";

/// `{"iss":"bench","sub":"orLuAklk-wPBrAjhBz6_j06S3_FY","exp":4102444800}`, signed with [`JWT_KEY`].
pub(super) const JWT: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImJlbmNoIiwidHlwIjoiSldUIn0.eyJpc3MiOiJiZW5jaCIsInN1YiI6Im9yTHVBa2xrLXdQQnJBamhCejZfajA2UzNfRlkiLCJleHAiOjQxMDI0NDQ4MDB9.E7AFSqpEe2xMXJ4YGiYnX_PG7lQLZBwrmX-8TPlC96Q";
const JWT_KEY: &str = "YSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcywgcHVibGk";

const LUA: &str = r#"
local sessions = { ["TOKEN"] = "orLuAklk-wPBrAjhBz6_j06S3_FY" }
function envoy_on_request(request)
  local headers = request:headers()
  local openid = sessions[headers:get("x-wx-skey")]
  if openid == nil then
    request:respond({ [":status"] = "401" }, "")
    return
  end
  headers:replace("x-wx-openid", openid)
end
"#;

fn no_filter(config: Config, _: &Surroundings) -> Config {
    instead_of_ours(config, None)
}

fn empty(config: Config, stage: &Surroundings) -> Config {
    other(config, "empty", &stage.modules.empty)
}

fn hostcalls(config: Config, stage: &Surroundings) -> Config {
    other(config, "hostcalls", &stage.modules.hostcalls)
}

/// The plugin's own place and VM options, with another module and a VM of its own, which may do what it likes.
fn other(config: Config, name: &str, module: &Path) -> Config {
    let vm = json!({
        "vm_id": name,
        "environment_variables": null,
        "capability_restriction_config": null,
    });
    config
        .module(module)
        .patch_filter(&json!({ "name": name, "configuration": null, "vm_config": vm }))
}

/// For as long as the plugin allows.
fn ours_cached(config: Config, _: &Surroundings) -> Config {
    config.patch_plugin(&json!({ "session": { "cache_ttl_s": 60 } }))
}

fn ours_uncached(config: Config, _: &Surroundings) -> Config {
    config.patch_plugin(&json!({ "session": { "cache_ttl_s": 0 } }))
}

/// With a `direct_response` route nobody else uses the cluster `app`.
fn ours_webdis(config: Config, stage: &Surroundings) -> Config {
    let webdis = stage
        .webdis()
        .expect("without a Webdis the arm is left out");
    config.endpoint("app", webdis).patch_plugin(&json!({
        "store": { "kind": "webdis", "cluster": "app" },
        "session": { "cache_ttl_s": 0 },
    }))
}

fn jwt(config: Config, _: &Surroundings) -> Config {
    jwt_authn(config, &json!({}))
}

fn jwt_cached(config: Config, _: &Surroundings) -> Config {
    jwt_authn(config, &json!({ "jwt_cache_size": 100 }))
}

fn jwt_authn(config: Config, cache: &Value) -> Config {
    let key = json!({ "kty": "oct", "kid": "bench", "alg": "HS256", "k": JWT_KEY });
    let jwks = json!({ "keys": [key] }).to_string();
    let mut provider = json!({ "issuer": "bench", "local_jwks": { "inline_string": jwks } });
    if cache.get("jwt_cache_size").is_some() {
        provider["jwt_cache_config"] = cache.clone();
    }
    let rule = json!({ "match": { "prefix": "/" }, "requires": { "provider_name": "bench" } });
    let settings = json!({ "providers": { "bench": provider }, "rules": [rule] });
    instead_of_ours(
        config,
        Some(filter("jwt_authn.v3.JwtAuthentication", settings)),
    )
}

fn lua(config: Config, _: &Surroundings) -> Config {
    let code = LUA.replace("TOKEN", LOOK_ALIKE);
    let settings = json!({ "default_source_code": { "inline_string": code } });
    instead_of_ours(config, Some(filter("lua.v3.Lua", settings)))
}

/// Through the cluster `app`, as above.
fn ext_authz(config: Config, stage: &Surroundings) -> Config {
    let addr = stage.authorizer.addr();
    let uri = json!({ "uri": format!("http://{addr}"), "cluster": "app", "timeout": "1s" });
    // The only header that is not sent by default and that a check of a session needs.
    let token = json!({ "patterns": [{ "exact": "x-wx-skey" }] });
    let settings = json!({ "http_service": { "server_uri": uri }, "allowed_headers": token });
    let config = config.endpoint("app", addr);
    instead_of_ours(config, Some(filter("ext_authz.v3.ExtAuthz", settings)))
}

fn instead_of_ours(config: Config, only: Option<Value>) -> Config {
    let router = filter("router.v3.Router", json!({}));
    let filters: Vec<Value> = only.into_iter().chain([router]).collect();
    config.patch_http(&json!({ "http_filters": filters }))
}

fn filter(kind: &str, mut settings: Value) -> Value {
    let package = "type.googleapis.com/envoy.extensions.filters.http";
    settings["@type"] = format!("{package}.{kind}").into();
    json!({ "name": kind, "typed_config": settings })
}
