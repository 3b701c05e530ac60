//! `POST /wx/verify {rawData, signature}`: is this exact text what WeChat gave to this user's phone?

use super::answer::{Answer, ok_opened};
use crate::host::{Host, Request};
use crate::open_data;
use crate::rejection::Rejection;
use crate::worker::Context;

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let owner = open_data::receive(context, request, "rawData").await?;
    let body = ok_opened(r#"{"valid":true}"#, owner.opened.key);
    Ok(Answer::of(&owner.session, body))
}
