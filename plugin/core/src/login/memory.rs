//! The memory of a minute: the same code again (two taps, a retry after a lost answer) gets the same login. It lies in
//! the store, sealed under a key that comes from the code, so that only who has the code can open it.

use alloc::rc::Rc;
use core::time::Duration;

use futures_util::future::join;

use super::input::LoginInput;
use crate::host::Host;
use crate::memory::found::Found;
use crate::metrics::Counter;
use crate::records::login::LoggedIn;
use crate::records::record::{CodeRecord, SessionRecord, UserRecord, code_scope};
use crate::records::token::Token;
use crate::rejection::Rejection;
use crate::session::sessions::Unusable;
use crate::store::{Change, Key, Life, Store, Write};
use crate::worker::{Context, LoginOutcome};

/// Waits before looking for a login that another worker may be writing down.
const LOOK_AGAIN: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
];

/// The login that was made of this very code a moment ago, if its session still lives and its user knows of it: a login
/// that failed half-way may have left one of its entries. With `latest`, no replica is asked.
pub(super) async fn recall<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    key: &Key,
    latest: bool,
) -> Result<Option<LoggedIn>, Rejection> {
    let Context { worker, host } = context;
    let remember = worker.config.login.remember;
    if remember.is_zero() {
        return Ok(None);
    }
    let store = context.store();
    let sealed = if latest {
        store.get_latest(key, host.now()).await
    } else {
        store.get(key, host.now()).await
    };
    let scope = code_scope(&input.js_code, &key.name);
    let record = sealed?.and_then(|sealed| context.open(&scope, &sealed));
    // By its own time and not the store's: a clock may have been set back.
    let is_recent = |record: &CodeRecord| host.now().is_near(remember, record.made_at);
    let Some(record) = record.filter(is_recent) else {
        return Ok(None);
    };
    let token = Token(record.token);
    let id = token.id();
    let (sessions, users) = (context.sessions(), context.users());
    if input.binds {
        let user = users.load(&input.mini_program.appid, &record.openid, false);
        return Ok(user.await?.map(|user| LoggedIn {
            token,
            session: Rc::new(nobodys_session(input, &record, &user)),
            told: record.told.clone(),
        }));
    }
    let (session, user) = join(
        sessions.load(&token, host.now(), Unusable::Keep),
        users.load(&input.mini_program.appid, &record.openid, true),
    )
    .await;
    let known = user?.is_some_and(|user| user.lists(&id));
    let alive = |found: &Rc<Found>| known && !sessions.is_over(&found.record, host.now());
    Ok(session?.filter(alive).map(|found| LoggedIn {
        token,
        session: Rc::clone(&found.record),
        told: record.told.clone(),
    }))
}

/// Says whose code it was, in place of a session: a code that binds has none.
fn nobodys_session(
    input: &LoginInput<'_>,
    record: &CodeRecord,
    user: &UserRecord,
) -> SessionRecord {
    SessionRecord {
        appid: input.mini_program.appid.as_str().into(),
        openid: record.openid.as_str().into(),
        unionid: user.unionid.as_deref().map(Into::into),
        seen_at: record.made_at,
        expires_at: record.made_at,
        failures: 0,
        attributes: None,
    }
}

/// Looks for the login of a code that was used, or that may be refused for that: another worker or edge may just be
/// writing it down. If nothing comes, somebody else has used the code.
pub(super) async fn used_elsewhere<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    key: &Key,
    rejection: Rejection,
) -> LoginOutcome {
    if context.config().login.remember.is_zero() {
        return Err(rejection);
    }
    for wait in LOOK_AGAIN {
        context.host.sleep(wait).await;
        if let Some(login) = recall(context, input, key, true).await? {
            context.host.count(Counter::LoginRepeated);
            return Ok(login);
        }
    }
    Err(rejection)
}

/// The write that remembers a login; `None` if nothing is to be remembered.
pub(super) fn entry<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    key: &Key,
    record: &CodeRecord,
) -> Result<Option<Write>, Rejection> {
    let Context { worker, host } = context;
    let remember = worker.config.login.remember;
    if remember.is_zero() {
        return Ok(None);
    }
    let scope = code_scope(&input.js_code, &key.name);
    let sealed = worker.keys.seal(host, &scope, record)?;
    let now = host.now();
    let life = Life::lasting(now, remember);
    Ok(Some(Write {
        key: key.clone(),
        change: Change::Put(sealed, life),
    }))
}
