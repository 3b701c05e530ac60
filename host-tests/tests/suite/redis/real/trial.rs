//! An edge on a real Redis with somebody logged in, to which faults happen: what every fault must look like from
//! outside, and that the edge comes back by itself.
//! Never knows what the fault is.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::fakes::wechat::{FakeWechat, Phone};
use testkit::redis::Value as Reply;

use crate::rig::backend::Backend;
use crate::rig::{
    APPID, Ask, EnvoyRig, Got, Login, Rig, SECRET, assert_unavailable, bridge, relogin_refusal,
};

/// A client's patience: whatever happens, there is an answer by then. Many times the store's timeout.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);
/// What Envoy makes of a call that has had no answer in time.
pub const TIMED_OUT: &str = "HTTP 504";
/// `bridge::BASIC_AUTH` as it travels.
const BASIC: &str = "ZWRnZTp3ZWJkaXMtcGFzc3dvcmQ=";

/// One edge, a user with a session that lives through every fault, and another who logs in again and again.
pub struct Trial {
    pub kind: &'static str,
    /// Dropped before what it talks to.
    pub edge: EnvoyRig,
    pub backend: Backend,
    /// The owner's.
    pub token: String,
    owner: Phone,
    newcomer: Phone,
    /// What no log may show.
    secrets: BTreeSet<String>,
    /// How much of the log has been looked at.
    log_read: usize,
    wechat: FakeWechat,
}

/// What a fault keeps from working.
#[derive(Clone, Copy)]
pub enum Hurts {
    Everything,
    /// Sessions can be looked up, but nobody can log in.
    Writes,
    /// Neither, but what a login asks before WeChat is answered.
    WritesAndLookUps,
}

/// The plugin's configuration, for all edges here. Nothing is cached, so that every request asks the store.
pub fn patch() -> Value {
    json!({
        "store": { "timeout_ms": 300 },
        "session": { "cache_ttl_s": 0 },
        "login": { "failures_per_minute": 0 },
    })
}

