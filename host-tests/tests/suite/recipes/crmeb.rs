//! CRMEB's mini program: its envelope has our own `status`, its header is `Authori-zation`, and the token comes one
//! request after the code.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::{Fault, Phone, Source};

use super::journey::{self, Client, Trouble};
use super::stage::{
    self, assert_of, data, new_token, ok, openid, page, parameter, path, sent, text,
};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("crmeb");

/// Where the app keeps the code of an SMS: `code_` and the number.
const SMS: &str = "code_13500000000";

/// Something else of the app's own, which only looks like the key of a login.
const UPLOAD: &str = "0123456789abcdef0123456789abcdef";

/// The app's one cache: what a login gave waits there beside what is nobody's to read.
struct Cache {
    entries: HashMap<String, String>,
    keys: usize,
}

impl Cache {
    fn new() -> Self {
        let others = [(SMS, "1234"), (UPLOAD, "a token for uploads")];
        let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            entries: HashMap::from(others),
            keys: 0,
        }
    }

    /// Keeps a token. The key has letters, so that case matters.
    fn keep(&mut self, token: String) -> String {
        self.keys += 1;
        let key = format!("feed{:028x}", self.keys);
        self.entries.insert(format!("wx_login_{key}"), token);
        key
    }

    /// As the page has it.
    fn token_under(&mut self, key: &str) -> Option<String> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if key.len() != 32 || !key.bytes().all(is_digit) {
            return None;
        }
        self.entries.remove(&format!("wx_login_{key}"))
    }
}

/// As the page has it.
fn app(bind_phone: bool) -> impl Fn(&SeenByApp) -> Option<Scripted> + Send + Sync + 'static {
    let cache = Mutex::new(Cache::new());
    move |seen| {
        let mut cache = cache.lock().unwrap();
        let good = |data: Value| ok(&json!({ "status": 200, "msg": "ok", "data": data }));
        let refused = || ok(&json!({ "status": 400, "msg": "授权失败" }));
        let logged_in = |token: &str| {
            let data = json!({ "token": token, "expires_time": 4_000_000_000_u64 });
            let mut answer = good(data)?;
            answer.headers = vec![("Cache-Control".into(), "no-store".into())];
            Some(answer)
        };
        // As ThinkPHP goes while nobody has taken `s` from it.
        let handler = parameter(seen, "s").unwrap_or_else(|| path(seen).to_owned());
        let own_path = handler == path(seen);
        match handler.as_str() {
            "/api/v2/routine/auth_type" => {
                let Some(token) = new_token(seen) else {
                    return refused();
                };
                good(json!({ "key": cache.keep(token), "bindPhone": bind_phone }))
            }
            "/api/v2/routine/auth_login" => {
                let key = parameter(seen, "key").unwrap_or_default();
                let token = cache.token_under(&key);
                token.map_or_else(refused, |token| logged_in(&token))
            }
            "/api/v2/routine/auth_binding_phone" => {
                let body = sent(seen);
                let number = body["openData"]["purePhoneNumber"].as_str();
                match (new_token(seen), number.filter(|_| own_path)) {
                    (Some(token), Some(_)) => logged_in(&token),
                    _ => refused(),
                }
            }
            "/api/v2/routine/phone_login" => {
                let body = sent(seen);
                let name = format!("code_{}", body["phone"].as_str().unwrap_or_default());
                let sent_out = cache.entries.get(&name).map(String::as_str);
                if sent_out.is_none() || sent_out != body["captcha"].as_str() {
                    let mut refusal = refused()?;
                    refusal.headers = vec![("X-WX-Session-End".into(), "this".into())];
                    return Some(refusal);
                }
                let key = body["key"].as_str().unwrap_or_default();
                let token = new_token(seen).or_else(|| cache.token_under(key));
                token.map_or_else(refused, |token| logged_in(&token))
            }
            "/api/v2/routine/binding_phone" => {
                match sent(seen)["openData"]["purePhoneNumber"].as_str() {
                    Some(number) if own_path => good(number.into()),
                    _ => refused(),
                }
            }
            // Its middleware knows what is for everybody.
            "/api/v2/index" | "/api/v2/diy/get_diy" | "/api/lang_version" | "/api/products" => {
                good(json!({ "of": openid(seen) }))
            }
            _ if openid(seen).is_none() => ok(&json!({ "status": 110_002, "msg": "请登录" })),
            "/api/user" => good(json!({ "uid": 7, "of": openid(seen) })),
            _ => good(json!({ "of": openid(seen) })),
        }
    }
}

