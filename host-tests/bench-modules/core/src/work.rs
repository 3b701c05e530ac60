//! What the core does with a request's data, on the official examples of WeChat's documentation.
//! Each operation takes its input as it comes from a client, a store or WeChat.

use std::hint::black_box;
use std::time::Duration;

use serde::Deserialize;
use wx_session_core::UnixMillis;
use wx_session_core::bench::Sealing;
use wx_session_core::wechat::encrypted_data::{EncryptedData, Expected};
use wx_session_core::wechat::session_key::SessionKey;
use wx_session_core::wechat::{client_base64, code2session, signature};

/// Says whether its result was the known one.
pub(crate) type Operation = Box<dyn FnMut() -> bool>;

/// `host-tests/vectors.json`, as much of it as is used here.
#[derive(Deserialize)]
struct Vectors {
    encrypted_data: [Encrypted; 1],
    signature: Vec<Signed>,
}

#[derive(Deserialize)]
struct Encrypted {
    appid: String,
    session_key: String,
    iv: String,
    encrypted_data: String,
    plain: String,
}

#[derive(Deserialize)]
struct Signed {
    session_key: String,
    signature: String,
    raw_data: String,
}

const VECTORS: &str = include_str!("../../../vectors.json");

/// The owner of the official example.
const OPENID: &str = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";

/// As long as WeChat's own.
const REPLY: &str = r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","unionid":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA"}"#;

pub(crate) fn operation(name: &str) -> Option<Operation> {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    match name {
        "decrypt" => {
            let [data] = vectors.encrypted_data;
            Some(Box::new(move || decrypts(black_box(&data))))
        }
        "signature" => {
            let signed = vectors.signature.into_iter().next()?;
            Some(Box::new(move || verifies(black_box(&signed))))
        }
        "code2session" => Some(Box::new(|| parses(black_box(REPLY)))),
        "seal" => {
            let sealing = Sealing::default();
            Some(Box::new(move || seals(black_box(&sealing))))
        }
        _ => None,
    }
}

/// Base64, AES, padding, JSON, watermark, age and owner.
fn decrypts(data: &Encrypted) -> bool {
    let opened = || {
        let key = SessionKey::parse(&data.session_key)?;
        let ciphertext = client_base64::decode(&data.encrypted_data)?.bytes;
        let iv = client_base64::decode(&data.iv)?.bytes;
        let expected = Expected {
            appid: &data.appid,
            openid: OPENID,
            max_age: Some(Duration::from_mins(1)),
            now: UnixMillis(1_477_314_187_000),
        };
        let data = EncryptedData::new(ciphertext, &iv).ok()?;
        data.open(&key, &expected).ok()
    };
    opened().is_some_and(|opened| *opened.json == data.plain)
}

fn verifies(signed: &Signed) -> bool {
    SessionKey::parse(&signed.session_key)
        .is_some_and(|key| signature::matches(&signed.raw_data, &signed.signature, &key))
}

fn parses(reply: &str) -> bool {
    code2session::parse(reply.as_bytes())
        .is_ok_and(|login| login.openid == OPENID && login.unionid.is_some())
}

/// There and back, as for a login and a later check.
fn seals(sealing: &Sealing) -> bool {
    let sealed = sealing.seal(black_box([7; 12]));
    sealed.is_some_and(|sealed| sealing.opens(black_box(&sealed)))
}
