//! litemall's mini program: a header of its own, `errno` 501 is the refusal, and all paths below `/wx`.

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::{Fault, Message, Mode, Phone, PushFormat};

use super::journey::{self, Client, Trouble};
use super::stage::{self, assert_of, data, header, new_token, ok, openid, page, path, sent, text};
use crate::rig::{APPID, Ask, Got, HostKind, PUSH_KEY, PUSH_TOKEN, World};

const PAGE: &str = page!("litemall");

/// As the page has it.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    let body = sent(seen);
    match path(seen) {
        "/wx/auth/login_by_weixin" => {
            let user = &body["userInfo"];
            match new_token(seen).filter(|_| user.is_object()) {
                None => refused(402, "参数值不对"),
                Some(_) if user["nickName"] == "blocked" => refused(700, "账号被禁用"),
                Some(token) => logged_in(&token, user),
            }
        }
        "/wx/auth/register" => match new_token(seen) {
            None => refused(402, "参数值不对"),
            Some(_) if body["code"] != "123456" => refused(703, "验证码错误"),
            Some(token) => {
                let user = json!({ "nickName": body["username"], "avatarUrl": "https://a.test/0" });
                logged_in(&token, &user)
            }
        },
        "/wx/auth/bindPhone" => match body["openData"]["phoneNumber"].as_str() {
            Some(number) => ok(&json!({ "errno": 0, "data": number, "errmsg": "成功" })),
            None => ok(&json!({ "errno": 402, "errmsg": "参数值不对" })),
        },
        _ => ok(&json!({ "errno": 0, "data": { "of": openid(seen) }, "errmsg": "成功" })),
    }
}

fn refused(errno: u16, errmsg: &str) -> Option<Scripted> {
    let mut refusal = ok(&json!({ "errno": errno, "errmsg": errmsg }))?;
    refusal.headers = vec![("X-WX-Session-End".into(), "this".into())];
    Some(refusal)
}

fn logged_in(token: &str, user: &Value) -> Option<Scripted> {
    let data = json!({ "token": token, "userInfo": user });
    ok(&json!({ "errno": 0, "data": data, "errmsg": "成功" }))
}

struct Litemall {
    phone: Phone,
    token: Option<String>,
    logins: usize,
}

impl Litemall {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            token: None,
            logins: 0,
        }
    }

    /// `util.request`. `None`: its promise never settles, and the login page is shown.
    fn send(&mut self, world: &mut World, ask: Ask) -> Option<Result<Value, String>> {
        let got = world.ask(self.with_token(ask));
        if got.status != 200 {
            return Some(Err(format!("HTTP {}", got.status)));
        }
        let body = data(&got);
        if body["errno"] == 501 {
            self.token = None;
            return None;
        }
        Some(Ok(body))
    }
}

impl Client for Litemall {
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        self.logins += 1;
        let user = json!({ "nickName": "小明", "avatarUrl": "https://a.test/1", "gender": 1 });
        let body = json!({ "code": self.phone.login(), "userInfo": user });
        let ask = Ask::post("/wx/auth/login_by_weixin", &body);
        let answer = self.send(world, ask).ok_or("it never settles")??;
        if answer["errno"] != 0 || !answer["data"]["userInfo"].is_object() {
            return Err(answer.to_string());
        }
        self.token = text(&answer["data"]["token"]);
        Ok(())
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        let got = world.ask(self.with_token(ask.clone()));
        if got.status != 200 {
            return Err(Trouble::Failed(format!("HTTP {}", got.status)));
        }
        if data(&got)["errno"] == 501 {
            self.token = None;
            return Err(Trouble::LoginPage);
        }
        Ok(got)
    }

    /// The answer is not looked at, but is one of its own.
    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        let answer = self.send(world, Ask::post("/wx/auth/logout", &json!({})));
        assert_eq!(answer.unwrap().unwrap()["errno"], 0);
        self.token = None;
        Ok(())
    }

    fn with_token(&self, ask: Ask) -> Ask {
        ask.header("X-Litemall-Token", self.token.as_deref().unwrap_or(""))
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
        self.with_token(Ask::new("POST", "/wx/auth/logout"))
    }
}

