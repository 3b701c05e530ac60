//! `GET /wx/session`: does the client need to log in again? Looks only; does not extend the session. With `?check=wechat`
//! WeChat is asked too, whether it still holds the user's session_key.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;

use serde::Serialize;

use super::answer::{Answer, ok};
use crate::head::Head;
use crate::host::{Host, Request};
use crate::limits::rate_limit::MINUTE;
use crate::metrics::Counter;
use crate::params::Params;
use crate::presented::{Presented, presented};
use crate::quota::tickets::{Taken, Tickets};
use crate::records::record::{SessionRecord, user_key};
use crate::rejection::{Reason, Rejection};
use crate::release_rule;
use crate::session::sessions::Unusable;
use crate::wechat::check_session_key;
use crate::wechat_api::call::{Call, app_of, call};
use crate::wechat_api::failure::Failure;
use crate::worker::Context;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    has_session: bool,
    expired: bool,
    /// Seconds until it ends if it is not used.
    expires_in: u64,
    /// WeChat still holds the key of this user, if somebody wants to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_key_valid: Option<bool>,
}

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let Context { worker, host } = context;
    let sessions = context.sessions();
    let checks = checks(request.head())?;
    let found = match presented(request.head(), &worker.config.session)? {
        Presented::Token(token) => {
            let now = host.now();
            sessions.load(&token, now, Unusable::Keep).await?
        }
        Presented::Malformed | Presented::Nothing => None,
    };
    let Some(found) = found else {
        let body = ok(&State {
            has_session: false,
            expired: false,
            expires_in: 0,
            session_key_valid: None,
        });
        return Ok(Answer {
            body,
            ..Answer::default()
        });
    };
    let session = Rc::clone(&found.record);
    release_rule::judge(request.head(), &worker.config, Some(&session.appid), false)?;
    let expired = sessions.is_over(&session, host.now());
    let session_key_valid = if checks && !expired {
        Some(Box::pin(is_valid(context, &session)).await?)
    } else {
        None
    };
    let now = host.now();
    let body = ok(&State {
        has_session: true,
        expired: sessions.is_over(&session, now),
        session_key_valid,
        expires_in: sessions.remaining(&session, now).as_secs(),
    });
    Ok(Answer::of(&session, body))
}

/// Whether the query asks for WeChat's word.
fn checks(head: &Head) -> Result<bool, Rejection> {
    let target = head.text(":path").unwrap_or_default();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    match Params::of_query(query).text("check")? {
        None => Ok(false),
        Some("wechat") => Ok(true),
        Some(_) => Err(Reason::InvalidParameter.parameter("check", "must be wechat, or left out")),
    }
}

/// How often WeChat is asked about one user in a minute. A client asks once before it fetches open data.
const CHECKS: u32 = 10;

/// Whoever has a session could otherwise use up the app's calls of the day. What was tried counts, whatever WeChat says.
async fn may_ask<H: Host>(
    context: Context<'_, H>,
    session: &SessionRecord,
) -> Result<(), Rejection> {
    let user = user_key(&session.appid, &session.openid);
    let (keys, owner) = (&context.worker.keys, user.name.as_bytes());
    let tickets = Tickets::new(keys, "checks", owner, CHECKS, MINUTE);
    match tickets.ok_or(Reason::Internal)?.take(context).await? {
        Taken::Ticket(_) => Ok(()),
        Taken::Full => Err(Reason::WechatBusy
            .with("too many questions about this user's session_key in a minute")
            .retry_after(MINUTE)),
    }
}

/// Whether WeChat still holds the key of the session's user; `false` if the store does not know the user any more.
async fn is_valid<H: Host>(
    context: Context<'_, H>,
    session: &SessionRecord,
) -> Result<bool, Rejection> {
    let host = context.host;
    let app = app_of(
        context.config(),
        &session.appid,
        Reason::InvalidToken,
        "check",
    )?;
    let users = context.users();
    let user = users.load(&session.appid, &session.openid, true).await?;
    let Some(user) = user else { return Ok(false) };
    may_ask(context, session).await?;
    let query = check_session_key::query(&session.openid, &user.ring.current);
    let question = Call {
        method: "GET",
        path: check_session_key::PATH,
        query: query.ok_or(Reason::Internal)?,
        body: Vec::new(),
        must_finish: false,
    };
    let answer = call(context, app, &question, check_session_key::read).await;
    host.count(match &answer {
        Ok(true) => Counter::KeyValid,
        Ok(false) => Counter::KeyStale,
        Err(_) => Counter::KeyUnknown,
    });
    answer.map_err(Failure::rejection)
}
