//! The steps about two edges on one Redis: a session is where its user is, ends everywhere, and outlives a restart.
//! Each function is one step, to be read from top to bottom. What is the same at one edge is in `sessions`.

use std::time::Instant;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::story::Story;
use super::{CACHE_TTL_S, Call, Edge, Entry, sessions};

pub(super) fn login_at_a(story: &mut Story<'_>) -> Result<()> {
    story.edge = a(story)?;
    sessions::first_login(story)
}

/// No copying between edges and no sticky balancer: B looks into the same Redis.
pub(super) fn use_at_b(story: &mut Story<'_>) -> Result<()> {
    story.edge = b(story)?;
    sessions::call_with_token(story)
}

/// Names are hashes, values are sealed: who reads Redis learns how many there are and when they end.
pub(super) fn what_redis_holds(story: &mut Story<'_>) -> Result<()> {
    let entries = story.servers()?.entries()?;
    story.is("entries", entries.len(), 3);
    let end = |entry: &Entry| entry.expires_in.is_some();
    story.check("each expires by itself", entries.iter().all(end));
    let mut known = vec![
        story.phone.openid(),
        story.token.clone(),
        story.code.clone(),
    ];
    known.extend(story.phone.unionid());
    known.extend(story.phone.session_keys());
    let readable = entries
        .iter()
        .any(|entry| known.iter().any(|known| shows(entry, known)));
    story.check(
        "no openid, unionid, token, code or session_key can be read in them",
        !readable,
    );
    story.show(entries);
    Ok(())
}

/// Right before, A looks the session up: for the seconds of its cache it now need not ask Redis.
pub(super) fn logout_at_b(story: &mut Story<'_>) -> Result<()> {
    story.edge = a(story)?;
    story.ask(200, Call::get("/orders").token(&story.token))?;
    story.edge = b(story)?;
    sessions::logout(story)
}

/// Only time passes here: nobody tells A.
pub(super) fn refused_at_a(story: &mut Story<'_>) -> Result<()> {
    story.edge = a(story)?;
    story.tell(format!(
        "An edge may trust what it has looked up for session.cache_ttl_s: {CACHE_TTL_S} s here, 5 s by default. \
         Asking A until it refuses …"
    ));
    let started = Instant::now();
    let refused = story.ask_until(401, &Call::get("/orders").token(&story.token))?;
    let waited = refused.answered_at - started;
    story.is("error", refused.field("error"), "invalid_token");
    story.check(
        &format!("A refuses it {:.1} s later", waited.as_secs_f64()),
        refused.answer.status == 401,
    );
    Ok(())
}

pub(super) fn login_again_at_a(story: &mut Story<'_>) -> Result<()> {
    let login = sessions::log_in_again(story)?;
    story.is("event", login.data("event"), "returning");
    Ok(())
}

/// A store in Envoy's memory would be empty now.
pub(super) fn restart_a(story: &mut Story<'_>) -> Result<()> {
    let done = story.servers()?.restart_a()?;
    story.tell(done);
    let call = story.ask(200, Call::get("/orders").token(&story.token))?;
    sessions::app_knows_the_user(story, &call);
    Ok(())
}

/// B has not seen this session before, so it cannot have it in its cache. A 401 would make every phone throw its token
/// away and log in, and each of these logins would cost a code.
pub(super) fn redis_stops(story: &mut Story<'_>) -> Result<()> {
    let done = story.servers()?.stop_redis()?;
    story.tell(done);
    story.edge = b(story)?;
    let call = story.ask(503, Call::get("/orders").token(&story.token))?;
    story.is("error", call.field("error"), "store_unavailable");
    story.is("action", call.field("action"), "retry_after");
    let retry_after = call.answer.header("retry-after");
    story.check("the header Retry-After says 2", retry_after == Some(b"2"));
    story.check("the app saw nothing", call.at_app.is_none());

    story.code = story.phone.login();
    let body = json!({ "code": story.code });
    story.ask(503, Call::post("/wx/login").json(body))?;
    story.asked_wechat(&story.code.clone(), 0);
    Ok(())
}

pub(super) fn redis_is_back(story: &mut Story<'_>) -> Result<()> {
    let done = story.servers()?.start_redis()?;
    story.tell(done);
    let call = story.ask(200, Call::get("/orders").token(&story.token))?;
    sessions::app_knows_the_user(story, &call);
    let body = json!({ "code": story.code });
    let login = story.ask(200, Call::post("/wx/login").json(body))?;
    story.is("event", login.data("event"), "returning");
    story.asked_wechat(&story.code.clone(), 1);
    Ok(())
}

fn a(story: &mut Story<'_>) -> Result<Edge> {
    let [a, _] = story.servers()?.edges();
    Ok(a)
}

fn b(story: &mut Story<'_>) -> Result<Edge> {
    let [_, b] = story.servers()?.edges();
    Ok(b)
}

/// Whether a text stands in an entry, as it is or in Base64.
fn shows(entry: &Entry, text: &str) -> bool {
    let value = entry.value.trim_end_matches('=');
    let decoded = STANDARD_NO_PAD
        .decode(value)
        .or_else(|_| URL_SAFE_NO_PAD.decode(value))
        .unwrap_or_default();
    let inside = |bytes: &[u8]| {
        bytes
            .windows(text.len().max(1))
            .any(|part| part == text.as_bytes())
    };
    [entry.name.as_bytes(), entry.value.as_bytes(), &decoded]
        .into_iter()
        .any(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_entry_is_found_in_base64_too() {
        let entry = |value: String| Entry {
            name: "wx:s:0a".to_owned(),
            expires_in: None,
            value,
        };
        let clear = r#"{"openid":"oABC?>~"}"#;
        let urlsafe = URL_SAFE_NO_PAD.encode(clear);
        assert!(urlsafe.contains(['-', '_']));
        let padded = format!("{}=", STANDARD_NO_PAD.encode(clear));
        for value in [clear.to_owned(), urlsafe, padded] {
            assert!(shows(&entry(value), "oABC?>~"));
        }
        assert!(!shows(&entry("0123".to_owned()), "oABC?>~"));
    }
}
