//! yudao's mall: the bare token in `Authorization`, `code` 401 under HTTP 200, and WeChat's code under other names on
//! other paths.

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::{Fault, Phone};

use super::journey::{self, Client, Trouble};
use super::stage::{
    self, assert_of, data, header, is_2xx, new_token, ok, openid, page, path, sent, text,
};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("yudao");

/// As the page has it.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    let path = path(seen).strip_prefix("/app-api/member");
    let good = |data: Value| ok(&json!({ "code": 0, "data": data, "msg": "" }));
    let bad = || ok(&json!({ "code": 400, "msg": "请求参数不正确" }));
    let number = &sent(seen)["openData"]["purePhoneNumber"];
    match path {
        Some("/auth/weixin-mini-app-login" | "/user/update-mobile-by-weixin")
            if !number.is_string() =>
        {
            bad()
        }
        Some(login @ ("/auth/social-login" | "/auth/weixin-mini-app-login")) => {
            // What a client calls so at the first is its own.
            let number = (login == "/auth/weixin-mini-app-login").then_some(number);
            match new_token(seen) {
                Some(token) => {
                    good(json!({ "accessToken": token, "openid": openid(seen), "mobile": number }))
                }
                None => bad(),
            }
        }
        Some("/social-user/bind") => good(header(seen, "x-wx-bound-openid").into()),
        Some("/user/get") => good(json!({ "id": 1, "nickname": openid(seen) })),
        _ => good(json!({ "of": openid(seen) })),
    }
}

struct Yudao {
    phone: Phone,
    /// Logs in by its phone number's button, which has two codes.
    by_number: bool,
    token: Option<String>,
    openid: Option<String>,
    logins: usize,
}

impl Yudao {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            by_number: false,
            token: None,
            openid: None,
            logins: 0,
        }
    }

    /// `http`; there is no refresh token to try.
    fn send(&mut self, world: &mut World, ask: Ask) -> Result<(Got, Value), Trouble> {
        let got = world.ask(self.with_token(ask));
        let body = data(&got);
        if is_2xx(&got) && body["code"] == 0 {
            return Ok((got, body));
        }
        if is_2xx(&got) && body["code"] == 401 {
            self.token = None;
            return Err(Trouble::LoginPage);
        }
        Err(Trouble::Failed(format!("{}: {body}", got.status)))
    }
}

impl Client for Yudao {
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        self.logins += 1;
        let (code, refused) = (self.phone.login(), |trouble| format!("{trouble:?}"));
        let (name, body) = if self.by_number {
            let number = self.phone.phone_code();
            let body = json!({ "loginCode": code, "phoneCode": number, "state": "default" });
            ("weixin-mini-app-login", body)
        } else {
            let body = json!({ "type": 34, "code": code, "state": "default" });
            ("social-login", body)
        };
        let ask = Ask::post(format!("/app-api/member/auth/{name}"), &body);
        let (_, answer) = self.send(world, ask).map_err(refused)?;
        self.token = text(&answer["data"]["accessToken"]);
        self.openid = text(&answer["data"]["openid"]);
        let ask = Ask::get("/app-api/member/user/get");
        let (_, user) = self.send(world, ask).map_err(refused)?;
        let is_user = user["data"].is_object();
        is_user.then_some(()).ok_or_else(|| user.to_string())
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        self.send(world, ask.clone()).map(|(got, _)| got)
    }

    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        let ask = Ask::post("/app-api/member/auth/logout", &json!({}));
        let done = self.send(world, ask);
        done.map_err(|trouble| format!("{trouble:?}"))?;
        self.token = None;
        Ok(())
    }

    fn with_token(&self, ask: Ask) -> Ask {
        let ask = ask
            .header("platform", "WechatMiniProgram")
            .header("terminal", "10")
            .header("tenant-id", "1");
        match &self.token {
            Some(token) => ask.header("Authorization", token),
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
        self.with_token(Ask::new("POST", "/app-api/member/auth/logout"))
    }
}

pub fn yudao_goes_its_way(host: HostKind) {
    for by_number in [false, true] {
        let mut world = stage::start(host, PAGE, app);
        let mut client = Yudao::on(world.wechat.phone("alice"));
        client.by_number = by_number;
        // What the mall asks for before anybody has logged in, at its start and on its pages.
        for path in [
            "/system/tenant/get-by-website?website=wx0123456789abcdef",
            "/member/social-user/get-subscribe-template-list",
            "/promotion/diy-template/used",
            "/product/spu/page?pageNo=1",
            "/trade/order/settlement-product?spuIds=1",
        ] {
            let ask = Ask::get(format!("/app-api{path}"));
            client.request(&mut world, &ask).unwrap().seen();
        }
        assert_eq!(client.logins, 0);
        journey::go(
            &mut world,
            &mut client,
            &Ask::get("/app-api/trade/order/page"),
        );
        assert_eq!(client.openid, Some(client.phone.openid()));
    }
}

/// What it takes for no answer at all has it keep its token.
pub fn yudao_is_refused_under_http_200(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Yudao::on(world.wechat.phone("alice"));
    world.wechat.script([Fault::Errcode(40029)]);
    let why = client.login(&mut world).unwrap_err();
    assert!(why.contains("200: ") && why.contains("无效的code"), "{why}");
    client.login(&mut world).unwrap();
    let token = client.token();
    let outcome = client.request(&mut world, &Ask::get("/app-api/a;b"));
    assert!(
        matches!(&outcome, Err(Trouble::Failed(why)) if why.starts_with("200: ")),
        "{outcome:?}"
    );
    assert_eq!(client.token(), token);
}

