//! What each thing looks like that a user sends.

use serde_json::{Value, json};
use testkit::fakes::wechat::OpenData;

use crate::answer::ID;
use crate::ask::{Refusal, Route, Token};
use crate::client::{Pace, Request};
use crate::dice::Dice;

pub(super) fn plain(method: &'static str, path: &str) -> Request {
    Request {
        method,
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        pace: Pace::AtOnce,
    }
}

fn post(path: &str, content_type: &str, body: Vec<u8>) -> Request {
    let mut request = plain("POST", path);
    header(&mut request, "content-type", content_type);
    request.body = body;
    request
}

fn json(path: &str, body: &Value) -> Request {
    post(path, "application/json", body.to_string().into_bytes())
}

fn header(request: &mut Request, name: &str, value: &str) {
    request.headers.push((name.to_owned(), value.to_owned()));
}

pub(super) fn login(code: &str, old: Option<&Token>) -> Request {
    let mut body = json!({ "code": code });
    if let Some(old) = old {
        body["token"] = (*old.text).into();
    }
    json("/wx/login", &body)
}

/// The code of a login.
pub(super) fn code_of(request: &Request) -> Option<String> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    body["code"].as_str().map(str::to_owned)
}

pub(super) fn call(route: Route, body: &[u8]) -> Request {
    let mut request = match route {
        Route::Orders => plain("GET", "/orders?page=2"),
        Route::Catalog => plain("GET", "/catalog/7"),
        Route::Feed => plain("GET", "/feed"),
        Route::Public => plain("GET", "/public/news"),
        Route::Upload => post("/upload", "image/png", body.to_vec()),
        Route::Profile => post("/profile", "application/json", body.to_vec()),
    };
    // Whoever believes these takes everybody for somebody else.
    for name in ["x-wx-openid", "x_wx_openid", "X-WX-APPID"] {
        header(&mut request, &name.to_lowercase(), "forged");
    }
    request
}

pub(super) fn decrypt(data: &OpenData) -> Request {
    let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
    json("/wx/decrypt", &body)
}

pub(super) fn logout(everywhere: bool) -> Request {
    json("/wx/logout", &json!({ "everywhere": everywhere }))
}

pub(super) fn refused(why: Refusal, dice: &mut Dice) -> Request {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = |length: usize| -> String {
        let letters = std::iter::repeat_with(|| char::from(*dice.among(LETTERS)));
        letters.take(length).collect()
    };
    // 32 bytes are 42 characters and a last one of which not every one can be.
    let token = |text: &mut dyn FnMut(usize) -> String| text(42) + "A";
    let code = || json!({ "code": "0123456789abcdefghijklmnopqrstuv" });
    match why {
        Refusal::NoToken => plain("GET", "/orders"),
        Refusal::StrangeToken => {
            let mut request = plain("GET", "/orders");
            header(&mut request, "x-wx-skey", &token(&mut text));
            request
        }
        Refusal::TwoTokens => {
            let mut request = plain("GET", "/orders");
            header(&mut request, "x-wx-skey", &token(&mut text));
            header(&mut request, "x-3rd-session", &token(&mut text));
            request
        }
        Refusal::TwoPaths => plain("GET", "/public;/orders"),
        Refusal::EscapedSlash => plain("GET", "/public%2f..%2forders"),
        Refusal::StrangeCode => {
            let letters: String = text(32).replace(['-', '_'], "0");
            json("/wx/login", &json!({ "code": letters }))
        }
        Refusal::NoJson => post("/wx/login", "application/json", b"{\"code\":".to_vec()),
        Refusal::TooLarge => {
            let mut body = code();
            body["rawData"] = "x".repeat(20_000).into();
            json("/wx/login", &body)
        }
        Refusal::OwnName => json(
            "/profile",
            &json!({ "order": 1, "openData": { "openId": "me" } }),
        ),
    }
}

pub(super) fn name(request: &mut Request, id: String) {
    request.headers.push((ID.to_owned(), id));
}

/// In one of the places where a token may stand.
pub(super) fn show(request: &mut Request, token: &Token, dice: &mut Dice) {
    let text = &token.text;
    match dice.below(3) {
        0 => header(request, "x-wx-skey", text),
        1 => header(request, "x-3rd-session", text),
        _ => header(request, "authorization", &format!("Bearer {text}")),
    }
}
