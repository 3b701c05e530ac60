//! The steps of `docs/migration.md`, with the configurations that stand there, in both languages.

use serde_json::{Value, json};
use testkit::fakes::wechat::KeyAge;

use super::wafer_client::{MAGIC, Version, WaferClient};
use crate::rig::{Ask, HostKind, Login};

/// The YAML of the page, in its order.
pub fn configurations(page: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut lines = page
        .lines()
        .map(|line| line.strip_prefix("   ").unwrap_or(line));
    while let Some(line) = lines.next() {
        if line == "```yaml" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push(serde_yaml_ng::from_str(&block.join("\n")).unwrap());
        }
    }
    found
}

fn pages() -> [Value; 7] {
    let english = configurations(include_str!("../../../../docs/migration.md"));
    let chinese = configurations(include_str!("../../../../docs/zh/migration.md"));
    assert_eq!(english, chinese);
    english.try_into().unwrap()
}

pub fn a_wafer_backend_moves_step_by_step(host: HostKind) {
    let [let_through, log_in, require, ..] = pages();
    let old = || Ask::get("/orders").token("0123456789abcdef0123456789abcdef01234567");

    let mut world = host.start(let_through);
    let spoofing = old().header("X-WX-Id", "1").header("X-WX-OPENID", "admin");
    let got = world.ask(spoofing);
    assert!(got.seen().has("x-wx-skey") && got.seen().has("x-wx-id"));
    assert!(!got.seen().has("x-wx-openid"));
    let got = world.ask(Ask::get("/weapp/login").header("X-WX-Code", "x"));
    assert!(got.seen().has("x-wx-code"));

    let mut world = host.start(log_in);
    let got = world.ask(old());
    assert!(got.seen().has("x-wx-skey") && !got.seen().has("x-wx-openid"));
    world.ask(Ask::post("/weapp/message", &json!({}))).seen();
    for version in Version::ALL {
        let mut client = WaferClient::new(version, &world.wechat.phone("alice"));
        let got = client.request(&mut world, &Ask::get("/orders"), true);
        assert!(got.unwrap().seen().has("x-wx-openid"), "{version:?}");
    }

    let mut world = host.start(require);
    world.ask(Ask::post("/weapp/message", &json!({}))).seen();
    for version in Version::ALL {
        let mut client = WaferClient::new(version, &world.wechat.phone("alice"));
        client.session = Some(json!({ "id": "1", "skey": "of the old backend" }));
        let got = client.request(&mut world, &Ask::get("/orders"), true);
        assert!(got.unwrap().seen().has("x-wx-openid"), "{version:?}");
        assert_eq!(client.logins, 1);
    }
}

/// A user whom only the old server knew: the app answers Wafer's login, on its old path, from its own table.
pub fn a_wafer_backend_goes_on_showing_the_profiles_it_has(host: HostKind) {
    let [_, _, _, through_the_app, ..] = pages();
    let mut world = host.start(through_the_app);
    let phone = world.wechat.phone("alice");
    let code = phone.login();
    let data = phone.user_info_under(KeyAge::Next);
    let ask = Ask::get("/weapp/login").header("X-WX-Code", code);
    let ask = ask
        .header("X-WX-Encrypted-Data", &data.encrypted_data)
        .header("X-WX-IV", &data.iv);
    let got = world.ask(ask);
    let seen = got.seen();
    assert_eq!(seen.header("x-wx-openid"), Some(phone.openid()));
    for name in ["x-wx-code", "x-wx-encrypted-data", "x-wx-iv"] {
        assert!(!seen.has(name), "{name}");
    }
    let token = seen.header("x-wx-login-token").unwrap();
    let got = world.get("/weapp/user", &token);
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    // Without a session its clients are told in their words.
    let got = world.ask(Ask::get("/weapp/user"));
    assert_eq!(got.json()[MAGIC], 1);
}

pub fn a_login_of_ones_own_moves_step_by_step(host: HostKind) {
    let [.., let_through, log_in, require] = pages();
    let old = |path: &str| Ask::get(path).header("X-Token", "0123456789abcdef0123456789abcdef");

    let mut world = host.start(let_through);
    let got = world.ask(old("/orders").header("X-WX-OPENID", "admin"));
    assert!(got.seen().has("x-token") && !got.seen().has("x-wx-openid"));
    world.ask(Ask::post("/api/login", &json!({}))).seen();

    for (step, patch) in [log_in, require].into_iter().enumerate() {
        let mut world = host.start(patch);
        let phone = world.wechat.phone("alice");
        if step == 0 {
            let got = world.ask(old("/orders"));
            assert!(got.seen().has("x-token") && !got.seen().has("x-wx-openid"));
        } else {
            world.assert_refused(old("/orders"), 401, "invalid_token");
        }
        let form = Ask::new("POST", "/api/login")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("code={}", phone.login()));
        let token = Login::from(&world.ask(form)).token;
        let got = world.ask(Ask::get("/orders").header("X-Token", &token));
        assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
        let data = phone.user_info();
        let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
        let decrypt = || Ask::post("/api/decrypt", &body);
        assert_eq!(world.ask(decrypt().header("X-Token", &token)).status, 200);
        let with_old = decrypt().header("X-Token", "0123456789abcdef0123456789abcdef");
        world.assert_refused(with_old, 401, "invalid_token");
    }
}
