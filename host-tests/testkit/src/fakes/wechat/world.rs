//! What WeChat knows: apps, users' keys, codes, the script, and what was asked of it.
//! It never forms an answer.

use super::{Fault, Platform};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha1::{Digest as _, Sha1};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// Codes live for five minutes (WeChat's documentation of wx.login).
const CODE_LIFETIME_S: u64 = 300;

/// A request that WeChat received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// As written.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query's parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The content type, if it has one.
    pub content_type: Option<String>,
    /// The body; WeChat's own requests have none.
    pub body: Vec<u8>,
    /// The authority (Host header); none if answered in process without one.
    pub host: Option<String>,
    /// The TLS server name; none without TLS.
    pub sni: Option<String>,
    /// WeChat's time, Unix seconds.
    pub at: u64,
}

impl SeenRequest {
    /// The first parameter of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

impl SeenRequest {
    /// The code to be exchanged, wherever its platform has it.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        if let Some(code) = self.param("js_code") {
            return Some(code.to_owned());
        }
        if let Ok(json) = serde_json::from_slice::<serde_json::Value>(&self.body) {
            return Some(json["code"].as_str()?.to_owned());
        }
        let form = super::parameters::parameters(std::str::from_utf8(&self.body).ok()?);
        let found = form.into_iter().find(|(name, _)| name == "js_code");
        found.map(|(_, code)| code)
    }
}

/// A user of an app: (appid, name).
pub(super) type Member = (String, String);

#[derive(Debug)]
struct Code {
    member: Member,
    /// The key that exchanging this code puts in force.
    key: String,
    made_at: u64,
    used: bool,
}

/// A code of the button getPhoneNumber.
#[derive(Debug)]
pub(super) struct PhoneCode {
    pub(super) member: Member,
    pub(super) made_at: u64,
    pub(super) used: bool,
}

/// An access_token that was given out.
#[derive(Debug)]
pub(super) struct AccessToken {
    pub(super) text: String,
    pub(super) appid: String,
    /// By the way that is isolated from the other.
    pub(super) stable: bool,
    pub(super) expires_at: u64,
    pub(super) dead: bool,
}

/// Why a code cannot be exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadCode {
    Invalid,
    Used,
}

#[derive(Debug)]
pub(super) struct WechatState {
    /// Whose server it is.
    pub(super) platform: Platform,
    apps: Vec<(String, String)>,
    codes: HashMap<String, Code>,
    /// Keys that were given out, oldest first.
    keys: HashMap<Member, Vec<String>>,
    /// Who was given one, by app and openid.
    members: HashMap<(String, String), Member>,
    /// The key of the newest code that was not exchanged.
    next_keys: HashMap<Member, String>,
    /// Newest last.
    pub(super) tokens: Vec<AccessToken>,
    pub(super) phone_codes: HashMap<String, PhoneCode>,
    /// Whose app the numbers say they are of; the right one if `None`.
    pub(super) watermark_appid: Option<String>,
    seed: Vec<u8>,
    drawn: u64,
    pub(super) clock: Option<u64>,
    pub(super) bound: bool,
    pub(super) bound_users: HashMap<String, bool>,
    pub(super) string_errcodes: bool,
    pub(super) zero_errcode: bool,
    pub(super) script: VecDeque<Fault>,
    pub(super) seen: Vec<SeenRequest>,
    pub(super) refusals: usize,
}

pub(super) fn fresh_seed() -> [u8; 8] {
    RandomState::new().hash_one(SystemTime::now()).to_be_bytes()
}

impl WechatState {
    pub(super) fn new(seed: &[u8]) -> Self {
        Self {
            platform: Platform::Wechat,
            apps: Vec::new(),
            codes: HashMap::new(),
            keys: HashMap::new(),
            members: HashMap::new(),
            next_keys: HashMap::new(),
            tokens: Vec::new(),
            phone_codes: HashMap::new(),
            watermark_appid: None,
            seed: seed.to_vec(),
            drawn: 0,
            clock: None,
            bound: false,
            bound_users: HashMap::new(),
            string_errcodes: false,
            zero_errcode: false,
            script: VecDeque::new(),
            seen: Vec::new(),
            refusals: 0,
        }
    }

