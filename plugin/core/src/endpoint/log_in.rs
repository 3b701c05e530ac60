//! A code becomes a session: the login itself, whichever endpoint it is for. Renders no answer.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use futures_util::future::join;

use crate::edge::Edge;
use crate::edge::flight::{Outcome, Turn};
use crate::endpoint::code_exchange::exchange;
use crate::endpoint::logged_in::{
    LoggedIn, NEW, NO_PROFILE, RETURNING, SESSION_KEY_STALE, SWITCHED, Told,
};
use crate::endpoint::login_input::{LoginInput, Place};
use crate::endpoint::{code_memory, open_data, profile};
use crate::host::{Host, Request};
use crate::metrics::{Counter, Histogram};
use crate::rejection::Reason;
use crate::session::record::{CodeRecord, KeyRing, SessionRecord, UserRecord, code_key};
use crate::session::token::{SessionId, Token};
use crate::session::users::Changed;
use crate::session::{sessions, users};
use crate::store::{Key, StoreError};
use crate::time::UnixMillis;
use crate::wechat::code2session::Code2Session;

/// Logs in with what the request carries in `place`, and counts what became of it.
pub(crate) async fn log_in<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
    place: Place,
) -> Outcome {
    let started = host.now();
    let outcome = attempt(edge, host, request, place).await;
    host.observe(Histogram::LoginMs, host.now().since(started));
    // Those beyond the limits are counted as such alone: of most of them nobody knows what they were about.
    if let Err(rejection) = &outcome
        && rejection.reason != Reason::Overloaded
    {
        host.count(counter(rejection.reason));
    }
    outcome
}

async fn attempt<H: Host, R: Request>(edge: &Edge, host: &H, request: &R, place: Place) -> Outcome {
    let input = LoginInput::read(edge, host, request, place).await?;
    let address = request.client_address();
    let key = code_key(&input.app.appid, &input.js_code);
    let lead = match edge.flights.join(host, &key.name).await {
        Turn::Lead(lead) => lead,
        Turn::Followed(outcome) => {
            host.count(Counter::LoginRepeated);
            return outcome;
        }
        Turn::Crowded => return Err(Reason::LoginRateLimited.into()),
    };
    let outcome = fly(edge, host, &input, &key, address.as_deref()).await;
    lead.land(&outcome);
    outcome
}

/// The login itself, at most once at a time for one code.
async fn fly<H: Host>(
    edge: &Edge,
    host: &H,
    input: &LoginInput<'_>,
    key: &Key,
    address: Option<&str>,
) -> Outcome {
    // Everything that can fail without WeChat comes first: after the exchange the code is spent.
    let token = Token::mint(host)?;
    let (known, old) = join(
        code_memory::recall(edge, host, input, key),
        old_session(edge, host, input),
    )
    .await;
    if let Some(login) = known? {
        host.count(Counter::LoginRepeated);
        return Ok(login);
    }
    let old = old?;
    let login = match exchange(edge, host, input.app, &input.js_code, address).await {
        Ok(login) => login,
        Err(rejection) if rejection.reason == Reason::CodeUsed => {
            return code_memory::used_elsewhere(edge, host, input, key, rejection).await;
        }
        Err(rejection) => return Err(rejection),
    };
    let entered = users::update(edge, host, &input.app.appid, &login.openid, |user| {
        let (user, entered) = enter(edge, host, input, &login, &token, old.as_ref(), user);
        let login = LoggedIn {
            token: token.clone(),
            session: Rc::new(session(edge, host, input, &login, &user)),
            told: entered.told,
        };
        let mut along = Vec::from([sessions::entry(edge, host, &token, &login.session)?]);
        let record = CodeRecord {
            token: token.text(),
            openid: (*login.session.openid).into(),
            answer: login.body(edge),
        };
        along.extend(code_memory::entry(edge, host, input, key, &record)?);
        along.extend(entered.ended.iter().map(SessionId::removal));
        sessions::forget(edge, &entered.ended);
        Ok(Some(Changed {
            user,
            along,
            outcome: (entered.ended, login),
        }))
    })
    .await?;
    let (ended, login) = entered.ok_or(Reason::Internal)?;
    // Once more: a look-up may have found one before it was gone from the store.
    sessions::forget(edge, &ended);
    host.count(Counter::LoginOk);
    Ok(login)
}

