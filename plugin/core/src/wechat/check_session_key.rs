//! `GET /wxa/checksession`: whether WeChat still holds a user's session_key.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/checkSessionKey.html>

use alloc::string::String;

use form_urlencoded::Serializer;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use super::answer::{Refusal, json_of, refusal};
use super::session_key::SessionKey;
use crate::hex::hex;

/// Path of the call.
pub(crate) const PATH: &str = "/wxa/checksession";

/// The key is not WeChat's: another one has come, or none.
pub(super) const OTHER_KEY: i64 = 87009;

/// The query of the call, without its token. `None` only if the key were unusable, which none is.
pub(crate) fn query(openid: &str, key: &SessionKey) -> Option<String> {
    let mut query = Serializer::new(String::new());
    query.append_pair("openid", openid);
    query.append_pair("signature", &signature(key)?);
    query.append_pair("sig_method", "hmac_sha256");
    Some(query.finish())
}

/// HMAC-SHA256 of nothing, under the text of the key.
fn signature(key: &SessionKey) -> Option<String> {
    let mac = Hmac::<Sha256>::new_from_slice(key.text().as_bytes()).ok()?;
    Some(hex(&mac.finalize().into_bytes()))
}

#[derive(Deserialize)]
struct Reply {
    errcode: Option<Value>,
    errmsg: Option<Value>,
}

/// Reads the body of an answer with HTTP status 200: whether WeChat holds the key.
///
/// # Errors
/// Another errcode, or that the body is none of WeChat's.
pub(crate) fn read(body: &[u8]) -> Result<bool, Refusal> {
    let reply: Reply = json_of(body)?;
    if reply.errcode.is_none() {
        return Err(Refusal::Unreadable("has no errcode"));
    }
    match refusal(reply.errcode.as_ref(), reply.errmsg.as_ref()) {
        Ok(()) => Ok(true),
        Err(Refusal::Errcode { errcode, .. }) if errcode == OTHER_KEY => Ok(false),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    /// Also by openssl: `printf '' | openssl dgst -sha256 -hmac 'tiihtNczf5v6AKRyjwEUhQ=='`.
    #[test]
    fn the_signature_is_over_nothing_under_the_text_of_the_key() {
        let key = SessionKey::parse("tiihtNczf5v6AKRyjwEUhQ==").unwrap();
        let query = query("o1", &key).unwrap();
        assert_eq!(
            query,
            "openid=o1&signature=7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735&sig_method=hmac_sha256"
        );
    }

    #[test]
    fn two_answers_are_answers() {
        assert_eq!(read(br#"{"errcode":0,"errmsg":"ok"}"#), Ok(true));
        assert_eq!(read(br#"{"errcode":"87009"}"#), Ok(false));
        let (errcode, rid) = (-1, None);
        assert_eq!(
            read(br#"{"errcode":-1}"#),
            Err(Refusal::Errcode { errcode, rid })
        );
        assert_eq!(read(b"{}"), Err(Refusal::Unreadable("has no errcode")));
    }
}
