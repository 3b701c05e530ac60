//! The steps about who is calling: logging in, being let through, being refused, logging out.
//! Each function is one step, to be read from top to bottom.

use anyhow::Result;
use serde_json::json;

use super::story::Story;
use super::{Call, Exchange, USERS};
use testkit::fakes::wechat::Fault;

/// The mini program sends what `wx.login()` gave it, and keeps the token that comes back.
pub(super) fn first_login(story: &mut Story<'_>) -> Result<()> {
    story.code = story.phone.login();
    let body = json!({ "code": story.code });
    let login = story.ask(200, Call::post("/wx/login").json(body))?;
    story.token = login.token();
    story.check(
        "a token of 32 bytes",
        login.data("token").as_str().is_some_and(|t| t.len() == 43),
    );
    story.is("event", login.data("event"), "new");
    story.is("registered", login.data("registered"), false);
    story.asked_wechat(&story.code.clone(), 1);
    Ok(())
}

/// The app reads the identity from the headers of WeChat Cloud Run, and never sees the token.
pub(super) fn call_with_token(story: &mut Story<'_>) -> Result<()> {
    let call = story.ask(200, Call::get("/orders").token(&story.token))?;
    app_knows_the_user(story, &call);
    let token = story.token.as_bytes();
    let kept = call
        .at_app
        .is_some_and(|seen| seen.headers.iter().all(|(_, value)| value != token));
    story.check("the token stayed at the edge", kept);
    Ok(())
}

pub(super) fn call_without_token(story: &mut Story<'_>) -> Result<()> {
    let call = story.ask(401, Call::get("/orders"))?;
    story.is("error", call.field("error"), "no_session");
    story.is("hasSession", call.data("hasSession"), false);
    app_saw_nothing(story, &call);
    Ok(())
}

pub(super) fn forged_identity(story: &mut Story<'_>) -> Result<()> {
    let forged = Call::get("/orders").header("X-WX-OPENID", "admin");
    let call = story.ask(200, forged.token(&story.token))?;
    app_knows_the_user(story, &call);
    Ok(())
}

/// Public means: anybody may call. It does not mean: anybody may say who they are.
pub(super) fn public_route(story: &mut Story<'_>) -> Result<()> {
    let forged = Call::get("/public/news").header("X-WX-OPENID", "admin");
    let call = story.ask(200, forged)?;
    let no_identity = call.at_app.as_ref().is_some_and(|seen| {
        let mut names = seen.headers.iter().map(|(name, _)| name);
        !names.any(|name| name.to_ascii_lowercase().starts_with("x-wx-"))
    });
    story.check("the app was called, and told nothing", no_identity);
    Ok(())
}

/// The phone still has a token: the new login takes its place, and the flag spares it a second registration.
pub(super) fn relogin(story: &mut Story<'_>) -> Result<()> {
    let login = log_in_again(story)?;
    story.is("event", login.data("event"), "returning");
    story.is("registered", login.data("registered"), true);
    story.check(
        "another token than before",
        !story.token.is_empty() && story.token != story.old_token,
    );
    Ok(())
}

/// WeChat takes a code once. Who taps twice, or lost the first answer, must not be sent away for that.
pub(super) fn same_code_again(story: &mut Story<'_>) -> Result<()> {
    let body = json!({ "code": story.code, "token": story.old_token });
    let login = story.ask(200, Call::post("/wx/login").json(body))?;
    story.check("the same token as before", login.token() == story.token);
    story.asked_wechat(&story.code.clone(), 1);
    Ok(())
}

pub(super) fn old_token(story: &mut Story<'_>) -> Result<()> {
    let call = story.ask(401, Call::get("/orders").token(&story.old_token))?;
    story.is("error", call.field("error"), "invalid_token");
    app_saw_nothing(story, &call);
    Ok(())
}

/// The answer says what to do (`action`), and has WeChat's own words for whoever must look into it (`errcode`, `rid`).
pub(super) fn wrong_code(story: &mut Story<'_>) -> Result<()> {
    let body = json!({ "code": "thisCodeWasNeverMadeByWeChat0000" });
    let login = story.ask(401, Call::post("/wx/login").json(body))?;
    story.is("error", login.field("error"), "invalid_code");
    story.is("action", login.field("action"), "relogin");
    story.is("errcode", login.field("errcode"), 40029);
    story.check("a rid", login.field("rid").is_string());
    Ok(())
}

/// Why an openid in the phone's storage is no credential: the account changes, the storage stays.
pub(super) fn another_account(story: &mut Story<'_>) -> Result<()> {
    story.phone.switch_user(USERS[1]);
    let login = log_in_again(story)?;
    story.is("event", login.data("event"), "switched");
    story.is("registered", login.data("registered"), false);
    let call = story.ask(200, Call::get("/orders").token(&story.token))?;
    app_knows_the_user(story, &call);
    Ok(())
}

/// errcode -1 is the one answer after which a code may be sent again: WeChat has not looked at it.
pub(super) fn wechat_busy(story: &mut Story<'_>) -> Result<()> {
    story.wechat.script([Fault::Busy, Fault::Busy]);
    let login = log_in_again(story)?;
    story.is("event", login.data("event"), "returning");
    story.asked_wechat(&story.code.clone(), 3);
    Ok(())
}

pub(super) fn logout(story: &mut Story<'_>) -> Result<()> {
    let logout = story.ask(200, Call::post("/wx/logout").token(&story.token))?;
    story.is("ended", logout.data("ended"), 1);
    Ok(())
}

pub(super) fn after_logout(story: &mut Story<'_>) -> Result<()> {
    let call = story.ask(401, Call::get("/orders").token(&story.token))?;
    story.is("error", call.field("error"), "invalid_token");
    app_saw_nothing(story, &call);
    Ok(())
}

/// `wx.login()` and its code, posted with the token that the phone has. Keeps the new one.
pub(super) fn log_in_again(story: &mut Story<'_>) -> Result<Exchange> {
    story.code = story.phone.login();
    let body = json!({ "code": story.code, "token": story.token });
    let login = story.ask(200, Call::post("/wx/login").json(body))?;
    story.old_token = std::mem::replace(&mut story.token, login.token());
    Ok(login)
}

/// The headers that WeChat Cloud Run has taught backends to read.
pub(super) fn app_knows_the_user(story: &mut Story<'_>, call: &Exchange) {
    let expected = [
        ("x-wx-openid", Some(story.phone.openid())),
        ("x-wx-unionid", story.phone.unionid()),
        ("x-wx-appid", Some(story.phone.appid())),
        ("x-wx-source", Some("wx_client".to_owned())),
    ];
    let all = expected
        .into_iter()
        .all(|(name, value)| call.app_saw(name) == value);
    story.check("the app knows who calls, by one header each", all);
}

fn app_saw_nothing(story: &mut Story<'_>, call: &Exchange) {
    story.check("the app saw nothing", call.at_app.is_none());
}
