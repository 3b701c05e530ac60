//! Requests of which each can be sent once: codes that are spent, messages that are known. Made before they are needed, so
//! that the load is nothing but sending. And a call of a backend's, which can be sent again.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use testkit::fakes::wechat::{Asked, FakeWechat, Message, Phone, PushAccount};

use super::arms::Sends;
use super::surroundings::{PUSH_KEY, PUSH_TOKEN};

/// One of them. All are POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) path: String,
    /// Of a session, if it has one of its own.
    pub(super) token: Option<String>,
    pub(super) body: String,
}

/// Users take turns: as many as log in at an edge that has some.
const USERS: u64 = 10_000;

/// Those who send codes of their numbers take turns too: codes of one session are judged one after the other.
pub(super) const SESSIONS: u64 = 64;

/// Whose messages they are.
const FROM: &str = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY";

/// Makes them, never the same twice.
pub(super) struct Maker {
    wechat: FakeWechat,
    account: PushAccount,
    /// Of [`SESSIONS`] users, where each sends with a session of its own.
    pub(super) tokens: Vec<String>,
    made: AtomicU64,
}

impl Maker {
    pub(super) fn new(wechat: &FakeWechat) -> Self {
        let appid = wechat.phone("bench").appid();
        Self {
            wechat: wechat.clone(),
            account: wechat.push_account(&appid, PUSH_TOKEN, PUSH_KEY, "/wx/push"),
            tokens: Vec::new(),
            made: AtomicU64::new(0),
        }
    }

    /// So many; one, if it can be sent again.
    pub(super) fn make(&self, sends: Sends, path: &str, count: usize) -> Result<Vec<Sent>> {
        // What WeChat remembers of them is of no use, and of some size.
        self.wechat.forget_requests();
        match sends {
            Sends::Same => Ok(Vec::new()),
            Sends::Call | Sends::CallWithToken => Ok(vec![self.call(sends, path)?]),
            Sends::Login | Sends::PhoneCode | Sends::Message => {
                Ok((0..count).map(|_| self.one(sends, path)).collect())
            }
        }
    }

    fn one(&self, sends: Sends, path: &str) -> Sent {
        let number = self.made.fetch_add(1, Relaxed) + 1;
        if sends == Sends::Message {
            let content = format!("message {number}");
            let message = Message::text(FROM, self.wechat.now(), number, &content);
            let push = self.account.push(&message);
            return Sent {
                path: push.target,
                token: None,
                body: push.body.unwrap_or_default(),
            };
        }
        let (code, token) = if sends == Sends::Login {
            (self.user(number % USERS).login(), None)
        } else {
            let user = number % SESSIONS;
            let token = self.tokens.iter().cycle().nth(user as usize).cloned();
            (self.user(user).phone_code(), token)
        };
        Sent {
            path: path.to_owned(),
            token,
            body: json!({ "code": code }).to_string(),
        }
    }

    pub(super) fn user(&self, number: u64) -> Phone {
        self.wechat.phone(&format!("bench{number}"))
    }

    /// To a user that there is.
    fn call(&self, sends: Sends, path: &str) -> Result<Sent> {
        let to = self.wechat.phone("bench");
        let secret = super::surroundings::SECRET;
        let login = format!(
            "/sns/jscode2session?appid={}&secret={secret}&js_code={}&grant_type=authorization_code",
            to.appid(),
            to.login()
        );
        // WeChat knows those who have logged in.
        let _ = self.wechat.answer("GET", &login);
        let mut path = path.to_owned();
        if sends == Sends::CallWithToken {
            path = format!("{path}?access_token={}", self.token(&to.appid(), secret)?);
        }
        let body = json!({ "touser": to.openid(), "msgtype": "text", "text": { "content": "x" } });
        Ok(Sent {
            path,
            token: None,
            body: body.to_string(),
        })
    }

    /// As a backend has one that fetches it itself, and writes it into a query.
    fn token(&self, appid: &str, secret: &str) -> Result<String> {
        let body = json!({ "grant_type": "client_credential", "appid": appid, "secret": secret });
        let body = body.to_string();
        let answer = self.wechat.answer_asked(&Asked {
            method: "POST",
            target: "/cgi-bin/stable_token",
            content_type: Some("application/json"),
            body: body.as_bytes(),
            ..Asked::default()
        });
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let token = answer["access_token"].as_str().context("no access_token")?;
        let escaped = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        Ok(token.bytes().map(escaped).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same_but_calls_are() {
        let wechat = FakeWechat::new("wx0123456789abcdef", super::super::surroundings::SECRET);
        let maker = Maker::new(&wechat);
        for sends in [Sends::Login, Sends::PhoneCode, Sends::Message] {
            let mut all = maker.make(sends, "/p", 20).unwrap();
            all.extend(maker.make(sends, "/p", 20).unwrap());
            let mut bodies: Vec<_> = all.into_iter().map(|sent| sent.body).collect();
            bodies.sort_unstable();
            bodies.dedup();
            assert_eq!(bodies.len(), 40, "{sends:?}");
        }
        let call = maker.make(Sends::CallWithToken, "/cgi-bin/x", 20).unwrap();
        assert_eq!(call.len(), 1);
        assert!(call[0].path.contains("access_token="));
        assert_eq!(maker.make(Sends::Same, "/", 20).unwrap(), []);
    }
}
