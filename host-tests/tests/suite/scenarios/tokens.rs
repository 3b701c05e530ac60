//! Which token a request shows, if clients show several, or something that is none.

use serde_json::{Value, json};

use crate::rig::{Ask, Got, HostKind, Login, World};

/// What clients send where they have no token.
const NOTHING: [&str; 17] = [
    "",
    "undefined",
    "null",
    "NaN",
    "none",
    "(null)",
    "[object Object]",
    "\"\"",
    "\"undefined\"",
    "'null'",
    "Bearer",
    "Bearer undefined",
    "bearer \"null\"",
    "%22%22",
    "%20",
    "undefined%20",
    "%5Bobject%20Object%5D",
];

fn everywhere() -> Value {
    json!({ "session": { "cookie": "wxs", "query": "wxs" } })
}

fn two_users(world: &mut World) -> [String; 2] {
    ["alice", "bob"].map(|user| {
        let phone = world.wechat.phone(user);
        world.login(&phone).token
    })
}

fn encoded(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'%' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escaped).collect()
}

#[track_caller]
fn assert_no_token_at_the_app(got: &Got, what: &str) {
    let seen = got.seen();
    for name in ["x-wx-skey", "x-3rd-session", "authorization"] {
        assert!(!seen.has(name), "{what}: {seen:?}");
    }
    let cookies = seen.header("cookie").unwrap_or_default();
    assert!(!cookies.contains("wxs"), "{what}: {cookies}");
    assert!(!seen.path.contains("xs"), "{what}: {}", seen.path);
}

pub fn two_different_tokens_are_refused_wherever_they_stand(host: HostKind) {
    let mut world = host.start(everywhere());
    let [one, other] = two_users(&mut world);
    let unknown = format!("{}A", "B".repeat(42));
    for path in ["/api", "/feed", "/wx/user", "/wx/session", "/wx/login"] {
        for other in [&other, &unknown] {
            let ask = |query: &str| match path {
                "/wx/login" => {
                    Ask::post(format!("{path}{query}"), &json!({ "code": "0123456789" }))
                }
                _ => Ask::get(format!("{path}{query}")),
            };
            let cookie = format!("a=b; wxs={one}; wxs={other}");
            let swapped = format!("wxs={other};wxs={one}");
            for (ask, places) in [
                (ask("").header("cookie", &cookie), "cookie wxs"),
                (ask("").header("cookie", &swapped), "cookie wxs"),
                (
                    ask("")
                        .header("cookie", format!("wxs={one}"))
                        .header("cookie", format!("wxs={other}")),
                    "cookie wxs",
                ),
                (ask(&format!("?wxs={one}&a=b&wxs={other}")), "query wxs"),
                (ask(&format!("?wxs={one}&%77xs={other}")), "query wxs"),
                (
                    ask("").token(&one).header("cookie", format!("wxs={other}")),
                    "x-wx-skey and cookie wxs",
                ),
                (
                    ask(&format!("?wxs={one}")).token(other),
                    "x-wx-skey and query wxs",
                ),
                (
                    ask("")
                        .token(&one)
                        .header("Authorization", format!("Bearer {other}")),
                    "x-wx-skey and authorization",
                ),
                (
                    ask("")
                        .header("Authorization", format!("Bearer {one}"))
                        .header("cookie", format!("wxs={other}")),
                    "authorization and cookie wxs",
                ),
                (
                    ask("").token(&one).header("X-3rd-Session", other),
                    "x-wx-skey and x-3rd-session",
                ),
                (ask("").token(&format!("{one}, {other}")), "x-wx-skey"),
                (ask("").token(&one).token(other), "x-wx-skey"),
                (
                    ask("").header("Authorization", format!("Bearer {one}, Bearer {other}")),
                    "authorization",
                ),
            ] {
                let body = world.assert_refused(ask, 400, "invalid_header");
                let detail = body["detail"].as_str().unwrap();
                assert!(
                    detail.starts_with(&format!("{places}: ")),
                    "{places}: {body}"
                );
            }
        }
    }
    // Where nobody needs one nobody looks, and none passes.
    let ask = Ask::get(format!("/public?wxs={one}"));
    let got = world.ask(ask.header("cookie", format!("a=b; wxs={other}")));
    assert_no_token_at_the_app(&got, "/public");
    assert_eq!(got.seen().header("cookie").as_deref(), Some("a=b"));
}

