//! A built component with a WeChat and an app, asked in HTTP's own words.
//! Never shared between tests.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use spin_host::Manifest;
use testkit::client::{self, Request, Response};
use testkit::fakes::wechat::{FakeWechat, Phone};

use super::{APPID, SECRET, SpinRig, Way};

pub const TIMEOUT: Duration = Duration::from_secs(20);

/// A component with its surroundings, asked in HTTP's own words.
pub struct SpinWorld {
    pub rig: SpinRig,
    pub wechat: FakeWechat,
}

impl SpinWorld {
    pub fn start(way: Way) -> Self {
        Self::start_with(way, &json!({}), |_| {})
    }

    /// With a document and a manifest that are changed first.
    pub fn start_with(way: Way, patch: &Value, change: impl FnOnce(&mut Manifest)) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let rig = SpinRig::start_with(way, &wechat, patch, change);
        Self { rig, wechat }
    }

    pub fn addr(&self) -> SocketAddr {
        self.rig.spin.addr()
    }

    #[track_caller]
    pub fn send(&self, request: &Request) -> Response {
        client::send(self.addr(), request, TIMEOUT).unwrap()
    }

    /// A login that must succeed: the token.
    #[track_caller]
    pub fn login(&self, phone: &Phone) -> String {
        token(&self.send(&login_with(&phone.login())))
    }

    /// The log, when nothing is under way.
    pub fn log(&self) -> String {
        self.rig.spin.settle();
        self.rig.spin.log()
    }
}

pub fn login_with(code: &str) -> Request {
    Request::post("/wx/login").json(&json!({ "code": code }))
}

/// What a login that succeeded gave.
#[track_caller]
pub fn token(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.json().unwrap()["data"]["token"].clone();
    token.as_str().unwrap().to_owned()
}
