//! How an app's answer to a sealed push goes back to WeChat.

use alloc::format;
use alloc::string::String;

use serde::Serialize;

use super::cipher::PushKey;
use super::message::Format;
use super::signed::Signed;

/// Whether an answer says no more than that the message has come: it is never sealed.
#[must_use]
pub fn says_nothing(answer: &[u8]) -> bool {
    let answer = answer.trim_ascii();
    answer.is_empty() || answer == b"success"
}

/// Whose answer it is, and what makes it unlike every other.
#[derive(Clone, Copy, Debug)]
pub struct Seal<'a> {
    /// The app's EncodingAESKey.
    pub key: &'a PushKey,
    /// The app's Token.
    pub token: &'a str,
    /// The app's id.
    pub appid: &'a str,
    /// Never used before.
    pub random: [u8; 16],
    /// Unix seconds.
    pub timestamp: u64,
    /// Digits.
    pub nonce: &'a str,
}

/// `answer` sealed, in the format of the push.
#[must_use]
pub fn sealed(answer: &[u8], format: Format, seal: &Seal<'_>) -> Option<String> {
    let encrypt = seal.key.seal(seal.random, answer, seal.appid)?;
    let timestamp = format!("{}", seal.timestamp);
    let signed = Signed {
        timestamp: &timestamp,
        nonce: seal.nonce,
        encrypt: Some(&encrypt),
    };
    let signature = signed.sign(seal.token);
    let signature = core::str::from_utf8(&signature).ok()?;
    let nonce = seal.nonce;
    match format {
        Format::Json => {
            #[derive(Serialize)]
            #[serde(rename_all = "PascalCase")]
            struct Sealed<'a> {
                encrypt: &'a str,
                msg_signature: &'a str,
                // A number, as the documentation has it.
                time_stamp: u64,
                nonce: &'a str,
            }
            let sealed = Sealed {
                encrypt: &encrypt,
                msg_signature: signature,
                time_stamp: seal.timestamp,
                nonce,
            };
            serde_json::to_string(&sealed).ok()
        }
        // None of them can end a CDATA section.
        Format::Xml => Some(format!(
            "<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>\
             <TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::string::ToString as _;

    #[test]
    fn the_documentations_answer_is_made_and_its_signature_is_right() {
        let key = PushKey::parse(&"A".repeat(43)).unwrap();
        let seal = Seal {
            key: &key,
            token: "AAAAA",
            appid: "wxba5fad812f8e6fb9",
            random: *b"707722b803182950",
            timestamp: 1_713_424_427,
            nonce: "415670741",
        };
        let answer = br#"{"demo_resp":"good luck"}"#;
        let json = sealed(answer, Format::Json, &seal).unwrap();
        let encrypt = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==";
        let signature = "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1";
        assert_eq!(
            json,
            format!(
                r#"{{"Encrypt":"{encrypt}","MsgSignature":"{signature}","TimeStamp":1713424427,"Nonce":"415670741"}}"#
            )
        );
        let xml = sealed(answer, Format::Xml, &seal).unwrap();
        assert!(xml.contains(&format!("<![CDATA[{signature}]]>")), "{xml}");
        let names = ["Encrypt", "TimeStamp"];
        let read = super::super::xml::texts(&xml, names).unwrap();
        assert_eq!(
            read,
            [encrypt, "1713424427"].map(|text| Some(text.to_string()))
        );
    }

    #[test]
    fn what_says_nothing_is_not_sealed() {
        for nothing in ["", "success", " success\n"] {
            assert!(says_nothing(nothing.as_bytes()), "{nothing}");
        }
        for something in ["fail", "{}", "success!"] {
            assert!(!says_nothing(something.as_bytes()), "{something}");
        }
    }
}