pub fn the_same_token_twice_is_one(host: HostKind) {
    let mut world = host.start(everywhere());
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let ask = Ask::get(format!("/api?wxs={token}&wxs={token}"))
        .token(&token)
        .header("Authorization", format!("Bearer {token}"))
        .header("cookie", format!("wxs={token}; a=b; wxs={token}"));
    let got = world.ask(ask);
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    assert_no_token_at_the_app(&got, "all places");
    assert_eq!(got.seen().header("cookie").as_deref(), Some("a=b"));
    assert_eq!(got.seen().path, "/api");
}

/// One request for each way to show `nothing`.
fn showing(path: &str, nothing: &str) -> Vec<Ask> {
    vec![
        Ask::get(path).token(nothing),
        Ask::get(path).header("X-3rd-Session", nothing),
        Ask::get(path).header("Authorization", nothing),
        Ask::get(path).header("Authorization", format!("Bearer {nothing}")),
        Ask::get(path).header("cookie", format!("wxs={nothing}")),
        Ask::get(format!("{path}?wxs={}", encoded(nothing))),
        Ask::get(format!("{path}?wxs")),
    ]
}

pub fn what_clients_write_for_no_token_is_none(host: HostKind) {
    let mut world = host.start(everywhere());
    for nothing in NOTHING {
        for ask in showing("/api", nothing) {
            let what = format!("{:?} {:?}", ask.headers, ask.target);
            let body = world.assert_refused(ask, 401, "no_session");
            assert_eq!(body["data"], json!({ "hasSession": false }), "{what}");
        }
        for ask in showing("/feed", nothing) {
            let what = format!("{:?} {:?}", ask.headers, ask.target);
            let got = world.ask(ask);
            let status = got.seen().header("x-wx-auth-status");
            assert_eq!(status.as_deref(), Some("missing"), "{what}");
            assert_no_token_at_the_app(&got, &what);
        }
    }
}

pub fn what_is_no_token_beside_a_good_one_is_ignored(host: HostKind) {
    let mut world = host.start(everywhere());
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let openid = phone.openid();
    for nothing in NOTHING {
        let mut asks: Vec<Ask> = showing("/api", nothing);
        asks = asks
            .into_iter()
            .map(
                |ask| match ask.headers.iter().any(|(name, _)| name == "X-WX-Skey") {
                    true => ask.header("X-3rd-Session", &token),
                    false => ask.token(&token),
                },
            )
            .collect();
        asks.extend([
            Ask::get("/api").token(nothing).token(&token),
            Ask::get("/api").header("cookie", format!("wxs={nothing}; wxs={token}")),
            Ask::get(format!("/api?wxs={token}&wxs={}", encoded(nothing))),
            Ask::get("/api")
                .token(nothing)
                .header("Authorization", format!("Bearer {token}")),
            Ask::get("/api")
                .header("Authorization", format!("Bearer {nothing}"))
                .header("Authorization", format!("Bearer {token}")),
            Ask::get("/api").header("Authorization", format!("{nothing}, Bearer {token}")),
        ]);
        for ask in asks {
            let what = format!("{:?} {:?}", ask.headers, ask.target);
            let got = world.ask(ask);
            assert_eq!(got.status, 200, "{what}: {:?}", String::from_utf8(got.body));
            let told = got.seen().header("x-wx-openid");
            assert_eq!(told.as_ref(), Some(&openid), "{what}");
            assert_no_token_at_the_app(&got, &what);
        }
    }
}

