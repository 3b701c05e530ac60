//! Requests that bring a code of wx.login, wherever clients put it.

use serde_json::json;
use testkit::fakes::wechat::KeyAge;

use super::errand::{Errand, Kind};
use super::ledger::Ledger;
use super::means::{Means, percent_encoded, pick};
use crate::rig::Ask;

impl Means {
    pub(super) fn login(
        &mut self,
        sketch: Errand,
        ledger: &Ledger,
        user: usize,
        shows: Option<usize>,
        twist: u8,
    ) -> Errand {
        let kind = sketch.kind;
        // Most have a code of their own.
        let again = pick(self.codes.len(), twist / 4).filter(|_| twist.is_multiple_of(4));
        let number = again.unwrap_or_else(|| self.fresh_code(user));
        let (code, user) = (self.codes[number].text.clone(), self.codes[number].user);
        let appid = self.users[user].appid();
        let shows = shows.filter(|_| !twist.is_multiple_of(3));
        let token = shows.map(|number| ledger.known[number].token.as_str());
        let mut opens = false;
        let ask = match kind {
            Kind::Login | Kind::LoginWithData => {
                let mut body = json!({ "code": code, "appid": appid });
                if let Some(token) = token {
                    body["token"] = json!(token);
                }
                if kind == Kind::LoginWithData {
                    let data = self.users[user].user_info_under(KeyAge::Next).to_json();
                    for (name, value) in data.as_object().unwrap() {
                        body[name] = value.clone();
                    }
                    opens = true;
                }
                Ask::post("/wx/login", &body)
            }
            Kind::LoginInHeaders => Ask::get("/wx/login")
                .header("x-wx-code", &code)
                .header("x-wx-app", &appid),
            Kind::WaferLogin => Ask::get("/weapp/login")
                .header("x-wx-code", &code)
                .header("x-wx-app", &appid),
            Kind::OnTheWay => Ask::get("/api/on-the-way")
                .header("x-wx-code", &code)
                .header("x-wx-app", &appid),
            Kind::AuthBody => {
                let mut body = json!({ "loginCode": code, "code": "4711", "appid": appid });
                if let Some(token) = token {
                    body["sid"] = json!(token);
                }
                Ask::post("/auth/body", &body)
            }
            Kind::AuthQuery => {
                let escaped = percent_encoded(&code);
                let target = format!("/auth/query?a=1&js_code={escaped}&appid={appid}");
                Ask::get(target)
            }
            Kind::AuthHeaders => Ask::new("POST", "/auth/headers")
                .header("login-code", &code)
                .header("x-wx-app", &appid)
                .body("x"),
            Kind::AuthTold => Ask::post("/auth/told", &json!({ "code": code, "appid": appid })),
            _ => Ask::post("/bind", &json!({ "code": code, "appid": appid })),
        };
        let is_in_body = matches!(kind, Kind::Login | Kind::LoginWithData | Kind::AuthBody);
        let ask = match token {
            Some(token) if !is_in_body => ask.token(token),
            _ => ask,
        };
        Errand {
            ask,
            shows,
            brings: Some(number),
            opens,
            ..sketch
        }
    }
}
