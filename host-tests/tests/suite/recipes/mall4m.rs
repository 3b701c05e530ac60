//! mall4m's mini program up to 2021: WeChat's code is `principal`, the answer has no envelope, the scheme is glued to the
//! token, and HTTP 401 is a reason to log in without end.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::{Fault, Phone};

use super::journey::{self, Client, MOST, Trouble};
use super::stage::{self, assert_of, data, new_token, ok, openid, page, path, sent, text};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("mall4m");

/// As the page has it: whoever is new has no name.
fn app() -> impl Fn(&SeenByApp) -> Option<Scripted> + Send + Sync + 'static {
    let names = Mutex::new(HashMap::<String, String>::new());
    move |seen| {
        let mut names = names.lock().unwrap();
        let user = openid(seen).unwrap_or_default();
        match (path(seen), new_token(seen)) {
            ("/login", Some(token)) => {
                let nickname = names.get(&user).map_or("", String::as_str);
                ok(&json!({ "access_token": token, "nickName": nickname, "enabled": true }))
            }
            ("/login", None) => stage::answer(400, &"参数错误".into()),
            ("/p/user/setUserInfo", _) => {
                let name = text(&sent(seen)["nickName"]).unwrap_or_default();
                names.insert(user, name);
                ok(&Value::Null)
            }
            _ => ok(&json!({ "of": openid(seen) })),
        }
    }
}

struct Mall4m {
    phone: Phone,
    /// As it lies in storage: with the scheme.
    token: Option<String>,
    logins: usize,
    /// How often it has told its user's name.
    told: usize,
}

impl Mall4m {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            token: None,
            logins: 0,
            told: 0,
        }
    }

    /// `updateUserInfo`.
    fn tell_the_name(&mut self, world: &mut World) {
        self.told += 1;
        let user = json!({ "avatarUrl": "https://a.test/1", "nickName": "小明" });
        let mut ask = Ask::post("/p/user/setUserInfo", &user);
        ask.method = "PUT".into();
        world.ask(self.with_token(ask)).seen();
    }
}

impl Client for Mall4m {
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        self.logins += 1;
        let body = json!({ "principal": self.phone.login() });
        let ask = Ask::post("/login?grant_type=mini_app", &body);
        let got = world.ask(ask.header("Authorization", "undefined"));
        if got.status != 200 {
            return Err("all its requests wait for ever".into());
        }
        let answer: Value = data(&got);
        let token = text(&answer["access_token"]).unwrap_or_else(|| "undefined".into());
        self.token = Some(format!("bearer{token}"));
        if text(&answer["nickName"]).is_none() {
            self.tell_the_name(world);
        }
        Ok(())
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        for _ in 0..MOST {
            let got = world.ask(self.with_token(ask.clone()));
            match got.status {
                200 => return Ok(got),
                401 => {
                    if let Err(why) = self.login(world) {
                        return Err(Trouble::Failed(why));
                    }
                }
                other => return Err(Trouble::Failed(format!("HTTP {other}"))),
            }
        }
        panic!("it loops");
    }

    /// It has none: a request of the page, and the storage is cleared.
    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        self.request(world, &Ask::post("/wx/logout", &json!({})))
            .unwrap();
        self.token = None;
        Ok(())
    }

    fn with_token(&self, ask: Ask) -> Ask {
        ask.header("Authorization", self.token.as_deref().unwrap_or(""))
    }

    fn token(&self) -> Option<String> {
        let token = self.token.as_ref()?;
        Some(token.trim_start_matches("bearer").to_owned())
    }

    fn logins(&self) -> usize {
        self.logins
    }

    fn phone(&self) -> &Phone {
        &self.phone
    }
}

pub fn mall4m_goes_its_way_and_never_loops(host: HostKind) {
    let mut world = stage::start(host, PAGE, app());
    let mut client = Mall4m::on(world.wechat.phone("alice"));
    client
        .request(&mut world, &Ask::get("/prod/pageProd"))
        .unwrap()
        .seen();
    assert_eq!(client.logins, 0);
    journey::go(&mut world, &mut client, &Ask::get("/p/myOrder/myOrder"));
    // What it makes of a login without a token.
    client.token = Some("bearerundefined".into());
    client
        .request(&mut world, &Ask::get("/p/user/userInfo"))
        .unwrap()
        .seen();
    assert_eq!(client.logins, 4);
}

/// A new user: the login is good all the same, and the client then tells the name, once.
pub fn mall4m_logs_in_whoever_has_no_name_yet(host: HostKind) {
    let mut world = stage::start(host, PAGE, app());
    let mut client = Mall4m::on(world.wechat.phone("alice"));
    for login in 1..=2 {
        client.login(&mut world).unwrap();
        assert_eq!(client.told, 1);
        let ask = Ask::get("/p/user/userInfo");
        let got = client.request(&mut world, &ask).unwrap();
        assert_of(&got, &client.phone, &[&client.token().unwrap()]);
        assert_eq!(client.logins, login);
    }
}

/// What no configuration helps with: a login that fails is its last request.
pub fn mall4m_waits_for_ever_after_a_login_that_failed(host: HostKind) {
    let mut world = stage::start(host, PAGE, app());
    let mut client = Mall4m::on(world.wechat.phone("alice"));
    world.wechat.script([Fault::Errcode(40029)]);
    let outcome = client.request(&mut world, &Ask::get("/p/user/userInfo"));
    assert!(matches!(outcome, Err(Trouble::Failed(_))), "{outcome:?}");
    assert_eq!(client.logins, 1, "at least it does not loop");
}
