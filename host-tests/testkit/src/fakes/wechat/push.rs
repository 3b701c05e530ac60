//! WeChat as it sends its messages (消息推送): in every mode and format, checked when the URL is set, and again where no
//! answer comes. It forms requests and judges answers.

use super::FakeWechat;
use super::push_seal::{encrypt, framed, open, sign};
use crate::client::{self, Request};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

/// How messages are sealed, as the operator has chosen at WeChat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Plain,
    /// Sealed, and beside it in plain text.
    Compatible,
    /// Sealed.
    Safe,
}

/// How they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushFormat {
    /// An object.
    Json,
    /// `<xml>…</xml>`.
    Xml,
}

/// What an operator has written at WeChat.
#[derive(Debug, Clone)]
pub struct PushAccount {
    wechat: FakeWechat,
    /// The app.
    pub appid: String,
    /// The Token.
    pub token: String,
    /// The EncodingAESKey.
    pub encoding_aes_key: String,
    /// The path of the URL, perhaps with a query.
    pub path: String,
    /// See there.
    pub mode: Mode,
    /// See there.
    pub format: PushFormat,
}

/// A message: names and values in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Message(pub Vec<(String, Value)>);

/// A request of WeChat's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// GET for a check of the URL, else POST.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// Of the body.
    pub content_type: &'static str,
    /// None of a check.
    pub body: Option<String>,
}

/// What WeChat makes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The message has come: nothing is done.
    Nothing,
    /// The message has come, and this is the answer to it.
    Answer(String),
    /// It has not come, or nobody can tell: it is sent again.
    Fault(String),
}

impl Message {
    /// A text that a user has written.
    #[must_use]
    pub fn text(from: &str, at: u64, id: u64, content: &str) -> Self {
        Self::of(
            from,
            at,
            &[
                ("MsgType", json!("text")),
                ("Content", json!(content)),
                ("MsgId", json!(id)),
            ],
        )
    }

    /// Something that has happened. It has no id.
    #[must_use]
    pub fn event(from: &str, at: u64, event: &str) -> Self {
        let (kind, event) = (json!("event"), json!(event));
        Self::of(from, at, &[("MsgType", kind), ("Event", event)])
    }

    fn of(from: &str, at: u64, rest: &[(&str, Value)]) -> Self {
        let head = [
            ("ToUserName", json!("gh_97417a04a28d")),
            ("FromUserName", json!(from)),
            ("CreateTime", json!(at)),
        ];
        let all = head.iter().chain(rest);
        Self(
            all.map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        )
    }