struct Crmeb {
    phone: Phone,
    /// In storage.
    token: Option<String>,
    /// What goes into the header: it stays there after a logout.
    header: Option<String>,
    logins: usize,
}

impl Crmeb {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            token: None,
            header: None,
            logins: 0,
        }
    }

    /// `request`: the body's `status`, and never that of HTTP.
    fn send(&mut self, world: &mut World, ask: Ask) -> Result<Value, Trouble> {
        let got = world.ask(self.with_token(ask));
        let body = data(&got);
        match body["status"].as_i64() {
            Some(200) => Ok(body["data"].clone()),
            Some(110_002..=110_004) => {
                self.token = None;
                Err(Trouble::LoginPage)
            }
            _ => Err(Trouble::Failed(body["msg"].to_string())),
        }
    }

    fn first_step(&mut self, world: &mut World) -> Result<Value, String> {
        self.logins += 1;
        let code = self.phone.login();
        let target = format!("/api/v2/routine/auth_type?code={code}&spread_spid=0&spread_code=");
        let answer = self.send(world, Ask::get(target));
        answer.map_err(|trouble| format!("{trouble:?}"))
    }

    fn logged_in(&mut self, world: &mut World, answer: &Value) -> Result<(), String> {
        self.token = text(&answer["token"]).filter(|_| answer["expires_time"].is_u64());
        self.header.clone_from(&self.token);
        let user = self.send(world, Ask::get("/api/user"));
        let user = user.map_err(|trouble| format!("{trouble:?}"))?;
        let has_uid = user["uid"].is_u64();
        has_uid.then_some(()).ok_or_else(|| user.to_string())
    }
}

impl Client for Crmeb {
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        let first = self.first_step(world)?;
        let key = text(&first["key"]).ok_or_else(|| first.to_string())?;
        let ask = Ask::get(format!("/api/v2/routine/auth_login?key={key}"));
        let answer = self.send(world, ask);
        let answer = answer.map_err(|trouble| format!("{trouble:?}"))?;
        self.logged_in(world, &answer)
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        let got = world.ask(self.with_token(ask.clone()));
        match data(&got)["status"].as_i64() {
            Some(200) => Ok(got),
            Some(110_002..=110_004) => {
                self.token = None;
                Err(Trouble::LoginPage)
            }
            _ => Err(Trouble::Failed(format!("HTTP {}", got.status))),
        }
    }

    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        let done = self.send(world, Ask::get("/api/logout"));
        done.map_err(|trouble| format!("{trouble:?}"))?;
        self.token = None;
        Ok(())
    }

    fn with_token(&self, ask: Ask) -> Ask {
        let ask = ask.header("Form-type", "routine");
        match &self.header {
            Some(token) => ask.header("Authori-zation", format!("Bearer {token}")),
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
        self.with_token(Ask::get("/api/logout"))
    }
}

pub fn crmeb_logs_in_in_two_steps_and_goes_its_way(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(false));
    let mut client = Crmeb::on(world.wechat.phone("alice"));
    for everybodys in [
        "/api/v2/index",
        "/api/v2/diy/get_diy",
        "/api/lang_version",
        "/api/products",
    ] {
        let ask = Ask::get(everybodys);
        client.request(&mut world, &ask).unwrap().seen();
    }
    assert_eq!(client.logins, 0);
    journey::go(&mut world, &mut client, &Ask::get("/api/order/list"));
    // The header of the last session goes along with a login, and with what everybody sees.
    client.logout(&mut world).unwrap();
    let got = client
        .request(&mut world, &Ask::get("/api/v2/index"))
        .unwrap();
    assert!(!got.seen().has("authori-zation"));
    let code = client.phone.login();
    let target = format!("/api/v2/routine/auth_type?code={code}&spread_spid=3&spread_code=x");
    let got = client.request(&mut world, &Ask::get(target)).unwrap();
    assert_eq!(
        got.seen().path,
        "/api/v2/routine/auth_type?spread_spid=3&spread_code=x"
    );
}

