//! Every endpoint without a body: its parameters in headers, for an Envoy that shows no body.

use serde_json::{Value, json};
use testkit::fakes::wechat::Source;

use crate::rig::{Ask, Got, HostKind, Login, World};

/// Both forms of a request whose parameters are headers.
fn forms(path: &str) -> [Ask; 2] {
    [
        Ask::get(path),
        Ask::new("POST", path).header("content-length", "0"),
    ]
}

/// Percent-encoded, as a header needs it.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[track_caller]
fn data(got: &Got) -> Value {
    assert_eq!(got.status, 200, "{}", got.json());
    got.json()["data"].clone()
}

pub fn every_endpoint_takes_its_parameters_from_headers(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    for n in 0..2 {
        let ask = || {
            forms("/wx/login")[n]
                .clone()
                .header("X-WX-Code", phone.login())
        };
        let login = Login::from(&world.ask(ask()));
        let with_token = |path: &str| forms(path)[n].clone().token(&login.token);

        let info = phone.user_info();
        let signed = with_token("/wx/verify")
            .header("X-WX-RawData", encoded(&info.raw_data))
            .header("X-WX-Signature", &info.signature);
        assert_eq!(data(&world.ask(signed)), json!({ "valid": true }));
        let opened = with_token("/wx/decrypt")
            .header("X-WX-Encrypted-Data", &info.encrypted_data)
            .header("X-WX-IV", &info.iv);
        assert_eq!(data(&world.ask(opened))["openId"], json!(phone.openid()));
        let profile = phone.open_data(Source::UserInfo).build();
        let kept = with_token("/wx/register")
            .header("X-WX-Encrypted-Data", &profile.encrypted_data)
            .header("X-WX-IV", &profile.iv);
        assert_eq!(data(&world.ask(kept))["registered"], true);

        let other = Login::from(&world.ask(ask()));
        let everywhere = with_token("/wx/logout").header("X-WX-Everywhere", "true");
        assert_eq!(data(&world.ask(everywhere))["ended"], 2);
        world.assert_token_refused(&other.token, "invalid_token");
    }
}

pub fn what_is_missing_or_too_large_in_headers_is_named(host: HostKind) {
    let mut world = host.start(json!({ "limits": { "body_bytes": 1024 } }));
    let token = world.login(&world.wechat.phone("alice")).token;
    let detail = |world: &mut World, ask: Ask, status, error| {
        world.assert_refused(ask, status, error)["detail"].clone()
    };
    let missing = (400, "missing_parameter");
    for [path, name] in [
        ["/wx/verify", "rawData"],
        ["/wx/decrypt", "encryptedData"],
        ["/wx/register", "encryptedData"],
    ] {
        for ask in forms(path) {
            let said = detail(&mut world, ask.token(&token), missing.0, missing.1);
            assert_eq!(said, name, "{path}");
        }
        let large = Ask::get(path)
            .token(&token)
            .header("X-WX-Encrypted-Data", "A".repeat(1025));
        let said = detail(&mut world, large, 413, "body_too_large");
        assert_eq!(
            said,
            "the parameters in headers are larger than limits.body_bytes"
        );
    }
}

/// A body counts where there is one, and headers do not speak beside it.
pub fn headers_are_nothing_beside_a_body(host: HostKind) {
    let mut world = host.start(json!({}));
    let phone = world.wechat.phone("alice");
    let body = || json!({ "code": phone.login() });
    let announced = Ask::post("/wx/login", &body());
    let chunked = Ask::new("POST", "/wx/login").chunked(body().to_string());
    for ask in [announced, chunked] {
        let login = Login::from(&world.ask(ask.header("X-WX-Code", "another")));
        let body = json!({ "everywhere": false }).to_string();
        let other = world.login(&phone).token;
        let logout = Ask::new("POST", "/wx/logout").token(&login.token);
        let logout = logout.header("X-WX-Everywhere", "true").chunked(body);
        assert_eq!(data(&world.ask(logout))["ended"], 1);
        world.assert_passes(&other, &phone.openid());
    }
}

pub fn a_link_ends_no_session(host: HostKind) {
    let mut world = host.start(json!({ "session": { "cookie": "wxs", "query": "wxs" } }));
    let phone = world.wechat.phone("alice");
    let token = world.login(&phone).token;
    for ask in [
        Ask::get("/wx/logout").header("cookie", format!("wxs={token}")),
        Ask::get(format!("/wx/logout?wxs={token}")),
    ] {
        let got = world.ask(ask);
        assert_eq!(got.status, 405, "{}", got.json());
        assert_eq!(got.header("allow").as_deref(), Some("POST"));
    }
    world.assert_passes(&token, &phone.openid());
    let posted = Ask::post("/wx/logout", &json!({})).header("cookie", format!("wxs={token}"));
    assert_eq!(data(&world.ask(posted))["ended"], 1);
}
