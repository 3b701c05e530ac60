//! `GET /wxa/resetusersessionkey`: another session_key in the place of a user's, good for as long as that would have been.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html>

use super::check_session_key::OTHER_KEY;
use super::code2session::{Code2Session, Refusal, parse};

/// The query is that of checkSessionKey, signed with the key that is to go.
pub(crate) use super::check_session_key::query;

/// Path of the call.
pub(crate) const PATH: &str = "/wxa/resetusersessionkey";

/// Whether an errcode says that WeChat holds another key than the one that was to go.
pub(crate) fn is_other_key(errcode: i64) -> bool {
    errcode == OTHER_KEY
}

/// Reads the body of an answer with HTTP status 200: the user and the new key, as after a login.
///
/// # Errors
/// WeChat's errcode, or that the body is none of WeChat's.
pub(crate) fn read(body: &[u8]) -> Result<Code2Session, Refusal> {
    parse(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn the_new_key_is_read_and_so_is_a_refusal() {
        let answer = r#"{"errcode":0,"errmsg":"ok","openid":"o1","session_key":"GtYYez5b\/M5HhT4L7n31gQ=="}"#;
        let new = read(answer.as_bytes()).unwrap();
        assert_eq!(
            (&*new.openid, new.session_key.text()),
            ("o1", "GtYYez5b/M5HhT4L7n31gQ==")
        );
        let refused = read(br#"{"errcode":87009,"errmsg":"invalid signature rid: 1-2"}"#);
        let Err(Refusal::Errcode { errcode, rid }) = refused else {
            panic!("{refused:?}");
        };
        assert!(is_other_key(errcode) && !is_other_key(87008));
        assert_eq!(rid.as_deref(), Some("1-2"));
        for none in ["{}", r#"{"errcode":0,"errmsg":"ok"}"#] {
            assert!(
                matches!(read(none.as_bytes()), Err(Refusal::Unreadable(_))),
                "{none}"
            );
        }
    }
}
