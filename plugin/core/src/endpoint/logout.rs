//! `POST /wx/logout {everywhere?}`: ends this session, or all sessions of the user. Ending what is gone is no error.

use alloc::vec::Vec;

use crate::access::{Presented, presented};
use crate::edge::Edge;
use crate::endpoint::params::Params;
use crate::host::{Host, Request};
use crate::rejection::{Reason, Rejection};
use crate::reply::Answer;
use crate::reply::ok;
use crate::session::users::Changed;
use crate::session::{sessions, users};

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    let token = match presented(request.head(), &edge.config.session)? {
        Presented::Token(token) => token,
        Presented::Malformed => return Err(Reason::InvalidToken.into()),
        Presented::Nothing => return Err(Reason::NoSession.into()),
    };
    let id = token.id();
    let params = Params::read(request, edge.config.body_bytes).await?;
    let everywhere = params.flag("everywhere")?;
    let Some(found) = sessions::load(edge, host, &token, &id, host.now()).await? else {
        return Ok(Answer {
            body: ok(&serde_json::json!({ "ended": 0 })),
            openid: None,
        });
    };
    let (live, session) = (
        !sessions::is_over(edge, &found.record, host.now()),
        found.record,
    );
    let mut ended = Vec::from([id]);
    if everywhere && live {
        let user = users::load(edge, host, &session.appid, &session.openid).await?;
        let others = user.into_iter().flat_map(|user| user.sessions);
        ended.extend(others.filter(|own| *own != id));
    }
    sessions::end(edge, host, &ended).await?;
    // The list is tidied last: had the store failed before, the sessions would still be on it.
    users::update(edge, host, &session.appid, &session.openid, |user| {
        let Some(mut user) = user else {
            return Ok(None);
        };
        user.sessions.retain(|own| !ended.contains(own));
        Ok(Some(Changed {
            user,
            along: Vec::new(),
            outcome: (),
        }))
    })
    .await?;
    let body = ok(&serde_json::json!({ "ended": ended.len() }));
    Ok(Answer::of(&session.openid, body))
}