    /// One more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.push((name.to_owned(), value));
        self
    }

    /// As it is written.
    #[must_use]
    pub fn written(&self, format: PushFormat) -> String {
        match format {
            PushFormat::Json => {
                let members = self
                    .0
                    .iter()
                    .map(|(name, value)| format!("{}:{value}", json!(name)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
            PushFormat::Xml => {
                let mut text = "<xml>".to_owned();
                for (name, value) in &self.0 {
                    let _ = match value {
                        Value::String(value) => {
                            // What would end it is parted between two of them.
                            let value = value.replace("]]>", "]]]]><![CDATA[>");
                            write!(text, "<{name}><![CDATA[{value}]]></{name}>")
                        }
                        value => write!(text, "<{name}>{value}</{name}>"),
                    };
                }
                text + "</xml>"
            }
        }
    }
}

impl FakeWechat {
    /// Message push of an app, as an operator sets it up.
    #[must_use]
    pub fn push_account(
        &self,
        appid: &str,
        token: &str,
        encoding_aes_key: &str,
        path: &str,
    ) -> PushAccount {
        PushAccount {
            wechat: self.clone(),
            appid: appid.to_owned(),
            token: token.to_owned(),
            encoding_aes_key: encoding_aes_key.to_owned(),
            path: path.to_owned(),
            mode: Mode::Safe,
            format: PushFormat::Json,
        }
    }
}

/// No answer within it is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// So often a message is sent, in all.
const TRIES: usize = 3;

impl PushAccount {
    /// The same in another mode and format.
    #[must_use]
    pub fn in_mode(&self, mode: Mode, format: PushFormat) -> Self {
        let mut other = self.clone();
        (other.mode, other.format) = (mode, format);
        other
    }

    /// A check of the URL, and what it must be answered with.
    #[must_use]
    pub fn check(&self) -> (Push, String) {
        let (timestamp, nonce) = self.stamp();
        let echo = self.number();
        let signature = sign(&[&self.token, &timestamp, &nonce]);
        let query =
            format!("signature={signature}&echostr={echo}&timestamp={timestamp}&nonce={nonce}");
        let push = Push {
            method: "GET",
            target: self.target(&query),
            content_type: "text/plain",
            body: None,
        };
        (push, echo)
    }

    /// A message. Each time it is signed and sealed anew, as WeChat's repetitions are.
    #[must_use]
    pub fn push(&self, message: &Message) -> Push {
        self.push_written(&message.written(self.format))
    }

    /// The same with a message that is written so.
    #[must_use]
    pub fn push_written(&self, message: &str) -> Push {
        let mut random = [0; 16];
        random.copy_from_slice(&self.wechat.world().draw()[..16]);
        self.push_framed(message, framed(&random, message.as_bytes(), &self.appid))
    }

    /// The same with these bytes sealed, whatever they are.
    ///
    /// # Panics
    /// If the key is none, or the bytes are no whole blocks.
    #[must_use]
    pub fn push_framed(&self, message: &str, framed: Vec<u8>) -> Push {
        let (timestamp, nonce) = self.stamp();
        let signature = sign(&[&self.token, &timestamp, &nonce]);
        let mut query = format!(
            "signature={signature}&timestamp={timestamp}&nonce={nonce}&openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
        );
        if self.mode == Mode::Plain {
            return self.posted(&query, message.to_owned());
        }
        let encrypt = encrypt(framed, &self.encoding_aes_key).expect("whole blocks, a good key");
        let msg_signature = sign(&[&self.token, &timestamp, &nonce, &encrypt]);
        let _ = write!(query, "&encrypt_type=aes&msg_signature={msg_signature}");
        let body = self.around(message, &encrypt);
        self.posted(&query, body)
    }

    /// What a sealed push looks like around its `Encrypt`.
    fn around(&self, message: &str, encrypt: &str) -> String {
        let to = "gh_97417a04a28d";
        match (self.mode, self.format) {
            (Mode::Compatible, PushFormat::Json) => {
                let message = message.trim_end();
                let open = message.strip_suffix('}').unwrap_or(message);
                format!(r#"{open},"Encrypt":"{encrypt}"}}"#)
            }
            (Mode::Compatible, PushFormat::Xml) => {
                let message = message.trim_end();
                let open = message.strip_suffix("</xml>").unwrap_or(message);
                format!("{open}<Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>")
            }
            (_, PushFormat::Json) => json!({ "ToUserName": to, "Encrypt": encrypt }).to_string(),
            (_, PushFormat::Xml) => format!(
                "<xml>\n    <ToUserName><![CDATA[{to}]]></ToUserName>\n    <Encrypt><![CDATA[{encrypt}]]></Encrypt>\n</xml>\n"
            ),
        }
    }

    fn posted(&self, query: &str, body: String) -> Push {
        Push {
            method: "POST",
            target: self.target(query),
            content_type: match self.format {
                PushFormat::Json => "application/json",
                PushFormat::Xml => "text/xml",
            },
            body: Some(body),
        }
    }

    fn target(&self, query: &str) -> String {
        let between = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{between}{query}", self.path)
    }

    fn stamp(&self) -> (String, String) {
        (self.wechat.now().to_string(), self.number())
    }

    fn number(&self) -> String {
        let drawn = self.wechat.world().draw();
        let number = u32::from_be_bytes([drawn[0], drawn[1], drawn[2], drawn[3]]);
        number.to_string()
    }

    /// Sends a message until it has come, three times at most. `send` says status and body of the answer, none if
    /// there was none within 5 s. What was heard each time.
    pub fn send(
        &self,
        message: &Message,
        mut send: impl FnMut(&Push) -> Option<(u16, Vec<u8>)>,
    ) -> Vec<Heard> {
        let mut heard = Vec::new();
        while heard.len() < TRIES {
            let answer = send(&self.push(message));
            heard.push(answer.map_or_else(
                || Heard::Fault("no answer".to_owned()),
                |(status, body)| self.hear(status, &body),
            ));
            if !matches!(heard.last(), Some(Heard::Fault(_))) {
                break;
            }
        }
        heard
    }

    /// The same to an edge at this address.
    #[must_use]
    pub fn send_to(&self, edge: SocketAddr, message: &Message) -> Vec<Heard> {
        self.send(message, |push| {
            let request = Request::new(push.method, &push.target)
                .header("content-type", push.content_type)
                .header("user-agent", "Mozilla/4.0")
                .body(push.body.as_deref().unwrap_or_default());
            let answer = client::send(edge, &request, PATIENCE).ok()?;
            Some((answer.status, answer.body))
        })
    }

    /// What WeChat makes of an answer.
    #[must_use]
    pub fn hear(&self, status: u16, body: &[u8]) -> Heard {
        if status != 200 {
            return Heard::Fault(format!("HTTP {status}"));
        }
        if body.is_empty() || body == b"success" {
            return Heard::Nothing;
        }
        if self.mode == Mode::Plain {
            return Heard::Answer(String::from_utf8_lossy(body).into_owned());
        }
        match self.opened(body) {
            Ok(answer) => Heard::Answer(answer),
            Err(error) => Heard::Fault(error.to_string()),
        }
    }

    fn opened(&self, body: &[u8]) -> anyhow::Result<String> {
        let text = std::str::from_utf8(body)?;
        let [encrypt, signature, timestamp, nonce] = match self.format {
            PushFormat::Json => {
                let json: Value = serde_json::from_str(text)?;
                anyhow::ensure!(json["TimeStamp"].is_u64(), "TimeStamp is no number");
                ["Encrypt", "MsgSignature", "TimeStamp", "Nonce"].map(|name| match &json[name] {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                })
            }
            PushFormat::Xml => {
                ["Encrypt", "MsgSignature", "TimeStamp", "Nonce"].map(|name| between(text, name))
            }
        };
        let expected = sign(&[&self.token, &timestamp, &nonce, &encrypt]);
        anyhow::ensure!(signature == expected, "MsgSignature");
        let (message, appid) = open(&encrypt, &self.encoding_aes_key)?;
        anyhow::ensure!(appid == self.appid, "appid");
        Ok(message)
    }
}

/// The text of an element, with or without CDATA.
fn between(xml: &str, name: &str) -> String {
    let rest = xml.split_once(&format!("<{name}>"));
    let text = rest.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    let text = text.map_or("", |(text, _)| text);
    let inner = text.strip_prefix("<![CDATA[");
    let inner = inner.and_then(|text| text.strip_suffix("]]>"));
    inner.unwrap_or(text).to_owned()
}
