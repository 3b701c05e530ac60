//! The steps that take place behind the edge: what a backend needs of WeChat beside the login, without a secret of its
//! own. Each function is one step, to be read from top to bottom.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::story::Story;
use super::{Call, Edge};
use testkit::fakes::wechat::{Heard, Message};

/// The mini program has a code from the button, and no more; the edge asks WeChat for the number.
pub(super) fn phone_number(story: &mut Story<'_>) -> Result<()> {
    let body = json!({ "code": story.phone.phone_code() });
    let call = Call::post("/wx/phone").token(&story.token).json(body);
    let answered = story.ask(200, call)?;
    let is_there = answered.data("phoneNumber").is_string();
    story.check("the number is there", is_there);
    Ok(())
}

/// As on WeChat Cloud Run: plain HTTP, WeChat's own path and body. The edge adds the token that it has anyway.
pub(super) fn api(story: &mut Story<'_>) -> Result<()> {
    let base = story.backend()?.api;
    let body =
        json!({ "touser": story.phone.openid(), "msgtype": "text", "text": { "content": "你好" } });
    let call = Call::post("/cgi-bin/message/custom/send").json(body);
    let name = "backend";
    let sent = story.ask_at(Edge { name, base }, 200, call)?;
    story.is("errcode", sent.field("errcode"), 0);
    let tokens = story.wechat.requests_for("/cgi-bin/stable_token");
    story.is("access_tokens fetched in all", tokens, 1);
    Ok(())
}

/// Sealed and signed by WeChat, opened and checked by the edge; and a repetition is known.
pub(super) fn push(story: &mut Story<'_>) -> Result<()> {
    let account = story.backend()?.push.clone();
    let from = story.phone.openid();
    let message = Message::text(&from, story.wechat.now(), 23_456_789_012_345_678, "在吗？");
    for (times, told) in [(1, "WeChat sends a message"), (2, "WeChat sends it again")] {
        story.tell(told);
        let push = account.push(&message);
        let sealed: Value = serde_json::from_str(push.body.as_deref().context("a body")?)?;
        let answered = story.ask(200, Call::post(push.target).json(sealed))?;
        let heard = account.hear(answered.answer.status, &answered.answer.body);
        story.check("WeChat is content", !matches!(heard, Heard::Fault(_)));
        let at_app = answered.at_app.as_ref();
        if times == 1 {
            let plain =
                at_app.is_some_and(|seen| seen.body == message.written(account.format).as_bytes());
            story.check("the app has it in plain text", plain);
            let sender = answered.app_saw("x-wx-openid");
            story.check("and knows who has written it", sender == Some(from.clone()));
        } else {
            story.check("the app does not get it twice", at_app.is_none());
        }
    }
    Ok(())
}