    pub(super) fn add_app(&mut self, appid: &str, secret: &str) {
        self.apps.retain(|(known, _)| known != appid);
        self.apps.push((appid.to_owned(), secret.to_owned()));
    }

    /// Whose openid this is in an app, as far as the app's users were ever given a key.
    pub(super) fn user_of(&self, appid: &str, openid: &str) -> Option<Member> {
        let name = (appid.to_owned(), openid.to_owned());
        self.members.get(&name).cloned()
    }

    pub(super) fn first_appid(&self) -> String {
        self.apps
            .first()
            .map(|(appid, _)| appid.clone())
            .unwrap_or_default()
    }

    pub(super) fn secret_of(&self, appid: &str) -> Option<&str> {
        self.apps
            .iter()
            .find(|(known, _)| known == appid)
            .map(|(_, secret)| secret.as_str())
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs())
        })
    }

    /// 28 characters, the first an `o`.
    pub(super) fn openid(&self, (appid, user): &Member) -> String {
        format!(
            "o{}",
            URL_SAFE_NO_PAD.encode(self.hash(&["openid", appid, user]))
        )
    }

    /// The same in every app of the account; only for a bound user.
    pub(super) fn unionid(&self, user: &str) -> Option<String> {
        let bound = self.bound_users.get(user).copied().unwrap_or(self.bound);
        bound.then(|| format!("o{}", URL_SAFE_NO_PAD.encode(self.hash(&["unionid", user]))))
    }

    /// wx.login: 32 characters of `[0-9a-zA-Z]`, and the key to come.
    pub(super) fn make_code(&mut self, member: &Member) -> String {
        let alphabet = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let bytes = [self.draw(), self.draw()].concat();
        let code: String = bytes
            .iter()
            .take(32)
            .map(|b| char::from(alphabet[usize::from(*b) % alphabet.len()]))
            .chain(self.platform.code_ends().chars())
            .collect();
        let key = self.make_key();
        self.next_keys.insert(member.clone(), key.clone());
        let made = Code {
            member: member.clone(),
            key,
            made_at: self.now(),
            used: false,
        };
        self.codes.insert(code.clone(), made);
        code
    }

    /// Spends a code: the user's key rotates.
    pub(super) fn exchange(
        &mut self,
        appid: &str,
        code: &str,
    ) -> Result<(Member, String), BadCode> {
        let now = self.now();
        let found = self
            .codes
            .get_mut(code)
            .filter(|found| found.member.0 == appid)
            .ok_or(BadCode::Invalid)?;
        if found.used {
            return Err(BadCode::Used);
        }
        if now >= found.made_at.saturating_add(CODE_LIFETIME_S) {
            return Err(BadCode::Invalid);
        }
        found.used = true;
        let (member, key) = (found.member.clone(), found.key.clone());
        self.keys
            .entry(member.clone())
            .or_default()
            .push(key.clone());
        let name = (appid.to_owned(), self.openid(&member));
        self.members.insert(name, member.clone());
        if self.next_keys.get(&member) == Some(&key) {
            self.next_keys.remove(&member);
        }
        Ok((member, key))
    }

    /// Another key in the place of the user's newest.
    pub(super) fn reset_key(&mut self, member: &Member) -> String {
        let key = self.make_key();
        let keys = self.keys.entry(member.clone()).or_default();
        keys.push(key.clone());
        key
    }

    pub(super) fn keys(&self, member: &Member) -> &[String] {
        self.keys.get(member).map_or(&[], Vec::as_slice)
    }

    pub(super) fn next_key(&self, member: &Member) -> Option<&String> {
        self.next_keys.get(member)
    }

    /// Twenty unforeseeable (but seeded) bytes.
    pub(super) fn draw(&mut self) -> [u8; 20] {
        self.drawn += 1;
        self.hash(&["draw", &self.drawn.to_string()])
    }

    /// 24 base64 characters. Each has a slash, so that the escaping of slashes is tried by every login.
    fn make_key(&mut self) -> String {
        loop {
            let key = STANDARD.encode(&self.draw()[..16]);
            if key.contains('/') {
                return key;
            }
        }
    }

    fn hash(&self, parts: &[&str]) -> [u8; 20] {
        let mut hash = Sha1::new();
        hash.update(&self.seed);
        for part in parts {
            hash.update([0]);
            hash.update(part);
        }
        hash.finalize().into()
    }
}
