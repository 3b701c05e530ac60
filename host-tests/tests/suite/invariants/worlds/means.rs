//! Makes the requests of a world: what a user's phone, an operator, a backend or WeChat sends, right or wrong as drawn.

use serde_json::{Value, json};
use testkit::fakes::wechat::{FakeWechat, KeyAge, Mode, Phone, PushAccount, PushFormat, Source};

use super::errand::{Errand, FORGED, Kind, Place};
use super::ledger::Ledger;
use super::setting::{OTHERS, PAGE, PUSH, Setting, Theme};
use super::step::Draw;
use crate::rig::{APPID, Ask, OLD_MASTER_KEY, PUSH_KEY, PUSH_TOKEN, SECRET};

/// Whose messages they are.
pub(super) const FROM: &str = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY";

/// Everybody who sends something.
pub(super) struct Means {
    pub(super) setting: Setting,
    pub(super) wechat: FakeWechat,
    pub(super) users: Vec<Phone>,
    /// Codes of wx.login, with their users.
    pub(super) codes: Vec<Code>,
    pub(super) account: PushAccount,
    /// What messages and calls of the backend's have said: each is of its own.
    pub(super) words: Vec<String>,
}

pub(super) struct Code {
    pub(super) text: String,
    pub(super) user: usize,
    /// By how many requests it was brought.
    pub(super) brought: usize,
}

impl Means {
    pub(super) fn new(setting: Setting) -> Self {
        let wechat = FakeWechat::seeded(APPID, SECRET, b"worlds");
        let mut users = vec![wechat.phone("alice"), wechat.phone("bob")];
        if setting.theme == Theme::Platforms {
            users.extend(OTHERS.map(|(platform, appid, _)| {
                let other = wechat.beside(platform, appid, OLD_MASTER_KEY);
                other.phone("alice")
            }));
        }
        let mode = if setting.seals() {
            Mode::Safe
        } else {
            Mode::Plain
        };
        let account = wechat
            .push_account(APPID, PUSH_TOKEN, PUSH_KEY, PUSH)
            .in_mode(mode, PushFormat::Json);
        for user in &users {
            // Who has never tapped has no data to send.
            let _ = user.login();
        }
        Self {
            setting,
            wechat,
            users,
            codes: Vec::new(),
            account,
            words: Vec::new(),
        }
    }

    pub(super) fn word(&mut self) -> String {
        let word = format!("word-{}.", self.words.len());
        self.words.push(word.clone());
        word
    }

    pub(super) fn fresh_code(&mut self, user: usize) -> usize {
        let text = self.users[user].login();
        self.codes.push(Code {
            text,
            user,
            brought: 0,
        });
        self.codes.len() - 1
    }

    /// Any other request.
    pub(super) fn errand(&mut self, ledger: &Ledger, draw: Draw) -> Errand {
        let user = usize::from(draw.user) % self.users.len();
        let shows = pick(ledger.known.len(), draw.token);
        let sketch = self.sketch(ledger, draw, user, shows);
        let ask = self.as_a_client(sketch.ask, sketch.place, draw.twist);
        Errand { ask, ..sketch }
    }

    fn sketch(&mut self, ledger: &Ledger, draw: Draw, user: usize, shows: Option<usize>) -> Errand {
        let Draw { kind, twist, .. } = draw;
        let place = kind.place(self.setting.theme);
        let of = |ask: Ask| errand(kind, place, ask);
        let token = shows.map(|number| ledger.known[number].token.clone());
        let showing = |ask: Ask| {
            let ask = match &token {
                Some(token) => self.shown(ask, token, twist),
                None => ask,
            };
            Errand { shows, ..of(ask) }
        };
        match kind {
            Kind::Check => showing(Ask::get("/api/orders?page=2")),
            Kind::Upload => showing(Ask::new("POST", "/api/upload").body([7; 3000])),
            Kind::Feed => showing(Ask::get("/feed/1")),
            Kind::Anonymous => showing(Ask::get("/anonymous")),
            Kind::Stale => showing(Ask::get("/stale")),
            Kind::Enforced => showing(Ask::get("/enforced")),
            Kind::Watched => showing(Ask::get("/watched")),
            Kind::Public => showing(Ask::new("POST", "/public/x").body("x")),
            Kind::Foreign => of(Ask::new("POST", "/api").token(&"F".repeat(43)).body("x")),
            Kind::Torn => of(Ask::get("/api")
                .token(token.as_deref().unwrap_or_default())
                .header("X-3rd-Session", "Q".repeat(42) + "s")),
            Kind::BadPath => showing(Ask::get("/a/../public/b")),
            Kind::Socket => showing(
                Ask::get("/socket")
                    .header("upgrade", "websocket")
                    .header("connection", "upgrade, x-wx-openid"),
            ),
            Kind::Preflight => of(Ask::new("OPTIONS", "/api")
                .header("origin", PAGE)
                .header("access-control-request-method", "POST")),
            Kind::Carried => {
                let sid = token.as_deref().unwrap_or_default();
                let ask = Ask::post("/carried", &json!({ "sid": sid, "a": 1 }));
                Errand { shows, ..of(ask) }
            }
            Kind::OpenBody => {
                self.open_body(showing(Ask::post("/profile", &json!({}))), ledger, twist)
            }
            Kind::Session => showing(Ask::get("/wx/session")),
            Kind::CheckedSession => showing(Ask::get("/wx/session?check=wechat")),
            Kind::User => showing(Ask::get("/wx/user")),
            Kind::WaferUser => showing(Ask::get("/weapp/user")),
            Kind::Decrypt | Kind::Verify | Kind::Register => {
                let path = match kind {
                    Kind::Decrypt => "/wx/decrypt",
                    Kind::Verify => "/wx/verify",
                    _ => "/wx/register",
                };
                let data = self.open_data(ledger, shows, twist);
                Errand {
                    opens: true,
                    ..showing(Ask::post(path, &data))
                }
            }
            Kind::Phone => {
                let code = self.phone_code(ledger, shows, twist);
                let body = json!({ "code": code, "keep": twist % 2 == 0 });
                Errand {
                    opens: true,
                    ..showing(Ask::post("/wx/phone", &body))
                }
            }
            Kind::Logout => showing(Ask::post("/wx/logout", &json!({}))),
            Kind::Everywhere => showing(Ask::post("/wx/logout", &json!({ "everywhere": true }))),
            Kind::BadLogin => of(Ask::post(
                "/wx/login",
                &json!({
                    "code": if twist % 2 == 0 { "0a0a0a0a" } else { "no code & none" },
                    "appid": self.users[user].appid(),
                }),
            )),
            Kind::Login
            | Kind::LoginWithData
            | Kind::LoginInHeaders
            | Kind::WaferLogin
            | Kind::OnTheWay
            | Kind::AuthBody
            | Kind::AuthQuery
            | Kind::AuthHeaders
            | Kind::AuthTold
            | Kind::Bind => self.login(of(Ask::get("/")), ledger, user, shows, twist),
            Kind::Sessions | Kind::End | Kind::EndAll | Kind::Attributes | Kind::ResetKey => {
                self.operator(of(Ask::get("/")), ledger, user, twist)
            }
            Kind::Message | Kind::Forgery | Kind::Echo => self.push(kind, twist),
        }
    }

