//! mall4m's mini program up to 2021: WeChat's code is `principal`, the answer has no envelope, the scheme is glued to the
//! token, and HTTP 401 is a reason to log in without end.

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::{Fault, Phone};

use super::journey::{self, Client, MOST, Trouble};
use super::stage::{self, data, new_token, ok, openid, page, path, text};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("mall4m");

/// As the page has it.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    match (path(seen), new_token(seen)) {
        ("/login", Some(token)) => {
            let nickname = openid(seen);
            ok(&json!({ "access_token": token, "nickName": nickname, "enabled": true }))
        }
        ("/login", None) => stage::answer(400, &"参数错误".into()),
        _ => ok(&json!({ "of": openid(seen) })),
    }
}

struct Mall4m {
    phone: Phone,
    /// As it lies in storage: with the scheme.
    token: Option<String>,
    logins: usize,
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
            let ask = Ask::new("PUT", "/p/user/setUserInfo");
            world.ask(self.with_token(ask));
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
    let mut world = stage::start(host, PAGE, app);
    let mut client = Mall4m {
        phone: world.wechat.phone("alice"),
        token: None,
        logins: 0,
    };
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

/// What no configuration helps with: a login that fails is its last request.
pub fn mall4m_waits_for_ever_after_a_login_that_failed(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Mall4m {
        phone: world.wechat.phone("alice"),
        token: None,
        logins: 0,
    };
    world.wechat.script([Fault::Errcode(40029)]);
    let outcome = client.request(&mut world, &Ask::get("/p/user/userInfo"));
    assert!(matches!(outcome, Err(Trouble::Failed(_))), "{outcome:?}");
    assert_eq!(client.logins, 1, "at least it does not loop");
}
