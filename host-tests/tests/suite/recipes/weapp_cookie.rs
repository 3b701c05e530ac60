//! weapp-cookie: `wx.request` with a jar of cookies. The rest is the team's.

use serde_json::json;
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::Phone;

use super::journey::{self, Client, Trouble};
use super::stage::{self, header, new_token, ok, openid, page, path, sent};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("weapp-cookie");

/// As the page has it, beside a cookie of its own.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    let mut answer = match path(seen) {
        "/api/login" if new_token(seen).is_none() => {
            return stage::answer(400, &json!({ "ok": false }));
        }
        "/api/login" if sent(seen)["invitation"] == "blocked" => {
            let mut refusal = ok(&json!({ "ok": false }))?;
            refusal.headers = vec![("X-WX-Session-End".into(), "this".into())];
            return Some(refusal);
        }
        "/api/login" => ok(&json!({ "ok": true }))?,
        _ => ok(&json!({ "of": openid(seen), "cookie": header(seen, "cookie") }))?,
    };
    answer.headers = vec![("Set-Cookie".into(), "theme=dark; Path=/".into())];
    Some(answer)
}

struct WithCookies {
    phone: Phone,
    jar: Vec<(String, String)>,
    logins: usize,
}

impl WithCookies {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            jar: Vec::new(),
            logins: 0,
        }
    }

    fn send(&mut self, world: &mut World, ask: Ask) -> Got {
        let got = world.ask(self.with_token(ask));
        let lines = got
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        for (_, line) in lines {
            self.keep(&String::from_utf8_lossy(line));
        }
        got
    }

    /// It takes a line apart at a semicolon with a space.
    fn keep(&mut self, line: &str) {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        self.jar.retain(|(own, _)| own != name);
        let parts: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
        let path = parts.iter().find_map(|part| part.strip_prefix("path="));
        assert_eq!(path, Some("/"), "it would be sent nowhere else: {line}");
        if !parts.iter().any(|part| part == "max-age=0") {
            self.jar.push((name.into(), value.into()));
        }
    }
}

impl Client for WithCookies {
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        self.logins += 1;
        let ask = Ask::post("/api/login", &json!({ "code": self.phone.login() }));
        let got = self.send(world, ask);
        let is_good = got.status == 200 && got.json()["ok"] == true;
        is_good
            .then_some(())
            .ok_or_else(|| format!("HTTP {}", got.status))
    }

    /// The team's: 401 is a reason to show the login.
    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        let got = self.send(world, ask.clone());
        match got.status {
            200 => Ok(got),
            401 => {
                self.jar.clear();
                Err(Trouble::LoginPage)
            }
            other => Err(Trouble::Failed(format!("HTTP {other}"))),
        }
    }

    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        let got = self.send(world, Ask::post("/api/logout", &json!({})));
        assert_eq!(got.status, 200);
        Ok(())
    }

    fn with_token(&self, ask: Ask) -> Ask {
        let cookies = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<String> = cookies.collect();
        ask.header("Cookie", cookies.join("; "))
            .header("X-Requested-With", "XMLHttpRequest")
    }

    fn token(&self) -> Option<String> {
        let own = self.jar.iter().find(|(name, _)| name == "sid")?;
        Some(own.1.clone())
    }

    fn logins(&self) -> usize {
        self.logins
    }

    fn phone(&self) -> &Phone {
        &self.phone
    }

    fn ended_elsewhere(&self) -> Ask {
        self.with_token(Ask::new("POST", "/api/logout"))
    }
}

pub fn weapp_cookie_goes_its_way(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WithCookies::on(world.wechat.phone("alice"));
    let orders = Ask::get("/api/orders");
    journey::go(&mut world, &mut client, &orders);
    // The cookies of the app are its own.
    let got = client.request(&mut world, &orders).unwrap();
    assert_eq!(got.json()["cookie"], "theme=dark");
}

pub fn weapp_cookie_gets_no_cookie_where_the_app_refuses(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WithCookies::on(world.wechat.phone("alice"));
    let body = json!({ "code": client.phone.login(), "invitation": "blocked" });
    let got = client.send(&mut world, Ask::post("/api/login", &body));
    assert_eq!((got.status, client.token()), (200, None));
    let token = got.seen().header("x-wx-login-token").unwrap();
    client.jar = vec![("sid".into(), token)];
    let with_token = client.with_token(Ask::get("/api/orders"));
    journey::assert_soon_nobody(&mut world, &with_token);
}
