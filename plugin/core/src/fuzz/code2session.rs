//! What is taken from WeChat's answer, or another platform's, can stand in a header, whatever it or somebody in its place
//! wrote.

use serde_json::Value;

use crate::platform::Platform;
use crate::wechat::answer::Refusal;
use crate::wechat::code2session::is_header_safe;

/// `data` is the body of an answer.
pub fn code2session(data: &[u8]) {
    let value: Value = serde_json::from_slice(data).unwrap_or_default();
    for platform in Platform::ALL {
        answer_of(platform, data, &value);
    }
}

fn answer_of(platform: Platform, data: &[u8], value: &Value) {
    // Where each says how it went, and what says that it went well.
    let (member, good) = match platform {
        Platform::Wechat | Platform::Qq => ("errcode", 0),
        Platform::Douyin => ("err_no", 0),
        Platform::Kuaishou => ("result", 1),
    };
    match (platform.row().read)(data) {
        Ok(login) => {
            assert!(is_header_safe(&login.openid), "{:?}", login.openid);
            assert!(login.unionid.as_deref().is_none_or(is_header_safe));
            assert_eq!(login.session_key.text().len(), 24);
            assert!(login.session_key.aes_key().is_some());
            // What the platform calls an error is no login.
            let errcode = value.get(member).and_then(Value::as_i64);
            assert!(errcode.is_none_or(|errcode| errcode == good), "{value}");
        }
        Err(Refusal::Errcode { errcode, rid }) => {
            assert_ne!(errcode, good);
            let is_plain = |rid: &str| {
                let mut bytes = rid.bytes();
                rid.len() <= 64
                    && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            };
            assert!(rid.as_deref().is_none_or(is_plain), "{rid:?}");
        }
        Err(Refusal::Unreadable(problem)) => assert!(!problem.is_empty()),
    }
}
