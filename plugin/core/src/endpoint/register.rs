//! `POST /wx/register {encryptedData, iv, rawData?, signature?}`: stores the profile once, and marks the user.

use crate::edge::Edge;
use crate::endpoint::Answer;
use crate::endpoint::open_data;
use crate::endpoint::profile;
use crate::host::{Host, Request};
use crate::rejection::{Reason, Rejection};
use crate::reply::ok;
use crate::session::users;

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    let owner = open_data::receive(edge, host, request, "encryptedData").await?;
    let data = owner.opened.open_data.ok_or(Reason::Internal)?;
    let session = owner.session;
    let too_large =
        || Reason::InvalidParameter.parameter("encryptedData", "the profile is too large");
    let stored = users::update(edge, host, &session.appid, &session.openid, |user| {
        let mut user = user?;
        user.profile = profile::merge(&user.profile, &data.json)?;
        user.registered = true;
        user.unionid = user.unionid.or_else(|| data.unionid.clone());
        let view = profile::view(&user);
        Some((user, view))
    })
    .await?;
    let body = ok(&stored.ok_or_else(too_large)?);
    Ok(Answer::of(&session.openid, body))
}
