//! Kuaishou: a form, and an answer with `result`. The numbers of its refusals are those that its open platform documents
//! for OAuth; that its code exchange has the same is not documented for certain, nor is the form of an app's id.

use alloc::string::String;

use form_urlencoded::Serializer;
use serde_json::Value;

use super::{Asking, Question, Row, begins_with, is_visible, text};
use crate::wechat::answer::{Refusal, json_of, number};
use crate::wechat::code2session::{Code2Session, granted};
use crate::wechat::errcode::Meaning;

pub(super) const ROW: Row = Row {
    name: "kuaishou",
    called: ["Kuaishou", "快手"],
    authority: "open.kuaishou.com",
    source: "ks_client",
    is_appid: |appid| begins_with(appid, "ks"),
    appid_form: "must be \"ks\" and at most 62 letters and digits",
    is_code: is_visible,
    code_form: "must be the code of ks.login: at most 512 visible ASCII characters",
    ask,
    read,
    meaning,
    // Nobody says what becomes of the code.
    busy_keeps_code: false,
    tells_used: false,
};

fn ask(asking: &Asking<'_>) -> Question {
    let body = Serializer::new(String::new())
        .append_pair("app_id", asking.appid)
        .append_pair("app_secret", asking.secret)
        .append_pair("js_code", asking.code)
        .finish();
    Question {
        method: "POST",
        path: "/oauth2/mp/code2session".into(),
        content_type: Some("application/x-www-form-urlencoded"),
        body: body.into_bytes(),
    }
}

fn read(body: &[u8]) -> Result<Code2Session, Refusal> {
    let reply: Value = json_of(body)?;
    // Without it, it is none of Kuaishou's answers.
    let result = number(reply.get("result")).ok_or(Refusal::Unreadable("has no result"))?;
    if result != 1 {
        return Err(Refusal::Errcode {
            errcode: result,
            rid: None,
        });
    }
    granted(
        text(&reply, "open_id").map(Into::into),
        text(&reply, "session_key"),
        text(&reply, "union_id").map(Into::into),
    )
}

fn meaning(result: i64) -> Meaning {
    match result {
        100_200_101 => Meaning::Configuration,
        100_200_105 => Meaning::InvalidCode,
        100_200_500 => Meaning::Busy,
        _ => Meaning::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn the_code_goes_in_a_form() {
        let asking = Asking {
            appid: "ks01",
            secret: "s&e=c",
            code: "a+1",
        };
        let question = ask(&asking);
        assert_eq!(question.path, "/oauth2/mp/code2session");
        assert_eq!(
            question.body,
            b"app_id=ks01&app_secret=s%26e%3Dc&js_code=a%2B1"
        );
    }

    #[test]
    fn a_login_has_the_result_one_and_names_of_its_own() {
        let body = r#"{"result":1,"session_key":"tiihtNczf5v6AKRyjwEUhQ==","open_id":"f18"}"#;
        let login = read(body.as_bytes()).unwrap();
        assert_eq!((&*login.openid, login.unionid), ("f18", None));
        let body = body.replace("}", r#","union_id":"u1"}"#);
        let login = read(body.as_bytes()).unwrap();
        assert_eq!(login.unionid.as_deref(), Some("u1"));
    }

    #[test]
    fn of_anything_else_it_is_said_why_it_is_no_login() {
        // WeChat's success is none here, and zero no success.
        let wechats = r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"o1"}"#;
        for (body, problem) in [
            (wechats, "has no result"),
            (r#"{"result":1}"#, "has no readable openid"),
            (
                r#"{"result":1,"open_id":"f"}"#,
                "has no readable session_key",
            ),
        ] {
            assert_eq!(
                read(body.as_bytes()),
                Err(Refusal::Unreadable(problem)),
                "{body}"
            );
        }
        for (body, errcode) in [
            (
                r#"{"result":100200105,"error":"invalid_grant"}"#,
                100_200_105,
            ),
            (r#"{"result":0,"open_id":"f"}"#, 0),
        ] {
            let refusal = Refusal::Errcode { errcode, rid: None };
            assert_eq!(read(body.as_bytes()), Err(refusal));
        }
    }
}
