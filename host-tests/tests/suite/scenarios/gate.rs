//! What passes to the app, and as what.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::rig::{Ask, HostKind, Seen};

const SPOOFED: [(&str, &str); 13] = [
    ("X-WX-OPENID", "admin"),
    ("x_wx_openid", "admin"),
    ("X-Wx_OpenId", "admin"),
    ("X-WX-UNIONID", "admin"),
    ("X-WX-APPID", "wx00000000000000ff"),
    ("X-WX-SOURCE", "wx_devtools"),
    ("X-WX-Auth-Status", "verified"),
    ("X-WX-FROM-OPENID", "admin"),
    ("x-wx-from_unionid", "admin"),
    ("X-WX-Env", "prod"),
    ("x.wx.openid", "admin"),
    ("x!wx~openid", "admin"),
    ("X-WX-OPENID", "root"),
];

pub fn spoofed(mut ask: Ask) -> Ask {
    for (name, value) in SPOOFED {
        ask = ask.header(name, value);
    }
    ask
}

/// Identity headers of the request as an app would read them to which everything but letters and digits is `-`.
pub fn identity(seen: &Seen) -> Vec<(String, String)> {
    let mut headers: Vec<_> = seen
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_ascii_lowercase().replace('_', "-"),
                String::from_utf8_lossy(value).into_owned(),
            )
        })
        .filter(|(name, _)| name.starts_with("x-wx-"))
        .collect();
    headers.sort();
    headers
}

pub fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}

pub fn a_route_without_a_rule_needs_a_session(host: HostKind) {
    let mut world = host.start(json!({}));
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let body = world.assert_refused(Ask::new(method, "/anything?x=1"), 401, "no_session");
        assert_eq!(body["data"], json!({ "hasSession": false }));
        assert_eq!(body["action"], "relogin");
    }
    assert_eq!(world.counter("wx_session.session.absent"), 6);
}

pub fn spoofed_identity_headers_are_gone_on_every_route(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let got = world.ask(spoofed(Ask::get("/api")).token(&login.token));
    let openid = phone.openid();
    let ours = [
        ("x-wx-appid", "wx0123456789abcdef"),
        ("x-wx-openid", &openid),
        ("x-wx-source", "wx_client"),
    ];
    assert_eq!(identity(got.seen()), owned(&ours));

    let got = world.ask(spoofed(Ask::get("/public/a")));
    assert_eq!(identity(got.seen()), owned(&[]));
    let got = world.ask(spoofed(Ask::get("/feed")));
    assert_eq!(
        identity(got.seen()),
        owned(&[("x-wx-auth-status", "missing")])
    );
}

pub fn an_app_is_told_no_more_than_it_needs(host: HostKind) {
    for (left_out, told) in [
        (json!([]), &["appid", "openid", "source", "unionid"][..]),
        (json!(["unionid"]), &["appid", "openid", "source"]),
        (json!(["source", "appid"]), &["openid", "unionid"]),
        (json!(["appid", "unionid", "source"]), &["openid"]),
    ] {
        let mut world = host.start(json!({ "identity_headers": { "leave_out": left_out } }));
        world.wechat.bind(true);
        let token = world.login(&world.wechat.phone("alice")).token;
        let got = world.ask(spoofed(Ask::get("/api")).token(&token));
        let seen = identity(got.seen());
        let names: Vec<_> = seen
            .iter()
            .map(|(name, _)| &name["x-wx-".len()..])
            .collect();
        assert_eq!(names, told);
        assert!(!seen.iter().any(|(_, value)| value == "admin"), "{seen:?}");
    }
}

pub fn the_token_does_not_reach_the_app(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    for path in ["/api", "/public", "/feed"] {
        for name in ["X-WX-Skey", "X-3rd-Session", "Authorization"] {
            let value = if name == "Authorization" {
                format!("Bearer {}", login.token)
            } else {
                login.token.clone()
            };
            let got = world.ask(Ask::get(path).header(name, value));
            let text = format!("{:?}", got.seen());
            assert!(!got.seen().has(name), "{path} {name}: {text}");
            assert!(!text.contains(&login.token), "{path} {name}");
        }
    }
}

