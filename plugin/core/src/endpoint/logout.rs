//! `POST /wx/logout {everywhere?}`, or `GET` with `X-WX-Everywhere`: ends this session, or all sessions of the user. Ending
//! what is gone, or was never there, is no error: clients that are refused here loop, or can never log out. A mere link
//! ends nothing: with GET the token must be in a header.

use alloc::rc::Rc;

use super::answer::{Answer, ok};
use crate::cookie;
use crate::host::{Host, Request};
use crate::params::Params;
use crate::presented::{Presented, in_headers, presented};
use crate::records::record::SessionRecord;
use crate::rejection::{Reason, Rejection};
use crate::release_rule;
use crate::session::sessions::Unusable;
use crate::worker::Context;

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    method: &str,
) -> Result<Answer, Rejection> {
    let (session, ended) = end(context, request, method).await?;
    let body = ok(&serde_json::json!({ "ended": ended }));
    Ok(Answer {
        body,
        openid: session.map(|session| Rc::clone(&session.openid.0)),
        cookie: cookie::clear(&context.config().session),
        token: None,
    })
}

/// The session that was ended, and how many there were.
async fn end<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    method: &str,
) -> Result<(Option<Rc<SessionRecord>>, usize), Rejection> {
    let Context { worker, host } = context;
    let (sessions, users) = (context.sessions(), context.users());
    let rules = &worker.config.session;
    let shown = presented(request.head(), rules)?;
    let Presented::Token(token) = shown else {
        return Ok((None, 0));
    };
    // Before anything else can be refused: what is gone is logged out, whoever asks and however.
    let Some(found) = sessions.load(&token, host.now(), Unusable::Delete).await? else {
        return Ok((None, 0));
    };
    if method == "GET" && !matches!(in_headers(request.head(), rules)?, Presented::Token(_)) {
        return Err(Reason::not_allowed(&["POST"]));
    }
    let params = Params::read(request, worker.config.body_bytes).await?;
    let everywhere = params.flag("everywhere")?;
    let (id, session) = (found.id, Rc::clone(&found.record));
    release_rule::judge(request.head(), &worker.config, Some(&session.appid), false)?;
    let live = !sessions.is_over(&session, host.now());
    let ended = if everywhere && live {
        users
            .end_all(Some(id), &session.appid, &session.openid, None)
            .await?
    } else {
        users.end_one(id, &session.appid, &session.openid).await?;
        usize::from(live)
    };
    Ok((Some(session), ended))
}
