//! `POST /wx/logout {everywhere?}`: ends this session, or all sessions of the user. Ending what is gone is no error.

use alloc::vec::Vec;
use core::cell::RefCell;

use crate::edge::Edge;
use crate::endpoint::params::Params;
use crate::host::{Host, Request};
use crate::presented::{Presented, presented};
use crate::rejection::{Reason, Rejection};
use crate::reply::Answer;
use crate::reply::ok;
use crate::session::record::{SessionRecord, UserRecord};
use crate::session::sessions::Gone;
use crate::session::token::SessionId;
use crate::session::users::{Changed, Of};
use crate::session::{sessions, users};
use crate::store::Write;

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
    let found = sessions::load(edge, host, &token, &id, host.now(), Gone::Ends).await?;
    let Some(found) = found else {
        return Ok(Answer {
            body: ok(&serde_json::json!({ "ended": 0 })),
            openid: None,
        });
    };
    let (live, session) = (
        !sessions::is_over(edge, &found.record, host.now()),
        found.record,
    );
    let ended = if everywhere && live {
        end_all(edge, host, id, &session).await?
    } else {
        end_one(edge, host, id, &session).await?;
        1
    };
    let body = ok(&serde_json::json!({ "ended": ended }));
    Ok(Answer::of(&session.openid, body))
}

/// Ends one session, at once here, elsewhere within the cache time.
async fn end_one<H: Host>(
    edge: &Edge,
    host: &H,
    id: SessionId,
    session: &SessionRecord,
) -> Result<(), Rejection> {
    sessions::forget(edge, &[id]);
    let before = Vec::from([id.removal()]);
    let tidy = |user: Option<UserRecord>| {
        let named = user.filter(|user| user.sessions.contains(&id));
        Ok(named.map(|mut user| {
            user.sessions.retain(|own| *own != id);
            Changed::only(user)
        }))
    };
    let is_there = |user: &UserRecord| !user.sessions.contains(&id);
    users::update(edge, host, of(session, before), tidy, is_there).await?;
    // Once more: a look-up may have found it before it was gone from the store.
    sessions::forget(edge, &[id]);
    Ok(())
}

/// Ends all sessions of the user, and says how many.
///
/// The list is tidied when all that it names are gone, and only if it names nobody else by then: had the store failed
/// before, or had a login come between, they would still be on it. And the session that asks is the last to go: until
/// then its client can ask again.
async fn end_all<H: Host>(
    edge: &Edge,
    host: &H,
    id: SessionId,
    session: &SessionRecord,
) -> Result<usize, Rejection> {
    let ended = RefCell::new(Vec::from([id]));
    let mut asks = true;
    let tidy = |user: Option<UserRecord>| {
        let Some(mut user) = user else {
            return Ok(None);
        };
        let mut ended = ended.borrow_mut();
        let mut others = core::mem::take(&mut user.sessions);
        if others.is_empty() {
            return Ok(None);
        }
        others.retain(|own| !ended.contains(own));
        sessions::forget(edge, &others);
        let mut first = Vec::from([others.iter().map(SessionId::removal).collect()]);
        if core::mem::take(&mut asks) {
            first.push(Vec::from([id.removal()]));
        }
        ended.append(&mut others);
        Ok(Some(Changed {
            first,
            ..Changed::only(user)
        }))
    };
    let is_there = |user: &UserRecord| {
        let ended = ended.borrow();
        !user.sessions.iter().any(|own| ended.contains(own))
    };
    users::update(edge, host, of(session, Vec::new()), tidy, is_there).await?;
    let ended = ended.take();
    if asks {
        sessions::end(edge, host, &[id]).await?;
    }
    // Once more: a look-up may have found one before it was gone from the store.
    sessions::forget(edge, &ended);
    Ok(ended.len())
}

fn of(session: &SessionRecord, before: Vec<Write>) -> Of<'_> {
    Of {
        appid: &session.appid,
        openid: &session.openid,
        before,
        adds: None,
    }
}
