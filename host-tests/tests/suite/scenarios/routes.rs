//! Which rule decides about a request, whatever its spelling.

use serde_json::json;

use super::gate::{identity, owned, phone_of, spoofed};
use crate::rig::{Ask, HostKind};

pub fn rules_match_whole_segments_and_methods(host: HostKind) {
    let mut world = host.start(json!({ "routes": [
        { "path": "/items/secret", "session": "required" },
        { "prefix": "/items", "methods": ["GET"], "session": "public" },
        { "prefix": "/用户", "session": "public" },
    ] }));
    for path in [
        "/items",
        "/items/",
        "/items/1",
        "/%69tems",
        "/%E7%94%A8%e6%88%b7/1",
    ] {
        world.ask(Ask::get(path)).seen();
    }
    for path in [
        "/itemsx",
        "/Items",
        "/items/secret",
        "/%69tems/%73ecret",
        "/public",
    ] {
        world.assert_refused(Ask::get(path), 401, "no_session");
    }
    world.assert_refused(Ask::new("POST", "/items").body("x"), 401, "no_session");
}

pub fn a_preflight_passes_only_where_configured(host: HostKind) {
    let preflight = || {
        Ask::new("OPTIONS", "/api")
            .header("Origin", "https://example.com")
            .header("Access-Control-Request-Method", "POST")
    };
    let mut world = host.start(json!({}));
    world.assert_refused(preflight(), 401, "no_session");
    let mut world = host.start(json!({ "cors_preflight": true }));
    let got = world.ask(spoofed(preflight()));
    assert_eq!(identity(got.seen()), owned(&[]));
    world.assert_refused(Ask::new("OPTIONS", "/api"), 401, "no_session");
    // What only looks like a preflight is none.
    world.assert_refused(preflight().body("x"), 401, "no_session");
    let no_origin = Ask::new("OPTIONS", "/api").header("Access-Control-Request-Method", "POST");
    world.assert_refused(no_origin, 401, "no_session");
    if !host.is_real_envoy() {
        world.assert_refused(
            preflight().header("Upgrade", "websocket"),
            403,
            "upgrade_refused",
        );
    }
}

pub fn a_preflight_has_no_body_whatever_its_head_says(host: HostKind) {
    let mut world = host.start(json!({ "cors_preflight": true }));
    let login = world.login(&phone_of(&world));
    let preflight = || {
        Ask::new("OPTIONS", "/api")
            .header("Origin", "https://example.com")
            .header("Access-Control-Request-Method", "POST")
    };
    for body in ["x", &"x".repeat(20_000)] {
        world.assert_refused(preflight().chunked(body), 401, "no_session");
        world.assert_refused(preflight().body(body), 401, "no_session");
        // With a session it is a request like others.
        let got = world.ask(preflight().chunked(body).token(&login.token));
        assert!(got.seen().body == body.as_bytes());
        assert!(got.seen().has("x-wx-openid"));
    }
    assert!(!world.ask(preflight()).seen().has("x-wx-openid"));
}

pub fn upgrades_pass_only_where_the_route_names_them(host: HostKind) {
    // As HTTP/1.1 requests with an Upgrade header; the real handshake is Envoy's own test.
    if host.is_real_envoy() {
        return real_envoy_refuses_upgrades_it_is_not_configured_for(host);
    }
    let mut world = host.start(json!({ "routes": [
        { "path": "/socket", "session": "required", "upgrades": ["websocket"] },
    ] }));
    let login = world.login(&phone_of(&world));
    let upgrade = |path: &str, to: &str| Ask::get(path).token(&login.token).header("Upgrade", to);
    let listing = upgrade("/socket", "websocket").header("Connection", "Upgrade, X-WX-OPENID");
    let got = world.ask(listing);
    // Where there are no upgrades, the app sees a plain request, and nothing that would make it switch.
    let connection = host.has_upgrades().then_some("upgrade");
    assert_eq!(got.seen().header("connection").as_deref(), connection);
    assert_eq!(got.seen().has("upgrade"), host.has_upgrades());
    let body = world.assert_refused(upgrade("/api", "websocket"), 403, "upgrade_refused");
    assert_eq!(body["detail"], "upgrade: this route names no such protocol");
    world.assert_refused(upgrade("/socket", "websocket, h2c"), 403, "upgrade_refused");
    world.assert_refused(
        Ask::get("/socket").header("Upgrade", "websocket"),
        401,
        "no_session",
    );
}

/// Some clients send one with every request; a server may pass over it (RFC 9110, 7.8).
pub fn an_offer_of_another_http_is_passed_over(host: HostKind) {
    let mut world = host.start(json!({ "cors_preflight": true, "routes": [
        { "path": "/socket", "session": "required", "upgrades": ["websocket"] },
        { "prefix": "/public", "session": "public" },
    ] }));
    let login = world.login(&phone_of(&world));
    for offer in ["TLS/1.2", "tls/1.0, TLS/1.1", "h2c"] {
        for path in ["/api", "/socket", "/public/x"] {
            let ask = Ask::get(path).token(&login.token).header("Upgrade", offer);
            let mut offering = ask.clone().header("Connection", "Upgrade");
            if offer == "h2c" {
                offering = ask.clone().header("Connection", "Upgrade, HTTP2-Settings");
                offering = offering.header("HTTP2-Settings", "AAMAAABkAAQAAP__");
            }
            let got = world.ask(offering);
            let seen = got.seen();
            assert!(!seen.has("upgrade"), "{offer} {path}");
            assert!(!seen.has("http2-settings"), "{offer} {path}");
            assert!(!world.ask(ask).seen().has("upgrade"), "{offer} {path}");
        }
        let preflight = Ask::new("OPTIONS", "/api")
            .header("Origin", "https://a.test")
            .header("Access-Control-Request-Method", "POST")
            .header("Upgrade", offer);
        assert!(!world.ask(preflight).seen().has("upgrade"), "{offer}");
    }
}

