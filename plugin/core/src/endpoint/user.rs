//! `GET /wx/user`: the user behind the token.

use alloc::rc::Rc;

use super::answer::{Answer, ok};
use crate::host::{Host, Request};
use crate::profile;
use crate::records::record::{SessionRecord, UserRecord};
use crate::rejection::{Reason, Rejection};
use crate::release_rule::session_of;
use crate::worker::Context;

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let (session, user) = look_up(context, request).await?;
    Ok(Answer::of(&session, ok(&profile::view(&user))))
}

/// The session of a request and its user.
pub(super) async fn look_up<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<(Rc<SessionRecord>, UserRecord), Rejection> {
    let (_, session) = session_of(context, request.head()).await?;
    let users = context.users();
    // Clients ask when they have just changed it, perhaps at another edge.
    let user = users.load(&session.appid, &session.openid, true).await?;
    // A bounded store may have given up the user before the session: the next login makes it anew.
    let user = user.ok_or(Reason::InvalidToken)?;
    Ok((session, user))
}
