//! Headers that say who the user is, and the token that proves it: the app sees the true ones, and no token.
//! Never what a client wrote, in whatever spelling.

use serde_json::json;

use super::headers::get;
use crate::rig::envoy_world::EnvoyWorld;

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
