//! `GET /sns/jscode2session`: the query and the many shapes of its answer.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html>

use alloc::string::String;

use form_urlencoded::Serializer;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{Refusal, json_of, refusal};
use super::session_key::SessionKey;

/// Who the code belongs to.
#[derive(Debug, PartialEq, Eq)]
pub struct Code2Session {
    /// The user's id in this app: visible ASCII, at most 128 characters.
    pub openid: String,
    /// The key for this user's open data.
    pub session_key: SessionKey,
    /// The user's id across the apps of one Open Platform account, where the app is bound to one.
    pub unionid: Option<String>,
}

/// Path and query of the call. Holds the AppSecret: never log it.
#[must_use]
pub fn path(appid: &str, secret: &str, js_code: &str) -> String {
    let mut path = String::from("/sns/jscode2session?");
    let at = path.len();
    path = Serializer::for_suffix(path, at)
        .append_pair("appid", appid)
        .append_pair("secret", secret)
        .append_pair("js_code", js_code)
        .append_pair("grant_type", "authorization_code")
        .finish();
    path
}

#[derive(Deserialize)]
struct Reply {
    errcode: Option<Value>,
    errmsg: Option<Value>,
    openid: Option<String>,
    session_key: Option<String>,
    unionid: Option<Value>,
}

/// Reads the body of an answer with HTTP status 200. Errors come with 200, as `text/plain`, and the errcode is
/// sometimes a string.
///
/// # Errors
/// WeChat's errcode, or that the body is none of WeChat's.
pub fn parse(body: &[u8]) -> Result<Code2Session, Refusal> {
    let reply: Reply = json_of(body)?;
    refusal(reply.errcode.as_ref(), reply.errmsg.as_ref())?;
    let unionid = match reply.unionid {
        Some(Value::String(id)) => Some(id),
        _ => None,
    };
    granted(reply.openid, reply.session_key.as_deref(), unionid)
}

/// A login of what an answer says.
///
/// # Errors
/// That one of the two that a login needs is not there, or is none.
pub(crate) fn granted(
    openid: Option<String>,
    session_key: Option<&str>,
    unionid: Option<String>,
) -> Result<Code2Session, Refusal> {
    let safe = |id: Option<String>| id.filter(|id| is_header_safe(id));
    let openid = safe(openid).ok_or(Refusal::Unreadable("has no readable openid"))?;
    let session_key = session_key.and_then(SessionKey::parse);
    let session_key = session_key.ok_or(Refusal::Unreadable("has no readable session_key"))?;
    Ok(Code2Session {
        openid,
        session_key,
        // Not worth a login, whatever it is.
        unionid: safe(unionid),
    })
}

/// Ids become header values upstream: nothing but visible ASCII may get that far.
pub(crate) fn is_header_safe(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;

    const OK: &str =
        r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oGZUI0egBJY1zhBYw2KhdUfwVJJE"}"#;

    #[test]
    fn a_login_is_read_with_escaped_slashes_and_errcode_zero() {
        assert_eq!(
            parse(OK.as_bytes()).unwrap().openid,
            "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
        );
        let odd = r#"{"errcode":"0","session_key":"GtYYez5b\/M5HhT4L7n31gQ==","openid":"o1","unionid":"u1"}"#;
        let login = parse(odd.as_bytes()).unwrap();
        assert_eq!(login.session_key.text(), "GtYYez5b/M5HhT4L7n31gQ==");
        assert_eq!(login.unionid.as_deref(), Some("u1"));
        let odd = format!("\u{feff}{}", OK.replace('{', r#"{"errmsg":5,"unionid":7,"#));
        assert_eq!(parse(odd.as_bytes()).unwrap().unionid, None);
    }

    #[test]
    fn errcodes_are_read_as_number_and_as_string_with_their_rid() {
        for (code, tail, rid) in [
            ("40029", ", rid: 5f7c-ab12-09", Some("5f7c-ab12-09")),
            ("\"40163\"", ", hints: [ req_id: aBc_1 ]", Some("aBc_1")),
            ("-1", "", None),
        ] {
            let body = format!(r#"{{"errcode":{code},"errmsg":"some words{tail}"}}"#);
            let errcode = code.trim_matches('"').parse().unwrap();
            assert_eq!(
                parse(body.as_bytes()),
                Err(Refusal::Errcode {
                    errcode,
                    rid: rid.map(Into::into)
                })
            );
        }
    }

    #[test]
    fn of_anything_else_it_is_said_why_it_cannot_be_read() {
        for (body, problem) in [
            ("", "is empty"),
            ("{}", "has no readable openid"),
            ("[]", "is not of its form"),
            ("<html></html>", "is not JSON"),
            ("{\"openid\":\"o1\"}", "has no readable session_key"),
            (
                r#"{"session_key":"short","openid":"o1"}"#,
                "has no readable session_key",
            ),
            (
                r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"o\r\nx: y"}"#,
                "has no readable openid",
            ),
            (
                r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":""}"#,
                "has no readable openid",
            ),
            (r#"{"errcode":1.5}"#, "has an errcode that is no number"),
            (r#"{"errcode":[]}"#, "has an errcode that is no number"),
            (&OK[..40], "ends too early"),
        ] {
            assert_eq!(
                parse(body.as_bytes()),
                Err(Refusal::Unreadable(problem)),
                "{body}"
            );
        }
    }

    #[test]
    fn the_query_escapes_what_it_carries() {
        assert_eq!(
            path("wx1", "s&e=c", "0a+1"),
            "/sns/jscode2session?appid=wx1&secret=s%26e%3Dc&js_code=0a%2B1&grant_type=authorization_code"
        );
    }
}
