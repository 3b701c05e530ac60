//! `POST /wx/logout {everywhere?}`, or `GET` with `X-WX-Everywhere`: ends this session, or all sessions of the user. Ending
//! what is gone is no error. A mere link ends nothing: with GET the token must be in a header.

use alloc::vec::Vec;

use super::answer::{Answer, ok};
use crate::host::{Host, Request};
use crate::params::Params;
use crate::presented::{Presented, in_headers, presented};
use crate::records::record::{SessionRecord, UserRecord};
use crate::records::token::SessionId;
use crate::rejection::{Reason, Rejection};
use crate::session::sessions::Gone;
use crate::session::users::{Changed, Of, UserChange};
use crate::store::Write;
use crate::worker::{Context, Worker};

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    method: &str,
) -> Result<Answer, Rejection> {
    let Context { worker, host } = context;
    let sessions = context.sessions();
    let rules = &worker.config.session;
    let shown = presented(request.head(), rules)?;
    if method == "GET"
        && matches!(shown, Presented::Token(_))
        && !matches!(in_headers(request.head(), rules)?, Presented::Token(_))
    {
        return Err(Reason::not_allowed(&["POST"]));
    }
    let token = match shown {
        Presented::Token(token) => token,
        Presented::Malformed => return Err(Reason::InvalidToken.into()),
        Presented::Nothing => return Err(Reason::NoSession.into()),
    };
    let id = token.id();
    let params = Params::read(request, worker.config.body_bytes).await?;
    let everywhere = params.flag("everywhere")?;
    let found = sessions.load(&token, &id, host.now(), Gone::Ends).await?;
    let Some(found) = found else {
        return Ok(Answer {
            body: ok(&serde_json::json!({ "ended": 0 })),
            openid: None,
        });
    };
    let (live, session) = (!sessions.is_over(&found.record, host.now()), found.record);
    let ended = if everywhere && live {
        end_all(context, id, &session).await?
    } else {
        end_one(context, id, &session).await?;
        1
    };
    let body = ok(&serde_json::json!({ "ended": ended }));
    Ok(Answer::of(&session, body))
}

/// Ends one session, at once here, elsewhere within the cache time.
async fn end_one<H: Host>(
    context: Context<'_, H>,
    id: SessionId,
    session: &SessionRecord,
) -> Result<(), Rejection> {
    context.worker.forget(&[id]);
    let before = Vec::from([id.removal()]);
    let users = context.users();
    users.update(of(session, before), &mut OneGone(id)).await?;
    // Once more: a look-up may have found it before it was gone from the store.
    context.worker.forget(&[id]);
    Ok(())
}

/// Ends all sessions of the user, and says how many.
///
/// The list is tidied when all that it names are gone, and only if it names nobody else by then: had the store failed
/// before, or had a login come between, they would still be on it. And the session that asks is the last to go: until
/// then its client can ask again.
async fn end_all<H: Host>(
    context: Context<'_, H>,
    id: SessionId,
    session: &SessionRecord,
) -> Result<usize, Rejection> {
    let mut all = AllGone {
        worker: context.worker,
        id,
        ended: Vec::from([id]),
        asks: true,
    };
    let users = context.users();
    users.update(of(session, Vec::new()), &mut all).await?;
    if all.asks {
        context.sessions().end(&[id]).await?;
    }
    // Once more: a look-up may have found one before it was gone from the store.
    context.worker.forget(&all.ended);
    Ok(all.ended.len())
}

fn of(session: &SessionRecord, before: Vec<Write>) -> Of<'_> {
    Of {
        appid: &session.appid,
        openid: &session.openid,
        before,
        adds: None,
    }
}

/// The user without this session.
struct OneGone(SessionId);

impl UserChange for OneGone {
    fn apply(&mut self, user: Option<UserRecord>) -> Result<Option<Changed>, Rejection> {
        let named = user.filter(|user| user.sessions.contains(&self.0));
        Ok(named.map(|mut user| {
            user.sessions.retain(|own| *own != self.0);
            Changed::only(user)
        }))
    }

    fn is_there(&self, user: &UserRecord) -> bool {
        !user.sessions.contains(&self.0)
    }
}

/// The user without any session.
struct AllGone<'a> {
    worker: &'a Worker,
    /// The session that asks.
    id: SessionId,
    ended: Vec<SessionId>,
    /// It is still there.
    asks: bool,
}

impl UserChange for AllGone<'_> {
    fn apply(&mut self, user: Option<UserRecord>) -> Result<Option<Changed>, Rejection> {
        let Some(mut user) = user else {
            return Ok(None);
        };
        let mut others = core::mem::take(&mut user.sessions);
        if others.is_empty() {
            return Ok(None);
        }
        others.retain(|own| !self.ended.contains(own));
        self.worker.forget(&others);
        let mut first = Vec::from([others.iter().map(SessionId::removal).collect()]);
        if core::mem::take(&mut self.asks) {
            first.push(Vec::from([self.id.removal()]));
        }
        self.ended.append(&mut others);
        Ok(Some(Changed {
            first,
            ..Changed::only(user)
        }))
    }

    fn is_there(&self, user: &UserRecord) -> bool {
        !user.sessions.iter().any(|own| self.ended.contains(own))
    }
}
