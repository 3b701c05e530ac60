//! `POST /wxa/business/getuserphonenumber`: the code of the button, the body of the call, and its answer.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html>

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::answer::{Refusal, json_of, refusal};

/// Path of the call.
pub(crate) const PATH: &str = "/wxa/business/getuserphonenumber";

/// Whether a text may be a code of the button: those of `wx.login` have another length.
pub(crate) fn is_code(code: &str) -> bool {
    code.len() == 64 && code.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The body of the call. With the openid, WeChat refuses the code of another user.
pub(crate) fn body(code: &str, openid: &str) -> Vec<u8> {
    json!({ "code": code, "openid": openid })
        .to_string()
        .into_bytes()
}

/// A user's number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PhoneNumber {
    /// The object as WeChat wrote it: `phoneNumber`, `purePhoneNumber`, `countryCode`, `watermark`.
    pub(crate) json: Zeroizing<String>,
    /// Whose app asked for it.
    pub(crate) appid: String,
}

#[derive(Deserialize)]
struct Reply {
    errcode: Option<Value>,
    errmsg: Option<Value>,
    phone_info: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    phone_number: String,
    watermark: Watermark,
}

#[derive(Deserialize)]
struct Watermark {
    appid: String,
}

/// Reads the body of an answer with HTTP status 200.
///
/// # Errors
/// WeChat's errcode, or that the body is none of WeChat's.
pub(crate) fn read(body: &[u8]) -> Result<PhoneNumber, Refusal> {
    let reply: Reply = json_of(body)?;
    refusal(reply.errcode.as_ref(), reply.errmsg.as_ref())?;
    let unreadable = Refusal::Unreadable("has no readable phone_info");
    let Some(json) = reply.phone_info.as_deref().map(RawValue::get) else {
        return Err(unreadable);
    };
    match serde_json::from_str::<Info>(json) {
        Ok(info) if !info.phone_number.is_empty() => Ok(PhoneNumber {
            json: Zeroizing::new(json.into()),
            appid: info.watermark.appid,
        }),
        _ => Err(unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;

    #[test]
    fn a_number_is_kept_as_it_was_written() {
        for country in ["86", "\"86\""] {
            let info = format!(
                r#"{{"phoneNumber":"+86 1","purePhoneNumber":"1","countryCode":{country},"watermark":{{"timestamp":1,"appid":"wx1"}}}}"#
            );
            let body = format!(r#"{{"errcode":0,"errmsg":"ok","phone_info":{info}}}"#);
            let read = read(body.as_bytes()).unwrap();
            assert_eq!((&**read.json, &*read.appid), (&*info, "wx1"));
        }
    }

    #[test]
    fn what_is_no_number_is_told_why() {
        for body in [
            "{}",
            r#"{"phone_info":{"phoneNumber":"1"}}"#,
            r#"{"phone_info":{"phoneNumber":"","watermark":{"appid":"a"}}}"#,
            r#"{"phone_info":null}"#,
        ] {
            let expected = Refusal::Unreadable("has no readable phone_info");
            assert_eq!(read(body.as_bytes()), Err(expected), "{body}");
        }
        let refused = read(br#"{"errcode":40029,"errmsg":"invalid code"}"#);
        let (errcode, rid) = (40029, None);
        assert_eq!(refused, Err(Refusal::Errcode { errcode, rid }));
    }

    #[test]
    fn only_the_buttons_codes_are_codes() {
        assert!(is_code(&"0123456789abcdef".repeat(4)));
        for other in ["", &"a".repeat(32), &"a".repeat(65), &"g".repeat(64)] {
            assert!(!is_code(other), "{other}");
        }
    }
}
