//! How sessions live and end.

use std::time::Duration;

use serde_json::json;

use crate::rig::{Ask, HostKind};

pub fn a_session_ends_after_its_idle_time(host: HostKind) {
    let mut world = host.start(json!({ "session": { "idle_timeout_s": 2, "cache_ttl_s": 1 } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    world.assert_passes(&login.token, &phone.openid());
    world.seconds(3);
    let body = world.assert_token_refused(&login.token, "session_expired");
    assert_eq!(body["data"], json!({ "hasSession": true, "expired": true }));
    assert_eq!(body["action"], "relogin");
    assert_eq!(world.counter("wx_session.session.expired"), 1);
}

pub fn use_extends_the_idle_time_but_not_the_absolute_time(host: HostKind) {
    let rules = json!({ "idle_timeout_s": 3, "absolute_timeout_s": 5, "cache_ttl_s": 0 });
    let mut world = host.start(json!({ "session": rules }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    for _ in 0..2 {
        world.seconds(2);
        world.assert_passes(&login.token, &phone.openid());
    }
    assert!(world.counter("wx_session.session.renewed") >= 1);
    world.seconds(2);
    world.assert_token_refused(&login.token, "session_expired");
}

/// However long a worker's own memory of it is good, its use is written down in time.
pub fn a_session_in_constant_use_does_not_expire(host: HostKind) {
    let rules = json!({ "idle_timeout_s": 3, "cache_ttl_s": 60 });
    let mut world = host.start(json!({ "session": rules }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    for _ in 0..12 {
        world.advance(Duration::from_millis(500));
        world.assert_passes(&login.token, &phone.openid());
    }
}

pub fn session_tells_the_client_whether_to_log_in_again(host: HostKind) {
    let mut world = host.start(json!({ "session": { "idle_timeout_s": 2 } }));
    let none = world.ask(Ask::get("/wx/session")).json();
    assert_eq!(
        none["data"],
        json!({ "hasSession": false, "expired": false, "expiresIn": 0 })
    );

    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let live = world.get("/wx/session", &login.token).json();
    assert_eq!(live["data"]["hasSession"], true);
    assert_eq!(live["data"]["expired"], false);
    assert!((1..=2).contains(&live["data"]["expiresIn"].as_u64().unwrap()));

    world.seconds(3);
    let ended = world.get("/wx/session", &login.token).json();
    assert_eq!(
        ended["data"],
        json!({ "hasSession": true, "expired": true, "expiresIn": 0 })
    );
}

pub fn logout_ends_the_session_and_is_idempotent(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    world.assert_passes(&login.token, &phone.openid());
    let got = world.post("/wx/logout", &login.token, &json!({}));
    assert_eq!((got.status, &got.json()["data"]["ended"]), (200, &json!(1)));
    // At once on this worker, although the session was in its cache.
    let body = world.assert_token_refused(&login.token, "invalid_token");
    assert_eq!(body["data"], json!({ "hasSession": false }));
    assert_eq!(
        world.post("/wx/logout", &login.token, &json!({})).status,
        200
    );
}

/// Clients loop, or cannot log out, where a logout is refused: without a good token it is done already.
pub fn without_a_good_token_a_logout_is_done_already(host: HostKind) {
    let session = json!({ "cookie": "wxs", "query": "wxs", "idle_timeout_s": 2, "cache_ttl_s": 0 });
    let mut world = host.start(json!({ "session": session }));
    let phone = world.wechat.phone("alice");
    let ended = world.login(&phone).token;
    world.seconds(3);
    let unknown = "B".repeat(43);
    for ask in [
        Ask::get("/wx/logout"),
        Ask::new("POST", "/wx/logout"),
        Ask::post("/wx/logout", &json!({ "everywhere": true })),
        Ask::get("/wx/logout").token(&unknown),
        Ask::get("/wx/logout").token(&ended),
        Ask::get("/wx/logout").token("short"),
        Ask::get("/wx/logout").header("Authorization", "Bearer of the app"),
        Ask::get("/wx/logout").header("cookie", format!("wxs={ended}")),
        Ask::get(format!("/wx/logout?wxs={unknown}")),
        Ask::get("/wx/logout").header("content-type", "text/plain"),
        typed("text/plain", "").token(&unknown),
        typed("text/plain", "{}").token(&ended),
        typed("application/json", "{").token(&ended),
    ] {
        let got = world.ask(ask.clone());
        let body = got.json();
        assert_eq!((got.status, &body["status"]), (200, &json!(0)), "{ask:?}");
        assert_eq!(body["data"], json!({ "ended": 0 }), "{ask:?}");
        assert_eq!(got.header("x-wx-error").as_deref(), Some("none"));
    }
}

fn typed(media_type: &str, body: &str) -> Ask {
    let ask = Ask::new("POST", "/wx/logout").header("content-type", media_type);
    if body.is_empty() { ask } else { ask.body(body) }
}

/// Many clients name a type on requests that have no body.
pub fn a_type_without_a_body_refuses_no_logout(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    for media_type in ["text/plain", "multipart/form-data", "application/xml", ""] {
        let token = world.login(&phone).token;
        let got = world.ask(typed(media_type, "").token(&token));
        assert_eq!((got.status, &got.json()["data"]["ended"]), (200, &json!(1)));
        world.assert_token_refused(&token, "invalid_token");
    }
    let token = world.login(&phone).token;
    let ask = typed("text/plain", "{}").token(&token);
    world.assert_refused(ask, 415, "unsupported_media_type");
    world.assert_passes(&token, &phone.openid());
}

/// A link can be made to be followed by anybody, and takes cookies along; a header only the client can write.
pub fn a_logout_by_get_needs_its_token_in_a_header(host: HostKind) {
    let mut world = host.start(json!({ "session": { "cookie": "wxs", "query": "wxs" } }));
    let phone = world.wechat.phone("alice");
    for header in [
        |token: &str| ("X-WX-Skey", token.to_owned()),
        |token: &str| ("Authorization", format!("Bearer {token}")),
        |token: &str| ("Authorization", token.to_owned()),
        |token: &str| ("X-3rd-Session", format!("bearer{token}")),
    ] {
        let token = world.login(&phone).token;
        let (name, value) = header(&token);
        let got = world.ask(Ask::get("/wx/logout").header(name, value));
        assert_eq!((got.status, &got.json()["data"]["ended"]), (200, &json!(1)));
        world.assert_token_refused(&token, "invalid_token");
    }
}

pub fn logout_everywhere_ends_all_sessions_of_the_user_only(host: HostKind) {
    let mut world = host.start(json!({}));
    let (alice, bob) = (world.wechat.phone("alice"), world.wechat.phone("bob"));
    let sessions = [
        world.login(&alice),
        world.login(&alice),
        world.login(&alice),
    ];
    let other = world.login(&bob);
    let got = world.post(
        "/wx/logout",
        &sessions[1].token,
        &json!({ "everywhere": true }),
    );
    assert_eq!(got.json()["data"]["ended"], 3);
    for session in &sessions {
        world.assert_token_refused(&session.token, "invalid_token");
    }
    world.assert_passes(&other.token, &bob.openid());
}

pub fn a_token_that_was_never_minted_here_is_refused(host: HostKind) {
    let mut world = host.start(json!({ "master_keys": [{ "env": "WX_MASTER_KEY" }] }));
    world.assert_token_refused(&"A".repeat(43), "invalid_token");
    assert_eq!(world.counter("wx_session.session.denied"), 1);
}

pub fn user_shows_the_profile_without_ids_and_keys(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let user = world.get("/wx/user", &login.token).json();
    assert_eq!(user["data"]["registered"], false);
    assert!(user["data"]["createdAt"].as_u64().unwrap() > 1_600_000_000);

    world.post("/wx/register", &login.token, &phone.user_info().to_json());
    let user = world.get("/wx/user", &login.token);
    let text = String::from_utf8_lossy(&user.body).into_owned();
    assert_eq!(user.json()["data"]["registered"], true);
    assert!(!text.contains(&phone.openid()));
    for key in phone.session_keys() {
        assert!(!text.contains(&key));
    }
    world.assert_refused(Ask::get("/wx/user"), 401, "no_session");
}
