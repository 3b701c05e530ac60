//! A code becomes a session: the login itself, whichever endpoint it is for. Renders no answer.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use futures_util::future::join3;

use crate::edge::Edge;
use crate::edge::flight::{Outcome, Turn};
use crate::edge::guard::Admission;
use crate::edge::quota::Quota;
use crate::endpoint::code_exchange::exchange;
use crate::endpoint::logged_in::{
    INVALID_PARAMETER, LoggedIn, NEW, NO_PROFILE, RETURNING, SESSION_KEY_STALE, SWITCHED, Told,
};
use crate::endpoint::login_input::{LoginInput, Place};
use crate::endpoint::profile::Merged;
use crate::endpoint::{code_memory, open_data, profile};
use crate::host::{Host, Request};
use crate::metrics::{Counter, Histogram};
use crate::rejection::{Reason, Rejection};
use crate::session::record::{CodeRecord, KeyRing, SessionRecord, UserRecord, code_key};
use crate::session::sessions::Gone;
use crate::session::token::{SessionId, Token};
use crate::session::users::Changed;
use crate::session::{sessions, trials, users};
use crate::store::{Key, StoreError, Write};
use crate::time::UnixMillis;
use crate::wechat::code2session::Code2Session;
use crate::wechat::payload::{Shape, is_user_info};

/// Logs in with what the request carries in `place`, and counts what became of it.
pub(crate) async fn log_in<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
    place: Place,
) -> Outcome {
    let started = edge.now(host);
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
    let admitted = match Admission::take(&edge.guard, host, address) {
        Ok(admitted) => admitted,
        // Before the store is asked. But a login of a moment ago is given again, where it is known to be one.
        Err(rejection) => return repeated(edge, host, input, key, rejection).await,
    };
    // Everything that can fail without WeChat comes first: after the exchange the code is spent.
    let token = Token::mint(host, &edge.keys)?;
    let number = edge.config.number(input.app);
    let (known, old, quota) = join3(
        code_memory::recall(edge, host, input, key, false),
        old_session(edge, host, input),
        Quota::take(edge, host, number, address),
    )
    .await;
    if let Some(login) = known? {
        host.count(Counter::LoginRepeated);
        return Ok(login);
    }
    let (old, quota) = (old?, quota?);
    let exchanged = exchange(edge, host, input.app, &input.js_code, &quota);
    let login = match exchanged.await {
        Ok(login) => login,
        Err(refused) => {
            let outcome = if refused.rejection.reason == Reason::CodeUsed {
                code_memory::used_elsewhere(edge, host, input, key, refused.rejection).await
            } else {
                Err(refused.rejection)
            };
            // A code that was used by this client a moment ago is no refusal.
            if outcome.is_err() && refused.is_the_clients {
                admitted.used_up();
                quota.is_settled();
            }
            return outcome;
        }
    };
    let granted = Granted {
        login,
        token,
        old,
        returns: quota.returns(edge, number),
    };
    let login = write_down(edge, host, input, key, &granted).await?;
    quota.is_settled();
    edge.guard.borrow_mut().remember(&key.hash, host.now());
    host.count(Counter::LoginOk);
    Ok(login)
}

/// What WeChat has granted, and what belongs to it.
struct Granted {
    login: Code2Session,
    /// Of the new session.
    token: Token,
    /// The session that this phone had before.
    old: Option<(SessionId, SessionRecord)>,
    /// Writes that give back what the exchange had taken of the quota.
    returns: Vec<Write>,
}

/// Writes what WeChat has said. In this order, whoever breaks off in the middle: a session is there before its user
/// names it, and gone before its user no longer does. So a logout everywhere, which ends what the user names, ends all.
async fn write_down<H: Host>(
    edge: &Edge,
    host: &H,
    input: &LoginInput<'_>,
    key: &Key,
    granted: &Granted,
) -> Outcome {
    let Granted { login, token, .. } = granted;
    let id = token.id();
    let mut generation = None;
    let mut stored = Rc::new(session(edge, host, input, login));
    let mut ended: Vec<SessionId> = granted.old.iter().map(|(old, _)| *old).collect();
    sessions::forget(edge, &ended);
    let mut before = Vec::from([sessions::entry(edge, host, token, &stored)?]);
    before.extend(ended.iter().map(SessionId::removal));
    let user = users::Of {
        appid: &input.app.appid,
        openid: &login.openid,
        before,
        adds: Some(id.key()),
    };
    let change = |user: Option<UserRecord>| {
        let known = ended.len();
        let (user, told) = enter(edge, host, input, granted, &mut ended, user);
        let surplus = ended.get(known..).unwrap_or_default();
        sessions::forget(edge, surplus);
        let mut first: Vec<Write> = surplus.iter().map(SessionId::removal).collect();
        // WeChat does not say a unionid each time, and the user knows; and only the user's keys say what the data is worth.
        let whole = SessionRecord {
            unionid: user.unionid.as_deref().map(Into::into),
            failures: match told.open_data {
                Some(SESSION_KEY_STALE) => trials::born_with(edge),
                _ => 0,
            },
            ..(*stored).clone()
        };
        if *stored != whole {
            stored = Rc::new(whole);
            first.push(sessions::entry(edge, host, token, &stored)?);
        }
        let login = LoggedIn {
            token: token.clone(),
            session: Rc::clone(&stored),
            told,
        };
        let record = CodeRecord {
            token: token.text(),
            openid: (*login.session.openid).into(),
            answer: login.body(edge),
            made_at: host.now(),
        };
        let mut along: Vec<Write> = granted.returns.clone();
        along.extend(code_memory::entry(edge, host, input, key, &record)?);
        if login.session.failures > 0 {
            along.extend(trials::born_without(edge, host, token));
        }
        generation = Some(edge.cache.borrow().generation());
        Ok(Some(Changed {
            user,
            first: Vec::from([first]),
            along,
            outcome: login,
        }))
    };
    let is_there = |user: &UserRecord| user.sessions.contains(&id);
    let login = users::update(edge, host, user, change, is_there).await?;
    let login = login.ok_or(Reason::Internal)?;
    // The next request of this phone comes at once, and a replica of the store may not have heard of the session yet.
    if let Some(generation) = generation {
        let now = login.session.seen_at;
        sessions::remember(edge, token, id, &login.session, now, generation);
    }
    // Once more: a look-up may have found one before it was gone from the store.
    sessions::forget(edge, &ended);
    Ok(login)
}

