//! Douyin: JSON both ways, and every answer in an envelope.
//! <https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/log-in/code-2-session>

use serde::Serialize;
use serde_json::Value;

use super::{Asking, Question, Row, begins_with, is_visible, text};
use crate::wechat::answer::{Refusal, json_of, number};
use crate::wechat::code2session::{Code2Session, granted};
use crate::wechat::errcode::Meaning;

pub(super) const ROW: Row = Row {
    name: "douyin",
    called: ["Douyin", "抖音"],
    authority: "developer.toutiao.com",
    source: "tt_client",
    is_appid: |appid| begins_with(appid, "tt"),
    appid_form: "must be \"tt\" and at most 62 letters and digits",
    is_code: is_visible,
    code_form: "must be the code of tt.login: at most 512 visible ASCII characters",
    ask,
    read,
    meaning,
    // Nobody says what becomes of the code.
    busy_keeps_code: false,
    tells_used: false,
};

/// An `anonymous_code` is for users who have not logged in to Douyin: they have no openid.
#[derive(Serialize)]
struct Body<'a> {
    appid: &'a str,
    secret: &'a str,
    code: &'a str,
}

fn ask(asking: &Asking<'_>) -> Question {
    let body = Body {
        appid: asking.appid,
        secret: asking.secret,
        code: asking.code,
    };
    Question {
        method: "POST",
        path: "/api/apps/v2/jscode2session".into(),
        content_type: Some("application/json"),
        // Texts have no way to fail.
        body: serde_json::to_vec(&body).unwrap_or_default(),
    }
}

fn read(body: &[u8]) -> Result<Code2Session, Refusal> {
    let reply: Value = json_of(body)?;
    // Without it, it is none of Douyin's answers.
    let err_no = number(reply.get("err_no")).ok_or(Refusal::Unreadable("has no err_no"))?;
    if err_no != 0 {
        return Err(Refusal::Errcode {
            errcode: err_no,
            rid: None,
        });
    }
    let data = reply
        .get("data")
        .ok_or(Refusal::Unreadable("has no data"))?;
    granted(
        text(data, "openid").map(Into::into),
        text(data, "session_key"),
        text(data, "unionid").map(Into::into),
    )
}

fn meaning(err_no: i64) -> Meaning {
    match err_no {
        -1 => Meaning::Busy,
        40015 | 40017 => Meaning::Configuration,
        40018 => Meaning::InvalidCode,
        _ => Meaning::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use serde_json::json;

    #[test]
    fn the_code_goes_in_json_and_the_query_is_empty() {
        let asking = Asking {
            appid: "tt01",
            secret: "s\"e",
            code: "c",
        };
        let question = ask(&asking);
        assert_eq!(question.path, "/api/apps/v2/jscode2session");
        assert_eq!(
            serde_json::from_slice::<Value>(&question.body).unwrap(),
            json!({ "appid": "tt01", "secret": "s\"e", "code": "c" })
        );
    }

    #[test]
    fn what_is_in_the_envelope_is_read() {
        let body = r#"{"err_no":0,"err_tips":"success","data":{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"_000abc","anonymous_openid":"","unionid":""}}"#;
        let login = read(body.as_bytes()).unwrap();
        assert_eq!((&*login.openid, login.unionid), ("_000abc", None));
        let body = body.replace(r#""unionid":"""#, r#""unionid":"u1""#);
        let login = read(body.as_bytes()).unwrap();
        assert_eq!(login.unionid.as_deref(), Some("u1"));
    }

    #[test]
    fn of_anything_else_it_is_said_why_it_is_no_login() {
        // WeChat's success is none here.
        let wechats = r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"o1"}"#;
        for (body, problem) in [
            (wechats, "has no err_no"),
            (r#"{"err_no":null}"#, "has no err_no"),
            (r#"{"err_no":0}"#, "has no data"),
            (r#"{"err_no":0,"data":{}}"#, "has no readable openid"),
            (r#"{"err_no":0,"data":[]}"#, "has no readable openid"),
            ("[]", "has no err_no"),
        ] {
            assert_eq!(
                read(body.as_bytes()),
                Err(Refusal::Unreadable(problem)),
                "{body}"
            );
        }
        for body in [r#"{"err_no":40018}"#, r#"{"err_no":"40018","data":null}"#] {
            let refusal = Refusal::Errcode {
                errcode: 40018,
                rid: None,
            };
            assert_eq!(read(body.as_bytes()), Err(refusal));
        }
    }
}
