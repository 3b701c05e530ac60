//! `POST /wx/register {encryptedData, iv, rawData?, signature?}`: stores the profile over the one there is, and marks the
//! user. A profile that says nothing changes nothing.

use alloc::vec::Vec;

use crate::edge::Edge;
use crate::endpoint::open_data;
use crate::endpoint::profile::{self, Merged};
use crate::host::{Host, Request};
use crate::rejection::{Reason, Rejection};
use crate::reply::Answer;
use crate::reply::ok;
use crate::session::record::UserRecord;
use crate::session::users::{self, Changed, Of};

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    let owner = open_data::receive(edge, host, request, "encryptedData").await?;
    let data = owner.opened.open_data.ok_or(Reason::Internal)?;
    let session = owner.session;
    let owner = Of {
        appid: &session.appid,
        openid: &session.openid,
        before: Vec::new(),
        adds: None,
    };
    let merged = |user: &UserRecord| profile::merge(&user.profile, &data.json, data.shape);
    let store = |user: Option<UserRecord>| {
        let Some(mut user) = user else {
            return Ok(None);
        };
        let merged = merged(&user)
            .map_err(|problem| Reason::InvalidParameter.parameter("encryptedData", problem))?;
        // An anonymous profile is an answer too: the client sees what there is.
        if let Merged::Profile(profile) = merged {
            user.profile = profile;
            user.registered = true;
        }
        Ok(Some(Changed {
            outcome: profile::view(&user),
            first: Vec::new(),
            along: Vec::new(),
            user,
        }))
    };
    // Merged once more, it is as it was.
    let is_there = |user: &UserRecord| match merged(user) {
        Ok(Merged::Profile(profile)) => user.registered && profile == user.profile,
        _ => true,
    };
    let stored = users::update(edge, host, owner, store, is_there).await?;
    // A bounded store may have given up the user since the data was opened: the next login makes it anew.
    let user = stored.ok_or(Reason::InvalidToken)?;
    Ok(Answer::of(&session.openid, ok(&user)))
}
