//! Who takes part, and what of theirs nobody may see: three sessions, and all secrets, tokens and keys behind them.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;
use testkit::client::{self, Request};
use testkit::fakes::wechat::FakeWechat;

use super::row::{CODE, OTHER, TOKEN, TOKEN_OF_LENGTH, Who};
use crate::rig::{ADMIN_TOKEN, ENVIRONMENT, PUSH_KEY, PUSH_TOKEN};

const PATIENCE: Duration = Duration::from_secs(20);

/// A session.
pub struct Session {
    pub token: String,
    pub openid: String,
}

pub struct Known {
    wechat: FakeWechat,
    pub attacker: Session,
    /// The attacker's second account.
    pub other: Session,
    /// Somebody whose good requests come behind those of the attacker.
    pub victim: Session,
    /// Codes that rows have brought.
    codes: Mutex<Vec<String>>,
}

const USERS: [&str; 4] = ["attacker", "other", "victim", "new"];

impl Known {
    /// Logs them in.
    pub fn at(edge: SocketAddr, wechat: &FakeWechat) -> Self {
        let log_in = |user: &str| {
            let phone = wechat.phone(user);
            let request = Request::post("/wx/login").json(&json!({ "code": phone.login() }));
            let answer = client::send(edge, &request, PATIENCE).unwrap();
            let json = answer.json().unwrap();
            let token = json["data"]["token"].as_str();
            Session {
                token: token.unwrap_or_else(|| panic!("{json}")).to_owned(),
                openid: phone.openid(),
            }
        };
        Self {
            attacker: log_in("attacker"),
            other: log_in("other"),
            victim: log_in("victim"),
            codes: Mutex::default(),
            wechat: wechat.clone(),
        }
    }

    /// Where nobody logs in: their tokens are none.
    pub fn nobody(wechat: &FakeWechat) -> Self {
        let session = |letter: &str| Session {
            token: letter.repeat(43),
            openid: String::new(),
        };
        Self {
            attacker: session("a"),
            other: session("o"),
            victim: session("v"),
            codes: Mutex::default(),
            wechat: wechat.clone(),
        }
    }

    /// What is sent where a row has a name for it.
    pub fn fill(&self, text: &[u8]) -> Vec<u8> {
        if !text.contains(&b'{') {
            return text.into();
        }
        let mut text = replaced(text, TOKEN_OF_LENGTH, &self.attacker.token);
        text = replaced(&text, TOKEN, &self.attacker.token);
        text = replaced(&text, OTHER, &self.other.token);
        if contains(&text, CODE) {
            let code = self.wechat.phone("new").login();
            text = replaced(&text, CODE, &code);
            self.codes.lock().unwrap().push(code);
        }
        text
    }

    /// Whose openid the app may hear from who sends so.
    pub fn openid(&self, who: Who) -> Option<String> {
        match who {
            Who::Nobody => None,
            Who::Attacker => Some(self.attacker.openid.clone()),
            Who::NewUser => Some(self.wechat.phone("new").openid()),
        }
    }

    /// What stands in no answer, no log and no request for the app.
    pub fn hidden(&self) -> Vec<String> {
        let sessions = [&self.attacker, &self.other, &self.victim];
        let mut hidden: Vec<String> = sessions.map(|session| session.token.clone()).into();
        hidden.extend(secrets());
        assert!(
            [ADMIN_TOKEN, PUSH_TOKEN, PUSH_KEY]
                .iter()
                .all(|own| hidden.iter().any(|text| text == own))
        );
        hidden.extend(self.wechat.access_tokens());
        hidden.extend(self.codes.lock().unwrap().iter().cloned());
        for user in USERS {
            hidden.extend(self.wechat.phone(user).session_keys());
        }
        hidden
    }
}

/// What the edge has from its environment.
pub fn secrets() -> impl Iterator<Item = String> {
    // Of Redis' bridges there is none here, and their values are ordinary words.
    let own = ENVIRONMENT
        .iter()
        .filter(|(name, value)| name.starts_with("WX_") && value.len() >= 16);
    own.map(|(_, value)| (*value).to_owned())
}

/// Whether `part`, which is ASCII, stands in a text of any kind.
pub fn contains(text: &[u8], part: &str) -> bool {
    String::from_utf8_lossy(text).contains(part)
}

/// One of what is hidden, if it stands in a text.
pub fn found<'a>(hidden: &'a [String], text: &[u8]) -> Option<&'a str> {
    let text = String::from_utf8_lossy(text);
    let shown = hidden.iter().find(|secret| text.contains(&***secret));
    shown.map(|secret| &**secret)
}

fn replaced(text: &[u8], name: &str, value: &str) -> Vec<u8> {
    // As nearly always, and many times faster.
    if let Ok(text) = std::str::from_utf8(text) {
        return text.replace(name, value).into_bytes();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest
        .windows(name.len())
        .position(|window| window == name.as_bytes())
    {
        out.extend(&rest[..at]);
        out.extend(value.bytes());
        rest = &rest[at + name.len()..];
    }
    out.extend(rest);
    out
}