pub fn a_login_goes_on_beside_what_is_no_token(host: HostKind) {
    let mut world = host.start(everywhere());
    let phone = world.wechat.phone("alice");
    let mut old = world.login(&phone).token;
    for nothing in [
        "",
        "undefined",
        "null",
        "[object Object]",
        "\"\"",
        "garbage",
    ] {
        let body = json!({ "code": phone.login(), "token": nothing });
        let target = format!("/wx/login?wxs={}", encoded(nothing));
        let ask = Ask::post(target, &body)
            .token(&old)
            .header("X-3rd-Session", nothing)
            .header("cookie", format!("wxs={nothing}"));
        let login = Login::from(&world.ask(ask));
        // The old session was found beside it, and is gone.
        world.assert_token_refused(&old, "invalid_token");
        old = login.token;
    }
    for no_text in [json!(null), json!(0), json!(false), json!({})] {
        world.login_with(json!({ "code": phone.login(), "token": no_text }));
    }
}

/// Whoever picks one of two may end the wrong one. Refused before the code is spent.
pub fn of_two_old_tokens_a_login_picks_none(host: HostKind) {
    let mut world = host.start(everywhere());
    let phone = world.wechat.phone("alice");
    let (one, other) = (world.login(&phone).token, world.login(&phone).token);
    let code = phone.login();
    let form = |body: String| {
        let ask = Ask::new("POST", "/wx/login");
        let ask = ask.header("content-type", "application/x-www-form-urlencoded");
        ask.body(body)
    };
    let json = |token: &str| Ask::post("/wx/login", &json!({ "code": code, "token": token }));
    for ask in [
        json(&one).token(&other),
        json(&one).header("cookie", format!("wxs={other}")),
        form(format!("code={code}&token={one}")).token(&other),
        form(format!("code={code}&token={one}&token={other}")),
    ] {
        let body = world.assert_refused(ask.clone(), 400, "invalid_header");
        assert!(body.to_string().contains("two different"), "{ask:?}");
    }
    // These are not two tokens.
    for tokens in ["token=x&token=y", "token=undefined&token=x"] {
        let code = phone.login();
        let login = Login::from(&world.ask(form(format!("code={code}&{tokens}"))));
        world.post("/wx/logout", &login.token, &json!({}));
    }
    let login = Login::from(&world.ask(json(&one).token(&one)));
    world.assert_token_refused(&one, "invalid_token");
    world.assert_passes(&other, &phone.openid());
    world.assert_passes(&login.token, &phone.openid());
}

/// An app's own cookie is what the app makes of it; only ours is looked at, and only ours is taken off.
pub fn other_cookies_need_not_be_text(host: HostKind) {
    if !host.hands_on_unreadable_headers() {
        return;
    }
    let mut world = host.start(json!({ "session": { "cookie": "wxs" } }));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let latin = b"name=\xe4\xb8; a=b".to_vec();
    let got = world.ask(Ask::get("/api").token(&token).header("cookie", &latin));
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    let both = [&b"name=\xe4\xb8; a=b; wxs="[..], token.as_bytes()].concat();
    let got = world.ask(Ask::get("/api").header("cookie", both));
    assert_eq!(got.seen().header("cookie").as_deref(), Some("a=b"));
}

/// As clients of the field send it: alone, behind a scheme in any header, with the scheme glued to it. It stays at the
/// edge on every route.
pub fn a_token_is_taken_as_clients_write_it(host: HostKind) {
    let mut world = host
        .start(json!({ "session": { "headers": ["X-Token", "Authori-zation", "Authorization"] } }));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let forms = [
        token.clone(),
        format!("Bearer {token}"),
        format!("bearer  {token}"),
        format!("BEARER {token}"),
        format!("bearer{token}"),
        format!("Bearer%20{token}"),
        format!("\"{token}\""),
    ];
    for name in ["X-Token", "Authori-zation", "Authorization"] {
        for form in &forms {
            for path in ["/api", "/feed", "/public/x"] {
                let got = world.ask(Ask::get(path).header(name, form));
                let told = (path != "/public/x").then(|| phone.openid());
                assert_eq!(got.seen().header("x-wx-openid"), told, "{name}: {form}");
                assert!(!got.seen().has(name), "{path} {name}: {form}");
            }
        }
    }
    // What the app has in it is the app's.
    for other in ["Basic abc", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "opaque"] {
        let got = world.ask(Ask::get("/feed").header("Authorization", other));
        assert_eq!(got.seen().header("authorization").as_deref(), Some(other));
    }
    let mut world = host.start(json!({ "session": { "forward_token": true } }));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    let got = world.ask(Ask::get("/api").header("Authorization", &token));
    assert_eq!(got.seen().header("authorization"), Some(token));
}

