//! `POST /wx/login {code, token?, appid?, rawData?, signature?, encryptedData?, iv?}`, or `GET` with `X-WX-Code`: a
//! code becomes a session.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::Value;

use crate::edge::Edge;
use crate::edge::flight::{Outcome, Turn};
use crate::endpoint::code_exchange::exchange;
use crate::endpoint::login_input::LoginInput;
use crate::endpoint::{code_memory, open_data, profile};
use crate::host::{Host, Request};
use crate::metrics::{Counter, Histogram};
use crate::rejection::Reason;
use crate::reply::Answer;
use crate::reply::ok;
use crate::session::record::{CodeRecord, KeyRing, SessionRecord, UserRecord, code_key};
use crate::session::token::{SessionId, Token};
use crate::session::{sessions, users};
use crate::store::Key;
use crate::time::{UnixMillis, millis};
use crate::wechat::code2session::Code2Session;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Login<'a> {
    token: &'a str,
    /// Seconds without use after which the session ends.
    expires_in: u64,
    registered: bool,
    event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Value>,
    /// The login stands, but the open data sent with it was of no use: it fitted no key (`session_key_stale`: fetch
    /// it again, then register) or holds no profile (`no_profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    open_data: Option<&'a str>,
}

/// Who logged in, as seen from this phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    New,
    Returning,
    /// Another account than the one whose token the phone still had.
    Switched,
}

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
    method: &str,
) -> Outcome {
    let started = host.now();
    let outcome = login(edge, host, request, method).await;
    host.observe(Histogram::LoginMs, host.now().since(started));
    if let Err(rejection) = &outcome {
        host.count(counter(rejection.reason));
    }
    outcome
}

async fn login<H: Host, R: Request>(edge: &Edge, host: &H, request: &R, method: &str) -> Outcome {
    let input = LoginInput::read(edge, host, request, method).await?;
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
    if let Some(answer) = code_memory::recall(edge, host, input, key).await? {
        host.count(Counter::LoginRepeated);
        return Ok(answer);
    }
    // Everything that can fail without WeChat comes first: after the exchange the code is spent.
    let token = Token::mint(host)?;
    let old = match &input.old_token {
        None => None,
        Some(old) => {
            let id = old.id();
            let found = sessions::load(edge, host, old, &id).await?;
            found.map(|found| (id, found.record))
        }
    };
    let login = match exchange(edge, host, input.app, &input.js_code, address).await {
        Ok(login) => login,
        Err(rejection) if rejection.reason == Reason::CodeUsed => {
            return code_memory::used_elsewhere(edge, host, input, key, rejection).await;
        }
        Err(rejection) => return Err(rejection),
    };
    let now = host.now();
    let appid = &input.app.appid;
    let id = token.id();

    let change = |user| enter(edge, input, &login, id, old.as_ref(), now, user);
    let entered = users::update(edge, host, appid, &login.openid, change).await?;
    let entered = entered.ok_or(Reason::Internal)?;
    let record = SessionRecord {
        appid: appid.clone(),
        openid: login.openid.clone(),
        unionid: entered.unionid,
        seen_at: now,
        expires_at: now.after(edge.config.session.absolute),
        failures: 0,
    };
    sessions::put(edge, host, &token, &record).await?;
    let text = zeroize::Zeroizing::new(token.text());
    let answer = ok(&Login {
        token: &text,
        expires_in: millis(edge.config.session.idle) / 1000,
        registered: entered.registered,
        event: entered.event,
        user: entered.view,
        open_data: entered.open_data,
    });
    let record = CodeRecord {
        token: text.to_string(),
        openid: login.openid.clone(),
        answer: answer.clone(),
    };
    code_memory::remember(edge, host, input, key, &record).await?;
    sessions::end(edge, host, &entered.ended).await?;
    host.count(Counter::LoginOk);
    Ok(Answer::of(&login.openid, answer))
}

/// What a login made of the user.
struct Entered {
    event: Event,
    registered: bool,
    unionid: Option<String>,
    view: Option<Value>,
    open_data: Option<&'static str>,
    /// The old session of this phone, and those beyond `max_per_user`.
    ended: Vec<SessionId>,
}

/// The user record after this login. Runs again if another worker changed the record meanwhile.
fn enter(
    edge: &Edge,
    input: &LoginInput<'_>,
    login: &Code2Session,
    id: SessionId,
    old: Option<&(SessionId, SessionRecord)>,
    now: UnixMillis,
    user: Option<UserRecord>,
) -> Option<(UserRecord, Entered)> {
    let event = match (old, &user) {
        (Some((_, old)), _) if old.openid != login.openid => Event::Switched,
        (_, Some(_)) => Event::Returning,
        (_, None) => Event::New,
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
    user.sessions.push(id);
    let surplus = user
        .sessions
        .len()
        .saturating_sub(edge.config.session.max_per_user);
    ended.extend(user.sessions.drain(..surplus));
    let open_data = take_open_data(edge, input, login, now, &mut user);
    let entered = Entered {
        event,
        registered: user.registered,
        unionid: user.unionid.clone(),
        view: user.registered.then(|| profile::view(&user)),
        open_data,
        ended,
    };
    Some((user, entered))
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
        return Some("session_key_stale");
    };
    let payload = match (&opened.open_data, &input.open_data.raw_data) {
        (Some(data), _) => data.json.as_str(),
        (None, Some(raw_data)) => raw_data,
        (None, None) => return None,
    };
    let Ok(merged) = profile::merge(&user.profile, payload) else {
        return Some("no_profile");
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
        | Reason::InvalidHeader
        | Reason::UnknownApp => Counter::LoginBadRequest,
        _ => Counter::LoginFailed,
    }
}
