//! What is read of a message of WeChat's is what other readers read of it, a seal opens to what was sealed and for its
//! own app alone, and an answer that is sealed opens again.

use alloc::format;
use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::wechat::push::cipher::PushKey;
use crate::wechat::push::message::{Format, read};
use crate::wechat::push::reply::{Seal, sealed};

const APPID: &str = "wxba5fad812f8e6fb9";

/// The bytes are a body, a sealed message as it comes, a message to be sealed, and a text in one.
pub fn push(data: &[u8]) {
    body(data);
    let key = PushKey::parse(&"A".repeat(43)).unwrap();
    // Whatever was sealed, nothing is opened that was sealed for nobody.
    if let Ok(message) = key.open(&STANDARD.encode(data), APPID) {
        body(&message);
    }
    if let Ok(text) = core::str::from_utf8(data) {
        // Nearly never base64.
        let _ = key.open(text, APPID);
        in_a_document(text);
    }
    let encrypt = key.seal([7; 16], data, APPID).unwrap();
    assert_eq!(key.open(&encrypt, APPID).as_deref(), Ok(data));
    assert!(key.open(&encrypt, "wxba5fad812f8e6fb8").is_err());
    answer(data, &key);
}

fn body(data: &[u8]) {
    let Some((format, fields)) = read(data) else {
        return;
    };
    let text = core::str::from_utf8(data).unwrap();
    match format {
        Format::Json => {
            // Raw control characters and halves of characters are no JSON, and let through all the same.
            let Ok(json) = serde_json::from_str::<Value>(text) else {
                let is_raw = data.iter().any(|byte| *byte < b' ');
                // Nor is a number that is none for serde.
                let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
                assert!(is_raw || is_json, "{text}");
                return;
            };
            assert!(json.is_object(), "{text}");
            for (own, value) in [
                (fields.encrypt, &json["Encrypt"]),
                (fields.from_user_name, &json["FromUserName"]),
            ] {
                // The digits of other numbers serde has not kept.
                if !value.is_number() || value.is_u64() {
                    assert_eq!(own, word(value), "{text}");
                }
            }
        }
        Format::Xml => {
            let begins = text.trim_start();
            assert!(begins.starts_with('<') && !begins.starts_with("<!DOCTYPE"));
            assert!(text.trim_end().ends_with('>'), "{text}");
        }
    }
}

/// A text or a number.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_u64() => Some(format!("{number}")),
        _ => None,
    }
}

/// A text stands in a document as it is, whatever it is made of.
fn in_a_document(text: &str) {
    if text.contains("]]>") {
        return;
    }
    let document = format!("<xml><FromUserName><![CDATA[{text}]]></FromUserName></xml>");
    let (format, fields) = read(document.as_bytes()).unwrap();
    // Ends of lines are one and the same in XML.
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    assert_eq!(format, Format::Xml);
    assert_eq!(fields.from_user_name.as_deref(), Some(lines.trim()));
    let json = serde_json::json!({ "FromUserName": text });
    let (format, fields) = read(format!("{json}").as_bytes()).unwrap();
    assert_eq!(format, Format::Json);
    assert_eq!(fields.from_user_name.as_deref(), Some(text));
}

fn answer(data: &[u8], key: &PushKey) {
    let seal = Seal {
        key,
        token: "AAAAA",
        appid: APPID,
        random: [7; 16],
        timestamp: 1,
        nonce: "1",
    };
    for format in [Format::Json, Format::Xml] {
        let text = sealed(data, format, &seal).unwrap();
        let (as_read, fields) = read(text.as_bytes()).unwrap();
        assert_eq!(as_read, format);
        let opened = key.open(&fields.encrypt.unwrap(), APPID);
        assert_eq!(opened.as_deref(), Ok(data));
    }
}