impl Trial {
    /// The edge asks the bridge.
    pub fn direct((kind, backend): (&'static str, Backend)) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let edge = backend.edge(&wechat, &patch());
        Self::start(kind, backend, wechat, edge)
    }

    /// The edge asks the proxy before the bridge.
    pub fn through_proxy((kind, backend): (&'static str, Backend)) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let edge = backend.edge_through_proxy(&wechat, &patch());
        Self::start(kind, backend, wechat, edge)
    }

    fn start(kind: &'static str, backend: Backend, wechat: FakeWechat, edge: EnvoyRig) -> Self {
        let (owner, newcomer) = (wechat.phone("ming"), wechat.phone("hong"));
        let known = [SECRET, bridge::TOKEN.1, bridge::BASIC_AUTH.1, BASIC];
        let mut secrets = BTreeSet::from(known.map(str::to_owned));
        secrets.extend([owner.openid(), newcomer.openid()]);
        let mut trial = Self {
            kind,
            edge,
            backend,
            token: String::new(),
            owner,
            newcomer,
            secrets,
            log_read: 0,
            wechat,
        };
        trial.log_in_the_owner();
        trial.assert_passes();
        // Known from now on: a later login changes an entry, which takes another command than a first one.
        trial.log_in();
        trial
    }

    /// One more edge before the same bridge.
    pub fn another_edge(&self) -> EnvoyRig {
        self.backend.edge(&self.wechat, &patch())
    }

    /// The whole life of a fault: while it lasts everything that it hurts is unavailable and nothing else, the log
    /// says why, and afterwards the session of before passes and logins work.
    pub fn survives(
        &mut self,
        fault: &str,
        hurts: Hurts,
        problems: &[&str],
        strike: impl FnOnce(&Backend),
        mend: impl FnOnce(&Backend),
    ) {
        let name = format!("{} | {fault}", self.kind);
        let code = self.code();
        // Lines of the faults before must not leave this one's without room: so many are written in a second.
        sleep(Duration::from_millis(1100));
        self.log_read = self.edge.log().len();
        strike(&self.backend);
        match hurts {
            Hurts::Everything | Hurts::WritesAndLookUps => self.assert_unavailable(&name),
            Hurts::Writes => self.assert_passes(),
        }
        let got = self.login(&code);
        assert_unavailable(&got, &name);
        // Nor does a phone lose the session that it has, and which is to pass afterwards.
        let again = self.owner.login();
        let login = Ask::post("/wx/login", &json!({ "code": again, "token": self.token }));
        assert_unavailable(&self.ask(login), &name);
        self.assert_logged(&name, problems);
        mend(&self.backend);
        let mended = Instant::now();
        match hurts {
            Hurts::Everything => {
                let got = self.in_the_end(&name, Trial::check);
                assert_eq!(got.status, 200, "{name}");
                recovered(&name, mended);
                // WeChat was not asked: the code is still good.
                let got = self.in_the_end(&name, |trial| trial.login(&code));
                self.logged_in(&got);
            }
            Hurts::Writes | Hurts::WritesAndLookUps => {
                self.log_in();
                recovered(&name, mended);
                // WeChat was asked: the code is spent, and nobody learns what half of a login has left.
                relogin_refusal(&self.login(&code), 401, "code_used");
            }
        }
        self.assert_passes();
        self.note_entries();
    }

    /// Nothing that needs the store is answered in any other way, and nothing passes.
    #[track_caller]
    pub fn assert_unavailable(&mut self, name: &str) {
        for path in ["/api/orders", "/wx/session", "/wx/user"] {
            let ask = Ask::get(path).token(&self.token);
            assert_unavailable(&self.ask(ask), name);
        }
    }

    #[track_caller]
    pub fn assert_passes(&mut self) {
        let got = self.in_the_end("no fault", Self::check);
        let openid = got.seen().header("x-wx-openid");
        assert_eq!(openid, Some(self.owner.openid()));
    }

    /// The first answer that is not "unavailable".
    #[track_caller]
    pub fn in_the_end(&mut self, name: &str, mut ask: impl FnMut(&mut Self) -> Got) -> Got {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let got = ask(self);
            if got.status != 503 {
                return got;
            }
            assert_unavailable(&got, name);
            assert!(Instant::now() < deadline, "{name}: it does not recover");
            std::thread::sleep(POLL);
        }
    }

    pub fn check(&mut self) -> Got {
        self.ask(Ask::get("/api/orders").token(&self.token))
    }

    pub fn login(&mut self, code: &str) -> Got {
        self.ask(Ask::post("/wx/login", &json!({ "code": code })))
    }

    /// As many codes as it takes.
    #[track_caller]
    pub fn log_in_the_owner(&mut self) {
        let got = self.in_the_end("no fault", |trial| {
            let code = trial.owner.login();
            trial.login(&code)
        });
        self.token = self.logged_in(&got).token;
    }

    /// A login of the newcomer that must succeed, with as many codes as it takes.
    #[track_caller]
    pub fn log_in(&mut self) -> Login {
        let got = self.in_the_end("no fault", |trial| {
            let code = trial.code();
            trial.login(&code)
        });
        self.logged_in(&got)
    }

    #[track_caller]
    pub fn logged_in(&mut self, got: &Got) -> Login {
        let login = Login::from(got);
        self.secrets.insert(login.token.clone());
        login
    }

    /// A fresh code of the newcomer.
    pub fn code(&mut self) -> String {
        let code = self.newcomer.login();
        self.secrets.insert(code.clone());
        code
    }

    /// Answered at all, while a client would still wait.
    #[track_caller]
    pub fn ask(&mut self, ask: Ask) -> Got {
        let started = Instant::now();
        let got = self.edge.ask(vec![ask]).remove(0);
        assert!(started.elapsed() < PATIENCE, "{got:?}");
        got
    }

    /// How many sessions there are in Redis.
    pub fn sessions(&self) -> usize {
        self.entries("wx:s:*").len()
    }

    fn entries(&self, pattern: &str) -> Vec<String> {
        match self.backend.redis.command(&["KEYS", pattern]).unwrap() {
            Reply::Array(names) => names.into_iter().map(text).collect(),
            other => panic!("not a list: {other:?}"),
        }
    }

    /// The log says since the fault what is wrong, in one of these ways and in no other. On a busy machine anything
    /// may also have taken too long.
    #[track_caller]
    pub fn assert_logged(&mut self, name: &str, problems: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.problems();
            let known = |own: &String| problems.contains(&own.as_str()) || own == TIMED_OUT;
            assert!(said.iter().all(known), "{name}: {said:?}");
            if !said.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "{name}: not in the log");
            std::thread::sleep(POLL);
        }
    }

    /// What the log says was wrong since the last fault.
    pub fn problems(&self) -> Vec<String> {
        let log = self.edge.log();
        let lines = log[self.log_read..].lines();
        lines
            .filter_map(|line| serde_json::from_str(&line[line.find('{')?..]).ok())
            .filter(|line: &Value| line["event"] == "store_failed")
            .inspect(|line| assert_eq!(line["target"], "sessions"))
            .map(|line| line["problem"].as_str().unwrap().to_owned())
            .collect()
    }

    /// No token, code, openid or password is in the log, and nothing that is or was in Redis.
    #[track_caller]
    pub fn assert_log_is_clean(&mut self) {
        self.note_entries();
        let log = self.edge.log();
        for secret in &self.secrets {
            assert!(!secret.is_empty() && !log.contains(secret), "{log}");
        }
    }

    /// Remembers what is in Redis.
    pub fn note_entries(&mut self) {
        let mut command = self.entries("*");
        command.insert(0, "MGET".to_owned());
        match self.backend.redis.command(&command).unwrap() {
            Reply::Array(values) => self.secrets.extend(values.into_iter().map(text)),
            other => panic!("not a list: {other:?}"),
        }
    }
}

/// One line of the table of recovery times (`--nocapture` shows it).
pub fn recovered(name: &str, mended: Instant) {
    println!("recovery | {name} | {} ms", mended.elapsed().as_millis());
}

fn text(reply: Reply) -> String {
    match reply {
        Reply::BulkString(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("not text: {other:?}"),
    }
}