pub fn crmeb_shows_why_there_is_no_login(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(false));
    let mut client = Crmeb::on(world.wechat.phone("alice"));
    world.wechat.script([Fault::Errcode(40029)]);
    let why = client.login(&mut world).unwrap_err();
    assert!(
        why.starts_with("Failed(") && why.contains("无效的code"),
        "{why}"
    );
}

/// Whoever asks may name any entry of the cache: only what a login has left is given, and once.
pub fn crmeb_gives_nothing_else_out_of_its_cache(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(false));
    let mut client = Crmeb::on(world.wechat.phone("alice"));
    let first = client.first_step(&mut world).unwrap();
    let key = text(&first["key"]).unwrap();
    let login = |key: &str| Ask::get(format!("/api/v2/routine/auth_login?key={key}"));
    let others = [
        SMS.to_owned(),
        UPLOAD.to_owned(),
        format!("wx_login_{key}"),
        key.to_uppercase(),
        format!("{key}0"),
        String::new(),
    ];
    for other in &others {
        let typed_in = json!({ "phone": "13500000000", "captcha": "1234", "key": other });
        let number = Ask::post("/api/v2/routine/phone_login", &typed_in);
        for ask in [login(other), number] {
            let got = world.ask(ask);
            got.seen();
            assert_eq!(data(&got)["status"], 400, "{other}");
        }
    }
    let got = world.ask(login(&key));
    assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
    client.logged_in(&mut world, &data(&got)["data"]).unwrap();
    let again = world.ask(login(&key));
    assert_eq!(data(&again)["status"], 400);
}

/// The data is fetched before `wx.login`, so it is under the key of the first step's code.
pub fn crmeb_binds_a_phone_number_with_a_login(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(true));
    let mut client = Crmeb::on(world.wechat.phone("alice"));
    let first = client.first_step(&mut world).unwrap();
    assert_eq!(first["bindPhone"], true);
    let number = client.phone.open_data(Source::PhoneNumber).build();
    let code = client.phone.login();
    let body = json!({
        "code": code, "encryptedData": number.encrypted_data, "iv": number.iv, "key": first["key"],
    });
    let ask = Ask::post("/api/v2/routine/auth_binding_phone", &body);
    let got = client.request(&mut world, &ask).unwrap();
    assert_of(&got, &client.phone, &[&code, &number.encrypted_data]);
    let answer = data(&got)["data"].clone();
    client.logged_in(&mut world, &answer).unwrap();
    let got = client
        .request(&mut world, &Ask::get("/api/order/list"))
        .unwrap();
    assert_of(&got, &client.phone, &[&client.token().unwrap()]);
}

/// `pages/user`: who is logged in sends a code beside the data, which is no login.
pub fn crmeb_binds_a_phone_number_and_stays_logged_in(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(false));
    let mut client = Crmeb::on(world.wechat.phone("alice"));
    client.login(&mut world).unwrap();
    let token = client.token();
    let number = client.phone.phone_number();
    let body = json!({
        "code": client.phone.login(), "iv": number.iv, "encryptedData": number.encrypted_data,
    });
    let bind = Ask::post("/api/v2/routine/binding_phone", &body);
    let got = client.request(&mut world, &bind).unwrap();
    assert_of(&got, &client.phone, &[&number.encrypted_data]);
    assert_eq!(data(&got)["data"], "13580006666");
    assert!(!got.seen().has("x-wx-login-token"));
    let orders = Ask::get("/api/order/list");
    let got = client.request(&mut world, &orders).unwrap();
    assert_of(&got, &client.phone, &[]);
    assert_eq!(client.token(), token);
    // Who has no session has nothing to bind.
    client.header = None;
    let outcome = client.request(&mut world, &bind);
    assert_eq!(outcome.unwrap_err(), Trouble::LoginPage);
}

