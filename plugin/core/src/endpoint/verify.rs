//! `POST /wx/verify {rawData, signature}`: is this exact text what WeChat gave to this user's phone?

use crate::edge::Edge;
use crate::endpoint::open_data;
use crate::host::{Host, Request};
use crate::rejection::Rejection;
use crate::reply::Answer;
use crate::reply::ok_opened;

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    let owner = open_data::receive(edge, host, request, "rawData").await?;
    let body = ok_opened(r#"{"valid":true}"#, owner.opened.key);
    Ok(Answer::of(&owner.session.openid, body))
}