pub fn a_bearer_token_is_accepted_and_the_apps_own_authorization_is_left_alone(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let bearer = format!("Bearer {}", login.token);
    let got = world.ask(Ask::get("/api").header("authorization", bearer));
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));

    let both = Ask::get("/api")
        .token(&login.token)
        .header("authorization", "Basic dXNlcjpwYXNz");
    let got = world.ask(both);
    assert_eq!(
        got.seen().header("authorization").as_deref(),
        Some("Basic dXNlcjpwYXNz")
    );
    let both = Ask::get("/api")
        .token(&login.token)
        .header("authorization", "Bearer app.own.jwt");
    let got = world.ask(both);
    assert_eq!(
        got.seen().header("authorization").as_deref(),
        Some("Bearer app.own.jwt")
    );
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));

    let only_theirs = || Ask::get("/feed").header("authorization", "Bearer app.own.jwt");
    let got = world.ask(only_theirs());
    assert_eq!(
        got.seen().header("x-wx-auth-status").as_deref(),
        Some("missing")
    );
    assert!(got.seen().has("authorization"));
}

pub fn an_optional_route_forwards_without_identity_and_says_so(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let got = world.get("/feed/new", &login.token);
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    assert_eq!(
        got.seen().header("x-wx-auth-status").as_deref(),
        Some("verified")
    );

    let unknown = "B".repeat(43);
    for (ask, status) in [
        (Ask::get("/feed"), "missing"),
        (Ask::get("/feed").token(""), "missing"),
        (Ask::get("/feed").token("short"), "invalid"),
        (Ask::get("/feed").token(&unknown), "invalid"),
    ] {
        let got = world.ask(ask);
        assert_eq!(
            got.seen().header("x-wx-auth-status").as_deref(),
            Some(status)
        );
        assert!(!got.seen().has("x-wx-openid"));
    }
    let doubled = Ask::get("/feed").token(&login.token).token(&login.token);
    world.assert_refused(doubled, 400, "invalid_header");
}

pub fn a_public_route_is_not_looked_at(host: HostKind) {
    let mut world = host.start(json!({}));
    for ask in [
        Ask::get("/healthz"),
        Ask::get("/public"),
        Ask::get("/public/a/b?c"),
        Ask::get("/public").token("rubbish"),
    ] {
        let got = world.ask(ask);
        assert!(!got.seen().has("x-wx-openid"));
    }
    assert_eq!(world.counter("wx_session.session.absent"), 0);
}