pub fn litemall_goes_its_way(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Litemall::on(world.wechat.phone("alice"));
    // What the shop shows to everybody: all that its pages ask for without a login.
    for path in [
        "/wx/home/index",
        "/wx/catalog/index",
        "/wx/goods/list?page=1",
        "/wx/goods/detail?id=1",
        "/wx/cart/goodscount",
        "/wx/brand/list",
        "/wx/topic/detail?id=1",
        "/wx/search/index",
        "/wx/comment/list?valueId=1&type=0",
        "/wx/groupon/list",
        "/wx/coupon/list",
        "/wx/issue/list",
        "/wx/storage/fetch/x.png",
    ] {
        client.request(&mut world, &Ask::get(path)).unwrap().seen();
    }
    assert_eq!(client.logins, 0);
    journey::go(&mut world, &mut client, &Ask::get("/wx/order/list"));
    // With the old token still there.
    let old = client.token().unwrap();
    client.login(&mut world).unwrap();
    assert_ne!(client.token().unwrap(), old);
    let got = world.ask(Ask::get("/wx/order/list").header("X-Litemall-Token", &old));
    assert_eq!(data(&got)["errno"], 501);
}

/// `pages/auth/register`: all that it sends. `code` is that of the SMS there, and WeChat's is `wxCode`.
fn registration(sms: &str, code: &str) -> Ask {
    let body = json!({
        "username": "alice1", "password": "secret", "mobile": "13500000000",
        "code": sms, "wxCode": code,
    });
    Ask::post("/wx/auth/register", &body)
}

pub fn litemall_registers_with_two_codes(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Litemall::on(world.wechat.phone("alice"));
    let code = client.phone.login();
    let got = world.ask(registration("123456", &code));
    assert_of(&got, &client.phone, &[&code]);
    let seen: Value = serde_json::from_slice(&got.seen().body).unwrap();
    assert_eq!(seen["code"], "123456");
    let answer = data(&got)["data"].clone();
    client.token = text(&answer["token"]);
    assert_eq!(client.token.as_ref().map(String::len), Some(43));
    // Without it nobody would be logged in at the next start.
    assert!(answer["userInfo"].is_object(), "{answer}");
    assert_eq!(answer["userInfo"]["nickName"], "alice1");
    let orders = Ask::get("/wx/order/list");
    let got = client.request(&mut world, &orders).unwrap();
    assert_of(&got, &client.phone, &[&client.token().unwrap()]);
}

/// `pages/ucenter/index`: the old kind of the button, whose data is under the key of the login.
pub fn litemall_binds_a_phone_number(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Litemall::on(world.wechat.phone("alice"));
    client.login(&mut world).unwrap();
    let number = client.phone.phone_number();
    let body = json!({ "iv": number.iv, "encryptedData": number.encrypted_data });
    let bind = Ask::post("/wx/auth/bindPhone", &body);
    let got = client.request(&mut world, &bind).unwrap();
    assert_of(&got, &client.phone, &[&number.encrypted_data]);
    assert_eq!(data(&got)["data"], "13580006666");
    // A body without data does not take the number away.
    let got = world.ask(client.with_token(Ask::post("/wx/auth/bindPhone", &json!({}))));
    assert_eq!(data(&got)["errno"], 402);
    // Who has no session has nothing to bind.
    client.token = None;
    let outcome = client.request(&mut world, &bind);
    assert_eq!(outcome.unwrap_err(), Trouble::LoginPage);
}

/// An answer of the edge's own would be HTTP 200: whoever calls would take it for the app's.
pub fn litemall_hears_of_payments(host: HostKind) {
    let mut world = stage::start(host, PAGE, |_| {
        stage::answer(201, &json!("the app's own words"))
    });
    let notice = Ask::new("POST", "/wx/order/pay-notify")
        .header("Content-Type", "text/xml")
        .body("<xml><transaction_id>1</transaction_id></xml>");
    let got = world.ask(notice.clone());
    assert_eq!(got.status, 201);
    assert_eq!(Some(&got.seen().body), notice.body.as_ref());
}