fn real_envoy_refuses_upgrades_it_is_not_configured_for(host: HostKind) {
    let mut world = host.start(json!({}));
    let login = world.login(&phone_of(&world));
    let ask = Ask::get("/api")
        .token(&login.token)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket");
    let got = world.ask(ask);
    assert_eq!((got.status, got.seen.is_none()), (403, true));
}

pub fn a_required_rule_holds_in_every_spelling_of_its_path(host: HostKind) {
    let mut world = host.start(json!({ "routes": [
        { "path": "/p/private", "session": "required" },
        { "prefix": "/p/Admin", "session": "required" },
        { "prefix": "/p/key-store", "session": "required" },
        { "prefix": "/p", "session": "public" },
    ] }));
    for path in [
        "/p/private",
        "/p/private/",
        "/p/PRIVATE",
        "/p/private.json",
        "/p/private.json/",
        "/p/private,x",
        "/p/private~1",
        "/p/private:x",
        "/p/private-x",
        "/p/private%22",
        "/p/%70rivate",
        "/p/%20private",
        "/p/%E2%80%8Bprivate",
        "/p/priv%C2%ADate",
        "/p/pr%C4%B1vate",
        "/p/PR%C4%B0VATE",
        "/p/%EF%BD%90rivate",
        "/p/Admin",
        "/p/admin/x",
        "/p/ADMIN/",
        "/p/admin.html",
        "/p/admin.html/x",
        "/p/adm%C4%B1n",
        "/p/key_store/x",
        "/p/%E2%84%AAey-%C5%BFtore/x",
    ] {
        world.assert_refused(Ask::get(path), 401, "no_session");
    }
    for path in [
        "/p/private.",
        "/p/private%20",
        "/p/admin./x",
        "/p/admin%20/x",
        "/p/..%20/admin",
        "/p/%EF%BC%8E%EF%BC%8E/admin",
        "/p/.%EF%BC%8E/admin",
        "/p/admin%E3%80%82",
        "/p/admin%E3%80%80/x",
        "/p/admin%E2%80%8B",
        "/p/x%EF%BC%8Fadmin",
    ] {
        world.assert_refused(Ask::get(path), 400, "bad_path");
    }
    for path in [
        "/p",
        "/p/privates",
        "/p/x/private",
        "/p/private/x",
        "/p/adminx",
        "/p/admin%E7%94%A8",
        "/p/100%25",
        "/p/a.b/c.json",
        "/p/%E7%94%A8%E6%88%B7",
        "/p/file%20v2",
    ] {
        world.ask(Ask::get(path)).seen();
    }
}

pub fn methods_that_are_not_in_capitals_are_refused(host: HostKind) {
    let mut world = host.start(json!({ "routes": [{ "prefix": "/", "session": "public" }] }));
    for method in ["post", "Get", &"A".repeat(33)] {
        let got = world.ask(Ask::new(method, "/x"));
        assert!(got.seen.is_none(), "{method}");
        assert!((400..500).contains(&got.status), "{method} {}", got.status);
    }
}

/// ThinkPHP goes by such a header on any request, others on POST.
pub fn a_method_beside_the_method_leads_around_no_rule(host: HostKind) {
    let mut world = host.start(json!({ "cors_preflight": true, "routes": [
        { "prefix": "/items", "methods": ["GET", "POST"], "session": "public" },
    ] }));
    world.ask(Ask::get("/items/1")).seen();
    for name in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ] {
        for method in ["GET", "POST"] {
            let ask = Ask::new(method, "/items/1").header(name, "DELETE");
            world.assert_refused(ask, 401, "no_session");
        }
        let preflight = Ask::new("OPTIONS", "/orders/1/delete")
            .header("Origin", "https://example.com")
            .header("Access-Control-Request-Method", "POST");
        world.ask(preflight.clone()).seen();
        world.assert_refused(preflight.header(name, "GET"), 401, "no_session");
    }
    for query in ["_method=DELETE", "a=b&%5Fmethod=PUT"] {
        let ask = Ask::get(format!("/items/1?{query}"));
        world.assert_refused(ask, 401, "no_session");
    }
}

pub fn head_meets_what_get_meets_and_a_script_what_follows_it(host: HostKind) {
    let mut world = host.start(json!({ "routes": [
        { "prefix": "/public/keys", "methods": ["GET"], "session": "required" },
        { "path": "/public/admin.php", "session": "required" },
        { "prefix": "/public/my keys", "session": "required" },
        { "prefix": "/public", "session": "public" },
    ] }));
    let got = world.ask(Ask::new("HEAD", "/public/keys"));
    assert_eq!((got.status, got.seen.is_none()), (401, true));
    for path in [
        "/public/admin.php/x",
        "/public/ADMIN.php/users/1",
        "/public/my+keys",
        "/public/my%20keys",
        "/public/+my-keys",
        "/public/key%CB%A2",
        "/public/k%E2%84%AFys",
    ] {
        world.assert_refused(Ask::get(path), 401, "no_session");
    }
    for path in ["/public/admin.phpx", "/public/monkeys", "/public/a+b"] {
        world.ask(Ask::get(path)).seen();
    }
}