/// The session that this phone had before, expired or not.
async fn old_session<H: Host>(
    edge: &Edge,
    host: &H,
    input: &LoginInput<'_>,
) -> Result<Option<(SessionId, SessionRecord)>, StoreError> {
    let Some(token) = &input.old_token else {
        return Ok(None);
    };
    let id = token.id();
    let found = sessions::load(edge, host, token, &id, host.now()).await?;
    Ok(found.map(|found| (id, found.record)))
}

/// The new session.
fn session(
    edge: &Edge,
    host: &impl Host,
    input: &LoginInput<'_>,
    login: &Code2Session,
    user: &UserRecord,
) -> SessionRecord {
    let now = host.now();
    SessionRecord {
        appid: input.app.appid.as_str().into(),
        openid: login.openid.as_str().into(),
        unionid: user.unionid.as_deref().map(Into::into),
        seen_at: now,
        expires_at: now.after(edge.config.session.absolute),
        failures: 0,
    }
}

/// What a login made of the user.
struct Entered {
    told: Told,
    /// The old session of this phone, and those beyond `max_per_user`.
    ended: Vec<SessionId>,
}

/// The user record after this login. Runs again if another worker changed the record meanwhile.
fn enter(
    edge: &Edge,
    host: &impl Host,
    input: &LoginInput<'_>,
    login: &Code2Session,
    token: &Token,
    old: Option<&(SessionId, SessionRecord)>,
    user: Option<UserRecord>,
) -> (UserRecord, Entered) {
    let now = host.now();
    let event = match (old, &user) {
        (Some((_, old)), _) if *old.openid != *login.openid => SWITCHED,
        (_, Some(_)) => RETURNING,
        (_, None) => NEW,
    };
    let mut user = user.unwrap_or_else(|| UserRecord {
        ring: KeyRing::new(login.session_key.clone()),
        unionid: None,
        registered: false,
        profile: String::from("{}"),
        sessions: Vec::new(),
        created_at: now,
    });
    user.ring.rotate(login.session_key.clone());
    user.unionid = login.unionid.clone().or(user.unionid);
    let mut ended: Vec<SessionId> = old.iter().map(|(old, _)| *old).collect();
    user.sessions.retain(|own| !ended.contains(own));
    user.sessions.push(token.id());
    let surplus = user
        .sessions
        .len()
        .saturating_sub(edge.config.session.max_per_user);
    ended.extend(user.sessions.drain(..surplus));
    let open_data = take_open_data(edge, input, login, now, &mut user);
    let entered = Entered {
        told: Told {
            registered: user.registered,
            event,
            user: user.registered.then(|| Rc::new(profile::view(&user))),
            open_data,
        },
        ended,
    };
    (user, entered)
}

/// Stores the profile that came with the login. Says so if it fitted no key or holds no profile: the login itself
/// stands, for its code is spent.
fn take_open_data(
    edge: &Edge,
    input: &LoginInput<'_>,
    login: &Code2Session,
    now: UnixMillis,
    user: &mut UserRecord,
) -> Option<&'static str> {
    if input.open_data.is_empty() {
        return None;
    }
    let expected = open_data::expected(edge, &input.app.appid, &login.openid, now);
    let Some(opened) = input.open_data.open(&user.ring, &expected) else {
        return Some(SESSION_KEY_STALE);
    };
    let payload = match (&opened.open_data, &input.open_data.raw_data) {
        (Some(data), _) => data.json.as_str(),
        (None, Some(raw_data)) => raw_data,
        (None, None) => return None,
    };
    let Ok(merged) = profile::merge(&user.profile, payload) else {
        return Some(NO_PROFILE);
    };
    user.profile = merged;
    user.registered = true;
    None
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
        | Reason::UnknownApp => Counter::LoginBadRequest,
        _ => Counter::LoginFailed,
    }
}
