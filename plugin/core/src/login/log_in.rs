//! The login itself, at most once at a time for one code.

use alloc::rc::Rc;

use futures_util::future::join3;

use super::exchange::exchange;
use super::input::{LoginInput, Source};
use super::memory;
use super::write_down::{Granted, write_down};
use crate::host::{Host, Request};
use crate::limits::rate_limit::Permit;
use crate::metrics::{Counter, Histogram};
use crate::quota::Quota;
use crate::records::login::LoggedIn;
use crate::records::record::SessionRecord;
use crate::records::token::{SessionId, Token};
use crate::rejection::{Reason, Rejection};
use crate::release_rule;
use crate::session::sessions::Unusable;
use crate::single_flight::{TAPS, Turn};
use crate::store::{Key, StoreError};
use crate::worker::{Context, LoginOutcome};

/// Logs in with what the request carries in `source`, and counts what became of it. `observed`: no list of releases refuses
/// it.
pub(crate) async fn log_in<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    source: Source<'_>,
    observed: bool,
) -> LoginOutcome {
    let host = context.host;
    let started = context.now();
    let outcome = attempt(context, request, source, observed).await;
    host.observe(Histogram::LoginMs, host.now().since(started));
    // Overloaded requests count as overloaded only: most were turned away before anybody knew that they were logins.
    if let Err(rejection) = &outcome
        && rejection.reason != Reason::Overloaded
    {
        host.count(counter(rejection.reason));
    }
    outcome
}

async fn attempt<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    source: Source<'_>,
    observed: bool,
) -> LoginOutcome {
    let Context { worker, host } = context;
    let input = LoginInput::read(context, request, source).await?;
    // Before the code is spent.
    let appid = Some(&*input.mini_program.appid);
    release_rule::judge(request.head(), &worker.config, appid, observed)?;
    let address = request.client_address();
    let key = input.code_key();
    let lead = match worker.logins.join(host, &key.name, TAPS).await {
        Turn::Lead(lead) => lead,
        Turn::Followed(outcome) => {
            host.count(Counter::LoginRepeated);
            return outcome;
        }
        Turn::Crowded => return Err(Reason::LoginRateLimited.into()),
    };
    let outcome = lead_in(context, &input, &key, address.as_deref()).await;
    lead.land(&outcome);
    outcome
}

/// The login of the one request that does the work for all with this code.
async fn lead_in<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    key: &Key,
    address: Option<&str>,
) -> LoginOutcome {
    let Context { worker, host } = context;
    let permit = match Permit::take(&worker.rate_limit, host, address) {
        Ok(permit) => permit,
        // Before the store is asked. But a login of a moment ago is given again, where it is known to be one.
        Err(rejection) => return repeated(context, input, key, rejection).await,
    };
    // Everything that can fail without WeChat comes first: after the exchange the code is spent.
    let token = Token::mint(host, &worker.keys)?;
    let number = worker.config.number(input.mini_program);
    let (known, old, quota) = join3(
        memory::recall(context, input, key, false),
        old_session(context, input),
        Quota::take(context, number, address),
    )
    .await;
    if let Some(login) = known? {
        host.count(Counter::LoginRepeated);
        end_old(context, &login, &old?).await?;
        return Ok(login);
    }
    let (old, quota) = (old?, quota?);
    let login = match exchange(context, input, number, &quota).await {
        Ok(login) => login,
        Err(refused) => {
            let outcome = if refused.may_be_used {
                memory::used_elsewhere(context, input, key, refused.rejection).await
            } else {
                Err(refused.rejection)
            };
            if let Ok(login) = &outcome {
                end_old(context, login, &old).await?;
            }
            // A code that was used by this client a moment ago is no refusal.
            if outcome.is_err() && refused.is_the_clients {
                permit.used_up();
                quota.settled();
            }
            return outcome;
        }
    };
    let granted = Granted {
        login,
        token,
        old,
        returns: quota.returns(context),
    };
    let login = write_down(context, input, key, &granted).await?;
    quota.settled();
    worker
        .known_codes
        .borrow_mut()
        .remember(&key.hash, host.now());
    host.count(Counter::LoginOk);
    Ok(login)
}

/// What a client gets whose network has used up its minute: a login that this worker made of the same code, or else the
/// refusal.
async fn repeated<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    key: &Key,
    rejection: Rejection,
) -> LoginOutcome {
    let Context { worker, host } = context;
    let is_known = worker.known_codes.borrow().remembers(&key.hash, host.now());
    if !is_known {
        return Err(rejection);
    }
    let known = memory::recall(context, input, key, false).await?;
    if known.is_some() {
        host.count(Counter::LoginRepeated);
    }
    known.ok_or(rejection)
}

/// A login that is given again ends the phone's old session once more: that may be the part of it that failed.
async fn end_old<H: Host>(
    context: Context<'_, H>,
    login: &LoggedIn,
    old: &Option<(SessionId, Rc<SessionRecord>)>,
) -> Result<(), StoreError> {
    match old {
        Some((id, _)) if *id != login.token.id() => context.sessions().end(&[*id]).await,
        _ => Ok(()),
    }
}

/// The session that this phone had before, expired or not.
async fn old_session<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
) -> Result<Option<(SessionId, Rc<SessionRecord>)>, StoreError> {
    let Some(token) = &input.old_token else {
        return Ok(None);
    };
    let sessions = context.sessions();
    let now = context.host.now();
    let found = sessions.load(token, now, Unusable::Delete).await?;
    Ok(found.map(|found| (found.id, Rc::clone(&found.record))))
}

fn counter(reason: Reason) -> Counter {
    match reason {
        Reason::InvalidCode | Reason::CodeUsed => Counter::LoginBadCode,
        Reason::LoginRateLimited => Counter::LoginLimited,
        Reason::UserBlocked => Counter::LoginBlocked,
        Reason::MalformedBody
        | Reason::MissingParameter
        | Reason::InvalidParameter
        | Reason::UnsupportedMediaType
        | Reason::BodyTooLarge
        | Reason::BodyTimeout
        | Reason::InvalidHeader
        | Reason::ReleaseRefused
        | Reason::UnknownApp => Counter::LoginBadRequest,
        _ => Counter::LoginFailed,
    }
}
