//! A configuration with everything on at once, which no operator has: what one feature lets in, another must not let
//! through.

use serde_json::{Value, json};

use crate::rig::APPID;

/// The page that may use the cookie.
pub const ORIGIN: &str = "https://h5.example.com";

/// Routes without a session, by what the app sees of their paths.
const OPEN: [&str; 5] = ["/public", "/feed", "/edit", "/auth", "/observed"];

/// Whether nobody may come to this path, as the app sees it, without a session.
pub fn needs_session(path: &str) -> bool {
    let below = |prefix: &str| {
        let rest = path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    path.starts_with("/public/private")
        || !(path == "/healthz" || OPEN.iter().any(|own| below(own)))
}

/// What is merged into the shipped document.
pub fn all() -> Value {
    json!({
        "apps": [{
            "appid": APPID,
            "secret": { "env": "WX_SECRET" },
            "releases": ["release", "trial", "devtools"],
            "releases_action": "tell",
            "push": { "token": { "env": "WX_PUSH_TOKEN" }, "encoding_aes_key": { "env": "WX_PUSH_KEY" } },
        }],
        "session": {
            "headers": ["X-WX-Skey", "X-3rd-Session", "Authorization"],
            "cookie": "sid",
            "cookie_origins": [ORIGIN],
            "query": "skey",
            "piggyback": true,
        },
        "compat": "wafer",
        "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
        "cors_preflight": true,
        "responses": { "session_end": true, "attributes": true },
        "assertion": { "key": { "env": "WX_MASTER_KEY" } },
        // Forged open data would end the attacker's session at once, and with it what is tried with it.
        "open_data": { "max_failures": 255 },
        "limits": { "body_timeout_ms": 2000 },
        "routes": [
            { "path": "/healthz", "session": "public" },
            { "path": "/public/private", "session": "required" },
            { "prefix": "/public", "session": "public" },
            { "prefix": "/feed", "session": "optional", "outage": "anonymous" },
            { "prefix": "/edit", "methods": ["GET"], "session": "public" },
            { "prefix": "/edit", "session": "required" },
            { "path": "/ws", "session": "required", "upgrades": ["websocket"] },
            { "path": "/api/profile", "session": "required", "open_data": "body" },
            { "path": "/api/any", "session": "required", "open_data": "body", "open_data_other_types": "pass" },
            {
                "path": "/api/detail", "session": "required", "open_data": "body",
                "open_data_in": "detail", "open_data_phone_code": "code", "open_data_as": "opened",
            },
            { "path": "/api/token-in-body", "session": "required", "session_in": "session" },
            { "path": "/auth/body", "session": "public", "login": "body", "login_code": "loginCode", "session_in": "session" },
            { "path": "/auth/query", "session": "public", "login": "query", "login_code": "js_code" },
            { "path": "/auth/headers", "session": "public", "login": "headers", "login_code": "login_code" },
            { "path": "/auth/told", "session": "optional", "login": "body", "login_errors": "app" },
            { "path": "/bind", "session": "required", "login": "body", "login_binds": true },
            { "prefix": "/observed", "session": "required", "mode": "observe" },
            { "prefix": "/stale", "session": "required", "outage": "stale" },
            { "prefix": "/legacy", "session": "required", "answers": { "session": { "http_status": 200, "members": { "errcode": -1 } } } },
        ],
    })
}