fn in_bodies(forward: bool) -> Value {
    json!({
        "session": { "forward_token": forward },
        "routes": [
            { "prefix": "/body", "session": "required", "session_in": "session" },
            { "prefix": "/maybe", "session": "optional", "session_in": "session" },
        ],
    })
}

fn multipart(token: &str) -> String {
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    part("session", token) + &part("file", "x") + "--b--\r\n"
}

/// The body with a token in it in each of the ways that a route with `session_in` takes, and what is left of it.
fn bodies(token: &str) -> Vec<(&'static str, String, String)> {
    vec![
        (
            "application/json",
            format!(r#"{{"a": 1.0, "session":"{token}","b":[]}}"#),
            r#"{"a": 1.0,"b":[]}"#.into(),
        ),
        (
            "application/json",
            format!(r#"{{"session":"{token}"}}"#),
            "{}".into(),
        ),
        (
            "application/x-www-form-urlencoded",
            format!("a=%20&session={token}&b"),
            "a=%20&b".into(),
        ),
        (
            "multipart/form-data; boundary=b",
            multipart(token),
            "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n".into(),
        ),
    ]
}

pub fn a_token_in_a_body_is_taken_where_the_route_names_it(host: HostKind) {
    let mut world = host.start(in_bodies(false));
    let [alice, bob] = two_users(&mut world);
    let openid = world.wechat.phone("alice").openid();
    for path in ["/body/x", "/maybe/x"] {
        for (kind, body, rest) in bodies(&alice) {
            let ask = Ask::new("POST", path)
                .header("content-type", kind)
                .body(&body);
            let got = world.ask(ask.clone());
            assert_eq!(
                got.status,
                200,
                "{body}: {}",
                String::from_utf8_lossy(&got.body)
            );
            assert_eq!(
                got.seen().header("x-wx-openid"),
                Some(openid.clone()),
                "{body}"
            );
            assert_eq!(String::from_utf8_lossy(&got.seen().body), rest);
            // The same beside it is one; another is refused.
            assert_eq!(world.ask(ask.clone().token(&alice)).status, 200);
            let refused = world.assert_refused(ask.token(&bob), 400, "invalid_header");
            assert!(
                refused["detail"].as_str().unwrap().contains("body session"),
                "{refused}"
            );
        }
        for nothing in ["", "undefined", "null"] {
            for (kind, body, rest) in bodies(nothing) {
                let ask = Ask::new("POST", path)
                    .header("content-type", kind)
                    .body(&body);
                let got = world.ask(ask.token(&alice));
                assert_eq!(
                    got.seen().header("x-wx-openid"),
                    Some(openid.clone()),
                    "{body}"
                );
                assert_eq!(String::from_utf8_lossy(&got.seen().body), rest);
            }
        }
    }
    let (kind, body, _) = bodies("undefined").remove(0);
    let ask = |path: &str| {
        Ask::new("POST", path)
            .header("content-type", kind)
            .body(&body)
    };
    world.assert_refused(ask("/body/x"), 401, "no_session");
    let got = world.ask(ask("/maybe/x"));
    assert_eq!(
        got.seen().header("x-wx-auth-status").as_deref(),
        Some("missing")
    );
    // Other kinds of bodies are the app's, and so is the name elsewhere.
    let upload = Ask::new("POST", "/body/x")
        .header("content-type", "image/png")
        .body("\u{1}session");
    assert_eq!(
        world.ask(upload.token(&alice)).seen().body,
        "\u{1}session".as_bytes()
    );
    let (kind, body, _) = bodies(&bob).remove(0);
    let elsewhere = Ask::new("POST", "/api")
        .header("content-type", kind)
        .body(&body);
    assert_eq!(
        world.ask(elsewhere.token(&alice)).seen().body,
        body.as_bytes()
    );
}

/// As in every other place.
pub fn of_what_a_body_says_twice_nothing_is_ignored_and_two_tokens_are_refused(host: HostKind) {
    let mut world = host.start(in_bodies(false));
    let [alice, bob] = two_users(&mut world);
    let openid = world.wechat.phone("alice").openid();
    let twice = |one: &str, other: &str| {
        let form = format!("session={one}&a=1&session={other}");
        let json = format!(r#"{{"session":"{one}","a":1,"session":"{other}"}}"#);
        [
            ("application/x-www-form-urlencoded", form),
            ("application/json", json),
        ]
        .map(|(kind, body)| {
            let ask = Ask::new("POST", "/body/x").header("content-type", kind);
            ask.body(body)
        })
    };
    for other in ["undefined", "", "of the app", &alice] {
        for ask in twice(other, &alice).into_iter().chain(twice(&alice, other)) {
            let got = world.ask(ask);
            assert_eq!(got.seen().header("x-wx-openid"), Some(openid.clone()));
            let left = String::from_utf8_lossy(&got.seen().body);
            assert!(["a=1", r#"{"a":1}"#].contains(&&*left), "{left}");
        }
    }
    for ask in twice(&alice, &bob) {
        let refused = world.assert_refused(ask, 400, "invalid_header");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.starts_with("body session: "), "{detail}");
    }
}

pub fn json_that_is_no_object_brings_no_token_and_passes(host: HostKind) {
    let mut world = host.start(in_bodies(false));
    let [alice, _] = two_users(&mut world);
    for body in [
        "[1,2.50]",
        " [ {\"session\":\"x\"} ]",
        "null",
        "\"session\"",
    ] {
        let ask = |path: &str| {
            Ask::new("POST", path)
                .header("content-type", "application/json")
                .body(body)
        };
        let got = world.ask(ask("/body/x").token(&alice));
        assert_eq!(String::from_utf8_lossy(&got.seen().body), body);
        world.assert_refused(ask("/body/x"), 401, "no_session");
    }
}

pub fn a_token_in_a_body_goes_on_where_tokens_do(host: HostKind) {
    let mut world = host.start(in_bodies(true));
    let [alice, _] = two_users(&mut world);
    for (kind, body, _) in bodies(&alice) {
        let ask = Ask::new("POST", "/body/x")
            .header("content-type", kind)
            .body(&body);
        let got = world.ask(ask);
        assert!(got.seen().has("x-wx-openid"));
        assert_eq!(String::from_utf8_lossy(&got.seen().body), body);
    }
}

pub fn a_body_that_may_hold_a_token_must_fit_and_be_readable(host: HostKind) {
    let mut world = host.start(in_bodies(false));
    let [alice, _] = two_users(&mut world);
    for (kind, body, status, error) in [
        ("application/json", "{".to_owned(), 400, "malformed_body"),
        (
            "multipart/form-data; boundary=b",
            multipart(&alice).replace("--b--", "--b"),
            400,
            "malformed_body",
        ),
        (
            "multipart/form-data",
            multipart(&alice),
            400,
            "malformed_body",
        ),
        (
            "application/json",
            format!(r#"{{"a":"{}"}}"#, "a".repeat(20_000)),
            413,
            "body_too_large",
        ),
    ] {
        let ask = Ask::new("POST", "/body/x")
            .header("content-type", kind)
            .body(&body);
        world.assert_refused(ask.token(&alice), status, error);
    }
}
