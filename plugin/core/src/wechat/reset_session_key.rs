//! `GET /wxa/resetusersessionkey`: another session_key in the place of a user's, good for as long as that would have been.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html>
//!
//! Its answer is that of a login, the user and the new key: `code2session::parse` reads it.

use super::check_session_key::OTHER_KEY;

/// The query is that of checkSessionKey, signed with the key that is to go.
pub(crate) use super::check_session_key::query;

/// Path of the call.
pub(crate) const PATH: &str = "/wxa/resetusersessionkey";

/// Whether an errcode says that WeChat holds another key than the one that was to go.
pub(crate) fn is_other_key(errcode: i64) -> bool {
    errcode == OTHER_KEY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use crate::wechat::answer::Refusal;
    use crate::wechat::code2session::parse;

    #[test]
    fn the_new_key_is_read_and_so_is_a_refusal() {
        let answer = r#"{"errcode":0,"errmsg":"ok","openid":"o1","session_key":"GtYYez5b\/M5HhT4L7n31gQ=="}"#;
        let new = parse(answer.as_bytes()).unwrap();
        assert_eq!(
            (&*new.openid, new.session_key.text()),
            ("o1", "GtYYez5b/M5HhT4L7n31gQ==")
        );
        let refused = parse(br#"{"errcode":87009,"errmsg":"invalid signature rid: 1-2"}"#);
        let Err(Refusal::Errcode { errcode, rid }) = refused else {
            panic!("{refused:?}");
        };
        assert!(is_other_key(errcode) && !is_other_key(87008));
        assert_eq!(rid.as_deref(), Some("1-2"));
        for none in ["{}", r#"{"errcode":0,"errmsg":"ok"}"#] {
            assert!(
                matches!(parse(none.as_bytes()), Err(Refusal::Unreadable(_))),
                "{none}"
            );
        }
    }
}
