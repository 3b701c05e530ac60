//! What is taken from WeChat's answer can stand in a header, whatever WeChat or somebody in its place wrote.

use serde_json::Value;

use crate::wechat::code2session::{Refusal, is_header_safe, parse};

/// `data` is the body of an answer.
pub fn code2session(data: &[u8]) {
    let value: Value = serde_json::from_slice(data).unwrap_or_default();
    match parse(data) {
        Ok(login) => {
            assert!(is_header_safe(&login.openid), "{:?}", login.openid);
            assert!(login.unionid.as_deref().is_none_or(is_header_safe));
            assert_eq!(login.session_key.text().len(), 24);
            assert!(login.session_key.aes_key().is_some());
            // What WeChat calls an error is no login.
            let errcode = value.get("errcode").and_then(Value::as_i64);
            assert!(matches!(errcode, None | Some(0)), "{value}");
        }
        Err(Refusal::Errcode { errcode, rid }) => {
            assert_ne!(errcode, 0);
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
