//! What the edges are configured to, and the model holds them to. Shorter times than anybody has in the field, so that
//! sessions are renewed, run out and are sealed anew while the soak goes on.

use std::time::Duration;

use serde_json::{Value, json};

/// The mini program of the example.
pub(crate) const APPID: &str = "wx0123456789abcdef";

/// `session.cache_ttl_s`.
pub(crate) const CACHE: Duration = Duration::from_secs(3);
/// `session.stale_ttl_s`.
pub(crate) const STALE: Duration = Duration::from_secs(60);
/// `session.idle_timeout_s`.
pub(crate) const IDLE: Duration = Duration::from_secs(120);
/// `session.absolute_timeout_s`.
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(300);
/// `session.max_per_user`.
pub(crate) const MAX_PER_USER: usize = 16;
/// `open_data.max_failures`.
pub(crate) const MAX_FAILURES: usize = 5;
/// `login.remember_s`.
pub(crate) const REMEMBER: Duration = Duration::from_secs(60);

/// What is changed in the filter's configuration, beside its keys. `news`: how often it has been changed, which is seen in
/// a route of that name.
pub(crate) fn changes(news: u32) -> Value {
    json!({
        "session": {
            "cache_ttl_s": CACHE.as_secs(),
            "stale_ttl_s": STALE.as_secs(),
            "idle_timeout_s": IDLE.as_secs(),
            "absolute_timeout_s": ABSOLUTE.as_secs(),
            "max_per_user": MAX_PER_USER,
        },
        "open_data": { "max_failures": MAX_FAILURES },
        // All users have one address.
        "login": { "failures_per_minute": 0, "remember_s": REMEMBER.as_secs() },
        "routes": [
            { "path": news_path(news), "session": "public" },
            { "prefix": "/public", "session": "public" },
            { "prefix": "/feed", "session": "optional" },
            { "prefix": "/catalog", "session": "required", "outage": "stale" },
            { "path": "/profile", "session": "required", "open_data": "body" },
        ],
    })
}

/// Public since the filter's configuration was changed for the `news`th time, and not before.
pub(crate) fn news_path(news: u32) -> String {
    format!("/news-{news}")
}
