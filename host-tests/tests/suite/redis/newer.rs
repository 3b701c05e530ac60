//! An edge that is older than another one on its Redis: what it cannot read it neither takes for nothing nor writes over,
//! and says so as it says that the store is down.

use serde_json::{Value, json};
use testkit::fakes::wechat::{FakeWechat, KeyAge, Message, Phone, Source};

use crate::rig::bridge::{self, FakeBridge};
use crate::rig::newer::{line, newer};
use crate::rig::{
    ADMIN_TOKEN, APPID, Ask, CoreRig, Got, Login, PUSH_KEY, PUSH_TOKEN, Rig, SECRET,
    assert_unavailable,
};

struct Older {
    rig: CoreRig,
    wechat: FakeWechat,
}

impl Older {
    /// Every request asks the store.
    fn start() -> Self {
        Self::with(&json!({
            "apps": [{
                "appid": APPID,
                "secret": { "env": "WX_SECRET" },
                "push": {
                    "token": { "env": "WX_PUSH_TOKEN" },
                    "encoding_aes_key": { "env": "WX_PUSH_KEY" },
                },
            }],
            "store": bridge::rest(),
            "admin": { "tokens": [{ "env": "WX_ADMIN_TOKEN" }] },
            "open_data": { "refuse_replay": true },
            "session": { "cache_ttl_s": 0, "stale_ttl_s": 60 },
            "routes": [
                { "prefix": "/stale", "session": "required", "outage": "stale" },
                { "prefix": "/feed", "session": "optional" },
                { "prefix": "/anonymous", "session": "optional", "outage": "anonymous" },
                { "prefix": "/watched", "session": "required", "mode": "observe" },
            ],
        }))
    }

    fn with(patch: &Value) -> Self {
        let wechat = FakeWechat::new(APPID, SECRET);
        let rig = CoreRig::start(&wechat, patch);
        Self { rig, wechat }
    }

    fn bridge(&self) -> &FakeBridge {
        &self.rig.host.bridge
    }

    fn ask(&mut self, ask: Ask) -> Got {
        self.rig.ask(vec![ask]).remove(0)
    }

    fn get(&mut self, path: &str, token: &str) -> Got {
        self.ask(Ask::get(path).token(token))
    }

    fn post(&mut self, path: &str, token: &str, body: &Value) -> Got {
        self.ask(Ask::post(path, body).token(token))
    }

    fn operate(&mut self, action: &str, about: &Value) -> Got {
        let ask = Ask::post(format!("/wx-admin/{action}"), about);
        self.ask(ask.header("authorization", format!("Bearer {ADMIN_TOKEN}")))
    }

    fn login(&mut self, phone: &Phone) -> String {
        let ask = Ask::post("/wx/login", &json!({ "code": phone.login() }));
        Login::from(&self.ask(ask)).token
    }

    /// What lies there of a kind, by its letter.
    fn entries(&self, kind: &str) -> Vec<(String, String)> {
        let of_kind = |(name, _): &(String, String)| name.contains(kind);
        self.bridge().values().into_iter().filter(of_kind).collect()
    }

    /// Has a newer edge write all entries of a kind, does `work`, and has the newer edge find them as they were. Then all of
    /// them are as before.
    fn meanwhile_newer<T>(&mut self, kind: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let known = self.entries(kind);
        assert!(!known.is_empty(), "there is no {kind}");
        let replace = |edge: &Self, all: &[(String, String)]| {
            edge.bridge().rewrite(|name, value| {
                let own = all.iter().find(|(own, _)| own == name);
                own.map_or(value, |(_, value)| value).to_owned()
            });
        };
        let newer: Vec<_> = known
            .iter()
            .map(|(name, value)| (name.clone(), newer(value)))
            .collect();
        replace(self, &newer);
        let done = work(self);
        assert_eq!(self.entries(kind), newer, "{kind}: somebody touched it");
        replace(self, &known);
        done
    }

    #[track_caller]
    fn assert_logged(&self, record: &str) {
        let (log, line) = (self.rig.log(), line(record));
        assert!(log.contains(&line), "{line} is not in {log}");
    }
}

