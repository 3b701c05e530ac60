//! A whole edge around a request: a configuration with one route of each kind, a user who has logged in, WeChat, and what
//! the user's client, the operator and WeChat have to send.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cell::Cell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use serde_json::Value;

use super::bytes::replaced;
use crate::config::{Config, HostKind};
use crate::fake_host::{FakeHost, run};
use crate::head::Head;
use crate::host::{BodyError, HttpResponse, Request};
use crate::reply::{Action, Verdict};
use crate::wechat::encrypted_data::BLOCK;
use crate::wechat::push::signed::Signed;
use crate::wechat::session_key::SessionKey;
use crate::worker::Worker;

pub(super) const APPID: &str = "wx4f4bc4dec97d474b";
pub(super) const OPENID: &str = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";
/// Whoever else logs in.
pub(super) const OTHER: &str = "oOTHERegBJY1zhBYw2KhdUfwVJJE";
pub(super) const KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";
const MASTER_KEY: &str = "a master key of thirty-two bytes and more";

/// The operator's, in place of `$ADMIN`.
pub(super) const ADMIN_TOKEN: &str = "an-operators-token-of-thirty-two-bytes-and-more";
const PUSH_TOKEN: &str = "a-token-of-message-push";
pub(super) const ACCESS_TOKEN: &str = "an-access-token-of-wechats-server-apis";

/// What leaves the core for nobody but WeChat.
pub(super) const SECRETS: [&str; 5] = [KEY, APP_SECRET, MASTER_KEY, PUSH_TOKEN, ACCESS_TOKEN];

/// In seconds.
const NOW: u64 = 1_477_314_187;

const ROUTES: &str = r#""routes": [
    {"prefix": "/public", "session": "public"},
    {"prefix": "/optional", "session": "optional"},
    {"prefix": "/open", "session": "required", "open_data": "body"},
    {"prefix": "/inner", "session": "optional", "open_data": "body", "open_data_in": "detail",
     "open_data_as": "opened", "open_data_other_types": "pass"},
    {"prefix": "/auth", "session": "public", "login": "body", "login_code": "js_code", "session_in": "sid"},
    {"prefix": "/enter", "session": "optional", "login": "query", "login_errors": "app", "session_in": "sid"},
    {"prefix": "/bind", "session": "required", "login": "headers", "login_binds": true,
     "answers": {"session": {"http_status": 200, "members": {"errno": 501}, "message_as": "errmsg"}}},
    {"prefix": "/socket", "session": "required", "upgrades": ["websocket"]},
    {"prefix": "/watched", "session": "required", "mode": "observe"}
]"#;

/// What else there is.
const EVERYTHING: &str = r#""session": {"cookie": "wx", "query": "wx_token", "piggyback": true},
    "cors_preflight": true, "compat": "wafer", "assertion": {"key": {"env": "WX_KEY"}},
    "identity_headers": {"openid": "X-Who"}"#;

/// What its operator and WeChat do there, beside what clients do.
const OPERATED: &str = r#""admin": {"tokens": [{"env": "WX_ADMIN"}]}, "responses": {"session_end": true, "attributes": true}"#;
const OPERATED_APP: &str = r#", "push": {"token": {"env": "WX_PUSH"}}, "releases": ["release"], "releases_action": "tell""#;

/// The paths of the door to WeChat's API.
pub(super) const ALLOWED: &str =
    r#""wechat_api": {"allow": ["/wxa/img_sec_check", "/cgi-bin/media/"]}"#;

/// What an edge is set up for.
#[derive(Clone, Copy)]
pub(super) enum Setup {
    /// The routes alone.
    Plain,
    /// With everything that a configuration can switch on for clients.
    Full,
    /// With what others than clients do there.
    Operated,
}

impl Setup {
    pub(super) fn chosen(by: u8) -> Self {
        match by % 4 {
            0 => Self::Plain,
            2 => Self::Operated,
            _ => Self::Full,
        }
    }

    fn config(self) -> Config {
        match self {
            Self::Plain => config_with(ROUTES),
            Self::Full => config_with(&format!("{ROUTES}, {EVERYTHING}")),
            Self::Operated => config_of(OPERATED_APP, &format!("{ROUTES}, {OPERATED}")),
        }
    }
}

/// One open data as WeChat makes it. Its time is the world's.
pub(super) const PAYLOAD: &str = r#"{"openId":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","nickName":"小\"明","gender":0,"language":"zh_CN","city":"","province":"","country":"","avatarUrl":"https://x/0","watermark":{"timestamp":1477314187,"appid":"wx4f4bc4dec97d474b"}}"#;

/// A configuration for Envoy with these fields beside its app.
pub(super) fn config_with(fields: &str) -> Config {
    config_of("", fields)
}