/// The rules see the path, and ThinkPHP may go elsewhere by the query.
pub fn crmeb_binds_no_number_that_its_client_wrote(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(false));
    let mut client = Crmeb::on(world.wechat.phone("mallory"));
    client.login(&mut world).unwrap();
    let mut body = json!({ "openData": { "purePhoneNumber": "13900009999" }, "_method": "POST" });
    let forged = Ask::post("/api/x?s=/api/v2/routine/binding_phone", &body);
    let got = world.ask(client.with_token(forged));
    assert_of(&got, &client.phone, &[]);
    assert_eq!(data(&got)["status"], 400);
    // On the path itself nobody else writes the name, with whatever method.
    for method in ["POST", "PUT"] {
        let mut forged = Ask::post("/api/v2/routine/binding_phone", &body);
        forged.method = method.into();
        let got = world.ask(client.with_token(forged));
        assert_eq!(got.status, 400, "{method}");
        assert!(got.seen.is_none(), "{method}");
    }
    // Nor does the token of one login open the way to the other.
    body["code"] = client.phone.login().into();
    let target = "/api/v2/routine/phone_login?s=/api/v2/routine/auth_binding_phone";
    let got = world.ask(client.with_token(Ask::post(target, &body)));
    assert!(got.seen().has("x-wx-login-token"));
    assert_eq!(data(&got)["status"], 400);
}

pub fn crmeb_runs_no_timer_for_strangers(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(false));
    let client = Crmeb::on(world.wechat.phone("alice"));
    for path in ["/api/crontab/run", "/api/crontab/order_cancel"] {
        let got = world.ask(client.with_token(Ask::get(path)));
        assert_eq!(data(&got)["status"], 110_002);
        assert!(got.seen.is_none(), "{path}");
    }
}

pub fn crmeb_hears_of_payments(host: HostKind) {
    let mut world = stage::start(host, PAGE, |_| {
        stage::answer(201, &json!("the app's own words"))
    });
    for path in ["/api/pay/notify/wechat", "/api/wechat/miniServe"] {
        let notice = Ask::post(
            path,
            &json!({ "id": "1", "event_type": "TRANSACTION.SUCCESS" }),
        );
        let got = world.ask(notice.clone());
        assert_eq!(got.status, 201, "{path}");
        assert_eq!(Some(&got.seen().body), notice.body.as_ref());
    }
}

pub fn crmeb_takes_a_number_that_was_typed_in(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(true));
    for with_code in [true, false] {
        let mut client = Crmeb::on(world.wechat.phone("alice"));
        let mut body = json!({ "phone": "13500000000", "captcha": "1234" });
        if with_code {
            body["code"] = client.phone.login().into();
        } else {
            body["key"] = client.first_step(&mut world).unwrap()["key"].clone();
        }
        let ask = Ask::post("/api/v2/routine/phone_login", &body);
        let answer = client.send(&mut world, ask).unwrap();
        client.logged_in(&mut world, &answer).unwrap();
        let got = client
            .request(&mut world, &Ask::get("/api/order/list"))
            .unwrap();
        assert_of(&got, &client.phone, &[&client.token().unwrap()]);
    }
}

pub fn crmeb_keeps_nobody_who_typed_in_a_wrong_captcha(host: HostKind) {
    let mut world = stage::start(host, PAGE, app(true));
    let mut client = Crmeb::on(world.wechat.phone("alice"));
    let code = client.phone.login();
    let body = json!({ "code": code, "phone": "13500000000", "captcha": "4321" });
    let got = world.ask(client.with_token(Ask::post("/api/v2/routine/phone_login", &body)));
    assert_eq!(data(&got)["status"], 400);
    client.header = got.seen().header("x-wx-login-token");
    assert!(client.header.is_some());
    let with_token = client.with_token(Ask::get("/api/order/list"));
    journey::assert_soon_nobody(&mut world, &with_token);
}
