//! The clients of Tencent's Wafer as published, as far as sessions go: `wafer-client-sdk` (1) and `wafer2-client-sdk`
//! (2), `lib/login.js` and `lib/request.js` of each. They decide by the same fields and in the same order.

use serde_json::Value;
use testkit::fakes::wechat::{KeyAge, OpenData, Phone};

use crate::rig::{Ask, Got, World};

pub const MAGIC: &str = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A";

/// Which client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    One,
    /// Knows a bad session by `code` alone.
    Two,
    /// The later releases: by `code` or by the HTTP status.
    TwoByStatus,
}

impl Version {
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::TwoByStatus];
}

/// One phone with one of the clients on it.
pub struct WaferClient {
    pub version: Version,
    pub phone: Phone,
    /// What the client keeps in local storage: `session` of Wafer 1's login, `data` of Wafer 2's.
    pub session: Option<Value>,
    /// Whether `wx.getUserInfo` gives encrypted data; without, the headers are sent empty.
    pub sends_user_info: bool,
    /// What it gave to the last login.
    pub user_info: Option<OpenData>,
    /// How often it has logged in, or tried to.
    pub logins: usize,
}

/// `RequestError` or `LoginError`: type and message.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed(pub &'static str, pub String);

/// What JavaScript takes for true.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// `response.data` of `wx.request`: parsed where it can be.
fn data(got: &Got) -> Value {
    serde_json::from_slice(&got.body).unwrap_or_else(|_| String::from_utf8_lossy(&got.body).into())
}

impl WaferClient {
    pub fn new(version: Version, phone: &Phone) -> Self {
        Self {
            version,
            phone: phone.clone(),
            session: None,
            sends_user_info: false,
            user_info: None,
            logins: 0,
        }
    }

    /// `qcloud.request`, with `login: true` or without.
    pub fn request(&mut self, world: &mut World, ask: &Ask, login: bool) -> Result<Got, Failed> {
        if login {
            self.login(world)?;
        }
        let mut has_retried = false;
        loop {
            let got = world.ask(self.with_session(ask.clone()));
            let data = data(&got);
            let bad_session = match self.version {
                Version::One => truthy(&data[MAGIC]),
                Version::Two => data["code"] == -1,
                Version::TwoByStatus => data["code"] == -1 || got.status == 401,
            };
            if !bad_session {
                return Ok(got);
            }
            self.session = None;
            if self.version == Version::One && data["error"] != "ERR_INVALID_SESSION" {
                return Err(Failed("ERR_CHECK_LOGIN_FAILED", data["error"].to_string()));
            }
            if has_retried {
                return Err(Failed("ERR_INVALID_SESSION", "登录态已过期".into()));
            }
            has_retried = true;
            self.login(world)?;
        }
    }

    /// `qcloud.login`; `wx.checkSession` always says that the session is still good at WeChat.
    pub fn login(&mut self, world: &mut World) -> Result<(), Failed> {
        if self.session.is_some() {
            return Ok(());
        }
        self.logins += 1;
        let code = self.phone.login();
        // After wx.login, so under the key that its code puts in force.
        let user_info = || self.phone.user_info_under(KeyAge::Next);
        self.user_info = self.sends_user_info.then(user_info);
        let (encrypted_data, iv) = self
            .user_info
            .as_ref()
            .map_or(("", ""), |data| (&*data.encrypted_data, &*data.iv));
        let mut ask = Ask::get("/weapp/login").header("X-WX-Code", code);
        if self.version == Version::One {
            ask = ask.header("X-WX-Encrypt-Data", "");
        }
        let got = world.ask(
            ask.header("X-WX-Encrypted-Data", encrypted_data)
                .header("X-WX-IV", iv),
        );
        let data = data(&got);
        let session = match self.version {
            Version::One if !truthy(&data[MAGIC]) => {
                return Err(Failed("ERR_LOGIN_MISSING_SESSION", "not by the SDK".into()));
            }
            Version::One => Some(&data["session"]).filter(|session| truthy(session)),
            Version::Two | Version::TwoByStatus => {
                let accepted = data["code"] == 0
                    && truthy(&data["data"]["skey"])
                    && truthy(&data["data"]["userinfo"]);
                accepted.then_some(&data["data"])
            }
        };
        let Some(session) = session else {
            let message = format!(
                "登录失败({})：{}",
                text(&data["error"]),
                text(&data["message"])
            );
            return Err(Failed("ERR_LOGIN_MISSING_SESSION", message));
        };
        self.session = Some(session.clone());
        Ok(())
    }

    pub fn with_session(&self, ask: Ask) -> Ask {
        let Some(session) = &self.session else {
            return ask;
        };
        let skey = text(&session["skey"]);
        match self.version {
            Version::One if truthy(&session["id"]) && truthy(&session["skey"]) => ask
                .header("X-WX-Id", text(&session["id"]))
                .header("X-WX-Skey", skey),
            Version::One => ask,
            Version::Two | Version::TwoByStatus => ask.header("X-WX-Skey", skey),
        }
    }

    /// The token that it sends.
    pub fn skey(&self) -> String {
        text(&self.session.as_ref().unwrap()["skey"]).to_owned()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("undefined")
}
