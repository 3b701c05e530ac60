//! Checks the times of sessions, and where clients put their token.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::check_cookie::cookie;
use super::check_headers::{PLAIN, client_header, header_name, is_plain, is_taken_in_responses};
use super::model::{Checked, LoginHeaders, SessionRules, wrong};
use super::raw;

const YEAR_S: u64 = 366 * 24 * 3600;

pub(super) fn session(raw: raw::Session, wafer: bool) -> Checked<SessionRules> {
    let seconds = |name: &str, value: u64, least: u64| {
        if (least..=2 * YEAR_S).contains(&value) {
            Ok(Duration::from_secs(value))
        } else {
            wrong(
                format!("session.{name}"),
                format!("must be between {least} and {}", 2 * YEAR_S),
            )
        }
    };
    let idle = seconds("idle_timeout_s", raw.idle_timeout_s, 1)?;
    let absolute = seconds("absolute_timeout_s", raw.absolute_timeout_s, 1)?;
    let user_lifetime = seconds("user_ttl_s", raw.user_ttl_s, 1)?;
    if absolute < idle {
        return wrong(
            "session.absolute_timeout_s",
            "must not be below idle_timeout_s",
        );
    }
    if user_lifetime < absolute {
        return wrong("session.user_ttl_s", "must not be below absolute_timeout_s");
    }
    if raw.cache_ttl_s > 60 {
        return wrong(
            "session.cache_ttl_s",
            "must be at most 60: for so long a session ended elsewhere still passes here",
        );
    }
    if !(1..=86_400).contains(&raw.stale_ttl_s) {
        return wrong("session.stale_ttl_s", "must be between 1 and 86400");
    }
    if !(1..=16).contains(&raw.max_per_user) {
        return wrong("session.max_per_user", "must be between 1 and 16");
    }
    if raw.headers.is_empty() && raw.cookie.is_none() && raw.query.is_none() {
        return wrong(
            "session.headers",
            "needs at least one header that carries the token",
        );
    }
    let mut headers = Vec::new();
    for (index, name) in raw.headers.iter().enumerate() {
        headers.push(client_header(&format!("session.headers[{index}]"), name)?);
    }
    if wafer && !headers.iter().any(|name| &**name == "x-wx-skey") {
        return wrong(
            "session.headers",
            "must have X-WX-Skey with compat: wafer: its clients send no other",
        );
    }
    if let Some(name) = &raw.query
        && !is_plain(name)
    {
        return wrong("session.query", PLAIN);
    }
    let cookie = cookie(raw.cookie, &raw.cookie_attributes, raw.cookie_origins)?;
    let name = header_name("session.piggyback_header", &raw.piggyback_header)?;
    if is_taken_in_responses(&name) {
        return wrong(
            "session.piggyback_header",
            format!("{name} already has another meaning"),
        );
    }
    Ok(SessionRules {
        idle,
        absolute,
        cache: Duration::from_secs(raw.cache_ttl_s),
        stale: Duration::from_secs(raw.stale_ttl_s),
        user_lifetime,
        max_per_user: raw.max_per_user,
        headers,
        cookie,
        query: raw.query,
        forward_token: raw.forward_token,
        wafer,
        login_on_the_way: raw.piggyback.then(|| LoginHeaders {
            expires_in: format!("{name}-expires-in").into(),
            token: name,
        }),
    })
}
