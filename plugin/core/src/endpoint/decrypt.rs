//! `POST /wx/decrypt {encryptedData, iv}`: the object that WeChat encrypted for this app.

use super::answer::{Answer, ok_opened};
use crate::host::{Host, Request};
use crate::open_data;
use crate::rejection::{Reason, Rejection};
use crate::wechat::encrypted_data::ENCRYPTED;
use crate::worker::Context;

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let owner = open_data::receive(context, request, ENCRYPTED).await?;
    let opened = owner.opened;
    let data = opened.open_data.ok_or(Reason::Internal)?;
    // The text itself and not a re-serialised value: numbers and emoji arrive as WeChat wrote them.
    let body = ok_opened(&data.json, opened.key);
    Ok(Answer::of(&owner.session, body))
}