/// The same, and the app has these fields behind its secret.
fn config_of(of_app: &str, fields: &str) -> Config {
    let app =
        format!(r#""apps": [{{"appid": "{APPID}", "secret": {{"env": "WX_SECRET"}}{of_app}}}]"#);
    let document = format!(r#"{{{app}, "master_keys": [{{"env": "WX_KEY"}}], {fields}}}"#);
    let environment = |name: &str| {
        Some(String::from(match name {
            "WX_KEY" => MASTER_KEY,
            "WX_ADMIN" => ADMIN_TOKEN,
            "WX_PUSH" => PUSH_TOKEN,
            _ => APP_SECRET,
        }))
    };
    let document = document.replace(
        "\"token\": {\"env\": \"WX_KEY\"}",
        "\"token\": {\"env\": \"WX_SECRET\"}",
    );
    Config::from_json(&document, HostKind::Envoy, &environment).unwrap()
}

/// AES as WeChat does it, with the user's key.
pub(super) fn encrypt(plain: &[u8], iv: [u8; BLOCK]) -> Vec<u8> {
    let mut text = plain.to_vec();
    let pad = BLOCK - text.len() % BLOCK;
    text.resize(text.len() + pad, u8::try_from(pad).unwrap());
    let key = SessionKey::parse(KEY).unwrap().aes_key().unwrap();
    let length = text.len();
    cbc::Encryptor::<aes::Aes128Enc>::new((&*key).into(), (&iv).into())
        .encrypt_padded::<NoPadding>(&mut text, length)
        .unwrap();
    text
}

/// A request as a host has it.
pub(super) struct Sent {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
    /// The body was asked for, and not only whether there is one.
    pub(super) was_read: Cell<bool>,
}

impl Sent {
    pub(super) fn new<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        head: impl IntoIterator<Item = (N, V)>,
        body: Vec<u8>,
    ) -> Self {
        let head = Head::from_pairs(head);
        Self {
            head,
            body,
            was_read: Cell::new(false),
        }
    }
}

impl Request for Sent {
    fn head(&self) -> &Head {
        &self.head
    }

    fn client_address(&self) -> Option<String> {
        Some("192.0.2.1".into())
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.was_read.set(self.was_read.get() || limit > 0);
        (self.body.len() <= limit)
            .then(|| self.body.clone())
            .ok_or(BodyError::TooLarge)
    }
}

/// The query of a push of WeChat's that is not sealed.
fn signed() -> String {
    let timestamp = format!("{NOW}");
    let signed = Signed {
        timestamp: &timestamp,
        nonce: "n",
        encrypt: None,
    };
    let signature = signed.sign(PUSH_TOKEN);
    let signature = core::str::from_utf8(&signature).unwrap();
    format!("signature={signature}&timestamp={timestamp}&nonce=n")
}

pub(super) struct World {
    pub(super) worker: Worker,
    pub(super) host: FakeHost,
    pub(super) token: String,
}

impl World {
    /// Somebody has logged in, and whoever comes next is [`OTHER`].
    pub(super) fn new(setup: Setup) -> Self {
        let mut world = Self::empty(setup.config());
        world.wechat_knows(OPENID);
        let head = [(":method", "POST"), (":path", "/wx/login")];
        // A code that nobody comes to by chance: whoever brings it again is given the same login.
        let body = br#"{"code":"0a8f5c1e7d3b9264"}"#.to_vec();
        let login = world.verdict(&Sent::new(head, body));
        let Action::Reply(response) = login.action else {
            panic!("no app logs anybody in");
        };
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        world.token = body["data"]["token"].as_str().unwrap().to_string();
        world.host.lines.take();
        world.wechat_knows(OTHER);
        world
    }

    /// A door to WeChat's API. Nobody logs in there.
    pub(super) fn door() -> Self {
        let world = Self::empty(config_with(ALLOWED));
        world.wechat_knows(OTHER);
        world
    }

    fn empty(config: Config) -> Self {
        Self {
            worker: Worker::new(config),
            host: FakeHost::at(NOW * 1000),
            token: String::new(),
        }
    }

    /// All that WeChat says, whatever it is asked.
    fn wechat_knows(&self, openid: &'static str) {
        *self.host.answer.borrow_mut() = Some(Box::new(move |_| {
            let phone = format!(
                r#"{{"phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86","watermark":{{"timestamp":{NOW},"appid":"{APPID}"}}}}"#
            );
            let body = format!(
                r#"{{"session_key":"{KEY}","openid":"{openid}","access_token":"{ACCESS_TOKEN}","expires_in":7200,"phone_info":{phone}}}"#
            );
            Ok(HttpResponse {
                status: 200,
                body: body.into_bytes(),
                wanted: None,
            })
        }));
    }

    /// `text` with what only a client knows that has logged in, the operator, and WeChat.
    pub(super) fn filled(&self, text: &[u8]) -> Vec<u8> {
        let data = STANDARD.encode(encrypt(PAYLOAD.as_bytes(), [7; BLOCK]));
        let text = replaced(text, b"$TOKEN", self.token.as_bytes());
        let text = replaced(&text, b"$DATA", data.as_bytes());
        let text = replaced(&text, b"$IV", STANDARD.encode([7; BLOCK]).as_bytes());
        let text = replaced(&text, b"$ADMIN", ADMIN_TOKEN.as_bytes());
        let text = replaced(&text, b"$SIGNED", signed().as_bytes());
        replaced(&text, b"$LONG", &[b'v'; 5000])
    }

    pub(super) fn verdict(&self, sent: &Sent) -> Verdict {
        let mut verdict = run(crate::handle(&self.worker, &self.host, sent));
        let pending = verdict.pending.take();
        run(crate::finish(&self.worker, &self.host, pending));
        verdict
    }
}
