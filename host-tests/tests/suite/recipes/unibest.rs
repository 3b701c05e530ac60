//! unibest's template with a single token: `Authorization: Bearer`, sent for as long as the login said.

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::Phone;

use super::journey::{self, Client, MOST, Trouble};
use super::stage::{self, data, is_2xx, ok, openid, page, path, text};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("unibest");

/// As the page has it.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    match path(seen) {
        "/user/info" => {
            let user =
                json!({ "userId": 1, "username": openid(seen), "nickname": "", "avatar": "" });
            ok(&json!({ "code": 0, "data": user }))
        }
        _ => ok(&json!({ "code": 0, "data": { "of": openid(seen) } })),
    }
}

struct Unibest {
    phone: Phone,
    token: Option<String>,
    /// Seconds on the phone's clock until it takes the token for expired.
    good_for: u64,
    logins: usize,
    /// Requests since the last tap.
    sent: usize,
}

impl Unibest {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            token: None,
            good_for: 0,
            logins: 0,
            sent: 0,
        }
    }

    /// `http`: a refusal logs out, by a request that can be refused itself.
    fn send(&mut self, world: &mut World, ask: Ask) -> Result<(Got, Value), Trouble> {
        self.sent += 1;
        assert!(self.sent < MOST, "it loops");
        let got = world.ask(self.with_token(ask));
        let body = data(&got);
        if got.status == 401 || body["code"] == 401 {
            // Awaited, and what becomes of it is not looked at.
            drop(self.send(world, Ask::get("/auth/logout")));
            self.token = None;
            return Err(Trouble::LoginPage);
        }
        if is_2xx(&got) && (body["code"] == 0 || body["code"] == 200) {
            return Ok((got, body));
        }
        Err(Trouble::Failed(format!("{}: {body}", got.status)))
    }
}

impl Client for Unibest {
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        self.sent = 0;
        self.logins += 1;
        let body = json!({ "code": self.phone.login(), "errMsg": "login:ok" });
        let refused = |trouble| format!("{trouble:?}");
        let ask = Ask::post("/auth/wxLogin", &body);
        let (_, answer) = self.send(world, ask).map_err(refused)?;
        let told = &answer["data"];
        self.token = text(&told["token"]);
        // With a refresh token, or without a time, it is in another mode and never sends the token.
        let is_single = told["refreshToken"].is_null();
        self.good_for = told["expiresIn"]
            .as_u64()
            .filter(|_| is_single)
            .unwrap_or(0);
        let (_, user) = self.send(world, Ask::get("/user/info")).map_err(refused)?;
        if user["code"] != 0 || !user["data"].is_object() {
            return Err(user.to_string());
        }
        Ok(())
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        self.sent = 0;
        self.send(world, ask.clone()).map(|(got, _)| got)
    }

    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        self.sent = 0;
        let done = self.send(world, Ask::get("/auth/logout"));
        self.token = None;
        done.map(|_| ()).map_err(|trouble| format!("{trouble:?}"))
    }

    fn with_token(&self, ask: Ask) -> Ask {
        match &self.token {
            Some(token) if self.good_for > 0 => {
                ask.header("Authorization", format!("Bearer {token}"))
            }
            _ => ask,
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
        self.with_token(Ask::get("/auth/logout"))
    }
}

pub fn unibest_goes_its_way(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Unibest::on(world.wechat.phone("alice"));
    journey::go(&mut world, &mut client, &Ask::get("/orders"));
    // It logs in once a day, and not every two hours.
    assert_eq!(client.good_for, 86_400);
}

/// Else it would ask again and again: each refusal of the logout is a reason to log out.
pub fn unibest_logs_out_without_a_session(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Unibest::on(world.wechat.phone("alice"));
    client.logout(&mut world).unwrap();
    client.token = Some("F".repeat(43));
    client.good_for = 1;
    client.logout(&mut world).unwrap();
}

/// From the login on, whatever use is made of it.
pub fn a_token_is_sent_for_its_time(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Unibest::on(world.wechat.phone("alice"));
    let ask = Ask::get("/orders");
    client.login(&mut world).unwrap();
    let step = client.good_for / 2;
    for _ in 0..2 {
        client.request(&mut world, &ask).unwrap();
        world.seconds(step);
        client.good_for = client.good_for.saturating_sub(step);
    }
    world.seconds(client.good_for);
    client.good_for = 0;
    let outcome = client.request(&mut world, &ask);
    assert_eq!(outcome.unwrap_err(), Trouble::LoginPage);
    client.login(&mut world).unwrap();
    client.request(&mut world, &ask).unwrap();
}
