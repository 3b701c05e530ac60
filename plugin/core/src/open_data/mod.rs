//! Open data of a session, opened with its user's key ring and counted against the session if it does not open. Who is
//! refused is not told why.

pub(crate) mod phone;
mod replay;
mod submitted;

use alloc::rc::Rc;

use futures_util::future::join;

use crate::config::OpenDataRules;
use crate::host::{Host, Request};
use crate::metrics::Counter;
use crate::params::Params;
use crate::records::record::SessionRecord;
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::release_rule::session_of;
use crate::time::UnixMillis;
use crate::wechat::encrypted_data::Expected;
use crate::worker::Context;

pub(crate) use self::submitted::{Opened, RingKey, Submitted};

/// The session behind a request whose open data was opened.
pub(crate) struct Owner {
    pub(crate) session: Rc<SessionRecord>,
    pub(crate) opened: Opened,
}

/// What open data of this session must say of itself.
pub(crate) fn expected<'a>(
    rules: &OpenDataRules,
    appid: &'a str,
    openid: &'a str,
    now: UnixMillis,
) -> Expected<'a> {
    Expected {
        appid,
        openid,
        max_age: rules.max_age,
        now,
    }
}

/// Receives open data that must hold `required`. The session comes first: a stranger's body is not worth buffering.
pub(crate) async fn receive<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    required: &'static str,
) -> Result<Owner, Rejection> {
    let (token, session) = session_of(context, request.head()).await?;
    let params = Params::read(request, context.config().body_bytes).await?;
    params.required(required)?;
    let submitted = Submitted::from_params(&params, context.host)?;
    open(context, &token, session, &submitted).await
}

/// Opens what the owner of `token` submitted. All failures that depend on the content are one rejection, and count
/// against the session.
pub(crate) async fn open<H: Host>(
    context: Context<'_, H>,
    token: &Token,
    session: Rc<SessionRecord>,
    submitted: &Submitted,
) -> Result<Owner, Rejection> {
    let host = context.host;
    let rules = &context.config().open_data;
    let (users, openings) = (context.users(), context.openings());
    // A login that a replica has not heard of has brought a key, too.
    let latest = context.sessions().may_be_missed(token);
    let (user, opening) = join(
        users.load(&session.appid, &session.openid, latest),
        openings.reserve(token),
    )
    .await;
    let (user, opening) = (user?, opening?);
    openings.turn(token, &session).await?;
    let expected = expected(rules, &session.appid, &session.openid, host.now());
    let opened = user.and_then(|user| submitted.open(&user.ring, &expected));
    let Some(opened) = opened else {
        host.count(Counter::OpenDataRefused);
        openings.failed(token, &session, opening).await?;
        return Err(Reason::SessionKeyStale.into());
    };
    host.count(match opened.key {
        RingKey::Current => Counter::OpenDataCurrent,
        RingKey::Previous => Counter::OpenDataPrevious,
    });
    if rules.refuse_replay
        && let Some(data) = &submitted.encrypted
    {
        replay::refuse(context, token, &session, data).await?;
    }
    Ok(Owner { session, opened })
}