/// What a client gets whose network has used up its minute: a login that this worker made of the same code, or else the
/// refusal.
async fn repeated<H: Host>(
    edge: &Edge,
    host: &H,
    input: &LoginInput<'_>,
    key: &Key,
    rejection: Rejection,
) -> Outcome {
    if !edge.guard.borrow().remembers(&key.hash, host.now()) {
        return Err(rejection);
    }
    let known = code_memory::recall(edge, host, input, key, false).await?;
    if known.is_some() {
        host.count(Counter::LoginRepeated);
    }
    known.ok_or(rejection)
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
    let found = sessions::load(edge, host, token, &id, host.now(), Gone::Ends).await?;
    Ok(found.map(|found| (id, found.record)))
}

/// The new session.
fn session(
    edge: &Edge,
    host: &impl Host,
    input: &LoginInput<'_>,
    login: &Code2Session,
) -> SessionRecord {
    let now = host.now();
    SessionRecord {
        appid: input.app.appid.as_str().into(),
        openid: login.openid.as_str().into(),
        unionid: login.unionid.as_deref().map(Into::into),
        seen_at: now,
        expires_at: now.after(edge.config.session.absolute),
        failures: 0,
    }
}

/// The user record after this login, and what the client is told. Runs again if another worker changed the record
/// meanwhile. `ended` are the sessions that this login has ended so far, to which those beyond `max_per_user` come.
fn enter(
    edge: &Edge,
    host: &impl Host,
    input: &LoginInput<'_>,
    granted: &Granted,
    ended: &mut Vec<SessionId>,
    user: Option<UserRecord>,
) -> (UserRecord, Told) {
    let Granted { login, token, .. } = granted;
    let now = host.now();
    let event = match (&granted.old, &user) {
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
    let id = token.id();
    // Its own too, which is there already where a change that seemed lost was not.
    user.sessions
        .retain(|own| !ended.contains(own) && *own != id);
    user.sessions.push(id);
    let surplus = user
        .sessions
        .len()
        .saturating_sub(edge.config.session.max_per_user);
    ended.extend(user.sessions.drain(..surplus));
    let open_data = take_open_data(edge, input, login, now, &mut user);
    let told = Told {
        registered: user.registered,
        event,
        user: user.registered.then(|| Rc::new(profile::view(&user))),
        open_data,
    };
    (user, told)
}

/// Stores the profile that came with the login. Says so if it was of no use: the login itself stands, for its code is
/// spent.
fn take_open_data(
    edge: &Edge,
    input: &LoginInput<'_>,
    login: &Code2Session,
    now: UnixMillis,
    user: &mut UserRecord,
) -> Option<&'static str> {
    let useless = input.open_data_is_malformed.then_some(INVALID_PARAMETER);
    if input.open_data.is_empty() {
        return useless;
    }
    let expected = open_data::expected(edge, &input.app.appid, &login.openid, now);
    let Some(opened) = input.open_data.open(&user.ring, &expected) else {
        return Some(SESSION_KEY_STALE);
    };
    let (payload, shape) = match (&opened.open_data, &input.open_data.raw_data) {
        (Some(data), _) => (data.json.as_str(), data.shape),
        (None, Some(raw_data)) if is_user_info(raw_data) => (raw_data.as_str(), Shape::UserInfo),
        (None, _) => return Some(NO_PROFILE),
    };
    let Ok(Merged::Profile(profile)) = profile::merge(&user.profile, payload, shape) else {
        return useless.or(Some(NO_PROFILE));
    };
    user.profile = profile;
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
