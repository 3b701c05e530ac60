//! The steps about what WeChat tells of the user: signed, encrypted, stored.
//! Each function is one step, to be read from top to bottom.

use anyhow::Result;
use serde_json::json;

use super::sessions::log_in_again;
use super::story::Story;
use super::{Call, Exchange};
use testkit::fakes::wechat::{Nickname, OpenData};

/// `signature = sha1(rawData + session_key)`: the edge has the key, the phone and the app have not.
pub(super) fn verify(story: &mut Story<'_>) -> Result<()> {
    let info = story.phone.user_info();
    let body = json!({ "rawData": info.raw_data, "signature": info.signature });
    let call = Call::post("/wx/verify").token(&story.token).json(body);
    let verified = story.ask(200, call)?;
    story.is("valid", verified.data("valid"), true);
    Ok(())
}

/// AES-128-CBC, then the watermark: for this app, and of this user.
pub(super) fn decrypt(story: &mut Story<'_>) -> Result<()> {
    let info = story.phone.user_info();
    let opened = ask_to_decrypt(story, &info)?;
    story.is("key", opened.field("key"), "current");
    story.is("nickName", opened.data("nickName"), Nickname::Emoji.text());
    story.check(
        "openId is the session's",
        opened.data("openId") == story.phone.openid(),
    );
    Ok(())
}

/// The most frequent complaint about WeChat logins: "the first decrypt fails, the second works". The page fetched the
/// data, then `wx.login` gave the user another session_key. The edge remembers the one before.
pub(super) fn decrypt_after_relogin(story: &mut Story<'_>) -> Result<()> {
    let info = story.phone.user_info();
    let login = log_in_again(story)?;
    story.is("event", login.data("event"), "returning");
    let opened = ask_to_decrypt(story, &info)?;
    story.is("key", opened.field("key"), "previous");
    Ok(())
}

/// The first login said `registered: false`, so the mini program sends the profile, all of it, once.
pub(super) fn register(story: &mut Story<'_>) -> Result<()> {
    let body = story.phone.user_info().to_json();
    let call = Call::post("/wx/register").token(&story.token).json(body);
    let user = story.ask(200, call)?;
    story.is("registered", user.data("registered"), true);
    Ok(())
}

pub(super) fn user(story: &mut Story<'_>) -> Result<()> {
    let user = story.ask(200, Call::get("/wx/user").token(&story.token))?;
    story.is("nickName", user.data("nickName"), Nickname::Emoji.text());
    story.is("registered", user.data("registered"), true);
    Ok(())
}

fn ask_to_decrypt(story: &mut Story<'_>, info: &OpenData) -> Result<Exchange> {
    let body = json!({ "encryptedData": info.encrypted_data, "iv": info.iv });
    let call = Call::post("/wx/decrypt").token(&story.token).json(body);
    story.ask(200, call)
}
