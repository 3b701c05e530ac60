//! What others send than clients: an operator, a backend, WeChat, and those who would like to be one of them.

use serde_json::json;
use testkit::fakes::wechat::Message;

use super::errand::{Errand, FORGED, Kind, Place};
use super::ledger::Ledger;
use super::means::{FROM, Means, errand, pick};
use super::setting::{ALLOWED, PAGE, Theme};
use super::step::Draw;
use crate::rig::{ADMIN_TOKEN, APPID, Ask};

impl Means {
    /// A call of the backend's.
    pub(super) fn backend(&mut self, draw: Draw) -> Errand {
        let word = self.word();
        let from = if self.setting.theme == Theme::Platforms {
            format!("from_appid={APPID}&")
        } else {
            String::new()
        };
        let to = self.users[0].openid();
        let message = json!({ "touser": to, "msgtype": "text", "text": { "content": word } });
        let path = match draw.twist % 8 {
            0 => "/cgi-bin/stable_token",
            1 => "/wxa/getwxacodeunlimit",
            2 => "/CGI-BIN/message/custom/send",
            _ => "/cgi-bin/message/custom/send",
        };
        let ask = Ask::post(format!("{path}?{from}access_token={FORGED}&a=1"), &message);
        let ask = match draw.twist {
            3 => ask.header("origin", PAGE),
            _ => ask.header("x-wx-openid", FORGED).header("cookie", FORGED),
        };
        Errand {
            is_entitled: path.starts_with(ALLOWED) && draw.twist != 3,
            word,
            ..errand(draw.kind, Place::Door, ask)
        }
    }

    pub(super) fn operator(
        &self,
        sketch: Errand,
        ledger: &Ledger,
        user: usize,
        twist: u8,
    ) -> Errand {
        let phone = &self.users[user];
        let mut body = json!({ "appid": phone.appid(), "openid": phone.openid() });
        let own: Vec<usize> = (0..ledger.known.len())
            .filter(|number| ledger.known[*number].owner == user)
            .collect();
        let means = pick(own.len(), twist / 4).map(|at| own[at]);
        let short = means.map_or("00000000", |number| &ledger.known[number].short);
        let action = match sketch.kind {
            Kind::Sessions => "sessions",
            Kind::EndAll => "end-all",
            Kind::ResetKey => "reset-key",
            Kind::End => {
                body["session"] = json!(short);
                "end"
            }
            _ => {
                body["session"] = json!(short);
                body["attributes"] = json!("uid=42");
                "attributes"
            }
        };
        let ask = Ask::post(format!("/wx-admin/{action}"), &body);
        let is_entitled = !twist.is_multiple_of(4);
        let credential = if is_entitled {
            format!("Bearer {ADMIN_TOKEN}")
        } else {
            format!("Bearer {}", &ADMIN_TOKEN[1..])
        };
        Errand {
            ask: ask.header("authorization", credential),
            about: Some(user),
            means: means.filter(|_| sketch.kind == Kind::End),
            is_entitled,
            ..sketch
        }
    }

    pub(super) fn push(&mut self, kind: Kind, twist: u8) -> Errand {
        let again = pick(self.words.len(), twist / 3).filter(|_| twist.is_multiple_of(3));
        let (number, word) = match again {
            Some(number) if kind == Kind::Message => (number, self.words[number].clone()),
            _ => (self.words.len(), self.word()),
        };
        let id = u64::try_from(number).unwrap() + 1;
        let message = Message::text(FROM, self.wechat.now(), id, &word);
        let push = match kind {
            Kind::Message => self.account.push(&message),
            Kind::Forgery => {
                let mut forger = self.account.clone();
                match twist % 3 {
                    0 => forger.token = "anothertoken".into(),
                    1 => forger.path = "/wx/push?tenant=1".into(),
                    _ => forger.token = "anothertoken2".into(),
                }
                let mut push = forger.push(&message);
                if twist % 3 == 1 {
                    push.target = push.target.replace("ignature=", "ignature=0");
                }
                push
            }
            _ => self.account.check().0,
        };
        Errand {
            is_entitled: kind != Kind::Forgery,
            word,
            ..errand(kind, Place::Push, Ask::from(&push))
        }
    }
}
