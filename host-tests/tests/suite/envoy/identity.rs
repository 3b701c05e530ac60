//! Headers that say who the user is, and the token that proves it: the app sees the true ones, and no token.
//! Never what a client wrote, in whatever spelling.

use serde_json::json;

use super::headers::{Field, get, in_http1};
use crate::rig::envoy_world::{EnvoyWorld, bare, with_token};
use testkit::http2::pseudo;

const IDENTITY: [&str; 16] = [
    "x-wx-login-event",
    "x-wx-login-token",
    "x-wx-login-expires-in",
    "x-wx-login-error",
    "x-wx-login-open-data",
    "x-wx-bound-openid",
    "x-wx-bound-unionid",
    "x-wx-bound-appid",
    "x-wx-session-end",
    "x-wx-openid",
    "x-wx-unionid",
    "x-wx-appid",
    "x-wx-source",
    "x-wx-auth-status",
    "x-wx-from-openid",
    "x-wx-from-appid",
];

/// One name in the ways in which an app server may read it as that name.
fn spellings(name: &str) -> Vec<String> {
    let mixed: String = name
        .char_indices()
        .map(|(at, c)| {
            if at % 2 == 0 {
                c.to_ascii_uppercase()
            } else {
                c
            }
        })
        .collect();
    let mut all = vec![
        name.to_owned(),
        name.to_ascii_uppercase(),
        mixed,
        name.replace('-', "_"),
        name.replace('-', "_").to_ascii_uppercase(),
        name.replacen('-', "_", 1),
    ];
    all.extend(
        name.rsplit_once('-')
            .map(|(head, tail)| format!("{head}_{tail}")),
    );
    all
}

fn with_underscores(action: &'static str) -> EnvoyWorld {
    EnvoyWorld::with(|config| {
        let options = json!({ "headers_with_underscores_action": action });
        bare(config).patch_http(&json!({ "common_http_protocol_options": options }))
    })
}

#[test]
fn identity_headers_of_a_client_never_reach_the_app_in_any_spelling() {
    assert_no_spelling_reaches_the_app(&with_underscores("ALLOW"));
}

#[test]
fn nor_do_they_where_envoy_drops_names_with_underscores() {
    assert_no_spelling_reaches_the_app(&with_underscores("DROP_HEADER"));
}

#[test]
fn nor_do_they_where_envoy_refuses_names_with_underscores() {
    assert_no_spelling_reaches_the_app(&with_underscores("REJECT_REQUEST"));
}

#[track_caller]
fn assert_no_spelling_reaches_the_app(edge: &EnvoyWorld) {
    let token = edge.login("a");
    let openid = edge.wechat.phone("a").openid();
    for path in ["/api/orders", "/feed/x", "/public/x"] {
        for token in [Some(&token), None] {
            for name in IDENTITY {
                for spelling in spellings(name) {
                    let mut fields: Vec<Field<'_>> = vec![
                        (spelling.as_bytes(), b"forged"),
                        (spelling.as_bytes(), b"forged\xff"),
                    ];
                    fields.extend(token.map(|token| (&b"x-wx-skey"[..], token.as_bytes())));
                    if spelling == spelling.to_ascii_lowercase() {
                        get(edge, path, &fields);
                    } else {
                        edge.send(&in_http1(path, &fields));
                    }
                }
            }
            let verified = token.is_some() && !path.starts_with("/public");
            let arrived = edge.app.take();
            let is_refused = token.is_none() && path.starts_with("/api");
            assert_eq!(arrived.is_empty(), is_refused, "{path}");
            for seen in arrived {
                assert_eq!(seen.count("x-wx-openid"), usize::from(verified), "{seen:?}");
                assert!(!verified || seen.header("x-wx-openid") == Some(openid.as_bytes()));
                let headers = seen.headers.iter();
                let forged = headers.filter(|(_, value)| value.starts_with(b"forged"));
                assert_eq!(forged.count(), 0, "{seen:?}");
            }
        }
    }
    edge.assert_sound();
}

