//! QQ: WeChat's API on a host of its own. That its app ids are numbers is not documented for certain.

use super::{Row, is_visible, wechat};

pub(super) const ROW: Row = Row {
    name: "qq",
    called: ["QQ", "QQ"],
    authority: "api.q.qq.com",
    source: "qq_client",
    is_appid,
    appid_form: "must be a number of at most 32 digits",
    is_code: is_visible,
    code_form: "must be the code of qq.login: at most 512 visible ASCII characters",
    // Nobody says that QQ tells a used code from a wrong one, or what becomes of a code when it is busy.
    busy_keeps_code: false,
    tells_used: false,
    ..wechat::ROW
};

fn is_appid(appid: &str) -> bool {
    (1..=32).contains(&appid.len()) && appid.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::Asking;
    use super::*;
    use crate::testing::test;
    use crate::wechat::errcode::Meaning;

    #[test]
    fn it_is_asked_as_wechat_is_and_its_errcodes_are_wechats() {
        let asking = Asking {
            appid: "1108292182",
            secret: "s&",
            code: "c/1",
        };
        let question = (ROW.ask)(&asking);
        assert_eq!(
            question.path,
            "/sns/jscode2session?appid=1108292182&secret=s%26&js_code=c%2F1&grant_type=authorization_code"
        );
        for (errcode, meaning) in [
            (-1, Meaning::Busy),
            (40029, Meaning::InvalidCode),
            (45011, Meaning::RateLimited),
        ] {
            assert_eq!((ROW.meaning)(errcode), meaning);
        }
    }
}
