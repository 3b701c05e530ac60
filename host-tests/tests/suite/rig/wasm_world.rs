//! A worker with one user logged in, a request of each kind for it, and what must hold after each.
//! Never shared between tests.

use serde_json::{Value, json};
use testkit::fakes::wechat::{FakeWechat, Phone};

use super::{APPID, Ask, Login, Rig, SECRET, WasmRig, module};
use proxy_wasm_host::{Outcome, Plugin, SharedData, StreamId};

/// A worker with one user logged in.
pub struct WasmWorld {
    pub rig: WasmRig,
    pub wechat: FakeWechat,
    pub alice: Phone,
    pub token: String,
}

/// The store of `envoy.yaml`.
pub fn embedded() -> Value {
    json!({ "kind": "shared_data" })
}

impl WasmWorld {
    /// The same bytes in every run: a fault at the n-th hostcall hits the same one.
    pub fn new(patch: &Value) -> Self {
        Self::running(module(), patch)
    }

    /// The same with another module.
    pub fn running(module: &Plugin, patch: &Value) -> Self {
        let wechat = FakeWechat::seeded(APPID, SECRET, b"invariants");
        let mut patch = patch.clone();
        patch["routes"] = json!([
            { "prefix": "/public", "session": "public" },
            { "prefix": "/feed", "session": "optional" },
            { "path": "/api/profile", "session": "required", "open_data": "body" },
        ]);
        let mut rig = WasmRig::running(module, &wechat, &patch, &SharedData::default(), 1);
        let alice = wechat.phone("alice");
        let login = Ask::post("/wx/login", &json!({ "code": alice.login() }));
        let token = Login::from(&rig.ask(vec![login])[0]).token;
        Self {
            rig,
            wechat,
            alice,
            token,
        }
    }

    /// A request of each kind, by name.
    pub fn asks(&self) -> Vec<(&'static str, Ask)> {
        let spoof = |ask: Ask| {
            ask.header("X-WX-OPENID", "admin")
                .header("x_wx_openid", "admin")
        };
        let data = self.alice.user_info();
        let encrypted = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
        let signed = json!({ "rawData": data.raw_data, "signature": data.signature });
        let relogin = json!({ "code": self.alice.login(), "token": self.token });
        let foreign = "F".repeat(43);
        let upload = Ask::new("POST", "/api/upload")
            .token(&self.token)
            .body([7; 3000]);
        vec![
            ("check", spoof(Ask::get("/api").token(&self.token))),
            ("upload", spoof(upload)),
            ("no session", spoof(Ask::get("/api"))),
            (
                "foreign token",
                spoof(Ask::new("POST", "/api").token(&foreign).body("x")),
            ),
            ("optional", spoof(Ask::get("/feed").token(&self.token))),
            ("public", spoof(Ask::get("/public"))),
            ("bad path", spoof(Ask::get("/a/../b").token(&self.token))),
            ("session", Ask::get("/wx/session").token(&self.token)),
            ("user", Ask::get("/wx/user").token(&self.token)),
            (
                "decrypt",
                Ask::post("/wx/decrypt", &encrypted).token(&self.token),
            ),
            (
                "verify",
                Ask::post("/wx/verify", &signed).token(&self.token),
            ),
            (
                "register",
                Ask::post("/wx/register", &data.to_json()).token(&self.token),
            ),
            (
                "phone",
                Ask::post("/wx/phone", &json!({ "code": self.alice.phone_code() }))
                    .token(&self.token),
            ),
            (
                "checked session",
                Ask::get("/wx/session?check=wechat").token(&self.token),
            ),
            ("login", Ask::post("/wx/login", &relogin)),
            (
                "bad login",
                Ask::post("/wx/login", &json!({ "code": "unknown" })),
            ),
            (
                "open body",
                spoof(Ask::post("/api/profile", &data.to_json()).token(&self.token)),
            ),
            (
                "forged body",
                Ask::post(
                    "/api/profile",
                    &json!({ "openData": { "openId": "admin" } }),
                )
                .token(&self.token),
            ),
            (
                "logout",
                Ask::post("/wx/logout", &json!({ "everywhere": true })).token(&self.token),
            ),
        ]
    }

    /// The four invariants, for a request that has been given all the time there is.
    #[track_caller]
    pub fn assert_invariants(&self, stream: StreamId, ask: &Ask, story: &str) {
        let vm = &self.rig.vm;
        assert_eq!(vm.trapped(), None, "{story}");
        assert!(vm.violations().is_empty(), "{story}: {:?}", vm.violations());
        match vm.outcome(stream) {
            Outcome::Forwarded(forwarded) => {
                let target = String::from_utf8_lossy(&ask.target).into_owned();
                assert!(
                    !target.starts_with("/wx/"),
                    "{story}: an endpoint was forwarded"
                );
                let openids: Vec<_> = forwarded
                    .headers
                    .pairs()
                    .iter()
                    .filter(|(name, _)| name.replace('_', "-") == "x-wx-openid")
                    .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
                    .collect();
                let open = target.starts_with("/public") || target.starts_with("/feed");
                let presented = ask.headers.iter().any(|(_, v)| v == self.token.as_bytes());
                if openids.is_empty() {
                    assert!(open, "{story}: {target} passed without an identity");
                } else {
                    assert_eq!(openids, [self.alice.openid()], "{story}");
                    assert!(presented, "{story}: an identity without a token");
                }
                let body = String::from_utf8_lossy(&forwarded.body);
                assert!(!body.contains("encryptedData"), "{story}: {body}");
                assert!(!body.contains("admin"), "{story}: {body}");
                let text = format!("{:?}", forwarded.headers);
                assert!(
                    !text.contains(&self.token),
                    "{story}: the token reached the app"
                );
            }
            Outcome::Replied(reply) => {
                assert!((200..600).contains(&reply.status), "{story}");
                let text = reply.text();
                for key in self.alice.session_keys() {
                    assert!(!text.contains(&key), "{story}: a session_key in a reply");
                }
            }
            Outcome::Paused | Outcome::Stuck => panic!("{story}: no answer; {:?}", vm.log()),
            Outcome::Reset => {}
        }
    }
}
