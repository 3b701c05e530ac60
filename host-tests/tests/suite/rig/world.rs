//! The verbs of the scenarios.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::{FakeWechat, OpenData, Phone, Push};

use super::{Ask, Got, Rig};

/// An edge with its surroundings.
pub struct World {
    rig: Box<dyn Rig>,
    pub wechat: FakeWechat,
}

/// An answered login.
#[derive(Clone, Debug)]
pub struct Login {
    pub token: String,
    pub data: Value,
}

impl World {
    pub fn new(rig: Box<dyn Rig>, wechat: FakeWechat) -> Self {
        Self { rig, wechat }
    }

    pub fn ask(&mut self, ask: Ask) -> Got {
        self.rig.ask(vec![ask]).remove(0)
    }

    /// Requests that are all under way at the same time.
    pub fn ask_together(&mut self, asks: Vec<Ask>) -> Vec<Got> {
        self.rig.ask(asks)
    }

    pub fn get(&mut self, path: &str, token: &str) -> Got {
        self.ask(Ask::get(path).token(token))
    }

    pub fn post(&mut self, path: &str, token: &str, json: &Value) -> Got {
        self.ask(Ask::post(path, json).token(token))
    }

    /// Has the app answer what `script` says, on a host that has an app of its own.
    #[track_caller]
    pub fn app_answers(
        &self,
        script: impl Fn(&SeenByApp) -> Option<Scripted> + Send + Sync + 'static,
    ) {
        let app = self.rig.app().expect("this host has no app of its own");
        app.answer_with(script);
    }

    /// A login that must succeed.
    #[track_caller]
    pub fn login(&mut self, phone: &Phone) -> Login {
        self.login_with(json!({ "code": phone.login() }))
    }

    /// A login with these parameters that must succeed.
    #[track_caller]
    pub fn login_with(&mut self, parameters: Value) -> Login {
        let got = self.ask(Ask::post("/wx/login", &parameters));
        Login::from(&got)
    }

    /// Sends a message of WeChat's once.
    pub fn push(&mut self, push: &Push) -> Got {
        self.ask(Ask::from(push))
    }

    /// How many messages, and other requests, have come to the app.
    pub fn received(&self) -> usize {
        self.rig.receiver().count()
    }

    /// Has the app answer what the plugin itself sends it so.
    pub fn receiver_answers(
        &self,
        script: impl Fn(&SeenByApp) -> Option<Scripted> + Send + Sync + 'static,
    ) {
        self.rig.receiver().answer_with(script);
    }

    #[track_caller]
    pub fn decrypt(&mut self, token: &str, data: &OpenData) -> Got {
        let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
        self.post("/wx/decrypt", token, &body)
    }

    pub fn advance(&mut self, span: Duration) {
        self.rig.advance(span);
    }

    pub fn seconds(&mut self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    pub fn set_back(&mut self, hours: u64) {
        self.rig.set_back(Duration::from_secs(hours * 3600));
    }

    pub fn counter(&self, name: &str) -> u64 {
        self.rig.counter(name)
    }

    pub fn log(&self) -> String {
        self.rig.log()
    }

    /// The app must see this token's user.
    #[track_caller]
    pub fn assert_passes(&mut self, token: &str, openid: &str) {
        let got = self.get("/api/orders", token);
        assert_eq!(got.seen().header("x-wx-openid").as_deref(), Some(openid));
    }

    /// The request must be refused with this status and error, and the app must see nothing.
    #[track_caller]
    pub fn assert_refused(&mut self, ask: Ask, status: u16, error: &str) -> Value {
        let got = self.ask(ask);
        assert_refusal(&got, status, error)
    }

    /// This token must not open the gate.
    #[track_caller]
    pub fn assert_token_refused(&mut self, token: &str, error: &str) -> Value {
        self.assert_refused(Ask::get("/api/orders").token(token), 401, error)
    }
}

impl From<&Got> for Login {
    #[track_caller]
    fn from(got: &Got) -> Self {
        let body = got.json();
        assert_eq!((got.status, &body["status"]), (200, &json!(0)), "{body}");
        let data = body["data"].clone();
        let token = data["token"].as_str().unwrap().to_owned();
        Self { token, data }
    }
}

/// Checks an error reply whole: HTTP status, stable name, envelope, never cached, nothing seen by the app.
#[track_caller]
pub fn assert_refusal(got: &Got, status: u16, error: &str) -> Value {
    assert!(got.seen.is_none(), "the app saw {:?}", got.seen);
    let body = got.json();
    assert_eq!(
        (got.status, body["error"].as_str()),
        (status, Some(error)),
        "{body}"
    );
    assert_ne!(body["status"], json!(0), "{body}");
    assert!(!body["msg"].as_str().unwrap().is_empty(), "{body}");
    assert_told_in_headers(got, error, &body);
    assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(
        got.header("content-type").as_deref(),
        Some("application/json; charset=utf-8")
    );
    body
}

/// What the body says stands in headers too: clients of other envelopes read another body. (Wafer's `error` is its own.)
#[track_caller]
fn assert_told_in_headers(got: &Got, error: &str, body: &Value) {
    let told = got.header("x-wx-error");
    assert!(told.is_some() && told.as_deref() != Some("none"), "{body}");
    if error != "ERR_INVALID_SESSION" {
        assert_eq!(told.as_deref(), Some(error), "{body}");
    }
    assert!(body["action"].is_string(), "{body}");
    let action = got.header("x-wx-action");
    assert_eq!(action.as_deref(), body["action"].as_str(), "{body}");
}

/// Unavailable is not unauthorised: the client is to come again, not to log in anew, and the app has seen nothing.
#[track_caller]
pub fn assert_unavailable(got: &Got, story: &str) {
    let body: Value = got.json();
    let told = (got.status, &body["error"], &body["action"]);
    let wanted = (503, &json!("store_unavailable"), &json!("retry_after"));
    assert_eq!(told, wanted, "{story}");
    assert!(got.header("retry-after").is_some(), "{story}");
    assert!(body.get("detail").is_none(), "{story}: {body}");
    assert!(got.seen.is_none(), "{story}");
}

/// A refusal that sends the client to wx.login.
#[track_caller]
pub fn relogin_refusal(got: &Got, status: u16, error: &str) -> Value {
    let body = assert_refusal(got, status, error);
    assert_eq!(body["action"], "relogin", "{body}");
    body
}