/// Its handler checks nothing: the edge does, with `push` as the page has it.
pub fn litemall_hears_of_messages_that_wechat_has_signed(host: HostKind) {
    const PATH: &str = "/wx/msg/config";
    let forged = Ask::new("POST", PATH)
        .header("Content-Type", "text/xml")
        .body("<xml><FromUserName>victim</FromUserName><MsgType>text</MsgType></xml>");
    let mut world = stage::start(host, PAGE, app);
    assert!(world.ask(forged.clone()).seen.is_none());

    let push = json!({
        "token": { "env": "WX_PUSH_TOKEN" },
        "encoding_aes_key": { "env": "WX_PUSH_KEY" },
        "path": PATH,
    });
    let mut with_push = stage::configuration(PAGE);
    with_push["apps"] = json!([{ "appid": APPID, "secret": { "env": "WX_SECRET" }, "push": push }]);
    with_push["push"] = json!({});
    let mut world = host.start(with_push);
    world.app_answers(app);
    let mut client = Litemall::on(world.wechat.phone("alice"));
    client.login(&mut world).unwrap();
    assert!(world.ask(client.with_token(forged)).seen.is_none());

    let account = world
        .wechat
        .push_account(APPID, PUSH_TOKEN, PUSH_KEY, PATH)
        .in_mode(Mode::Safe, PushFormat::Xml);
    let (check, echo) = account.check();
    assert_eq!(world.push(&check).body, echo.into_bytes());
    let message = Message::text(&client.phone.openid(), world.wechat.now(), 1, "你好");
    let got = world.push(&account.push(&message));
    let seen = got.seen();
    assert_eq!(seen.path, PATH);
    assert_eq!(seen.body, message.written(PushFormat::Xml).into_bytes());
}

pub fn litemall_keeps_nobody_whom_its_app_refuses(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Litemall::on(world.wechat.phone("alice"));
    for errno in [700, 703] {
        let code = client.phone.login();
        let blocked = json!({ "code": code, "userInfo": { "nickName": "blocked" } });
        let got = world.ask(match errno {
            700 => Ask::post("/wx/auth/login_by_weixin", &blocked),
            _ => registration("654321", &code),
        });
        assert_eq!(data(&got)["errno"], errno);
        assert_eq!(got.header("x-wx-session-end"), None);
        client.token = got.seen().header("x-wx-login-token");
        assert!(client.token.is_some());
        let with_token = client.with_token(Ask::get("/wx/order/list"));
        journey::assert_soon_nobody(&mut world, &with_token);
    }
}

pub fn litemall_shows_why_there_is_no_login(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Litemall::on(world.wechat.phone("alice"));
    world.wechat.script([Fault::Errcode(40029)]);
    assert!(
        client
            .login(&mut world)
            .unwrap_err()
            .contains("\"errmsg\":\"无效的code\"")
    );
    // Nor is there one without a code.
    let body = json!({ "code": "undefined", "userInfo": { "nickName": "小明" } });
    let got = world.ask(Ask::post("/wx/auth/login_by_weixin", &body));
    assert_ne!(data(&got)["errno"], 0);
}

/// As the page has it for logins by password beside those of WeChat.
pub fn litemall_may_bring_a_token_of_its_app(host: HostKind) {
    let mut both = stage::configuration(PAGE);
    both["session"]["forward_token"] = true.into();
    let rest = json!({ "prefix": "/wx", "session": "optional" });
    both["routes"].as_array_mut().unwrap().push(rest);
    let mut world = host.start(both);
    world.app_answers(app);
    let mut client = Litemall::on(world.wechat.phone("alice"));
    let orders = Ask::get("/wx/order/list");
    let own = world.ask(orders.clone().header("X-Litemall-Token", "of-the-app"));
    let seen = own.seen();
    assert_eq!(
        seen.header("x-litemall-token").as_deref(),
        Some("of-the-app")
    );
    assert!(!seen.has("x-wx-openid"));
    client.login(&mut world).unwrap();
    let got = client.request(&mut world, &orders).unwrap();
    assert_eq!(
        got.seen().header("x-wx-openid"),
        Some(client.phone.openid())
    );
}

pub fn litemall_uploads_without_a_token(host: HostKind) {
    let world = &mut stage::start(host, PAGE, |seen| {
        assert_eq!(header(seen, "x-litemall-token"), None);
        app(seen)
    });
    let upload = Ask::new("POST", "/wx/storage/upload")
        .header("Content-Type", "multipart/form-data; boundary=x")
        .body("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--x--\r\n");
    assert_eq!(data(&world.ask(upload))["errno"], 0);
}
