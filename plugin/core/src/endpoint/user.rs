//! `GET /wx/user`: the user behind the token.

use alloc::rc::Rc;

use crate::edge::Edge;
use crate::endpoint::profile;
use crate::gate;
use crate::host::{Host, Request};
use crate::rejection::{Reason, Rejection};
use crate::reply::Answer;
use crate::reply::ok;
use crate::session::record::{SessionRecord, UserRecord};
use crate::session::users;

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    let (session, user) = look_up(edge, host, request).await?;
    Ok(Answer::of(&session.openid, ok(&profile::view(&user))))
}

/// The session of a request and its user.
pub(super) async fn look_up<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<(Rc<SessionRecord>, UserRecord), Rejection> {
    let (_, session) = gate::session(edge, host, request.head()).await?;
    // Clients ask when they have just changed it, perhaps at another edge.
    let user = users::load(edge, host, &session.appid, &session.openid, true).await?;
    // A bounded store may have given up the user before the session: the next login makes it anew.
    let user = user.ok_or(Reason::InvalidToken)?;
    Ok((session, user))
}