#[test]
fn the_shipped_configuration_lets_the_clients_own_underscores_through() {
    let edge = EnvoyWorld::start();
    let token = edge.login("a");
    let fields = [
        (&b"x-wx-skey"[..], token.as_bytes()),
        (b"access_token", b"of the app"),
        (b"app_version", b"3.1"),
        (b"x_wx_openid", b"forged"),
    ];
    assert_eq!(get(&edge, "/api/orders", &fields), [200, 200]);
    let arrived = edge.app.take();
    assert_eq!(arrived.len(), 2);
    for seen in arrived {
        assert_eq!(seen.header("access_token"), Some(&b"of the app"[..]));
        assert_eq!(seen.header("app_version"), Some(&b"3.1"[..]));
        assert_eq!(seen.count("x_wx_openid"), 0);
    }
}

#[test]
fn a_token_may_come_in_a_header_with_an_underscore_and_stays_at_the_edge() {
    let edge = EnvoyWorld::with(|config| {
        config.patch_plugin(&json!({ "session": { "headers": ["access_token", "X-WX-Skey"] } }))
    });
    let token = edge.login("a");
    let openid = edge.wechat.phone("a").openid();
    for path in ["/api/orders", "/feed/x", "/public/x"] {
        let fields = [(&b"access_token"[..], token.as_bytes())];
        assert_eq!(get(&edge, path, &fields), [200, 200], "{path}");
        for seen in edge.app.take() {
            let told = (!path.starts_with("/public")).then_some(openid.as_bytes());
            assert_eq!(seen.header("x-wx-openid"), told, "{path}");
            assert_eq!(seen.count("access_token"), 0, "{path}");
        }
    }
    edge.assert_sound();
}

#[test]
fn a_line_feed_in_a_value_smuggles_no_identity() {
    let edge = EnvoyWorld::with(bare);
    let token = edge.login("a");
    let openid = edge.wechat.phone("a").openid();
    for smuggled in [
        "1\nx-wx-openid: forged",
        "1\r\nx_wx_openid: forged",
        "1\rx-wx-openid: forged",
    ] {
        let request = with_token(&token).header("x-random", smuggled);
        edge.send(&request);
        let mut connection = edge.connect_http2();
        let mut fields = pseudo("GET", b"/api/orders");
        fields.push((b"x-random", smuggled.as_bytes()));
        let id = connection.request(&fields, true);
        assert_eq!(connection.answer(id).status, 0);
    }
    for seen in edge.app.requests() {
        assert_eq!(seen.header("x-wx-openid"), Some(openid.as_bytes()));
        assert_eq!(
            seen.count("x-wx-openid") + seen.count("x_wx_openid"),
            1,
            "{seen:?}"
        );
    }
}

/// HTTP/2 lets a client split its cookies; Envoy joins them. In HTTP/1.1 two are an oddity.
#[test]
fn a_token_in_a_cookie_is_read_whole_or_not_at_all_and_never_forwarded() {
    let edge =
        EnvoyWorld::with(|config| config.patch_plugin(&json!({ "session": { "cookie": "sid" } })));
    let token = edge.login("a");
    let cookie = format!("sid={token}");
    let cookie = cookie.as_bytes();
    let unreadable = [cookie, b"; b=\xff"].concat();
    for path in ["/api/orders", "/feed/x", "/public/x"] {
        assert_eq!(
            get(&edge, path, &[(b"cookie", cookie)]),
            [200, 200],
            "{path}"
        );
        get(&edge, path, &[(b"cookie", b"a=b"), (b"cookie", cookie)]);
        get(&edge, path, &[(b"cookie", cookie), (b"cookie", cookie)]);
        get(&edge, path, &[(b"cookie", &unreadable)]);
    }
    for seen in edge.app.requests() {
        let leaks = |value: &Vec<u8>| String::from_utf8_lossy(value).contains(&token);
        let leak = seen.headers.iter().find(|(_, value)| leaks(value));
        assert_eq!(leak, None, "{} {}", seen.method, seen.path);
    }
    edge.assert_sound();
}