pub fn cookie_and_query_carry_the_token_only_where_configured(host: HostKind) {
    let mut world = host.start(json!({ "session": { "cookie": "wxs", "query": "wxs" } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let got = world.ask(Ask::get("/api?a=1").header("cookie", format!("x=1; wxs={}", login.token)));
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    assert_eq!(got.seen().header("cookie").as_deref(), Some("x=1"));
    let got = world.ask(Ask::get(format!("/api?a=1&wxs={}&b=2", login.token)));
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    assert_eq!(got.seen().path, "/api?a=1&b=2");

    let mut world = host.start(json!({}));
    let login = world.login(&phone_of(&world));
    let ask = Ask::get(format!("/api?wxs={}", login.token))
        .header("cookie", format!("wxs={}", login.token));
    world.assert_refused(ask, 401, "no_session");
}

pub fn phone_of(world: &crate::rig::World) -> testkit::fakes::wechat::Phone {
    world.wechat.phone("alice")
}

pub fn an_assertion_signs_the_identity_where_configured(host: HostKind) {
    let mut world =
        host.start(json!({ "assertion": { "key": { "env": "WX_MASTER_KEY" }, "ttl_s": 30 } }));
    let phone = world.wechat.phone("alice");
    let login = world.login(&phone);
    let got = world.ask(
        Ask::get("/api")
            .token(&login.token)
            .header("X-WX-Assertion", "forged"),
    );
    let token = got.seen().header("x-wx-assertion").unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let decode = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(decode(parts[0]), json!({ "alg": "HS256", "typ": "JWT" }));
    let claims = decode(parts[1]);
    assert_eq!(claims["sub"], json!(phone.openid()));
    let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(lifetime, 30);
    assert_eq!(parts.len(), 3);
    assert_eq!(URL_SAFE_NO_PAD.decode(parts[2]).unwrap().len(), 32);
    let got = world.ask(Ask::get("/public").header("X-WX-Assertion", "forged"));
    assert!(!got.seen().has("x-wx-assertion"));
}

pub fn the_standard_names_are_the_edges_whatever_ours_are_called(host: HostKind) {
    const STANDARD: [&str; 25] = [
        "X-WX-OPENID",
        "X-WX-UNIONID",
        "X-WX-APPID",
        "X-WX-SOURCE",
        "X-WX-Auth-Status",
        "X-WX-Login-Event",
        "X-WX-Assertion",
        "X-WX-Skey-Expires-In",
        "X-WX-From-Openid",
        "X-WX-From-Appid",
        "X-WX-From-Unionid",
        "X-WX-Env",
        "X-WX-Service",
        "X-WX-Region",
        "X-WX-Call-Id",
        "X-WX-Cloudbase-Access-Token",
        "X-WX-Openid-List",
        "X-WX-Open-Id",
        "X-Original-Forwarded-For",
        "X-Original-URL",
        "X-Rewrite-URL",
        // As they are called here.
        "X-User-Openid",
        "X-User-Assertion",
        "X-Told",
        "X-Told-Expires-In",
    ];
    let named = |name: &str| format!("X-User-{name}");
    let renamed = json!({
        "openid": named("Openid"),
        "unionid": named("Unionid"),
        "appid": named("Appid"),
        "source": named("Source"),
        "auth_status": named("Auth-Status"),
        "login_event": named("Login-Event"),
    });
    let all_on = json!({
        "identity_headers": renamed,
        "assertion": { "key": { "env": "WX_MASTER_KEY" }, "header": "X-User-Assertion" },
        "session": { "piggyback": true, "piggyback_header": "X-Told" },
    });
    for (patch, ours) in [
        (json!({}), &STANDARD[..21]),
        (json!({ "identity_headers": renamed }), &STANDARD[..22]),
        (all_on, &STANDARD[..]),
    ] {
        let mut world = host.start(patch);
        let token = world.login(&phone_of(&world)).token;
        for ask in [
            Ask::get("/api").token(&token),
            Ask::get("/feed"),
            Ask::get("/public"),
        ] {
            for name in ours {
                for spelling in [
                    name.to_string(),
                    name.replace('-', "_"),
                    name.replace('-', "."),
                ] {
                    let ask = ask.clone().header(&spelling, "forged");
                    let got = world.ask(ask.header(&spelling, "twice"));
                    let forged = |(_, value): &&(String, Vec<u8>)| {
                        [&b"forged"[..], b"twice"].contains(&&value[..])
                    };
                    let left = got.seen().headers.iter().find(forged);
                    assert_eq!(left, None, "{spelling}");
                }
            }
            // What is no word of the edge stays the client's.
            let got = world.ask(ask.header("X-WX-Version", "3").header("X-Original", "1"));
            assert_eq!(got.seen().header("x-wx-version").as_deref(), Some("3"));
            assert_eq!(got.seen().header("x-original").as_deref(), Some("1"));
        }
    }
}

pub fn the_body_of_a_forwarded_request_is_untouched(host: HostKind) {
    let mut world = host.start(json!({}));
    let login = world.login(&phone_of(&world));
    let body: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let got = world.ask(Ask::new("POST", "/api").token(&login.token).body(&body));
    assert!(
        got.seen().body == body,
        "{} of {} bytes",
        got.seen().body.len(),
        body.len()
    );
}

/// CGI joins `content_type` with `content-type`, or takes the last.
pub fn no_other_spelling_of_what_frames_a_body_reaches_the_app(host: HostKind) {
    let mut world = host.start(json!({}));
    let token = world.login(&world.wechat.phone("alice")).token;
    for name in [
        "content.type",
        "content.length",
        "content.encoding",
        "transfer.encoding",
    ] {
        let ask = Ask::post("/api", &json!({})).token(&token);
        let got = world.ask(ask.header(name, "x"));
        assert!(!got.seen().has(name), "{name}");
    }
}