pub fn yudao_takes_no_other_code_for_a_login(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Yudao::on(world.wechat.phone("alice"));
    let body = json!({ "mobile": "13500000000", "code": "1234" });
    let sms = Ask::post("/app-api/member/auth/sms-login", &body);
    let got = client.request(&mut world, &sms).unwrap();
    assert_eq!(Some(&got.seen().body), sms.body.as_ref());
    assert!(!got.seen().has("x-wx-openid"));
}

/// The button's code has a name of its own in each of the two places. What stands beside it goes on.
pub fn yudao_gets_the_number_for_the_code_of_its_button(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Yudao::on(world.wechat.phone("alice"));
    let (code, button) = (client.phone.login(), client.phone.phone_code());
    let body = json!({ "loginCode": code, "phoneCode": button, "state": "s" });
    let login = Ask::post("/app-api/member/auth/weixin-mini-app-login", &body);
    let got = world.ask(login);
    assert_of(&got, &client.phone, &[&code, &button]);
    let seen: Value = serde_json::from_slice(&got.seen().body).unwrap();
    assert_eq!(seen["openData"]["purePhoneNumber"], "13580006666");
    assert_eq!(seen["state"], "s");

    client.login(&mut world).unwrap();
    let button = client.phone.phone_code();
    let mut number = Ask::post(
        "/app-api/member/user/update-mobile-by-weixin",
        &json!({ "code": button }),
    );
    number.method = "PUT".into();
    let got = client.request(&mut world, &number).unwrap();
    assert_of(&got, &client.phone, &[&button, &client.token().unwrap()]);
    // The same tap once more: the login stays.
    let why = client.request(&mut world, &number).unwrap_err();
    assert!(
        matches!(&why, Trouble::Failed(why) if why.contains("无效的手机号code")),
        "{why:?}"
    );
    assert!(client.token().is_some());
}

/// Nothing opens the body there: the app finds the name as the client wrote it.
pub fn yudao_takes_no_number_that_its_client_wrote(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Yudao::on(world.wechat.phone("mallory"));
    let own = json!({ "purePhoneNumber": "13900009999" });
    let body = json!({ "type": 34, "code": client.phone.login(), "openData": own });
    let login = Ask::post("/app-api/member/auth/social-login", &body);
    let (got, answer) = client.send(&mut world, login).unwrap();
    assert_of(&got, &client.phone, &[]);
    let seen: Value = serde_json::from_slice(&got.seen().body).unwrap();
    assert_eq!(seen["openData"], own);
    assert_eq!(answer["data"]["mobile"], Value::Null);
    // Where it is opened nobody else can write it.
    let (path, code) = (
        "/app-api/member/auth/weixin-mini-app-login",
        client.phone.login(),
    );
    let forged = world.ask(Ask::post(
        path,
        &json!({ "loginCode": code, "openData": own }),
    ));
    assert_eq!(data(&forged)["code"], 500);
    assert!(forged.seen.is_none());
}

pub fn yudao_binds_an_account_without_a_login(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Yudao::on(world.wechat.phone("alice"));
    client.login(&mut world).unwrap();
    let token = client.token();
    let other = world.wechat.phone("another account of hers");
    let code = other.login();
    let body = json!({ "type": 34, "code": code, "state": "default" });
    let bind = Ask::post("/app-api/member/social-user/bind", &body);
    let got = client.request(&mut world, &bind).unwrap();
    assert_of(&got, &client.phone, &[&code]);
    assert_eq!(data(&got)["data"], other.openid().as_str());
    assert!(!got.seen().has("x-wx-login-token"));
    assert_eq!(client.token(), token);
    let orders = Ask::get("/app-api/trade/order/page");
    let got = client.request(&mut world, &orders).unwrap();
    assert_of(&got, &client.phone, &[]);
    // Who has no session has nothing to bind.
    client.token = None;
    let outcome = client.request(&mut world, &bind);
    assert_eq!(outcome.unwrap_err(), Trouble::LoginPage);
}

pub fn yudao_uploads_with_a_scheme(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = Yudao::on(world.wechat.phone("alice"));
    client.login(&mut world).unwrap();
    let token = client.token().unwrap();
    let upload = Ask::new("POST", "/app-api/infra/file/upload")
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "multipart/form-data; boundary=x")
        .body("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--x--\r\n");
    assert_of(&world.ask(upload), &client.phone, &[&token]);
}

/// `yudao-ui-admin-uniapp`: logins by password only, with tokens of the app's own.
pub fn the_admin_of_yudao_stays_with_its_own_tokens(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let body = json!({ "username": "admin", "password": "x" });
    let login = Ask::post("/admin-api/system/auth/login", &body);
    assert_eq!(
        Some(&world.ask(login.clone()).seen().body),
        login.body.as_ref()
    );
    let own = "Bearer 0123456789abcdef0123456789abcdef";
    let got = world.ask(Ask::get("/admin-api/system/user/page").header("Authorization", own));
    assert_eq!(got.seen().header("authorization").as_deref(), Some(own));
    assert!(!got.seen().has("x-wx-openid"));
}