#[test]
fn a_newer_session_is_unavailable_and_as_the_route_says() {
    let mut edge = Older::start();
    let phone = edge.wechat.phone("ming");
    let (openid, token) = (phone.openid(), edge.login(&phone));
    assert_eq!(edge.get("/stale", &token).status, 200);
    let code = phone.login();
    edge.meanwhile_newer(":s:", |edge| {
        for path in ["/api", "/feed", "/wx/session", "/wx/user"] {
            assert_unavailable(&edge.get(path, &token), path);
        }
        for (path, openid, told) in [
            ("/stale", Some(&openid), "stale"),
            ("/anonymous", None, "unavailable"),
            ("/watched", None, "unavailable"),
        ] {
            let got = edge.get(path, &token);
            assert_eq!(got.seen().header("x-wx-openid").as_ref(), openid, "{path}");
            let status = got.seen().header("x-wx-auth-status");
            assert_eq!(status.as_deref(), Some(told), "{path}");
        }
        for body in [json!({}), json!({ "everywhere": true })] {
            assert_unavailable(&edge.post("/wx/logout", &token, &body), "logout");
        }
        // A login that is to end it, before its code is spent.
        let body = json!({ "code": code, "token": token });
        assert_unavailable(&edge.ask(Ask::post("/wx/login", &body)), "login");
        assert_eq!(edge.wechat.code_requests(&code), 0);
        let about = json!({ "openid": openid });
        assert_unavailable(&edge.operate("sessions", &about), "an operator");
        edge.assert_logged("session");
    });
    assert_eq!(edge.get("/api", &token).status, 200);
    assert!(edge.rig.counter("wx_session.store.failed") > 0);
    assert_eq!(edge.rig.counter("wx_session.session.denied"), 0);
}

#[test]
fn nobody_ends_or_changes_what_a_newer_user_names() {
    let mut edge = Older::start();
    let phone = edge.wechat.phone("ming");
    let [one, two, three] = [(); 3].map(|()| edge.login(&phone));
    let profile = phone.user_info().to_json();
    let number = phone.phone_number().to_json();
    let about = json!({ "openid": phone.openid() });
    edge.meanwhile_newer(":u:", |edge| {
        // A check needs no user.
        assert_eq!(edge.get("/api", &one).status, 200);
        assert_unavailable(&edge.get("/wx/user", &one), "user");
        assert_unavailable(&edge.post("/wx/register", &one, &profile), "register");
        assert_unavailable(&edge.post("/wx/decrypt", &one, &number), "decrypt");
        let everywhere = json!({ "everywhere": true });
        assert_unavailable(&edge.post("/wx/logout", &one, &everywhere), "everywhere");
        for action in ["sessions", "end-all", "reset-key"] {
            assert_unavailable(&edge.operate(action, &about), action);
        }
        for token in [&one, &two, &three] {
            assert_eq!(edge.get("/api", token).status, 200, "none has ended");
        }
        // Its own a client can end all the same; only the list is left as it is.
        assert_unavailable(&edge.post("/wx/logout", &two, &json!({})), "logout");
        assert_eq!(edge.get("/api", &two).status, 401);
        assert_eq!(edge.post("/wx/logout", &two, &json!({})).status, 200);
        let code = json!({ "code": phone.login() });
        assert_unavailable(&edge.ask(Ask::post("/wx/login", &code)), "login");
        edge.assert_logged("user");
    });
    // The user is who it was, with its keys and its sessions.
    let got = edge.post("/wx/register", &one, &profile);
    assert_eq!(got.status, 200, "{}", got.json());
    let ended = edge.operate("end-all", &about).json();
    assert_eq!(ended["data"]["ended"], 3);
    for token in [&one, &three] {
        assert_eq!(edge.get("/api", token).status, 401);
    }
}

