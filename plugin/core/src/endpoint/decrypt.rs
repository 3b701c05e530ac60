//! `POST /wx/decrypt {encryptedData, iv}`: the object that WeChat encrypted for this app.

use crate::edge::Edge;
use crate::endpoint::open_data;
use crate::host::{Host, Request};
use crate::rejection::{Reason, Rejection};
use crate::reply::Answer;
use crate::reply::ok_opened;

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    let owner = open_data::receive(edge, host, request, "encryptedData").await?;
    let opened = owner.opened;
    let data = opened.open_data.ok_or(Reason::Internal)?;
    // The text itself and not a re-serialised value: numbers and emoji arrive as WeChat wrote them.
    let body = ok_opened(&data.json, opened.key);
    Ok(Answer::of(&owner.session.openid, body))
}
