//! `POST /wx/register {encryptedData, iv, rawData?, signature?}`: stores the profile over the one there is, and marks the user.

use crate::edge::Edge;
use crate::endpoint::open_data;
use crate::endpoint::profile;
use crate::host::{Host, Request};
use crate::rejection::{Reason, Rejection};
use crate::reply::Answer;
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
    let mut problem = None;
    let stored = users::update(edge, host, &session.appid, &session.openid, |user| {
        let mut user = user?;
        user.profile = profile::merge(&user.profile, &data.json)
            .map_err(|why| problem = Some(why))
            .ok()?;
        user.registered = true;
        let view = profile::view(&user);
        Some((user, view))
    })
    .await?;
    if let Some(problem) = problem {
        return Err(Reason::InvalidParameter.parameter("encryptedData", problem));
    }
    // A bounded store may have given up the user since the data was opened: the next login makes it anew.
    let user = stored.ok_or(Reason::InvalidToken)?;
    Ok(Answer::of(&session.openid, ok(&user)))
}