#[test]
fn a_login_that_a_newer_edge_remembers_is_not_made_again() {
    let mut edge = Older::start();
    let code = edge.wechat.phone("ming").login();
    let ask = || Ask::post("/wx/login", &json!({ "code": code }));
    let token = Login::from(&edge.ask(ask())).token;
    edge.meanwhile_newer(":c:", |edge| {
        assert_unavailable(&edge.ask(ask()), "the same code");
        edge.assert_logged("code");
    });
    assert_eq!(Login::from(&edge.ask(ask())).token, token);
    assert_eq!(edge.wechat.code_requests(&code), 1);
}

#[test]
fn what_data_a_newer_edge_has_seen_is_asked_there() {
    let mut edge = Older::start();
    let phone = edge.wechat.phone("ming");
    let token = edge.login(&phone);
    let data = [1, 2].map(|seconds| {
        let info = phone.open_data(Source::UserInfo).key(KeyAge::Current);
        info.seconds_old(seconds).build().to_json()
    });
    assert_eq!(edge.post("/wx/decrypt", &token, &data[0]).status, 200);
    edge.meanwhile_newer(":r:", |edge| {
        for data in &data {
            assert_unavailable(&edge.post("/wx/decrypt", &token, data), "decrypt");
        }
        edge.assert_logged("replay");
    });
    assert_eq!(edge.post("/wx/decrypt", &token, &data[0]).status, 409);
    assert_eq!(edge.post("/wx/decrypt", &token, &data[1]).status, 200);
}

#[test]
fn calls_to_wechat_go_on_beside_a_newer_token() {
    const TOKEN: &str = "/cgi-bin/stable_token";
    let allow = json!({ "allow": ["/wxa/getwxacodeunlimit"] });
    let mut edge = Older::with(&json!({ "store": bridge::rest(), "wechat_api": allow }));
    let works = |edge: &mut Older| {
        let ask = Ask::post("/wxa/getwxacodeunlimit", &json!({ "scene": "a" }));
        let got = edge.ask(ask);
        assert_eq!(got.header("content-type").as_deref(), Some("image/jpeg"));
    };
    works(&mut edge);
    edge.meanwhile_newer(":a:", |edge| {
        // It needs another one, and has it for itself.
        edge.wechat.kill_tokens(APPID);
        works(edge);
        works(edge);
        edge.assert_logged("access_token");
    });
    assert_eq!(edge.wechat.requests_for(TOKEN), 2);
}

#[test]
fn a_message_that_a_newer_edge_has_is_delivered_once_more_and_not_forgotten() {
    let mut edge = Older::start();
    let account = edge
        .wechat
        .push_account(APPID, PUSH_TOKEN, PUSH_KEY, "/wx/push");
    let message = Message::text("o9AgO5Kd5ggOC-bXrbNODIiE3bGY", edge.wechat.now(), 1, "hi");
    let push = account.push(&message);
    assert_eq!(edge.ask(Ask::from(&push)).status, 200);
    edge.meanwhile_newer(":p:", |edge| {
        assert_eq!(edge.ask(Ask::from(&push)).status, 200);
        assert_eq!(edge.rig.counter("wx_session.push.unguarded"), 1);
        edge.assert_logged("push");
    });
    assert_eq!(edge.rig.receiver().count(), 2);
    assert_eq!(edge.ask(Ask::from(&push)).status, 200);
    assert_eq!(edge.rig.counter("wx_session.push.duplicate"), 1);
}

#[test]
fn a_flood_of_them_is_not_one_of_log_lines() {
    let mut edge = Older::start();
    let phone = edge.wechat.phone("ming");
    let token = edge.login(&phone);
    edge.meanwhile_newer(":s:", |edge| {
        for _ in 0..50 {
            assert_unavailable(&edge.get("/api", &token), "one of many");
        }
        edge.rig.advance(std::time::Duration::from_secs(1));
        edge.get("/api", &token);
    });
    let log = edge.rig.log();
    let lines = log.matches(r#""event":"record_newer""#).count();
    assert!((20..50).contains(&lines), "{lines}");
    assert!(
        log.contains(r#""of":"record_newer","error":"session""#),
        "{log}"
    );
}
