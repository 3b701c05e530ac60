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

/// With which `api` is compared.
pub(super) const API_PLAIN: &str = "api_plain";

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
    pub(super) sends: Sends,
    /// What every answer must have.
    pub(super) status: u16,
    /// What must stand in every answer's body.
    pub(super) says: &'static str,
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
    /// One of several such, with each request another.
    ItsOwn,
    /// Something of the same form that nobody issued.
    LookAlike,
    /// [`JWT`].
    Jwt,
}

/// What the client sends beside its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sends {
    /// A GET without a body, each time the same.
    Same,
    /// Codes of wx.login, each for a login of its own.
    Login,
    /// Codes of the button for a phone number.
    PhoneCode,
    /// Messages of WeChat's, sealed and signed.
    Message,
    /// A backend's call of WeChat's API, each time the same.
    Call,
    /// The same with an access_token in its query.
    CallWithToken,
}

/// How it is known that the filter ran.
#[derive(Debug)]
pub(super) enum Proof {
    /// There is no filter, and nothing behind it.
    NoFilter,
    /// This counter rises with each request.
    Counter(&'static str),
    /// A request without a token is refused before and after. In between, a filter that had died would have
    /// answered 503.
    Refuses,
}

/// From which the arms differ that are measured with ever more of something.
#[rustfmt::skip]
pub(super) const CACHED: Arm =
    Arm { name: "cached",     what: "wx-session, session in the worker's cache",             filters: ours_cached,   path: APP,    credential: Credential::Session,   sends: Sends::Same, status: 200, says: "ok", ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.hit") };

#[rustfmt::skip]
pub(super) const ARMS: &[Arm] = &[
    Arm { name: BASELINE,     what: "no filter",                                             filters: no_filter,     path: APP,    credential: Credential::LookAlike, sends: Sends::Same, status: 200, says: "ok", ours: false, proof: Proof::NoFilter },
    Arm { name: YARDSTICK,    what: "proxy-wasm filter that does nothing (Rust SDK 0.2.5)",  filters: empty,         path: APP,    credential: Credential::LookAlike, sends: Sends::Same, status: 200, says: "ok", ours: false, proof: Proof::Counter("wasmcustom.bench_empty.requests") },
    Arm { name: "hostcalls",  what: "proxy-wasm filter with the hostcalls of `cached` and no work", filters: hostcalls, path: APP,  credential: Credential::LookAlike, sends: Sends::Same, status: 200, says: "ok", ours: false, proof: Proof::Counter("wasmcustom.bench_hostcalls.requests") },
    Arm { name: "public",     what: "wx-session, public route, nothing to take off",         filters: ours_cached,   path: PUBLIC, credential: Credential::Nothing, sends: Sends::Same, status: 200, says: "ok", ours: true,  proof: Proof::Refuses },
    CACHED,
    Arm { name: "openid",     what: "the same, and the app is told the openid alone",        filters: ours_openid,   path: APP,    credential: Credential::Session,   sends: Sends::Same, status: 200, says: "ok", ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.hit") },
    Arm { name: "embedded",   what: "wx-session, session read from shared data",             filters: ours_uncached, path: APP,    credential: Credential::Session,   sends: Sends::Same, status: 200, says: "ok", ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.miss") },
    Arm { name: "refused",    what: "wx-session, no token: answers 401",                     filters: ours_cached,   path: APP,    credential: Credential::Nothing,   sends: Sends::Same, status: 401, says: "no_session", ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.absent") },
    Arm { name: "jwt",        what: "jwt_authn, HS256, local JWKS",                          filters: jwt,           path: APP,    credential: Credential::Jwt,       sends: Sends::Same, status: 200, says: "ok", ours: false, proof: Proof::Counter("http.edge.jwt_authn.allowed") },
    Arm { name: "jwt_cached", what: "jwt_authn with its token cache",                        filters: jwt_cached,    path: APP,    credential: Credential::Jwt,       sends: Sends::Same, status: 200, says: "ok", ours: false, proof: Proof::Counter("http.edge.jwt_authn.jwt_cache_hit") },
    Arm { name: "lua",        what: "Lua: token looked up in a table, one header set",       filters: lua,           path: APP,    credential: Credential::LookAlike, sends: Sends::Same, status: 200, says: "ok", ours: false, proof: Proof::Counter("http.edge.lua.executions") },
    Arm { name: "ext_authz",  what: "ext_authz, HTTP, to a local server that answers 200",   filters: ext_authz,     path: APP,    credential: Credential::LookAlike, sends: Sends::Same, status: 200, says: "ok", ours: false, proof: Proof::Counter("http.edge.ext_authz.ok") },
    Arm { name: WEBDIS,       what: "wx-session, session read from Redis through Webdis",    filters: ours_webdis,   path: APP,    credential: Credential::Session,   sends: Sends::Same, status: 200, says: "ok", ours: true,  proof: Proof::Counter("wasmcustom.wx_session.session.miss") },
    Arm { name: "login",      what: "wx-session, login through the app: a new session for each request", filters: ours_with_logins, path: LOGIN, credential: Credential::Nothing, sends: Sends::Login, status: 200, says: "ok", ours: true, proof: Proof::Counter("wasmcustom.wx_session.login.ok") },
    Arm { name: "phone",      what: "wx-session, a phone number for the code of its button",   filters: ours_cached,   path: "/wx/phone", credential: Credential::ItsOwn, sends: Sends::PhoneCode, status: 200, says: "phoneNumber", ours: true, proof: Proof::Counter("wasmcustom.wx_session.phone.ok") },
    Arm { name: "push",       what: "wx-session, a sealed message of WeChat's, handed to the app", filters: ours_with_pushes, path: "/wx/push", credential: Credential::Nothing, sends: Sends::Message, status: 200, says: "success", ours: true, proof: Proof::Counter("wasmcustom.wx_session.push.delivered") },
    Arm { name: API_PLAIN,    what: "no filter: a call of WeChat's API by a plain route, with a token of the backend's", filters: api_plain, path: CALL, credential: Credential::Nothing, sends: Sends::CallWithToken, status: 200, says: r#""errcode":0"#, ours: false, proof: Proof::Counter("cluster.wechat.upstream_rq_200") },
    Arm { name: "api",        what: "wx-session, the same call, with the token added",         filters: api,           path: CALL, credential: Credential::Nothing, sends: Sends::Call, status: 200, says: r#""errcode":0"#, ours: true, proof: Proof::Counter("wasmcustom.wx_session.api.forwarded") },
];

const APP: &str = "/orders";
/// The app's own login.
const LOGIN: &str = "/api/login";
/// Of WeChat's API.
const CALL: &str = "/cgi-bin/message/custom/send";
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

fn ours_openid(config: Config, stage: &Surroundings) -> Config {
    let left_out = json!({ "leave_out": ["unionid", "appid", "source"] });
    ours_cached(config, stage).patch_plugin(&json!({ "identity_headers": left_out }))
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

fn ours_with_logins(config: Config, _: &Surroundings) -> Config {
    let rule = json!({ "path": LOGIN, "methods": ["POST"], "session": "public", "login": "body" });
    config.patch_plugin(&json!({ "routes": [rule] }))
}

/// The app takes messages by the cluster `app`.
fn ours_with_pushes(config: Config, stage: &Surroundings) -> Config {
    let push = json!({ "token": { "env": "WX_PUSH_TOKEN" }, "encoding_aes_key": { "env": "WX_PUSH_KEY" } });
    let mut apps = config.plugin()["apps"].clone();
    apps[0]["push"] = push;
    let names = json!({ "host_env_keys": ["WX_SECRET", "WX_PUSH_TOKEN", "WX_PUSH_KEY"] });
    config
        .endpoint("app", stage.app.addr())
        .patch_filter(&json!({ "vm_config": { "environment_variables": names } }))
        .patch_plugin(&json!({ "apps": apps }))
}

/// The listener that `envoy.yaml` has for a backend, alone.
fn api(_: Config, stage: &Surroundings) -> Config {
    let allowed = json!({ "wechat_api": { "allow": [CALL] } });
    stage.wechat_api().patch_plugin(&allowed)
}

fn api_plain(_: Config, stage: &Surroundings) -> Config {
    instead_of_ours(stage.wechat_api(), None)
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
