//! mall4m's clients from 2023: passwords, and a WeChat login that a team has added. `code` is a text; `A00004` is the
//! refusal.

use serde_json::json;
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::Phone;

use super::journey::{self, Client, Trouble};
use super::stage::{self, assert_of, data, decoded_path, header, ok, openid, page, text};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("mall4m-2023");

/// A token of the app's own, as its login by password gives it.
const OWN: &str = "0b9c-of-the-app";

/// As the page has it: the edge's word first, then the app's own token.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    let good = |data| ok(&json!({ "code": "00000", "data": data, "success": true }));
    let own = || (header(seen, "authorization")? == OWN).then(|| "by password".to_owned());
    match decoded_path(seen).as_str() {
        "/login" => good(json!({ "accessToken": OWN })),
        path if !path.starts_with("/p/") => good(json!({})),
        _ => match openid(seen).or_else(own) {
            Some(user) => good(json!({ "of": user })),
            None => ok(&json!({ "code": "A00004", "msg": "Unauthorized" })),
        },
    }
}

struct Mall4m {
    phone: Phone,
    token: Option<String>,
    logins: usize,
}

impl Mall4m {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            token: None,
            logins: 0,
        }
    }
}

impl Client for Mall4m {
    /// The lines that the page has.
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        self.logins += 1;
        let ask = Ask::post("/wxLogin", &json!({ "code": self.phone.login() }));
        let answer = data(&world.ask(ask));
        if answer["code"] != "00000" {
            return Err(answer.to_string());
        }
        self.token = text(&answer["data"]["accessToken"]);
        Ok(())
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        let got = world.ask(self.with_token(ask.clone()));
        match data(&got)["code"].as_str() {
            Some("00000") => Ok(got),
            Some("A00004") => {
                self.token = None;
                Err(Trouble::LoginPage)
            }
            other => Err(Trouble::Failed(format!("{other:?}"))),
        }
    }

    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        self.request(world, &Ask::post("/logOut", &json!({})))
            .unwrap();
        self.token = None;
        Ok(())
    }

    fn with_token(&self, ask: Ask) -> Ask {
        ask.header("Authorization", self.token.as_deref().unwrap_or(""))
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
        self.with_token(Ask::new("POST", "/logOut"))
    }
}

pub fn mall4m_of_2023_goes_its_way(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Mall4m::on(world.wechat.phone("alice"));
    client
        .request(&mut world, &Ask::get("/prod/pageProd"))
        .unwrap()
        .seen();
    journey::go(&mut world, &mut client, &Ask::get("/p/myOrder/myOrder"));
    // A token of the edge is never the app's to judge.
    let with_token = client.with_token(Ask::get("/prod/pageProd"));
    world.ask(client.ended_elsewhere());
    assert!(!world.ask(with_token).seen().has("authorization"));
    client.login(&mut world).unwrap();
    // A refusal of the edge's own.
    let outcome = client.request(&mut world, &Ask::get("/wx/user"));
    client.token = None;
    outcome.unwrap();
    let outcome = client.request(&mut world, &Ask::get("/wx/user"));
    assert_eq!(outcome.unwrap_err(), Trouble::LoginPage);
}

/// The route lets everything through, and frameworks route on what is decoded: so must the app's filter judge.
pub fn mall4m_of_2023_refuses_who_is_nobody_in_any_spelling(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Mall4m::on(world.wechat.phone("alice"));
    let spellings = ["/p/myOrder/myOrder", "/%70/myOrder/myOrder"].map(Ask::get);
    for ask in &spellings {
        let got = world.ask(ask.clone());
        got.seen();
        assert_eq!(data(&got)["code"], "A00004");
    }
    client.login(&mut world).unwrap();
    for ask in &spellings {
        let got = client.request(&mut world, ask).unwrap();
        assert_of(&got, &client.phone, &[&client.token().unwrap()]);
        assert_eq!(data(&got)["data"]["of"], client.phone.openid().as_str());
    }
}

pub fn a_password_login_of_the_app_goes_on_beside(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Mall4m::on(world.wechat.phone("alice"));
    let body = json!({ "userName": "alice", "passWord": "x" });
    let got = client
        .request(&mut world, &Ask::post("/login", &body))
        .unwrap();
    client.token = text(&data(&got)["data"]["accessToken"]);
    let orders = Ask::get("/p/myOrder/myOrder");
    let got = client.request(&mut world, &orders).unwrap();
    assert_eq!(data(&got)["data"]["of"], "by password");
    assert!(!got.seen().has("x-wx-openid"));
    client.logout(&mut world).unwrap();
    let outcome = client.request(&mut world, &orders);
    assert_eq!(outcome.unwrap_err(), Trouble::LoginPage);
}
