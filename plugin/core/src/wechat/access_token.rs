//! `POST /cgi-bin/stable_token`: the body and the answer; and which errcodes of other calls say that their token is
//! rejected.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html>

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::answer::{Refusal, json_of, number, refusal};
use crate::time::UnixMillis;

/// Path of the call.
pub(crate) const PATH: &str = "/cgi-bin/stable_token";

/// WeChat asks for room for 512 characters; nobody else writes longer ones.
const LONGEST: usize = 2048;

/// No token lives longer.
pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(7200);

/// An access_token, and the first moment at which it is no longer valid.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct AccessToken {
    text: String,
    #[zeroize(skip)]
    pub(crate) expires_at: UnixMillis,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

impl AccessToken {
    /// For the query of a call, and for nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }
}

/// The body of the call. Holds the AppSecret: never log it. `force_refresh` would kill the token of every other edge.
pub(crate) fn body(appid: &str, secret: &str) -> Vec<u8> {
    let body = json!({
        "grant_type": "client_credential",
        "appid": appid,
        "secret": secret,
        "force_refresh": false,
    });
    body.to_string().into_bytes()
}

#[derive(Deserialize)]
struct Reply {
    errcode: Option<Value>,
    errmsg: Option<Value>,
    access_token: Option<String>,
    expires_in: Option<Value>,
}

/// Reads the body of an answer with HTTP status 200 to a call that was sent at `asked`.
///
/// # Errors
/// WeChat's errcode, or that the body is none of WeChat's.
pub(crate) fn read(body: &[u8], asked: UnixMillis) -> Result<AccessToken, Refusal> {
    let reply: Reply = json_of(body)?;
    refusal(reply.errcode.as_ref(), reply.errmsg.as_ref())?;
    let usable = |text: &String| {
        (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    };
    let text = reply.access_token.filter(usable);
    let text = text.ok_or(Refusal::Unreadable("has no readable access_token"))?;
    let seconds = number(reply.expires_in.as_ref()).and_then(|s| u64::try_from(s).ok());
    let seconds = seconds.ok_or(Refusal::Unreadable("has no readable expires_in"))?;
    let life = Duration::from_secs(seconds).min(LONGEST_LIFE);
    Ok(AccessToken {
        text,
        expires_at: asked.after(life),
    })
}

/// Whether an errcode says that WeChat has rejected the token of the call. It has then done nothing else.
pub(crate) fn is_dead(errcode: i64) -> bool {
    matches!(errcode, 40001 | 40014 | 42001)
}

/// Path and query of a call with `token`; `query` has what else it says, encoded.
pub(crate) fn authorised(path: &str, token: &str, query: &str) -> String {
    let mut whole = String::from(path);
    whole.push_str("?access_token=");
    whole.extend(form_urlencoded::byte_serialize(token.as_bytes()));
    if !query.is_empty() {
        whole.push('&');
        whole.push_str(query);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;

    const ASKED: UnixMillis = UnixMillis(1_000_000);

    #[test]
    fn a_token_is_read_with_its_end_counted_from_the_question() {
        let token = read(br#"{"access_token":"a+b","expires_in":7200}"#, ASKED).unwrap();
        assert_eq!((token.expose(), token.expires_at.0), ("a+b", 8_200_000));
        assert_eq!(format!("{token:?}"), "AccessToken(…)");
        assert_eq!(
            authorised("/wxa/x", token.expose(), "type=image"),
            "/wxa/x?access_token=a%2Bb&type=image"
        );
        let odd = format!(
            r#"{{"errcode":"0","access_token":"{}","expires_in":"300"}}"#,
            "x".repeat(512)
        );
        assert_eq!(read(odd.as_bytes(), ASKED).unwrap().expires_at.0, 1_300_000);
        let long = read(br#"{"access_token":"a","expires_in":999999}"#, ASKED).unwrap();
        assert_eq!(long.expires_at, ASKED.after(LONGEST_LIFE));
    }

    #[test]
    fn what_is_no_token_is_told_why() {
        for (body, problem) in [
            ("{}", "has no readable access_token"),
            (
                r#"{"access_token":"a b","expires_in":1}"#,
                "has no readable access_token",
            ),
            (
                r#"{"access_token":"","expires_in":1}"#,
                "has no readable access_token",
            ),
            (
                r#"{"access_token":"a","expires_in":-1}"#,
                "has no readable expires_in",
            ),
            (r#"{"access_token":"a"}"#, "has no readable expires_in"),
            (r#"{"errcode":[]}"#, "has an errcode that is no number"),
            ("<html>", "is not JSON"),
        ] {
            assert_eq!(
                read(body.as_bytes(), ASKED),
                Err(Refusal::Unreadable(problem)),
                "{body}"
            );
        }
        let refused = br#"{"errcode":"40164","errmsg":"invalid ip, rid: 1-2"}"#;
        let errcode = 40164;
        let rid = Some("1-2".into());
        assert_eq!(read(refused, ASKED), Err(Refusal::Errcode { errcode, rid }));
    }

    #[test]
    fn the_body_never_asks_for_a_new_token_by_force() {
        let body: Value = serde_json::from_slice(&body("wx1", "s\"")).unwrap();
        assert_eq!(
            (&body["secret"], &body["force_refresh"]),
            (&json!("s\""), &json!(false))
        );
    }
}
