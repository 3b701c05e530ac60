//! What opens is JSON that speaks of this app and this user, and nothing else opens.

use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::bytes::{choice, take};
use super::world::{APPID, KEY, OPENID, encrypt};
use crate::time::UnixMillis;
use crate::wechat::client_base64::decode;
use crate::wechat::encrypted_data::{BLOCK, EncryptedData, Expected};
use crate::wechat::session_key::SessionKey;

/// The first byte chooses a bit to be turned; the rest is a plaintext, a ciphertext with its iv in front, and base64.
pub fn encrypted_data(data: &[u8]) {
    let (chosen, rest) = choice(data);
    base64(rest);
    let (iv, ciphertext) = take::<BLOCK>(rest);
    open(ciphertext.to_vec(), iv);
    let iv = [7; BLOCK];
    let sealed = encrypt(rest, iv);
    let opened = open(sealed.clone(), iv);
    if let Some(json) = &opened {
        let own = serde_json::from_slice::<Value>(rest);
        // Only raw control characters are written in another way.
        assert!(own.is_err() || own.ok() == serde_json::from_str(json).ok());
    }
    // Whoever turns bits of the iv changes the first block alone, and never whose data it is.
    let mut bent = iv;
    bent[usize::from(chosen) % BLOCK] ^= 1 << (chosen / 16 % 8);
    open(sealed.clone(), bent);
    // Nor by leaving blocks out at the front, or the last one.
    for cut in (BLOCK..sealed.len()).step_by(BLOCK) {
        let before = sealed[cut - BLOCK..cut].try_into().unwrap();
        open(sealed[cut..].to_vec(), before);
        open(sealed[..cut].to_vec(), iv);
    }
}

/// Opens it, and looks at what comes of it.
fn open(ciphertext: Vec<u8>, iv: [u8; BLOCK]) -> Option<alloc::string::String> {
    let whole = !ciphertext.is_empty() && ciphertext.len().is_multiple_of(BLOCK);
    let data = EncryptedData::new(ciphertext, &iv);
    assert_eq!(data.is_ok(), whole);
    let data = data.ok()?;
    let key = SessionKey::parse(KEY).unwrap();
    let expected = Expected {
        appid: APPID,
        openid: OPENID,
        max_age: None,
        now: UnixMillis(0),
    };
    let opened = data.open(&key, &expected).ok()?;
    let json: Value = serde_json::from_str(&opened.json).unwrap();
    assert!(json.is_object(), "{json}");
    assert_eq!(json["watermark"]["appid"], APPID, "{json}");
    let owner = &json["openId"];
    assert!(owner.is_null() || *owner == OPENID, "{json}");
    let other_app = Expected {
        appid: "wx0",
        ..expected
    };
    assert!(data.open(&key, &other_app).is_err());
    let other_user = Expected {
        openid: "o",
        ..expected
    };
    assert_eq!(data.open(&key, &other_user).is_ok(), owner.is_null());
    Some(opened.json.as_str().into())
}

fn base64(data: &[u8]) {
    for text in [STANDARD.encode(data), URL_SAFE_NO_PAD.encode(data)] {
        let decoded = decode(&text).unwrap();
        assert_eq!(decoded.bytes, data, "{text}");
        // What wx.request makes of a form that nobody has encoded, and what was encoded twice.
        for damaged in [
            text.replace('+', " "),
            text.replace('+', "%2B").replace('/', "%252F"),
        ] {
            assert_eq!(decode(&damaged).unwrap().bytes, data, "{damaged}");
        }
    }
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Some(decoded) = decode(text) {
        let again = decode(&STANDARD.encode(&decoded.bytes)).unwrap();
        assert_eq!(again.bytes, decoded.bytes);
        assert!(!again.repaired && decoded.bytes.len() <= text.len());
    }
}