    /// A token in one of its places.
    fn shown(&self, ask: Ask, token: &str, twist: u8) -> Ask {
        let wide = self.setting.theme == Theme::Wide;
        match twist % 8 {
            0 => ask.header("X-3rd-Session", token),
            1 => ask.header("Authorization", format!("Bearer {token}")),
            2 => ask.header("Authorization", format!("bearer{token}")),
            3 if wide => ask
                .header("cookie", format!("a=b; wxs={token}"))
                .header("origin", PAGE),
            4 if wide => {
                let mut ask = ask;
                let between = if ask.target.contains(&b'?') { '&' } else { '?' };
                ask.target.extend(format!("{between}wxs={token}").bytes());
                ask
            }
            _ => ask.token(token),
        }
    }

    /// What every client's request has, or claims.
    fn as_a_client(&self, ask: Ask, place: Place, twist: u8) -> Ask {
        let ask = match place {
            Place::App { .. } | Place::Nowhere => ask
                .header("X-WX-OPENID", FORGED)
                .header("x_wx_unionid", FORGED)
                .header("x-wx-session-attributes", FORGED)
                .header("X-WX-Login-Token", FORGED),
            _ => ask,
        };
        if self.setting.theme != Theme::Listed {
            return ask;
        }
        let version = if twist.is_multiple_of(16) { "0" } else { "7" };
        ask.header(
            "referer",
            format!("https://servicewechat.com/{APPID}/{version}/page-frame.html"),
        )
    }

    /// Open data of whoever has the session, or what somebody has made of it.
    fn open_data(&self, ledger: &Ledger, shows: Option<usize>, twist: u8) -> Value {
        let owner = shows.map_or(0, |number| ledger.known[number].owner);
        let phone = &self.users[owner];
        let built = match twist % 6 {
            0 => phone.open_data(Source::UserInfo).bad_padding().build(),
            1 => phone
                .open_data(Source::UserInfo)
                .open_id_of("mallory")
                .build(),
            2 if phone.session_keys().len() > 1 => phone.user_info_under(KeyAge::Previous),
            _ => phone.user_info(),
        };
        built.to_json()
    }

    pub(super) fn phone_code(&self, ledger: &Ledger, shows: Option<usize>, twist: u8) -> String {
        let owner = shows.map_or(0, |number| ledger.known[number].owner);
        match twist % 4 {
            0 => "f".repeat(64),
            1 => self.users[(owner + 1) % self.users.len()].phone_code(),
            _ => self.users[owner].phone_code(),
        }
    }

    fn open_body(&self, sketch: Errand, ledger: &Ledger, twist: u8) -> Errand {
        let body = match twist % 5 {
            0 => json!({ "openData": { "openId": FORGED } }),
            1 => {
                let code = self.phone_code(ledger, sketch.shows, twist / 5);
                json!({ "phoneCode": code, "a": 1 })
            }
            2 => json!({ "a": 1 }),
            _ => self.open_data(ledger, sketch.shows, twist / 5),
        };
        let body = body.to_string().into_bytes();
        Errand {
            opens: twist % 5 != 2,
            ask: Ask {
                body: Some(body),
                ..sketch.ask
            },
            ..sketch
        }
    }
}

pub(super) fn errand(kind: Kind, place: Place, ask: Ask) -> Errand {
    Errand {
        kind,
        place,
        ask,
        shows: None,
        brings: None,
        opens: false,
        about: None,
        means: None,
        is_entitled: true,
        word: String::new(),
    }
}

/// One of so many.
pub(super) fn pick(of: usize, at: u8) -> Option<usize> {
    usize::from(at).checked_rem(of)
}

/// With all that is neither letter nor digit escaped, but for what no URL escapes.
pub(super) fn percent_encoded(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escaped).collect()
}
