//! What WeChat is answered: the app's words, sealed if the push was; nothing and `success` as they are.

use alloc::format;
use alloc::string::String;

use super::SUCCESS;
use super::judge::Push;
use crate::config::PushApp;
use crate::host::{Host, HttpResponse};
use crate::rejection::{Reason, Rejection};
use crate::reply::Response;
use crate::wechat::push::reply::{Seal, says_nothing, sealed};
use crate::worker::Context;

pub(super) fn to_wechat<H: Host>(
    context: Context<'_, H>,
    app: &PushApp,
    push: &Push,
    answer: Option<HttpResponse>,
) -> Result<Response, Rejection> {
    let Some(answer) = answer else {
        return Ok(Response::plain(SUCCESS.into()));
    };
    if says_nothing(&answer.body) {
        let nothing = answer.body.trim_ascii().is_empty();
        let said = if nothing { "" } else { SUCCESS };
        return Ok(Response::plain(said.into()));
    }
    let content_type = push.format.content_type();
    let (Some(key), true) = (&app.key, push.is_sealed) else {
        let own = answer.wanted.unwrap_or_else(|| content_type.into());
        return Ok(Response::of_app(own, answer.body));
    };
    let mut random = [0; 12];
    context.host.random(&mut random)?;
    let (random, nonce) = random.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    let nonce = nonce.first_chunk().copied().map_or(0, u32::from_be_bytes);
    let seal = Seal {
        key,
        token: app.token.expose(),
        appid: &app.appid,
        random: as_text(*random),
        timestamp: context.host.now().seconds(),
        nonce: &format!("{nonce}"),
    };
    let sealed = sealed(&answer.body, push.format, &seal).ok_or(Reason::Internal)?;
    Ok(Response::of_app(
        String::from(content_type),
        sealed.into_bytes(),
    ))
}

/// 16 hexadecimal digits, as WeChat has them there.
fn as_text(random: [u8; 8]) -> [u8; 16] {
    let text = format!("{:016x}", u64::from_be_bytes(random));
    text.as_bytes().first_chunk().copied().unwrap_or_default()
}
