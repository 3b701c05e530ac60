//! WeChat. <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html>

use alloc::vec::Vec;

use super::{Asking, Question, Row};
use crate::wechat::code2session::{parse, path};
use crate::wechat::errcode::meaning;

pub(super) const ROW: Row = Row {
    name: "wechat",
    called: ["WeChat", "微信"],
    authority: "api.weixin.qq.com",
    source: "wx_client",
    is_appid,
    appid_form: "must be \"wx\" and 16 hexadecimal digits",
    is_code,
    code_form: "must be the code of wx.login: at most 128 letters, digits, - and _",
    ask,
    read: parse,
    meaning,
    busy_keeps_code: true,
    tells_used: true,
};

fn is_appid(appid: &str) -> bool {
    let tail = appid.strip_prefix("wx").unwrap_or_default();
    tail.len() == 16 && tail.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// WeChat's have 32 characters.
fn is_code(code: &str) -> bool {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    code.len() <= 128 && code.bytes().all(usable)
}

pub(super) fn ask(asking: &Asking<'_>) -> Question {
    Question {
        method: "GET",
        path: path(asking.appid, asking.secret, asking.code),
        content_type: None,
        body: Vec::new(),
    }
}
