//! weapp-session: a code with every request, always the same, until an answer with the magic member says to fetch another
//! one.

use serde_json::json;
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::{Fault, KeyAge, Phone};

use super::journey::{self, Client, Trouble};
use super::stage::{self, data, ok, openid, page};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("weapp-session");
const MAGIC: &str = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A";
const REASONS: [&str; 2] = ["ERR_SESSION_EXPIRED", "ERR_SESSION_KEY_EXCHANGE_FAILED"];

/// How often one request is sent.
const SENDS: usize = 4;

/// As the page has it.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    ok(&json!({ "of": openid(seen) }))
}

struct WeappSession {
    phone: Phone,
    /// In memory.
    code: Option<String>,
    /// What the page has from an answer's header, for its logout.
    skey: Option<String>,
    logins: usize,
    sent: usize,
}

impl WeappSession {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            code: None,
            skey: None,
            logins: 0,
            sent: 0,
        }
    }

    fn send(&mut self, world: &mut World, ask: Ask) -> Got {
        self.sent += 1;
        let is_first = self.code.is_none();
        if is_first {
            self.logins += 1;
            self.code = Some(self.phone.login());
        }
        let ask = self.with_token(ask);
        if !is_first {
            return world.ask(ask);
        }
        // After wx.login, so under the key that its code puts in force.
        let info = self.phone.user_info_under(KeyAge::Next);
        let encoded = info.raw_data.bytes().map(|byte| format!("%{byte:02X}"));
        let encoded: String = encoded.collect();
        world.ask(
            ask.header("X-WX-RawData", encoded)
                .header("X-WX-Signature", &info.signature),
        )
    }
}

impl Client for WeappSession {
    /// It has no login of its own.
    fn login(&mut self, _: &mut World) -> Result<(), String> {
        Err("nobody calls it".into())
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        self.sent = 0;
        while self.sent < SENDS {
            let got = self.send(world, ask.clone());
            let body = data(&got);
            if !body.is_object() {
                return Err(Trouble::Failed("nobody is called back".into()));
            }
            if body[MAGIC].is_null() {
                self.skey = got.header("x-wx-skey").or(self.skey.take());
                return Ok(got);
            }
            if !REASONS.iter().any(|reason| body["reason"] == *reason) {
                return Err(Trouble::Failed(body.to_string()));
            }
            self.code = None;
        }
        Err(Trouble::Failed("no session".into()))
    }

    /// The page's own, with the token that came beside an answer.
    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        let skey = self.skey.take().ok_or("no token came")?;
        let got = world.ask(Ask::new("POST", "/wx/logout").token(&skey));
        assert_eq!(got.status, 200);
        self.code = None;
        Ok(())
    }

    fn with_token(&self, ask: Ask) -> Ask {
        ask.header("X-WX-Code", self.code.as_deref().unwrap_or(""))
    }

    fn token(&self) -> Option<String> {
        self.code.clone()
    }

    fn logins(&self) -> usize {
        self.logins
    }

    fn phone(&self) -> &Phone {
        &self.phone
    }

    fn ended_elsewhere(&self) -> Ask {
        Ask::new("POST", "/wx/logout").token(self.skey.as_ref().unwrap())
    }
}

pub fn weapp_session_goes_its_way(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WeappSession::on(world.wechat.phone("alice"));
    journey::go(&mut world, &mut client, &Ask::get("/orders"));
    let skey = client.skey.clone().unwrap();
    let user = world.ask(Ask::get("/wx/user").token(&skey)).json();
    assert_eq!(user["data"]["registered"], true);
}

pub fn weapp_session_gives_up_where_no_code_is_good(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WeappSession::on(world.wechat.phone("alice"));
    world
        .wechat
        .script(std::iter::repeat_n(Fault::Errcode(40029), SENDS));
    let outcome = client.request(&mut world, &Ask::get("/orders"));
    assert!(matches!(outcome, Err(Trouble::Failed(_))), "{outcome:?}");
    assert_eq!((client.sent, client.logins), (SENDS, SENDS));
    world.wechat.calm();
    client.code = None;
    client
        .request(&mut world, &Ask::get("/orders"))
        .unwrap()
        .seen();
}

/// A refusal about the session too: without the magic member it would be a success.
pub fn weapp_session_takes_no_refusal_for_a_success(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WeappSession::on(world.wechat.phone("alice"));
    let orders = Ask::get("/orders");
    let unknown = orders.clone().token(&"A".repeat(43));
    for (ask, error) in [(&orders, "no_session"), (&unknown, "invalid_token")] {
        let got = world.ask(ask.clone());
        assert_eq!(got.header("x-wx-error").as_deref(), Some(error));
        let refusal = data(&got);
        assert_eq!(refusal[MAGIC], 1);
        assert_eq!(refusal["reason"], REASONS[0]);
    }
    // A code that is none: it takes another one, and is let in.
    client.code = Some("undefined".into());
    client.request(&mut world, &orders).unwrap().seen();
    assert_eq!((client.sent, client.logins), (2, 1));
    // What an endpoint refuses, which goes by the token alone.
    let outcome = client.request(&mut world, &Ask::get("/wx/user"));
    assert!(matches!(outcome, Err(Trouble::Failed(_))), "{outcome:?}");
    assert_eq!(client.sent, SENDS);
}

/// After the time for which it is remembered, WeChat says that the code was used; the client takes another one.
pub fn a_code_is_no_token_forever(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WeappSession::on(world.wechat.phone("alice"));
    let orders = Ask::get("/orders");
    client.request(&mut world, &orders).unwrap();
    world.seconds(299);
    client.request(&mut world, &orders).unwrap();
    assert_eq!((client.logins, client.sent), (1, 1));
    world.seconds(2);
    let got = client.request(&mut world, &orders).unwrap();
    assert_eq!((client.logins, client.sent), (2, 2));
    assert_eq!(
        got.seen().header("x-wx-openid"),
        Some(client.phone.openid())
    );
}
