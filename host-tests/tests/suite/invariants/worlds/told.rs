//! What nobody may be told: secrets in answers, logs, calls and stores; and what WeChat's messages may become.

use super::errand::Kind;
use super::means::FROM;
use super::setting::Kept;
use super::station::Station;
use super::world::World;
use crate::rig::edge::{Answer, Call};
use crate::rig::{ADMIN_TOKEN, MASTER_KEY, OLD_ADMIN_TOKEN, PUSH_KEY, PUSH_TOKEN, SECRET, bridge};

/// From the environment. Nobody outside has a use for them.
const SECRETS: [&str; 7] = [
    SECRET,
    MASTER_KEY,
    ADMIN_TOKEN,
    OLD_ADMIN_TOKEN,
    PUSH_TOKEN,
    PUSH_KEY,
    bridge::TOKEN.1,
];

impl World {
    pub(super) fn check_secrets(&self, text: &str, story: &str) {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{story}: a secret is told: {text}");
        }
        for user in &self.means.users {
            for key in user.session_keys() {
                let escaped = key.replace('/', "\\/");
                assert!(
                    !text.contains(&key) && !text.contains(&escaped),
                    "{story}: a session_key is told: {text}"
                );
            }
        }
        for token in self.means.wechat.access_tokens() {
            assert!(
                !text.contains(&token),
                "{story}: an access_token is told: {text}"
            );
        }
    }

    /// An answer for a client.
    pub(super) fn check_told(&self, answer: &Answer, story: &str) {
        let headers = answer.headers.iter();
        let line = |(name, value): &(String, Vec<u8>)| {
            format!("{name}: {}\n", String::from_utf8_lossy(value))
        };
        let head: String = headers.map(line).collect();
        let body = String::from_utf8_lossy(&answer.body);
        self.check_secrets(&format!("{head}\n{body}"), story);
    }

    pub(super) fn check_log(&self, line: &str) {
        self.check_secrets(line, "a line of the log");
        for own in &self.ledger.known {
            assert!(!line.contains(&own.token), "a token is logged: {line}");
        }
        for code in &self.means.codes {
            assert!(!line.contains(&code.text), "a code is logged: {line}");
        }
    }

    /// What goes to a store.
    pub(super) fn check_sealed(&self, text: &str, story: &str) {
        self.check_secrets(text, story);
        for own in &self.ledger.known {
            assert!(!text.contains(&own.token), "{story}: a token: {text}");
        }
        for user in &self.means.users {
            assert!(!text.contains(&user.openid()), "{story}: an openid: {text}");
        }
    }

    /// What all stores hold.
    pub(super) fn check_stores(&self) {
        // A Redis has had all of it by calls.
        if self.setting.store != Kept::Embedded {
            return;
        }
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for (name, value) in self.shared.data.dump("vm") {
            self.check_sealed(&format!("{}\n{}", lossy(&name), lossy(&value)), "the store");
        }
        for (key, value, _) in self.shared.store.dump() {
            self.check_sealed(&format!("{}\n{}", key.name, lossy(&value)), "the store");
        }
    }

    /// How often the app was asked to take a message.
    fn times(&self, word: &str) -> usize {
        let says = |call: &&Call| String::from_utf8_lossy(&call.body).contains(word);
        self.delivered.iter().filter(says).count()
    }

    pub(super) fn check_push(&mut self, at: usize, answer: &Answer, story: &str) {
        let open = &self.open[at];
        match open.errand.kind {
            Kind::Forgery => {
                assert_ne!(answer.status, 200, "{story}");
            }
            Kind::Message if answer.status == 200 => {
                self.owed.push((open.errand.word.clone(), open.worker));
            }
            _ => {}
        }
    }

    /// WeChat was told that a message has come only if the app has been asked: at the latest then. Unless the worker has
    /// ended that was about to: who is asked again knows only that somebody was.
    pub(super) fn check_owed(&self) {
        let is_there = |worker: usize| {
            let mut stations = self.stations.iter().flatten();
            stations.any(|station: &Station| station.number == worker)
        };
        for (word, _) in &self.owed {
            let mut all = self.owed.iter().filter(|(own, _)| own == word);
            let has_ended = all.any(|(_, worker)| !is_there(*worker));
            assert!(
                has_ended || self.has_failed || self.times(word) > 0,
                "{word} was answered, and the app was not asked"
            );
        }
    }

    /// What reaches the app is WeChat's, in plain text.
    pub(super) fn check_delivery(&self, call: &Call, text: &str, story: &str) {
        let word = |open: &&super::open::Open| {
            open.errand.kind == Kind::Message && text.contains(&open.errand.word)
        };
        assert!(
            self.open.iter().any(|open| word(&open)),
            "{story}: nobody has sent {text}"
        );
        assert_eq!(call.header("x-wx-openid"), Some(FROM), "{story}");
        assert_eq!(call.header("x-wx-source"), Some("wx_push"), "{story}");
        for name in ["signature", "nonce", "encrypt_type", "timestamp"] {
            assert!(!call.path.contains(name), "{story}: {}", call.path);
        }
    }
}
