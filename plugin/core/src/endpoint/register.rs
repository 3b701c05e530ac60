//! `POST /wx/register {encryptedData, iv, rawData?, signature?}`: stores the profile once, and marks the user.

use alloc::string::String;

use crate::edge::Edge;
use crate::endpoint::open_data::{self, Submitted};
use crate::endpoint::params::Params;
use crate::endpoint::profile;
use crate::gate;
use crate::host::{Host, Request};
use crate::rejection::{Reason, Rejection};
use crate::reply::ok;
use crate::session::users;

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<String, Rejection> {
    let (token, session) = gate::session(edge, host, request.head()).await?;
    let params = Params::read(request, edge.config.body_bytes).await?;
    params.required("encryptedData")?;
    let submitted = Submitted::from_params(&params, host)?;
    let owner = open_data::open(edge, host, &token, session, &submitted).await?;
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
    Ok(ok(&stored.ok_or_else(too_large)?))
}
