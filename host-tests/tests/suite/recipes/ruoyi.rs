//! RuoYi's app: `code` in the body says everything, and the HTTP status nothing.

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::Phone;

use super::journey::{self, Client, MOST, Trouble};
use super::stage::{self, data, ok, openid, page, path, text};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("ruoyi");

/// As the page has it.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    match path(seen) {
        "/getInfo" => ok(&json!({
            "code": 200, "msg": "操作成功", "user": { "userName": openid(seen) },
            "roles": ["common"], "permissions": [],
        })),
        _ => ok(&json!({ "code": 200, "msg": "操作成功", "data": { "of": openid(seen) } })),
    }
}

struct RuoYi {
    phone: Phone,
    token: Option<String>,
    logins: usize,
    /// Requests since the last tap.
    sent: usize,
}

impl RuoYi {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            token: None,
            logins: 0,
            sent: 0,
        }
    }

    /// `request`: what has no `code` is a success.
    fn send(&mut self, world: &mut World, ask: Ask) -> Result<(Got, Value), Trouble> {
        self.sent += 1;
        assert!(self.sent < MOST, "it loops");
        let got = world.ask(self.with_token(ask));
        let body = data(&got);
        match body["code"].as_i64().unwrap_or(200) {
            200 => Ok((got, body)),
            // Its dialog's button logs out; only that makes it forget the token.
            401 => match self.log_out(world) {
                Ok(()) => Err(Trouble::LoginPage),
                Err(why) => Err(Trouble::Failed(why)),
            },
            code => Err(Trouble::Failed(format!("{code}"))),
        }
    }

    fn log_out(&mut self, world: &mut World) -> Result<(), String> {
        let got = self.send(world, Ask::post("/logout", &json!({})));
        got.map_err(|trouble| format!("{trouble:?}"))?;
        self.token = None;
        Ok(())
    }
}

impl Client for RuoYi {
    /// What teams add.
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        self.sent = 0;
        self.logins += 1;
        let refused = |trouble| format!("{trouble:?}");
        let body = json!({ "code": self.phone.login() });
        let (_, answer) = self
            .send(world, Ask::post("/wxLogin", &body))
            .map_err(refused)?;
        self.token = Some(text(&answer["token"]).ok_or_else(|| answer.to_string())?);
        let (_, info) = self.send(world, Ask::get("/getInfo")).map_err(refused)?;
        let whole =
            info["user"].is_object() && info["roles"].is_array() && info["permissions"].is_array();
        whole.then_some(()).ok_or_else(|| info.to_string())
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        self.sent = 0;
        self.send(world, ask.clone()).map(|(got, _)| got)
    }

    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        self.sent = 0;
        self.log_out(world)
    }

    fn with_token(&self, ask: Ask) -> Ask {
        match &self.token {
            Some(token) => ask.header("Authorization", format!("Bearer {token}")),
            None => ask,
        }
    }

    fn token(&self) -> Option<String> {
        self.token.clone()
    }

    fn logins(&self) -> usize {
        self.logins
    }

    fn phone(&self) -> &Phone {
        &self.phone
    }

    fn ended_elsewhere(&self) -> Ask {
        self.with_token(Ask::new("POST", "/logout"))
    }
}

pub fn ruoyi_goes_its_way(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = RuoYi::on(world.wechat.phone("alice"));
    journey::go(&mut world, &mut client, &Ask::get("/system/user/profile"));
    // Without a session too, in its own words.
    let got = world.ask(Ask::post("/logout", &json!({})));
    assert_eq!((got.status, &data(&got)["code"]), (200, &json!(200)));
    // Its captcha is a `code` too.
    let body = json!({ "username": "admin", "password": "x", "code": "7", "uuid": "u" });
    let got = world.ask(Ask::post("/login", &body));
    let seen: Value = serde_json::from_slice(&got.seen().body).unwrap();
    assert_eq!(seen, body);
}

pub fn ruoyi_is_told_of_every_refusal_in_its_body(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = RuoYi::on(world.wechat.phone("alice"));
    for (ask, code) in [
        (Ask::post("/wxLogin", &json!({ "code": "unknown" })), 500),
        (Ask::post("/wxLogin", &json!({})), 500),
        (Ask::new("PUT", "/wxLogin"), 500),
        (Ask::get("/system/a;b"), 500),
        (Ask::get("/system/user/profile"), 401),
    ] {
        let got = world.ask(ask);
        assert!(got.seen.is_none() && got.status >= 400);
        assert_eq!(data(&got)["code"], code);
    }
    let outcome = client.request(&mut world, &Ask::get("/system/a;b"));
    assert!(matches!(outcome, Err(Trouble::Failed(_))), "{outcome:?}");
}
